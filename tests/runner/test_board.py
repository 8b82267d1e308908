from __future__ import annotations

import numpy as np
import pytest
from runner_bench import do_jobs, representation, task

from mmbench.api import UsageError
from mmbench.runner import devices, plan
from mmbench.runner.run import Run


def finished(bench, suite, whole=None):
    running = Run(suite, bench.registry, bench.settings, whole)
    do_jobs(running, bench.registry)
    return running.outcome()


def labels(outcome):
    return sorted((r.representation.label, r.task.label) for r in outcome.board)


def test_a_part_of_a_suite_leaves_the_rest_on_its_board(bench):
    whole = bench.suite([representation("steady"), representation("steady", "second", scale=2.0)])
    assert len(finished(bench, whole, whole).board) == 2
    part = whole.select(["second"], [], [])
    outcome = finished(bench, part, whole)
    assert [r.representation.label for r in outcome.records.values()] == ["second"]
    assert labels(outcome) == [("second", "pairs"), ("steady", "pairs")]


def test_what_the_suite_does_not_name_any_more_is_on_no_board(bench):
    old = bench.suite([representation("steady"), representation("steady", "gone", scale=2.0)])
    finished(bench, old, old)
    now = bench.suite([representation("steady")])
    assert labels(finished(bench, now, now)) == [("steady", "pairs")]


def test_without_a_suite_all_that_is_finished_is_on_the_board(bench):
    finished(bench, bench.suite([representation("steady")]))
    outcome = finished(bench, bench.suite([representation("steady", "again", scale=2.0)]))
    assert labels(outcome) == [("again", "pairs"), ("steady", "pairs")]


@pytest.mark.parametrize("broken", ["no such task", "pairs"])
def test_a_suite_that_is_broken_elsewhere_does_not_stop_its_part(bench, monkeypatch, broken):
    if broken == "pairs":  # a plugin that raises what nobody expects
        matched = plan.match

        def match(catalog, choice, task, *rest):
            if task.label == "second":
                raise ZeroDivisionError
            return matched(catalog, choice, task, *rest)

        monkeypatch.setattr(plan, "match", match)
    whole = bench.suite([representation("steady")], [task(), task(broken, "second")])
    outcome = finished(bench, whole.select([], ["pairs"], []), whole)
    assert labels(outcome) == [("steady", "pairs")]


@pytest.mark.parametrize(
    ("asked", "there", "chosen"),
    [
        ("cpu", ["cpu"], "cpu"),
        ("cpu,cpu", ["cpu"], "cpu,cpu"),
        ("cuda", ["cpu", "cuda:0"], "cuda"),
        ("cuda:0,cuda:1", ["cpu", "cuda:0", "cuda:1"], "cuda:0,cuda:1"),
        ("mps", ["cpu", "mps"], "mps"),
    ],
)
def test_a_device_that_is_there(monkeypatch, asked, there, chosen):
    monkeypatch.setattr(devices, "available_devices", lambda: there)
    assert devices.choose_device(asked) == chosen


@pytest.mark.parametrize("asked", ["cuda", "cuda:1", "tpu", "mps", "cpu,cuda:3", ""])
def test_a_device_that_is_not_there_is_refused_by_name(monkeypatch, asked):
    monkeypatch.setattr(devices, "available_devices", lambda: ["cpu"])
    with pytest.raises(UsageError, match="there is no device") as caught:
        devices.choose_device(asked)
    assert "this machine has: cpu" in caught.value.fix


@pytest.mark.parametrize(
    ("driver", "there", "chosen"),
    [(False, ["cpu", "cuda:0"], "cpu"), (True, ["cpu", "cuda:0"], "cuda"), (True, ["cpu"], "cpu")],
)
def test_auto_takes_a_gpu_that_torch_sees(monkeypatch, tmp_path, driver, there, chosen):
    (tmp_path / "version").touch() if driver else None
    monkeypatch.setattr(devices, "_NVIDIA", tmp_path / "version")
    monkeypatch.setattr(devices.sys, "platform", "linux")
    monkeypatch.setattr(devices, "available_devices", lambda: there)
    assert devices.choose_device("auto") == chosen


def test_todays_reason_replaces_yesterdays_failure(bench, tmp_path):
    folder = tmp_path / "vectors"
    folder.mkdir()
    (folder / "ids.txt").write_text("a\na\n")
    np.save(folder / "left.npy", np.zeros((2, 3), dtype=np.float32))
    suite = bench.suite([representation("arrays", folder=str(folder))])

    def run():
        running = Run(suite, bench.registry, bench.settings)
        (record,) = running.execute().records.values()
        return record

    assert run().status == "failed"
    (folder / "ids.txt").write_text("a\nb\n")
    (folder / "left.npy").rename(folder / "other.npy")
    assert run().status == "skipped"
    again = Run(suite, bench.registry, bench.settings)
    before = again.outcome().records
    again.execute()
    assert again.outcome().records == before  # the same word is written once
