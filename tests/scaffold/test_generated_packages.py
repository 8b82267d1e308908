"""What ``mmbench plugin new`` writes, untouched: built, installed, tested, checked and run."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest

from mmbench.scaffold.naming import LONGEST
from mmbench.scaffold.writing import LONGEST_DESCRIPTION, Blueprint, render, write_package

pytestmark = pytest.mark.slow

KINDS = {
    "fresh-encoder": ("representation",),
    "fresh-task": ("task",),
    "fresh-data": ("task", "--dataset"),
}


class Home:
    """A folder with the sources of the plugins and a folder on the path that they are put in."""

    def __init__(self, place):
        self.place = place
        self.site = place / "site"

    def source(self, name):
        return self.place / f"mmbench-{name}"

    def start(self, *command, cwd):
        """Run a module's or mmbench's command where the plugins are installed, and no others."""
        path = os.pathsep.join([str(self.site), *filter(None, [os.environ.get("PYTHONPATH")])])
        environment = {
            **{name: value for name, value in os.environ.items() if "COVERAGE" not in name},
            "PYTHONPATH": path,
            "MMBENCH_LOAD_PLUGINS": ",".join(KINDS),
            "MMBENCH_CACHE": str(self.place / "cache"),
            "MYPY_CACHE_DIR": str(self.place / "mypy"),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        if command[0] == "mmbench":
            script = shutil.which("mmbench", path=str(Path(sys.executable).parent))
            assert script, "mmbench is not installed beside this Python"
            command = (script, *command[1:])
        else:
            command = (sys.executable, "-m", *command)
        return subprocess.run(
            [str(each) for each in command],
            capture_output=True, text=True, check=False, cwd=cwd, env=environment, timeout=200,
        )  # fmt: skip

    def do(self, *command, cwd=None):
        """Run it, and expect that it ends well."""
        done = self.start(*command, cwd=cwd or self.place)
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        return done.stdout


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """All three kinds of plugin, written, built, and installed from their wheels."""
    home = Home(tmp_path_factory.mktemp("home"))
    for name, (kind, *flags) in KINDS.items():
        home.do("mmbench", "plugin", "new", kind, name, *flags)
        home.do("build", "--no-isolation", ".", cwd=home.source(name))
        (wheel,) = (home.source(name) / "dist").glob("*.whl")
        assert list((home.source(name) / "dist").glob("*.tar.gz"))
        with zipfile.ZipFile(wheel) as archive:  # what installing a wheel of plain Python does
            archive.extractall(home.site)
    return home


@pytest.mark.parametrize("name", KINDS)
def test_its_own_tests_pass(home, name):
    done = home.start("pytest", "-q", "-p", "no:cacheprovider", cwd=home.source(name))
    assert done.returncode == 0, done.stdout
    (passed,) = re.findall(r"(\d+) passed", done.stdout)
    assert int(passed) >= 30


@pytest.mark.parametrize("name", KINDS)
def test_it_keeps_the_contracts(home, name):
    said = home.do("mmbench", "plugin", "check", f"mmbench-{name}", "--json")
    assert '"failed"' not in said


@pytest.mark.parametrize("tool", ["ruff", "mypy"])
def test_linters_and_type_checkers_pass(home, tool):
    if find_spec(tool) is None:
        pytest.skip(f"{tool} is not installed")
    for name in KINDS:
        if tool == "ruff":
            home.do("ruff", "check", "--no-cache", ".", cwd=home.source(name))
            home.do("ruff", "format", "--no-cache", "--check", ".", cwd=home.source(name))
        else:
            assert "no issues found in" in home.do("mypy", "--strict", cwd=home.source(name))


@pytest.mark.skipif(find_spec("ruff") is None, reason="ruff is not installed")
def test_the_format_is_right_whatever_the_names(home, tmp_path):
    for number, name in enumerate(("a", "w" * LONGEST, "x-" * (LONGEST // 2 - 1) + "yz")):
        for room in (("representation", False), ("task", False), ("task", True)):
            text = "é" * (1 if number == 0 else LONGEST_DESCRIPTION)
            blueprint = Blueprint(room[0], name, "A", "MIT", text, 2030, room[1])
            write_package(tmp_path / str(number) / "-".join(map(str, room)), render(blueprint))
    home.do("ruff", "check", "--no-cache", ".", cwd=tmp_path)
    home.do("ruff", "format", "--no-cache", "--check", ".", cwd=tmp_path)


@pytest.mark.parametrize(
    ("name", "arguments", "task", "representation"),
    [
        ("fresh-encoder", ["-r", "fresh-encoder"], "numbers-zeroshot-image", "fresh-encoder"),
        ("fresh-task", ["-t", "fresh-task"], "fresh-task", "cca-image-text"),
        (
            "fresh-data",
            ["-t", "fresh-data", "--data-root", "data"],
            "fresh-data",
            "cca-image-text",
        ),
    ],
    ids=KINDS,
)
def test_it_has_its_row_in_the_quickstart(home, tmp_path, name, arguments, task, representation):
    if name == "fresh-data":
        home.do("mmbench", "data", "sample", name, "--root", "data", "--items", "64", cwd=tmp_path)
    home.do("mmbench", "run", "quickstart", *arguments, "--resamples", "100", cwd=tmp_path)
    board = json.loads((tmp_path / "results/quickstart/leaderboard.json").read_text("utf-8"))
    (table,) = [table for table in board["tables"] if table["name"] == task]
    rows = {row["representation"]: row for row in table["rows"]}
    assert rows[representation]["kind"] == "measured"
    assert rows[representation]["rank"] == 1
    if name != "fresh-encoder":
        value = rows[representation]["cells"][table["primary"]]["value"]
        assert value > 0.5  # chance: 0.1 and 0.25
