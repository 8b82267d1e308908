"""Build the core and plugins as wheels, install them alone, and check each plugin there.

``python tests/wheels/check_wheels.py WORK ROOT...``: no editable install, and no repository on the
path. For each folder below a root with a ``pyproject.toml``: its wheel installs beside the core's,
its own tests pass (from a copy, so that what is tested is what was installed), and ``mmbench plugin
check DISTRIBUTION`` finds nothing.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Environment:
    """A virtual environment of its own.

    Attributes:
        folder: Where it is.
        work: Where its commands run: no repository in sight.
    """

    folder: Path
    work: Path

    @property
    def bin(self) -> Path:
        return self.folder / ("Scripts" if os.name == "nt" else "bin")

    def run(self, program: str, *arguments: str, cwd: Path | None = None) -> None:
        """Run an installed program; what it says goes to the screen."""
        print("$", program, *arguments, flush=True)
        drop = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "TOX_ENV_DIR")
        environment = {name: v for name, v in os.environ.items() if name not in drop}
        environment["MMBENCH_CACHE"] = str(self.work / "cache")
        subprocess.run(
            [str(self.bin / program), *arguments],
            check=True, cwd=cwd or self.work, env=environment,
        )  # fmt: skip


def build(folder: Path, into: Path) -> Path:
    """A folder's wheel."""
    into.mkdir(parents=True, exist_ok=True)
    before = set(into.glob("*.whl"))
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", into, folder],
        check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    (wheel,) = set(into.glob("*.whl")) - before
    return wheel


def install(environment: Environment, wheels: dict[Path, str]) -> None:
    """Install wheels with their test extras, in the tested versions."""
    uv = [shutil.which("uv") or "uv", "--quiet"]
    subprocess.run([*uv, "venv", "--python", sys.executable, environment.folder], check=True)
    wanted = [f"{wheel}{extra}" for wheel, extra in wheels.items()]
    subprocess.run(
        [*uv, "pip", "install", "--python", environment.bin / "python",
         "--constraints", ROOT / "constraints.txt", *wanted, "pytest", "pytest-timeout"],
        check=True,
    )  # fmt: skip


def check(environment: Environment, folder: Path, distribution: str) -> None:
    """One plugin's own tests, and the conformance kit."""
    copied = environment.work / distribution
    shutil.copytree(folder / "tests", copied / "tests")
    shutil.copy(folder / "pyproject.toml", copied)
    environment.run("python", "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests", cwd=copied)
    environment.run("mmbench", "plugin", "check", distribution)


def main(work: Path, folders: list[Path]) -> None:
    """Build all, install all, check each."""
    shutil.rmtree(work, ignore_errors=True)
    (work / "empty").mkdir(parents=True)
    environment = Environment(work / "venv", work / "empty")
    wheels = {build(ROOT, work / "wheels"): ""}
    projects = {}
    for folder in folders:
        project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        extra = "[test]" if "test" in project.get("optional-dependencies", {}) else ""
        wheels[build(folder, work / "wheels")] = extra
        projects[folder] = project["name"]
    install(environment, wheels)
    environment.run("mmbench", "doctor")
    environment.run("mmbench", "plugin", "check", "mmbench")
    for folder, distribution in projects.items():
        check(environment, folder, distribution)


if __name__ == "__main__":
    roots = [Path(each).resolve() for each in sys.argv[2:]]
    found = sorted(path.parent for root in roots for path in root.glob("*/pyproject.toml"))
    main(Path(sys.argv[1]).resolve(), found)
