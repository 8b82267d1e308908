"""Through the command line: what a run decodes, counted by the reader itself."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import installing
import logged_plugin
import pytest

from mmbench.results.record import Cost, Environment
from mmbench.results.store import RecordStore
from mmbench.runner.housekeeping import others, prune

if TYPE_CHECKING:
    from pathlib import Path

TASKS = ("global", "dense", "crops")
REPRESENTATIONS = ("brightness", "learnt-brightness")
ITEMS = 16
MAIN = "from mmbench.cli.main import main; main()"


def suite(tasks=TASKS, representations=REPRESENTATIONS, delay: float = 0.0) -> str:
    lines = ['name = "shared"']
    for name in representations:
        lines += ["[[representation]]", f'name = "{name}"']
    for name in tasks:
        lines += ["[[task]]", f'name = "logged-{name}"', f"options = {{ delay = {delay} }}"]
    return "\n".join([*lines, ""])


class Place:
    """A folder with the data; runs of it in processes of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "log"
        self.site = folder / "site"
        logged_plugin.install(self.site)
        logged_plugin.write_items(folder / "data" / "logged", ITEMS)

    def start(self, name: str, *arguments: str, written: str = "") -> subprocess.Popen[str]:
        (self.folder / "suite.toml").write_text(written or suite())
        self.log.write_text("")
        env = installing.environment(
            self.site, MMBENCH_LOAD_PLUGINS="logged", **{logged_plugin.LOG: str(self.log)}
        )
        command = [sys.executable, "-c", MAIN, "run", "suite.toml", "--device", "cpu"]
        command += ["--resamples", "50", "--data-root", "data", "--json", *arguments]
        command += ["--results", f"results-{name}", "--cache", f"cache-{name}"]
        return subprocess.Popen(
            command, cwd=self.folder, env=env, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def run(self, name: str, *arguments: str, written: str = "") -> str:
        """Run it to the end; returns what it said on standard error."""
        process = self.start(name, *arguments, written=written)
        _, said = process.communicate(timeout=120)
        assert process.returncode == 0, said
        return said

    def loads(self) -> Counter[str]:
        return Counter(self.log.read_text().splitlines())

    def spool(self, name: str) -> Path:
        return self.folder / f"cache-{name}" / "spool"

    def runs(self, name: str) -> list[Path]:
        """Spools that are there."""
        return [path for path in self.spool(name).glob("*") if path.is_dir()]

    def found(self, name: str) -> dict:
        """Records without what is never the same twice, and their items."""
        store = RecordStore(self.folder / f"results-{name}" / "shared")
        same = {"created": "", "cost": Cost(), "checksum": "", "environment": Environment()}
        records = {record.key: replace(record, **same) for record in store.records()}
        items = {
            path.name: path.read_bytes()
            for path in (self.folder / f"results-{name}" / "shared" / "records").glob("*.parquet")
        }
        return {"records": records, "items": items}


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Place:
    return Place(tmp_path_factory.mktemp("decode") / "once")


@pytest.fixture(scope="module")
def plain(place) -> tuple[Counter[str], dict]:
    """A run without a spool: its loads, and what it found."""
    place.run("plain", "--spool-gb", "0", "--jobs", "2")
    return place.loads(), place.found("plain")


def test_without_a_spool_every_job_decodes(plain) -> None:
    loads, found = plain

    assert loads["007 image"] > 5
    assert len(found["records"]) == 6
    assert len(found["items"]) == 5  # learnt-brightness has nothing to learn from for crops
    dropped = [entry.dropped for record in found["records"].values() for entry in record.data]
    reasons = {item.id: item.reason.split(":")[0] for each in dropped for item in each}
    assert reasons["001"] == "EOFError"
    assert reasons["002"] == "ValueError"
    assert reasons["003"] == "FileNotFoundError"
    assert reasons["004"] == "ItemError"


@pytest.mark.parametrize("jobs", [pytest.param("1", marks=pytest.mark.slow), "2"])
def test_an_item_is_decoded_once_whoever_asks(place, plain, jobs) -> None:
    said = place.run(jobs, "--jobs", jobs)

    loads = place.loads()
    assert max(loads.values()) == 1
    assert set(loads) == set(plain[0])
    assert place.found(jobs) == plain[1]
    assert not place.runs(jobs)
    assert "warning" not in said


def test_a_full_spool_decodes_the_rest_again_and_says_so(place, plain) -> None:
    small = suite(("global", "dense"), ("brightness",))
    said = place.run("full", "--spool-gb", "0.000002", "--jobs", "1", written=small)

    assert said.count("the spool is full (2e-06 GB)") == 1
    assert "--spool-gb" in said
    loads = place.loads()
    assert set(loads) == set(plain[0])
    assert set(loads.values()) == {1, 2}
    assert place.found("full")["items"].items() <= plain[1]["items"].items()
    assert not place.runs("full")


def wait_for_items(place: Place, name: str) -> None:
    limit = time.monotonic() + 60
    while not list(place.spool(name).glob("*/0/[0-9a-f]*")):
        assert time.monotonic() < limit, "no spool was written"
        time.sleep(0.01)


@pytest.mark.parametrize(
    "how", [pytest.param(signal.SIGKILL, marks=pytest.mark.slow), signal.SIGINT]
)
def test_an_ended_run_leaves_no_spool_for_long(place, how) -> None:
    name = how.name
    process = place.start(name, "--jobs", "2", written=suite(delay=0.3))
    wait_for_items(place, name)
    cache = place.folder / f"cache-{name}"
    assert prune(cache, older_than_days=0, dry_run=True).bytes < 100_000
    (living,) = place.runs(name)
    prune(cache, older_than_days=1)
    assert list(living.glob("0/[0-9a-f]*")), "the spool of a living run was pruned"

    process.send_signal(how)
    process.communicate(timeout=30)

    if how is signal.SIGINT:
        assert not place.runs(name)
        return
    assert place.runs(name) == [living]
    kept = next(each for each in others(cache) if each.name == "decoded items")
    assert kept.count == 1
    assert kept.bytes > 0
    place.run(name, "--jobs", "2")
    assert max(place.loads().values()) == 1
    assert not place.runs(name)
