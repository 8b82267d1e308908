"""Real worker processes, and everything that a plugin can do to them."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest
from runner_bench import Bench, representation, task

from mmbench.api import StoreError
from mmbench.results.store import RecordStore
from mmbench.runner.engine import LocalEngine
from mmbench.runner.settings import RunSettings

TIMEOUT = 4.0
#: What a representation does, and what its record's error must say.
FAULTS = {
    "raise": ("PluginError", r"encode() raised KeyError: 'broken encode [/red] on purpose'"),
    "kill": ("SIGKILL", "the worker was killed by SIGKILL (out of memory?) while it did encode"),
    "segfault": ("SIGSEGV", "the worker was killed by SIGSEGV while it did encode"),
    "exit": ("SystemExit", "3"),
    "silent-exit": ("WorkerExit", "the worker ended with exit code 0 while it did encode"),
    "hang": ("Timeout", f"encode took longer than {TIMEOUT:g} s (--timeout)"),
    "shape": ("PluginError", "encode() returned shape (6,) for a batch of 4"),
    "nan": ("PluginError", "NaN or infinite values"),
    "batch": ("PluginError", "different vectors for one item alone and in a batch of 4"),
    "constant": ("PluginError", "its vectors can't be scored on pairs"),
    "network": ("PluginError", "under --offline"),
    "constructor": ("PluginError", "its constructor raised KeyError"),
    "info": ("PluginError", "info raised KeyError"),
    "bind": ("PluginError", "bind() raised KeyError"),
    "fingerprint": ("PluginError", "fingerprint() raised KeyError"),
    "load": ("PluginError", "load() raised KeyError"),
}
FINE = ("print", "memory", "none")


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("faults")


@pytest.fixture(scope="module")
def faulty(registry, place):
    """One run in which everything fails but four representations."""
    settings = RunSettings(
        place / "results", place / "cache", place / "data",
        jobs=2, resamples=50, timeout=TIMEOUT, offline=True,
    )  # fmt: skip
    choices = [representation("faulty", fault, fault=fault) for fault in (*FAULTS, *FINE)]
    bench = Bench(registry, settings)
    first = bench.execute([*choices, representation("steady")], [task("pairs")])
    return bench, [*choices, representation("steady")], first


def by_label(outcome) -> dict:
    return {record.representation.label: record for record in outcome.records.values()}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_fails_its_cell_and_says_why(faulty, fault) -> None:
    kind, message = FAULTS[fault]
    record = by_label(faulty[2])[fault]

    assert record.status == "failed"
    assert record.error is not None
    assert record.error.type == kind
    assert message in record.error.message
    assert record.metrics == {}


@pytest.mark.parametrize("label", [*FINE, "steady"])
def test_the_others_are_not_touched(faulty, label) -> None:
    record = by_label(faulty[2])[label]

    assert record.status == "ok"
    assert record.metrics["left→right R@1"].value == 1.0


def test_every_cell_has_a_record(faulty) -> None:
    _, choices, outcome = faulty

    assert len(outcome.records) == len(choices)
    assert outcome.not_run == 0
    assert (outcome.count("ok"), outcome.count("failed")) == (4, len(FAULTS))


def test_what_a_plugin_prints_is_in_the_log(faulty, place, capfd) -> None:
    log = (place / "results" / "logs" / "print.log").read_text()

    assert "the plugin prints this" in log
    assert "the plugin prints this" not in "".join(capfd.readouterr())


def test_a_crash_leaves_its_stack(faulty) -> None:
    record = by_label(faulty[2])["segfault"]

    assert "Segmentation fault" in record.error.log
    assert "end_process" in record.error.log


def test_a_traceback_is_kept(faulty) -> None:
    assert "broken encode [/red] on purpose" in by_label(faulty[2])["raise"].error.log
    assert "Traceback" in by_label(faulty[2])["raise"].error.log


def test_running_again_tries_only_what_failed(faulty) -> None:
    bench, choices, first = faulty
    quick = [c for c in choices if c.label in {"raise", "constructor", *FINE, "steady"}]
    records = RecordStore(bench.settings.results)
    before = {key: records.read(key) for key in first.records}

    again = bench.execute(quick, [task("pairs")])

    assert again.counters["cached"] == 4
    assert again.counters["encodes"] == 0
    assert again.counters["scores"] == 0
    assert again.counters["fits"] == 0
    assert again.count("failed") == 2
    for key, record in again.records.items():
        if record.status == "ok":
            assert record == before[key]


def test_a_mended_plugin_heals_its_cells(faulty) -> None:
    bench, _, _ = faulty
    healed = bench.execute([representation("faulty", "raise", fault="none")], [task("pairs")])

    assert [record.status for record in healed.records.values()] == ["ok"]


def test_tasks_fail_alone_too(bench) -> None:
    faults = {
        "raise": "score() raised KeyError",
        "segfault": "killed by SIGSEGV while it did score",
        "kill": "killed by SIGKILL",
        "above": "impossible values: above one: 2.41667 lies above 1",
        "lacks": "lacks 'above'",
        "collections": "collections() raised KeyError",
        "requests": "requests() raised KeyError",
        "info": "info raised KeyError",
    }
    tasks = [task("faulty-task", fault, fault=fault) for fault in faults]
    outcome = bench.execute(
        [representation("steady"), representation("learnt")], [*tasks, task("pairs")], jobs=2
    )

    found = {(r.representation.label, r.task.label): r for r in outcome.records.values()}
    for fault, message in faults.items():
        record = found["steady", fault]
        assert record.status == "failed", fault
        assert message in record.error.message
        assert found["learnt", fault].status in {"skipped", "failed"}
    assert found["steady", "pairs"].status == found["learnt", "pairs"].status == "ok"


def test_a_fit_that_fails_fails_what_needs_it(bench, monkeypatch) -> None:
    choice = representation("learnt", delay=600.0)
    outcome = bench.execute(
        [choice, representation("steady")], [task("pairs"), task("pairs", "more", items=5)],
        timeout=8.0, jobs=2,
    )  # fmt: skip

    found = {(r.representation.label, r.task.label): r for r in outcome.records.values()}
    for label in ("pairs", "more"):
        assert found["learnt", label].error.message == "fit took longer than 8 s (--timeout)"
        assert found["steady", label].status == "ok"


def test_fail_fast_stops_and_says_what_was_not_run(bench) -> None:
    bad = representation("faulty", "bad", fault="raise")
    slow = representation("steady", "slow", delay=60.0)
    start = time.monotonic()
    outcome = bench.execute([bad, slow], [task("pairs")], fail_fast=True, jobs=2)

    assert time.monotonic() - start < 30
    assert outcome.count("failed") == 1
    assert outcome.not_run == 1
    broken = bench.execute(
        [representation("unimportable"), representation("steady")], fail_fast=True
    )
    assert (broken.count("failed"), broken.not_run) == (1, 1)


def scores(outcome) -> dict:
    return {
        (r.representation.label, r.task.label, r.seed): {
            name: (m.value, m.low, m.high) for name, m in r.metrics.items()
        }
        for r in outcome.records.values()
    }


def test_one_worker_or_two_give_the_same_scores(bench, tmp_path) -> None:
    suite = (
        [representation("seeded"), representation("learnt")],
        [task("pairs"), task("drawn")],
        (0, 1),
    )
    outcomes = [
        bench.execute(*suite, jobs=jobs, results=tmp_path / f"r{jobs}", cache=tmp_path / f"c{jobs}")
        for jobs in (1, 2)
    ]

    assert scores(outcomes[0]) == scores(outcomes[1])
    assert outcomes[0].counters == outcomes[1].counters
    assert outcomes[0].count("ok") == 5
    assert outcomes[0].count("skipped") == 1  # learnt has no training data for one


def test_two_entries_of_one_identity_wait_for_each_other(bench) -> None:
    """The second's vectors are made by the first's worker, with room for one worker only."""
    twins = [representation("steady", label) for label in ("a", "b")]
    outcome = bench.execute(twins, [task("pairs"), task("drawn")], jobs=1)

    assert outcome.count("ok") == 4
    assert outcome.counters["encodes"] == 24


def test_two_runs_at_once_in_one_folder_lose_nothing(registry, settings) -> None:
    suite = (
        [representation("steady", delay=0.02), representation("learnt")],
        [task(), task("crops")],
    )
    outcomes = []

    def go() -> None:
        outcomes.append(Bench(registry, settings).execute(*suite))

    threads = [threading.Thread(target=go) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(outcomes) == 2
    for outcome in outcomes:
        assert (outcome.count("ok"), outcome.count("skipped"), outcome.not_run) == (3, 1, 0)
    assert scores(outcomes[0]) == scores(outcomes[1])
    third = Bench(registry, settings).execute(*suite)
    assert third.counters["cached"] == 3
    assert third.counters["encodes"] == third.counters["fits"] == third.counters["scores"] == 0


def test_events_tell_the_story(bench) -> None:
    events = []
    running = bench.run([representation("steady", delay=0.06)])
    running.execute(lambda event: events.append((event.kind, event.job.kind, event.done)))

    assert events[0] == ("start", "encode", 0)
    assert [each for each in events if each[0] == "end"][-1] == ("end", "score", 0)
    assert ("progress", "encode", 12) in events


def test_an_exception_while_watching_leaves_no_worker(bench) -> None:
    import multiprocessing

    def explode(event) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bench.run([representation("steady", delay=5.0)]).execute(explode)
    assert not multiprocessing.active_children()


@pytest.mark.parametrize("what", ["results", "cache"])
def test_folders_that_cannot_be_written_to_are_refused_first(
    bench, tmp_path, what, monkeypatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(LocalEngine, "run", lambda *_: pytest.fail("something was started"))

    with pytest.raises(StoreError, match="file") as caught:
        bench.run(**{what: tmp_path / "file" / "inside"}).execute()
    assert "can't" in caught.value.what


def test_devices_are_taken_in_turn(bench) -> None:
    outcome = bench.execute(
        [representation("steady", "a"), representation("steady", "b", scale=2.0)],
        device="cpu,cpu:1",
    )

    assert {record.cost.device for record in outcome.records.values()} == {"cpu", "cpu:1"}


def test_workers_are_gone_when_the_run_is(faulty) -> None:
    me = os.getpid()
    children = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rsplit(")", 1)[1].split()
            command = (status.parent / "cmdline").read_bytes()
        except OSError:
            continue
        if int(fields[1]) == me and b"spawn_main" in command:
            children.append(command)
    assert children == []
