"""Every hook is documented by name and exercised, and the documentation's plugin runs."""

from __future__ import annotations

import inspect
import json
import os
import re
import subprocess
import sys
import tomllib
from importlib import import_module
from importlib.metadata import PathDistribution
from pathlib import Path

import pytest

from mmbench.api import Task, hookspecs
from mmbench.registry import LOAD_PLUGINS, load_registry
from mmbench.testing import run_checks, targets_of

ROOT = Path(__file__).parents[1]
DOCUMENT = (ROOT / "docs" / "plugins.md").read_text(encoding="utf-8")
HOOKS = {
    name: function
    for name, function in vars(hookspecs).items()
    if name.startswith("mmbench_") and callable(function)
}
FILES = dict(re.findall(r'^```\w+ title="([^"]+)"\n(.*?)^```$', DOCUMENT, re.DOTALL | re.MULTILINE))


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A folder on the path in which the documentation's plugin is installed."""
    folder = tmp_path_factory.mktemp("site")
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    project = tomllib.loads(FILES["pyproject.toml"])["project"]
    info = folder / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    )
    points = [
        f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in each.items())
        for group, each in project["entry-points"].items()
    ]
    (info / "entry_points.txt").write_text("\n".join(points))
    return folder


@pytest.fixture(scope="module")
def registry(site):
    (info,) = site.glob("*.dist-info")
    sys.path.insert(0, str(site))
    try:
        yield load_registry(PathDistribution(info).entry_points)
    finally:
        sys.path.remove(str(site))
        for name in [each for each in sys.modules if each.startswith("mmbench_swatches")]:
            del sys.modules[name]


@pytest.fixture(scope="module")
def mmbench(site, tmp_path_factory):
    """Run the command line with the plugin installed, in a folder of its own."""
    folder = tmp_path_factory.mktemp("work")
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")]),
        "MMBENCH_CACHE": str(folder / "cache"),
        LOAD_PLUGINS: "swatches",
    }

    def call(*arguments):
        done = subprocess.run(
            [sys.executable, "-c", "from mmbench.cli.main import main; main()", *arguments],
            capture_output=True, text=True, cwd=folder, env=environment, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    call.folder = folder
    return call


def test_there_are_hooks_and_all_of_them_are_exported():
    assert len(HOOKS) == 5
    assert set(HOOKS) <= set(hookspecs.__all__)


@pytest.mark.parametrize("name", HOOKS)
def test_a_hook_is_documented_with_its_arguments(name):
    arguments = ", ".join(inspect.signature(HOOKS[name]).parameters)
    assert f"`{name}({arguments})`" in DOCUMENT
    assert HOOKS[name].__doc__


@pytest.mark.parametrize("name", HOOKS)
def test_a_hook_is_exercised_by_the_documentations_plugin(registry, name):
    assert registry.problems == []
    brought = getattr(registry, name.removeprefix("mmbench_"))
    assert brought
    assert f"def {name}()" in FILES["mmbench_swatches/__init__.py"]


def test_no_hook_is_documented_that_does_not_exist():
    assert set(re.findall(r"`(mmbench_\w+)\(", DOCUMENT)) == set(HOOKS)


@pytest.mark.parametrize("place", re.findall(r"`(\w+\.\w+Task)` \|", DOCUMENT))
def test_a_protocol_in_the_table_is_there(place):
    module, _, name = place.partition(".")
    assert issubclass(getattr(import_module(f"mmbench.protocols.{module}"), name), Task)


def test_every_protocol_is_in_the_table():
    assert len(re.findall(r"`(\w+\.\w+Task)` \|", DOCUMENT)) == 7


def test_everything_a_plugin_imports_is_public():
    public = set(__import__("mmbench.api", fromlist=["x"]).__all__)
    for text in FILES.values():
        for names in re.findall(r"from mmbench\.api import \(?([^)]*?)(?:\)|\n(?! ))", text):
            assert {name.strip() for name in names.split(",") if name.strip()} <= public
        places = set(re.findall(r"from (mmbench\.[\w.]+) import", text))
        assert all(place.startswith(("mmbench.api", "mmbench.protocols")) for place in places)


@pytest.mark.parametrize(
    "name", ["mean-colour", "mean-colour-squared", "turned", "swatches", "swatches-zeroshot"]
)
def test_the_documentations_plugin_passes_the_kit(registry, name, tmp_path):
    (target,) = targets_of(registry, name)
    outcomes = run_checks(target.checks, target.subject(tmp_path))
    found = {each.check: each.message for each in outcomes if each.status == "failed"}
    assert found == {}


def test_the_documentations_plugin_is_listed(mmbench):
    assert "mmbench-swatches" in mmbench("list", "plugins")
    assert "swatches-zeroshot" in mmbench("list", "tasks")


def test_the_documentations_plugin_runs_from_sample_to_leaderboard(mmbench):
    mmbench("data", "sample", "swatches", "--root", "data", "--items", "40")
    mmbench("data", "check", "swatches", "--data-root", "data")
    mmbench("run", "swatches", "--data-root", "data", "--resamples", "100")
    records = [
        json.loads(path.read_text(encoding="utf-8"))
        for path in mmbench.folder.glob("results/swatches/**/*.json")
        if "metrics" in path.read_text(encoding="utf-8")
    ]
    found = {
        each["representation"]["name"]: each
        for each in (record.get("record", record) for record in records)
        if "representation" in each and each.get("status") == "ok"
    }
    assert set(found) == {"mean-colour", "turned", "random"}
    assert found["turned"]["metrics"]["top-1"]["value"] > 0.4
    assert found["turned"]["representation"]["label"] == "turned(mean-colour, mean-colour)"
    mean_colour = found["mean-colour"]
    assert mean_colour["metrics"]["top-1"]["value"] > 0.7
    assert mean_colour["references"]["chance"]["top-1"] == 0.25
    assert mean_colour["provenance"] == "generated"
    assert mean_colour["items_used"] == 40


def test_the_documentations_command_is_there(mmbench):
    assert mmbench("colours").split() == ["red", "green", "blue", "grey"]
