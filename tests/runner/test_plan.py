from __future__ import annotations

from dataclasses import replace

import pytest
from runner_bench import representation, task

from mmbench.api import UsageError
from mmbench.results.store import RecordStore
from mmbench.runner.overrides import apply_options
from mmbench.runner.run import Run
from mmbench.runner.suite import FitOn


def kinds(plan) -> dict[str, int]:
    found = [job.kind for job in plan.jobs.values()]
    return {kind: found.count(kind) for kind in ("fit", "encode", "score")}


def test_one_cell_is_its_encodings_and_a_score(bench) -> None:
    plan = bench.plan()

    (cell,) = plan.cells
    assert (cell.state, cell.seed, cell.reason) == ("planned", None, "")
    assert kinds(plan) == {"fit": 0, "encode": 2, "score": 1}
    score = plan.jobs[cell.job]
    assert all(plan.jobs[need].kind == "encode" for need in score.needs)
    assert len(score.needs) == 2
    assert plan.counters() == {"fits": 0, "encodes": 24, "reused": 0, "scores": 1}


def test_equal_requests_of_two_tasks_share_one_job(bench) -> None:
    plan = bench.plan(None, [task("pairs"), task("faulty-task"), task("pairs", "again")])

    assert kinds(plan) == {"fit": 0, "encode": 2, "score": 3}
    needs = [set(plan.jobs[cell.job].needs) for cell in plan.cells]
    assert needs[1] < needs[0] == needs[2]


def test_two_entries_with_one_identity_share_vectors_and_have_two_records(bench) -> None:
    plan = bench.plan([representation("steady"), representation("steady", "twin")])

    assert kinds(plan) == {"fit": 0, "encode": 2, "score": 2}
    assert len({cell.key for cell in plan.cells}) == 2


def test_training_comes_first_and_once(bench) -> None:
    plan = bench.plan([representation("learnt")], [task("pairs"), task("pairs", "again")])

    assert kinds(plan) == {"fit": 1, "encode": 2, "score": 2}
    (fit,) = [job for job in plan.jobs.values() if job.kind == "fit"]
    assert all(fit.key in job.needs for job in plan.jobs.values() if job is not fit)
    assert plan.counters()["encodes"] == 24  # all of them, before a fit


def test_seeds_make_cells_only_where_something_is_seeded(bench) -> None:
    plan = bench.plan(
        [representation("steady"), representation("seeded")], [task("pairs"), task("drawn")], (0, 1)
    )

    seeds = {
        (r, t): [
            c.seed for c in plan.cells if (c.representation.label, c.task.label) == (r, t)
        ]
        for r in ("steady", "seeded") for t in ("pairs", "drawn")
    }  # fmt: skip
    assert seeds == {
        ("steady", "pairs"): [None], ("seeded", "pairs"): [0, 1],
        ("steady", "drawn"): [0, 1], ("seeded", "drawn"): [0, 1],
    }  # fmt: skip
    # left and right once, and of the seeded one for each of two seeds
    assert kinds(plan) == {"fit": 0, "encode": 6, "score": 7}


def test_what_is_stored_is_not_done_again(bench) -> None:
    bench.do()

    plan = bench.plan()
    assert [cell.state for cell in plan.cells] == ["done"]
    assert not plan.jobs

    wider = bench.plan(None, [task("pairs"), task("faulty-task"), task("pairs", "b", items=20)])
    assert [cell.state for cell in wider.cells] == ["done", "planned", "planned"]
    # of twenty items, the left sides of the first twelve are those of the twelve items before
    assert wider.counters() == {"fits": 0, "encodes": 28, "reused": 24, "scores": 2}


def test_a_failed_record_is_tried_again(bench, settings) -> None:
    outcome, _ = bench.do()
    (record,) = outcome.records.values()
    store = RecordStore(settings.results)
    (path,) = store.folder.glob("*.json")
    path.unlink()
    store.write(replace(record, status="failed", metrics={}))

    assert [cell.state for cell in bench.plan().cells] == ["planned"]


@pytest.mark.parametrize(
    ("choice", "task_choice", "state", "what"),
    [
        (representation("steady", only="left"), task("pairs"), "skipped", "takes no right"),
        (representation("learnt"), task("sparse"), "skipped", "names no training data"),
        (representation("steady"), task("absent"), "skipped", "looked for"),
        (replace(representation("gone"), optional=True), task(), "skipped",
         "gone is optional and not installed"),
        (representation("steady"), replace(task("gone"), optional=True), "skipped",
         "gone is optional and not installed"),
        (representation("unimportable"), task(), "broken", "can't import mmbench_faulty.nowhere"),
        (representation("faulty", fault="constructor"), task(), "broken", "constructor raised Key"),
        (representation("faulty", fault="info"), task(), "broken", "info raised KeyError"),
        (representation("faulty", fault="bind"), task(), "broken", "raised KeyError"),
        (representation("faulty", fault="fingerprint"), task(), "broken", "fingerprint"),
        (representation("steady"), task("faulty-task", fault="collections"), "broken",
         "collections() raised KeyError"),
        (representation("steady"), task("faulty-task", fault="requests"), "broken",
         "requests() raised KeyError"),
        (representation("steady"), task("faulty-task", fault="request"), "broken", "'nowhere'"),
        (representation("steady"), task("faulty-task", fault="info"), "broken", "info raised"),
    ],
)  # fmt: skip
def test_cells_that_cannot_be_have_a_reason_and_leave_others_alone(
    bench, choice, task_choice, state, what
) -> None:
    plan = bench.plan([choice, representation("steady", "good")], [task_choice, task("crops")])

    first = plan.cells[0]
    assert first.state == state
    assert what in first.reason
    assert not first.job
    assert (first.error is not None) == (state == "broken")
    good = [c for c in plan.cells if c.representation.label == "good" and c.task.label == "crops"]
    assert [cell.state for cell in good] == ["planned"]


def test_an_error_nobody_foresaw_breaks_one_cell(bench, monkeypatch) -> None:
    from mmbench.runner import plan as planning

    def broken(found, request, catalog):
        raise ZeroDivisionError("by chance")

    monkeypatch.setattr(planning, "groups_of", broken)
    (cell,) = bench.plan().cells

    assert cell.state == "broken"
    assert "planning raised ZeroDivisionError: by chance" in cell.reason


@pytest.mark.parametrize(
    ("choice", "task_choice", "line", "what"),
    [
        (replace(representation("gone"), line=3), task(), 3, "no representation called 'gone'"),
        (representation("steady"), replace(task("gone"), line=5), 5, "no task called 'gone'"),
        (replace(representation("steady", sclae=1), line=3), task(), 3, "no option 'sclae'"),
        (representation("steady"), replace(task("pairs", itmes=1), line=5), 5, "option 'itmes'"),
        (replace(representation("learnt"), line=3),
         replace(task(), line=5, fit_on=FitOn("nowhere", "x")), 5, "no dataset called 'nowhere'"),
        (replace(representation("learnt"), line=3),
         replace(task(), line=5, fit_on=FitOn("faulty-pairs", "x")), 5, "no collection 'x'"),
        (replace(representation("steady"), line=3, bind={"x": "left"}), task(), 3, "a slot 'x'"),
    ],
)  # fmt: skip
def test_misuse_ends_the_plan_and_names_the_line(bench, choice, task_choice, line, what) -> None:
    with pytest.raises(UsageError) as caught:
        bench.plan([choice], [task_choice])

    assert what in caught.value.what
    assert f"the command line, line {line}" in caught.value.where


@pytest.mark.parametrize(
    ("assignment", "where"),
    [
        ("scale=big", "-o scale, representation steady"),
        ("steady.scale=big", "-o steady.scale, representation steady"),
        ("items=few", "-o items, task pairs"),
        ("delay=0.1", "the command line, line 3, representation steady"),
    ],
)
def test_what_the_command_line_set_is_not_blamed_on_the_suite(bench, assignment, where) -> None:
    options = {"sclae": 1} if assignment.startswith("delay") else {}
    choice = replace(representation("steady", **options), line=3)
    suite = apply_options(
        bench.suite([choice], [replace(task(), line=5)]), [assignment], bench.registry
    )
    with pytest.raises(UsageError) as caught:
        Run(suite, bench.registry, bench.settings).plan()

    assert caught.value.where == where


def test_what_is_damaged_is_planned_again_and_named(bench, settings) -> None:
    bench.do([representation("learnt")])
    (record,) = (settings.results / "records").glob("*.json")
    record.write_bytes(record.read_bytes()[:200])
    (shard,) = [p for p in (settings.cache / "vectors").glob("??/*/*.npy") if "keys" not in p.name][
        :1
    ]
    shard.write_bytes(shard.read_bytes()[:-4])

    plan = bench.plan([representation("learnt")])

    assert [cell.state for cell in plan.cells] == ["planned"]
    assert plan.counters()["encodes"] == 12
    assert len(plan.damage) == 2
    assert any(record.name in line for line in plan.damage)
    assert any(shard.stem in line for line in plan.damage)
    (state,) = (settings.cache / "artifacts" / "states").iterdir()
    state.write_bytes(b"")
    again = bench.plan([representation("learnt")])
    assert any("a trained state" in line for line in again.damage)
    assert kinds(again)["fit"] == 1


def test_a_limit_a_precision_and_resamples_make_other_records(bench) -> None:
    found = [
        bench.plan(**fields).cells[0].key
        for fields in ({}, {"limit": 3}, {"precision": "bf16"}, {"resamples": 7}, {"jobs": 2})
    ]

    assert len(set(found)) == 4
    assert found[0] == found[4]


def test_missing_items_are_counted(bench) -> None:
    bench.do(None, [task("pairs", broken=("test-003",))])
    plan = bench.plan(None, [task("pairs", "other", broken=("test-003",))])

    assert plan.counters() == {"fits": 0, "encodes": 2, "reused": 22, "scores": 1}
