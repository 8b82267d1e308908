"""Two spaces of the numbers world connected through words, by C-MCR's own code: no pair of a
picture and a sound is seen."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("mmbench_cmcr")

pytestmark = pytest.mark.slow

TASK = "numbers-retrieval-audio-image"
SUITE = f"""\
name = "connected"

[[task]]
name = "{TASK}"

[[representation]]
name = "bridge"
[representation.options]
first = "cca-image-text"
second = "cca-audio-text"
shared_corpus = ["numbers/train/text"]

[[representation]]
name = "c-mcr"
[representation.options]
first = "cca-image-text"
second = "cca-audio-text"
shared_corpus = ["numbers/train/text"]
first_memory = ["numbers/train/image"]
second_memory = ["numbers/train/audio"]
batch = 500
epochs = 15
"""
NAMES = [f"{kind}(cca-image-text, cca-audio-text; text)" for kind in ("bridge", "c-mcr")]
CHANCE = 1 / 400


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("home")
    (folder / "connected.toml").write_text(SUITE, encoding="utf-8")
    return folder


def start(home: Path, place: str, *arguments: object) -> subprocess.Popen[str]:
    """Start the installed command; a run's results and cache lie in a place of its own."""
    script = shutil.which("mmbench", path=str(Path(sys.executable).parent))
    assert script, "mmbench is not installed beside this Python"
    # How many threads a worker has is the runner's to say.
    variables = {k: v for k, v in os.environ.items() if not k.endswith("_NUM_THREADS")}
    folders = ["--results", f"{place}/results", "--cache", f"{place}/cache"]
    command = [script, "run", "connected.toml", *folders, "--resamples", "200", "--device", "cpu"]
    return subprocess.Popen(
        [*command, *map(str, arguments)],
        cwd=home, env={**variables, "MMBENCH_LOAD_PLUGINS": "cmcr"},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip


def run(home: Path, place: str, *arguments: object) -> Any:
    out, err = start(home, place, *arguments, "--json").communicate(timeout=280)
    assert "Traceback" not in err
    return json.loads(out)


def scores(home: Path, place: str) -> bytes:
    return (home / place / "results" / "connected" / "leaderboard.csv").read_bytes()


@pytest.fixture(scope="module")
def first(home: Path) -> Any:
    return run(home, "one", "--jobs", 1)


def test_the_plan_says_who_encodes_trains_and_projects(home: Path) -> None:
    process = start(home, "planned", "--dry-run")
    out, err = process.communicate(timeout=60)
    work = [line.split()[:3] for line in out.splitlines()]

    assert process.returncode == 0, err
    for name in ("cca-image-text", "cca-audio-text"):
        assert [name, "train", TASK] in work
        assert [name, "encode", "corpus"] in work
    for said in ("train", "project image", "project audio"):
        lines = [line for line in out.splitlines() if f"  {said}  " in line]
        assert [line.split("(")[0] for line in lines if "(" in line] == ["bridge", "c-mcr"]
    assert "4 fits, 6800 items to encode" in " ".join(out.split())


def test_a_base_that_is_not_there_is_misuse(home: Path) -> None:
    process = start(home, "planned", "-r", "c-mcr", "-o", "c-mcr.first=cca-image-txt")
    _, err = process.communicate(timeout=60)

    assert process.returncode == 2
    assert "its base first is 'cca-image-txt', which is not installed" in err
    assert "did you mean cca-image-text" in err


def test_sounds_find_pictures_that_they_were_never_paired_with(home: Path, first: Any) -> None:
    found = {cell["representation"]: cell for cell in first["cells"]}

    assert list(found) == NAMES
    assert {cell["status"] for cell in found.values()} == {"ok"}
    assert all(cell["metrics"]["audio→image R@1"] > 10 * CHANCE for cell in found.values())
    assert first["counters"]["fits"] == 4  # two spaces, the bridge and C-MCR
    # Each item once a space: 1,500 texts in both, as many pictures and sounds, 400 of both to find.
    assert first["counters"]["encodes"] == 4 * 1500 + 2 * 400
    records = [
        json.loads(path.read_text("utf-8"))
        for path in (home / "one" / "results" / "connected" / "records").glob("*.json")
    ]
    trained = next(r for r in records if r["representation"]["name"] == "c-mcr")
    corpora = {each["name"]: each["used"] for each in trained["data"] if each["auxiliary"]}
    assert corpora == {f"numbers/train/{name}": 1500 for name in ("text", "image", "audio")}


def test_a_warm_run_does_nothing(home: Path, first: Any) -> None:
    before = scores(home, "one")
    again = run(home, "one", "--jobs", 1)

    assert (again["counters"]["fits"], again["counters"]["encodes"]) == (0, 0)
    assert again["counters"]["cached"] == 2
    assert scores(home, "one") == before


def test_neither_jobs_nor_a_kill_change_a_digit(home: Path, first: Any) -> None:
    killed = start(home, "two", "--jobs", 2)
    cache, limit = home / "two" / "cache", time.monotonic() + 120
    while not list(cache.glob("checkpoints/*/aggregates-*.npy")):
        assert killed.poll() is None, killed.communicate()
        assert time.monotonic() < limit
        time.sleep(0.02)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.communicate()
    run(home, "two", "--jobs", 2)

    assert scores(home, "two") == scores(home, "one")
    vectors = [
        sorted(path.name for path in (home / place / "cache" / "vectors").glob("*/*"))
        for place in ("one", "two")
    ]
    assert vectors[0] == vectors[1]  # their names hold the hashes of all trained states
