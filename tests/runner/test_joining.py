from __future__ import annotations

from dataclasses import replace

import pytest
from runner_bench import Bench, representation, task

from mmbench.api import RepresentationSpec, TaskSpec, UsageError
from mmbench.registry import Entry, PluginInfo, Registry
from mmbench.runner.joining import with_joined
from mmbench.runner.suite import RepresentationChoice, Suite, TaskChoice

SUITE = Suite("Board", (task("own-task"),), (representation("own"), representation("own", "twin")))


def entries(kind, distribution, *specs):
    plugin = PluginInfo(distribution, "1", "x", "m")
    return {
        name: Entry(kind(name, "m:C", joins=tuple(joins)), plugin)
        for name, *joins in (spec.split() for spec in specs)
    }


@pytest.fixture
def guests() -> Registry:
    """Two distributions whose entries join ``board``, besides some that don't."""
    aa = entries(RepresentationSpec, "dist-a", "zed board other", "idle", "else other")
    bb = entries(RepresentationSpec, "dist-b", "abe board board", "own board", "twin board")
    tasks = entries(TaskSpec, "dist-b", "guest-task board", "own-task board")
    return Registry(representations={**aa, **bb}, tasks=tasks)


def test_what_joins_stands_after_the_suites_own_in_the_registrys_order(guests) -> None:
    joined = with_joined(SUITE, "board", guests)

    assert joined.representations == (
        *SUITE.representations,
        RepresentationChoice("zed", "zed", optional=True, joined="dist-a"),
        RepresentationChoice("abe", "abe", optional=True, joined="dist-b"),
    )
    assert joined.tasks == (
        *SUITE.tasks,
        TaskChoice("guest-task", "guest-task", optional=True, joined="dist-b"),
    )


def test_a_suite_that_nobody_joins_is_what_it_was(guests) -> None:
    assert with_joined(SUITE, "Board", guests) == SUITE
    assert with_joined(SUITE, "board", Registry()) == SUITE


def test_a_guests_wrong_options_stop_nobody_else(bench) -> None:
    guest = replace(representation("steady", "guest"), options={"nope": 1}, joined="dist-a")
    plan = bench.plan([guest, representation("steady")])

    assert [cell.state for cell in plan.cells] == ["skipped", "planned"]
    assert "has no option 'nope'" in plan.cells[0].reason
    strange = replace(task("pairs", "guest"), options={"nope": 1}, joined="dist-a")
    plan = bench.plan(None, [strange, task("pairs")])
    assert [cell.state for cell in plan.cells] == ["skipped", "planned"]


def test_a_guest_that_joins_for_some_tasks_is_skipped_on_the_others(bench) -> None:
    entry = bench.registry.representations["steady"]
    spec = replace(entry.spec, joins=("board",), joins_for=("pairs",))
    known = {**bench.registry.representations, "steady": replace(entry, spec=spec)}
    asked = Bench(replace(bench.registry, representations=known), bench.settings)
    guest = replace(representation("steady", "guest"), joined="dist-a")
    tasks = [task("pairs"), task("sparse")]
    plan = asked.plan([guest, representation("steady")], tasks)

    assert [cell.state for cell in plan.cells] == ["planned", "planned", "skipped", "planned"]
    assert plan.cells[2].reason == "made for other tasks of the suite"


def test_what_the_user_sets_wrong_is_misuse_for_a_guest_too(bench) -> None:
    guest = replace(representation("steady"), options={"scale": "x"}, joined="dist-a")
    with pytest.raises(UsageError, match="option 'scale' is 'x'"):
        bench.plan([replace(guest, given={"scale": "-o scale"})])
