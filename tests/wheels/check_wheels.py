"""Build the core and plugins as wheels, install them alone, and check each plugin there.

``python tests/wheels/check_wheels.py WORK ROOT...``: no editable install, and no repository on the
path. For each folder below a root with a ``pyproject.toml``: its wheel installs beside the core's,
its own tests pass (from a copy, so that what is tested is what was installed), and ``mmbench plugin
check`` finds nothing. Slow tests are left to those who ask for them.

A plugin may say in its ``pyproject.toml`` how it is checked here::

    [tool.mmbench.check]
    # Tests that make what the command makes: once is enough.
    instead_of = ["tests/test_conformance.py::test_conformance["]
    # What the command is given, where that is not the distribution.
    names = ["clip"]
    # Options that it is given, too: few steps of a training.
    options = { dense = "value" }
    # Where pretrained weights are needed: what writes tiny ones (a function of the tests: it takes
    # a folder, and returns more options).
    tiny = "tiny_clip:write_tiny"

Without weights ``mmbench plugin check DISTRIBUTION`` must then fail, and say which are missing.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import tomllib
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[2]
_DROPPED = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "TOX_ENV_DIR", "HF_HUB_CACHE")


class Failed(Exception):  # noqa: N818
    """A command did not end as it should."""


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

    def run(
        self, program: str, *arguments: str, cwd: Path | None = None, exits: int = 0
    ) -> tuple[str, str]:
        """Run an installed program; returns its standard output, and the command with all it said.

        Raises:
            Failed: It ended with another exit code.
        """
        environment = {name: v for name, v in os.environ.items() if name not in _DROPPED}
        environment["MMBENCH_CACHE"] = str(self.work / "cache")
        # whatever this machine holds: no pretrained weights
        environment["HF_HOME"] = str(self.work / "hub")
        began = time.monotonic()
        done = subprocess.run(
            [str(self.bin / program), *arguments],
            check=False, cwd=cwd or self.work, env=environment, capture_output=True, text=True,
        )  # fmt: skip
        took = time.monotonic() - began
        said = f"$ {program} {' '.join(arguments)}\n{done.stdout}{done.stderr}({took:.0f} s)\n"
        if done.returncode != exits:
            raise Failed(f"{said}exit code {done.returncode}, not {exits}")
        return done.stdout, said


@dataclass(frozen=True)
class Plugin:
    """A plugin's folder, and what its ``pyproject.toml`` says."""

    folder: Path
    project: dict[str, Any]
    check: dict[str, Any]

    @classmethod
    def of(cls, folder: Path) -> Plugin:
        said = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
        return cls(
            folder, said["project"], said.get("tool", {}).get("mmbench", {}).get("check", {})
        )

    @property
    def distribution(self) -> str:
        return str(self.project["name"])

    @property
    def extra(self) -> str:
        return "[test]" if "test" in self.project.get("optional-dependencies", {}) else ""


def build(folder: Path, into: Path) -> Path:
    """A folder's wheel, in a folder of its own."""
    place = into / folder.name
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", place, folder],
        check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    (wheel,) = place.glob("*.whl")
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


def run_tests(environment: Environment, plugin: Plugin) -> str:
    """A plugin's own tests, but for what is slow, and for what `mmbench plugin check` makes."""
    place = environment.work / plugin.distribution
    left_out = [f"--deselect={each}" for each in plugin.check.get("instead_of", ())]
    arguments = ["-q", "-p", "no:cacheprovider", "-m", "not slow", *left_out, "tests"]
    return environment.run("python", "-m", "pytest", *arguments, cwd=place)[1]


def run_check(environment: Environment, plugin: Plugin) -> str:
    """The conformance kit on all that a plugin brings, or on its tiny models."""
    names = plugin.check.get("names", [plugin.distribution])
    chosen = plugin.check.get("options", {})
    if "tiny" in plugin.check:
        chosen = write_tiny(environment, plugin) | chosen
    options = []
    for key, value in chosen.items():
        options += ["-o", f"{key}={value if isinstance(value, str) else json.dumps(value)}"]
    return environment.run("mmbench", "plugin", "check", *names, *options)[1]


def write_tiny(environment: Environment, plugin: Plugin) -> dict[str, Any]:
    """Have a plugin's tests write tiny models; returns the options that name them."""
    module, _, function = plugin.check["tiny"].partition(":")
    models = environment.work / plugin.distribution / "models"
    models.mkdir()
    script = (
        "import json, pathlib, sys; sys.path.insert(0, 'tests'); "
        f"from {module} import {function} as write; "
        f"print(json.dumps(write(pathlib.Path({str(models)!r}))))"
    )
    written = environment.run("python", "-c", script, cwd=models.parent)[0]
    options: dict[str, Any] = json.loads(written.splitlines()[-1])
    return options


def check_core(environment: Environment) -> str:
    """The kit on the built-ins, as they are in the wheel."""
    return environment.run("mmbench", "plugin", "check", "mmbench")[1]


def run_doctor(environment: Environment) -> str:
    """All that is installed can be imported, and nothing is broken."""
    return environment.run("mmbench", "doctor")[1]


def run_check_without_weights(environment: Environment, plugin: Plugin) -> str:
    """What lacks its weights fails, and says that they are not there: it never passes."""
    command = ["mmbench", "plugin", "check", plugin.distribution, "--only", "it_loads", "--json"]
    answer, _ = environment.run(*command, exits=1)
    for found in json.loads(answer):
        for outcome in found["checks"]:
            if outcome["status"] != "failed" or "not on this machine" not in outcome["seen"]:
                raise Failed(f"{' '.join(command)}\n{found['name']}: {outcome}")
    return f"$ {' '.join(command)}\nall say which weights are not on this machine\n"


def main(work: Path, folders: list[Path]) -> int:
    """Build all, install all, check each: two commands at a time."""
    shutil.rmtree(work, ignore_errors=True)
    (work / "empty").mkdir(parents=True)
    environment = Environment(work / "venv", work / "empty")
    plugins = list(map(Plugin.of, folders))
    with ThreadPoolExecutor(2) as pool:
        sources = [ROOT, *(plugin.folder for plugin in plugins)]
        built = pool.map(build, sources, [work / "wheels"] * len(sources))
        wheels = dict(zip(built, ["", *(plugin.extra for plugin in plugins)], strict=True))
    for plugin in plugins:
        place = environment.work / plugin.distribution
        shutil.copytree(plugin.folder / "tests", place / "tests")
        shutil.copy(plugin.folder / "pyproject.toml", place)
    install(environment, wheels)
    jobs: list[tuple[Callable[[Environment, Plugin], str], Plugin]] = [
        *((run_tests, plugin) for plugin in plugins),
        *((run_check, plugin) for plugin in plugins),
        *((run_check_without_weights, plugin) for plugin in plugins if "tiny" in plugin.check),
    ]
    failed = 0
    with ThreadPoolExecutor(2) as pool:
        # What takes longest comes first, so that nothing long is left for one core alone.
        waiting = [pool.submit(job, environment) for job in (check_core, run_doctor)]
        waiting += [pool.submit(job, environment, plugin) for job, plugin in jobs]
        for each in as_completed(waiting):
            try:
                print(each.result(), flush=True)
            except Failed as error:
                failed += 1
                print(f"FAILED {error}\n", flush=True)
    return int(failed > 0)


if __name__ == "__main__":
    roots = [Path(each).resolve() for each in sys.argv[2:]]
    found = sorted(path.parent for root in roots for path in root.glob("*/pyproject.toml"))
    sys.exit(main(Path(sys.argv[1]).resolve(), found))
