from __future__ import annotations

import os
import shutil
import subprocess
import textwrap

import pytest
from command_line import Said, console_script

from mmbench.cli.main import run_cli

SUITE = """\
name = "small"

[[representation]]
name = "random"

[[representation]]
name = "cca-image-text"

[[task]]
name = "numbers-retrieval-image-text"

[[task]]
name = "numbers-retrieval-audio-image"
"""


@pytest.fixture(autouse=True)
def _own_world(monkeypatch, tmp_path):
    """No plugins but our own, and nobody's cache and data."""
    # What these commands start need not be traced: tests of the runner trace the same code.
    monkeypatch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)
    monkeypatch.setenv("MMBENCH_LOAD_PLUGINS", "")
    monkeypatch.setenv("MMBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("MMBENCH_DATA", str(tmp_path / "data"))
    for name in ("FORCE_COLOR", "NO_COLOR", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def call(capfd):
    """Call the command line in this process."""

    def calling(*arguments):
        capfd.readouterr()
        code = run_cli([str(each) for each in arguments])
        out, err = capfd.readouterr()
        return Said(code, out, err)

    return calling


@pytest.fixture
def start(tmp_path):
    """Start the installed command in a process of its own, with these plugins on the path."""

    def starting(*arguments, plugins=None, cwd=None, **environment):
        env = {**os.environ, **environment}
        if plugins is not None:
            env["PYTHONPATH"] = os.pathsep.join(
                [str(plugins), *filter(None, [env.get("PYTHONPATH")])]
            )
            env.pop("MMBENCH_LOAD_PLUGINS")
        done = subprocess.run(
            [console_script(), *map(str, arguments)],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            env=env,
            cwd=cwd or tmp_path,
        )
        return Said(done.returncode, done.stdout, done.stderr)

    return starting


@pytest.fixture
def site(tmp_path):
    """A folder to install fake distributions in: ``site(name, source)``, one module each."""
    folder = tmp_path / "site"
    folder.mkdir()

    def install(name, source):
        module = name.replace("-", "_")
        (folder / f"{module}.py").write_text(textwrap.dedent(source))
        info = folder / f"{module}-1.2.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\n")
        (info / "entry_points.txt").write_text(f"[mmbench]\n{name}-entry = {module}\n")
        return folder

    return install


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """A finished run: its results folder and its cache. Copy it before changing it."""
    home = tmp_path_factory.mktemp("finished")
    (home / "small.toml").write_text(SUITE)
    done = subprocess.run(
        [console_script(), "run", "small.toml", "--cache", "cache", "--resamples", "200"],
        cwd=home,
        env={**os.environ, "MMBENCH_LOAD_PLUGINS": ""},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return home


@pytest.fixture
def copied(finished, tmp_path):
    """A copy of the finished run, to damage."""
    shutil.copytree(finished, tmp_path / "copy")
    return tmp_path / "copy"
