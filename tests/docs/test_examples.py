"""docs/examples: what the tutorials arrive at, installed as wheels and run by the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "docs" / "examples"
NAMES = {"tutorial-representation.md": "mmbench-ridge", "tutorial-task.md": "mmbench-handwriting"}


def files_of(folder):
    """Path to content of what is written by hand."""
    return {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not {"__pycache__", ".ruff_cache", ".mypy_cache"} & set(path.parts)
    }


@pytest.mark.parametrize("page", NAMES)
def test_an_example_is_what_its_tutorial_arrives_at(page, tmp_path, monkeypatch):
    import make_examples

    monkeypatch.setenv("MMBENCH_LOAD_PLUGINS", "")
    written = files_of(make_examples.write(ROOT / "docs" / page, tmp_path))
    kept = files_of(EXAMPLES / NAMES[page])
    for licence in (written, kept):
        assert "Apache License" in licence.pop("LICENSE")  # it names the year
    assert written == kept, "stale: run `python docs/make_examples.py`"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A folder in which the examples' wheels are installed, and nothing else."""
    wheels, folder = tmp_path_factory.mktemp("wheels"), tmp_path_factory.mktemp("site")
    for name in NAMES.values():
        subprocess.run(
            [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", wheels,
             EXAMPLES / name],
            check=True, capture_output=True,
        )  # fmt: skip
    for wheel in wheels.glob("*.whl"):  # pure Python, no scripts: to unpack is to install
        with zipfile.ZipFile(wheel) as file:
            file.extractall(folder)
    return folder


@pytest.fixture
def mmbench(site, tmp_path):
    """Run the command line with the examples installed, in a folder of its own."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")]),
        "MMBENCH_CACHE": str(tmp_path / "cache"),
        "MMBENCH_LOAD_PLUGINS": "ridge,handwriting",
    }

    def call(*arguments):
        done = subprocess.run(
            [sys.executable, "-m", "mmbench", *arguments],
            capture_output=True, text=True, cwd=tmp_path, env=environment, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return call


def test_the_examples_are_listed(mmbench):
    plugins = mmbench("list", "plugins")
    assert all(name in plugins for name in NAMES.values())


def test_they_run_together_from_sample_to_leaderboard(mmbench, tmp_path):
    mmbench("data", "sample", "handwriting", "--root", "data", "--items", "64")
    mmbench("data", "check", "handwriting", "--data-root", "data")
    mmbench(
        "run", "quickstart", "-r", "ridge", "-t", "handwriting", "-t", "numbers-zeroshot-image",
        "--data-root", "data", "--resamples", "100",
    )  # fmt: skip
    board = json.loads((tmp_path / "results/quickstart/leaderboard.json").read_text())
    tasks = {table["name"]: table for table in board["tables"]}
    assert {"handwriting", "numbers-zeroshot-image"} <= set(tasks)
    for table in (tasks["handwriting"], tasks["numbers-zeroshot-image"]):
        assert "ridge" in json.dumps(table["rows"])


@pytest.mark.parametrize("name", ["ridge", "handwriting"])
def test_an_example_passes_the_conformance_kit(mmbench, name):
    assert " failed" not in mmbench("plugin", "check", name)
