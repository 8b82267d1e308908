"""Ctrl-C and kill -9 at seeded moments: no finished cell is lost, no process is left."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from uuid import uuid4

import pytest
from faulty_plugin import environment

pytestmark = pytest.mark.slow

SUITE = """\
name = "small"
seeds = [0, 1]

[[representation]]
name = "seeded"
options = { delay = 0.06, size = 2 }

[[representation]]
name = "learnt"
options = { delay = 0.5 }

[[task]]
name = "pairs"

[[task]]
name = "drawn"
"""
CELLS = 5  # seeded x 2 tasks x 2 seeds, learnt on pairs
SCORES = ("md", "csv", "json", "parquet")
MAIN = "from mmbench.cli.main import main; main()"
#: Every process of a run inherits this variable, with a value of its own.
MARK = "MMBENCH_TEST_RUN"


class Folder:
    """A place for runs of the suite, in processes of their own."""

    def __init__(self, place: Path, site: Path) -> None:
        self.place = place
        self.site = site
        self.results = place / "results" / "small"
        place.mkdir()
        (place / "small.toml").write_text(SUITE, encoding="utf-8")

    def start(self) -> tuple[subprocess.Popen[str], str]:
        mark = uuid4().hex
        command = [sys.executable, "-c", MAIN, "run", "small.toml", "--json", "--jobs", "2"]
        command += ["--cache", "cache", "--resamples", "100", "--device", "cpu"]
        process = subprocess.Popen(
            command, cwd=self.place, env=environment(self.site, **{MARK: mark}),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip
        return process, mark

    def finish(self) -> dict:
        process, _ = self.start()
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        return json.loads(out)

    def scores(self) -> dict[str, bytes]:
        return {name: (self.results / f"leaderboard.{name}").read_bytes() for name in SCORES}

    def finished_cells(self) -> dict[str, bytes]:
        """Records of finished cells by file, read as anyone would: whole JSON or an error."""
        found = {}
        for path in (self.results / "records").glob("*.json"):
            content = path.read_bytes()
            if json.loads(content)["status"] == "ok":
                found[path.name] = content
        return found


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("site") / "packages"
    environment(folder)
    return folder


@pytest.fixture(scope="module")
def reference(tmp_path_factory, site) -> tuple[dict[str, bytes], float]:
    """The score tables of an uninterrupted run, and how long it took."""
    folder = Folder(tmp_path_factory.mktemp("reference") / "run", site)
    start = time.monotonic()
    said = folder.finish()
    took = time.monotonic() - start
    assert (said["ok"], said["failed"], said["skipped"]) == (CELLS, 0, 1)
    return folder.scores(), took


def living(mark: str) -> list[str]:
    """Command lines of all processes of a run that are alive."""
    wanted = f"{MARK}={mark}".encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            state = (process / "stat").read_text().rsplit(")", 1)[1].split()[0]
            if state != "Z" and wanted in (process / "environ").read_bytes().split(b"\0"):
                found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue  # it ended meanwhile, or is somebody else's
    return found


def gone(mark: str, seconds: float = 5.0) -> bool:
    limit = time.monotonic() + seconds
    while living(mark):
        if time.monotonic() > limit:
            return False
        time.sleep(0.05)
    return True


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="processes are found in /proc")
@pytest.mark.parametrize("number", range(20))
def test_nothing_is_lost_and_nothing_is_left(number, tmp_path, site, reference) -> None:
    expected, took = reference
    # Interrupts in even numbers, kills in odd; the moments are spread over the run, and seeded.
    how = signal.SIGKILL if number % 2 else signal.SIGINT
    moment = (number + random.Random(number).random()) / 20 * took
    folder = Folder(tmp_path / "run", site)
    process, mark = folder.start()
    time.sleep(moment)
    assert process.poll() is not None or living(mark)

    process.send_signal(how)

    assert gone(mark), f"left after 5 s: {living(mark)}"
    _, err = process.communicate(timeout=10)
    if how is signal.SIGINT:
        assert process.returncode in {130, 0, -signal.SIGINT}, err
        assert "Traceback" not in err or process.returncode == -signal.SIGINT
    kept = folder.finished_cells()
    again = folder.finish()
    assert again["counters"]["cached"] == len(kept)
    assert again["ok"] == CELLS
    now = folder.finished_cells()
    assert {name: now[name] for name in kept} == kept
    assert folder.scores() == expected


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="processes are found in /proc")
def test_ctrl_c_reaches_the_whole_group_and_is_said_once(tmp_path, site) -> None:
    folder = Folder(tmp_path / "run", site)
    process, mark = folder.start()
    limit = time.monotonic() + 30
    while not list((folder.results / "logs").glob("*.log")) and time.monotonic() < limit:
        time.sleep(0.02)

    os.killpg(process.pid, signal.SIGINT)  # what a terminal does

    assert gone(mark)
    _, err = process.communicate(timeout=10)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert err.count("Interrupted") == 1
    assert f"of {CELLS} cells to do are finished and kept" in err
    assert "kept" in err
