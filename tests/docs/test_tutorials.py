"""The tutorials' commands are typed into an empty environment, and the row is on the board."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tutorials import steps_of

ROOT = Path(__file__).resolve().parents[2]
TUTORIALS = {
    "tutorial-representation": "mmbench-ridge",
    "tutorial-task": "mmbench-handwriting",
}
#: Of the environment only what finds programs and packages: nobody's virtual environment.
KEPT = ("PATH", "HOME", "LANG", "TMPDIR", "SYSTEMROOT")


@pytest.fixture(scope="module")
def wheels(tmp_path_factory):
    """A folder with mmbench's wheel: what `pip install mmbench` finds."""
    folder = tmp_path_factory.mktemp("wheels")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT],
        check=True, capture_output=True,
    )  # fmt: skip
    return folder


def typed(page, folder, wheels):
    """Type a tutorial in one shell; returns what it said."""
    lines = ["set -eo pipefail"]
    for number, step in enumerate(steps_of(page)):
        if step.kind == "console":
            lines += [f"echo '$ {command}'\n{command}" for command in step.commands]
        else:
            script = ROOT / "docs" / "tutorials.py"
            lines.append(shlex.join([sys.executable, str(script), str(page), str(number)]))
    environment = {name: value for name, value in os.environ.items() if name in KEPT}
    environment |= {name: v for name, v in os.environ.items() if name.startswith("PIP_")}
    places = [str(wheels), environment.get("PIP_FIND_LINKS", "")]
    environment |= {
        "PIP_FIND_LINKS": " ".join(filter(None, places)),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_CONSTRAINT": str(ROOT / "constraints.txt"),
        "MMBENCH_CACHE": str(folder / "cache"),
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
    }
    done = subprocess.run(
        ["bash"], input="\n".join(lines), capture_output=True, text=True, check=False,
        cwd=folder, env=environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-3000:]
    return done.stdout


def rows(folder):
    """Task to representation to its latest record, of those that ended well."""
    found: dict[str, dict[str, dict]] = {}
    files = [
        json.loads(path.read_text()) for path in folder.glob("results/quickstart/records/*.json")
    ]
    records = [said.get("record", said) for said in files]
    for record in sorted(records, key=lambda each: each["created"]):
        if record["status"] == "ok":
            tasks = found.setdefault(record["task"]["name"], {})
            tasks[record["representation"]["name"]] = record
    return found


@pytest.mark.parametrize("name", TUTORIALS)
def test_a_tutorial_is_short(name):
    steps = steps_of(ROOT / "docs" / f"{name}.md")
    assert 5 <= sum(len(step.commands) for step in steps if step.kind == "console") <= 12
    assert 2 <= sum(step.edited for step in steps if step.kind != "console") <= 30


@pytest.fixture(scope="module")
def done(tmp_path_factory, wheels):
    """Both tutorials, typed side by side, each in a folder of its own: what they said, by name."""
    folders = {name: tmp_path_factory.mktemp(name) for name in TUTORIALS}
    pages = [ROOT / "docs" / f"{name}.md" for name in folders]
    with ThreadPoolExecutor(len(pages)) as pool:
        said = list(pool.map(typed, pages, folders.values(), [wheels] * len(pages)))
    return {
        name: (text, folder / TUTORIALS[name])
        for (name, folder), text in zip(folders.items(), said, strict=True)
    }


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_representations_row_is_on_the_board(done):
    said, folder = done["tutorial-representation"]
    found = rows(folder)
    zero_shot = found["numbers-zeroshot-image"]["ridge"]["metrics"]["top-1"]["value"]
    retrieval = found["numbers-retrieval-image-text"]["ridge"]["metrics"]["image→text R@1"]["value"]
    assert 0.4 < zero_shot < 0.6  # "about half"
    assert 0.15 < retrieval < 0.25  # "a fifth"
    board = (folder / "results/quickstart/leaderboard.md").read_text()
    assert "| ridge |" in board
    assert said.count(" passed") >= 2


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_tasks_board_has_rows_on_real_data(done):
    _, folder = done["tutorial-task"]
    found = rows(folder)["handwriting"]
    assert {"random", "cca-image-text"} <= set(found)
    learnt = found["cca-image-text"]
    assert learnt["items_used"] == 897
    assert learnt["provenance"] == "real"
    assert learnt["metrics"]["top-1"]["value"] > 0.7
    assert 0.05 < found["random"]["metrics"]["top-1"]["value"] < 0.15
