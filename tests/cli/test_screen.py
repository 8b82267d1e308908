"""What a person sees: tables that fit, names that are whole, bars that end."""

from __future__ import annotations

import re
from dataclasses import replace
from io import StringIO
from types import SimpleNamespace

import pytest
from rich.console import Console

from mmbench.api import MetricInfo
from mmbench.cli.progress import RunProgress
from mmbench.cli.reporting import say_plan, show_plan
from mmbench.cli.screen import say, say_not_ranked, show_leaderboards
from mmbench.results.boards import (
    Cell,
    Leaderboards,
    NotRanked,
    Row,
    Summary,
    SummaryRow,
    Table,
)
from mmbench.runner.engine import Event
from mmbench.runner.plan import CellPlan, Job, Plan
from mmbench.runner.suite import RepresentationChoice, Suite, TaskChoice
from mmbench.runner.workshop import JobResult

LONG = "a-representation-with-quite-a-long-name"
METRICS = tuple(
    MetricInfo(f"{direction} {name}", ("hit",))
    for direction in ("image→text", "text→image")
    for name in ("R@1", "R@5", "R@10", "MRR")
)
PRIMARY = METRICS[4].name  # not the first


def _row(name, value, **how):
    cells = {
        m.name: Cell(value=value, low=max(value - 0.04, 0), high=min(value + 0.04, 1), n=400)
        for m in METRICS
    }
    return Row(name=name, cells=cells, **{"used": 400, "total": 400, "seeds": 1, **how})


TABLE = Table(
    title="pairs",
    name="pairs",
    version="3",
    protocol="retrieval",
    provenance="generated",
    primary=PRIMARY,
    metrics=METRICS,
    options={"ties": "expected"},
    generated_streams=("pairs/text",),
    rows=(
        _row(LONG, 1.0, rank=1, best=True),
        _row("数字", 0.5, rank=2),
        Row(name="chance", kind="reference", cells={PRIMARY: Cell(value=0.0025)}),
    ),
)
BOARDS = Leaderboards(
    coverage="report",
    tables=(TABLE,),
    summaries=(
        Summary(
            provenance="generated",
            rows=(SummaryRow(name=LONG, rank=1, points=1.5, tasks=1, of=8),),
        ),
    ),
)


def _console(width=80, *, terminal=True):
    return Console(
        file=StringIO(), width=width, force_terminal=terminal, color_system=None, highlight=False
    )


def _shown(boards, width):
    console = _console(width)
    show_leaderboards(boards, console)
    return console.file.getvalue()


@pytest.mark.parametrize("width", [80, 100, 120, 200])
def test_tables_fit_and_names_are_whole(width):
    shown = _shown(BOARDS, width)
    assert max(map(len, shown.splitlines())) <= width
    assert shown.count(LONG) == 2
    assert "数字" in shown
    assert "…" not in shown
    assert "100.0 [96.0, 100.0]" in shown


@pytest.mark.parametrize(("width", "count"), [(80, 1), (120, 3), (300, 8)])
def test_the_primary_metric_first_and_then_what_fits(width, count):
    shown = _shown(BOARDS, width)
    row = next(line for line in shown.splitlines() if LONG in line)
    assert row.count("[") == count
    left_out = len(METRICS) - count
    assert (f"{left_out} more metrics are in the files." in shown) == bool(left_out)
    chance = next(line for line in shown.splitlines() if "chance" in line)
    assert chance.split() == ["chance", "0.25"]  # the primary one, the only one it has


def test_options_stay_in_the_files_and_equal_columns_are_said_once():
    shown = _shown(BOARDS, 120)
    assert "ties" not in shown
    assert f"retrieval, version 3; ranked by {PRIMARY}; 400/400 items; 1 seed\n" in shown
    assert "generated streams: pairs/text" in shown
    assert " items " not in shown.split("retrieval, version")[0]


def test_different_items_and_seeds_are_columns():
    rows = (*TABLE.rows, _row("partly", 0.4, rank=3, used=371, seeds=3))
    shown = _shown(replace(BOARDS, tables=(replace(TABLE, rows=rows),)), 120)
    head = next(line for line in shown.splitlines() if "representation" in line)
    assert head.rstrip().endswith("items  seeds")
    partly = next(line for line in shown.splitlines() if "partly" in line)
    assert partly.split()[-2:] == ["371/400", "3"]
    assert "seed\n" not in shown


def test_notes_of_metrics_that_are_not_shown_are_left_out():
    undefined = _row("odd", 0.1, rank=3)
    cells = {**undefined.cells, METRICS[-1].name: Cell(value=None, note="undefined here")}
    rows = (*TABLE.rows, replace(undefined, cells=cells))
    boards = replace(BOARDS, tables=(replace(TABLE, rows=rows),))
    assert "undefined here" not in _shown(boards, 80)
    assert f"1. {METRICS[-1].name}: undefined here" in _shown(boards, 300)


def test_nothing_measured():
    assert _shown(Leaderboards(coverage="report"), 80) == "No cell has been measured yet.\n"


def test_cells_with_one_reason_are_one_message():
    entries = [
        NotRanked(
            representation="cca", task=f"task-{n}", seed=None, status="skipped", reason="no",
            fix="make it so",
        )
        for n in range(3)
    ]  # fmt: skip
    failed = NotRanked(representation="bad", task="t", seed=2, status="failed", reason="E: [x]\ny")
    partial = NotRanked(representation="p", task="t", seed=0, status="partial", reason="part")
    boards = replace(BOARDS, not_ranked=(*entries, failed, partial))
    console = _console()
    say_not_ranked(boards, console, partial=False)
    assert console.file.getvalue() == (
        "skipped  cca on task-0, task-1, task-2: no\n"
        "         make it so\n"
        "failed   bad on t, seed 2: E: [x]\n"
        "         y\n"
    )
    console = _console()
    say_not_ranked(boards, console)
    assert "partial  p on t, seed 0: part\n" in console.file.getvalue()


def test_long_messages_hang_under_themselves():
    console = _console(40)
    say(console, "failed", "word " * 20)
    lines = console.file.getvalue().splitlines()
    assert lines[0].startswith("failed   word")
    assert all(line.startswith(" " * 9 + "word") for line in lines[1:])
    assert max(map(len, lines)) <= 40


def _plan():
    choice, other = (RepresentationChoice(n, n) for n in ("cca", "random"))
    task = TaskChoice("numbers-retrieval", "numbers-retrieval")
    plan = Plan(Suite("small", (task,), (choice, other)))
    plan.cells = [
        CellPlan(choice, task, None, key="k1", job="score:k1"),
        CellPlan(other, task, 3, key="k2", job="score:k2"),
        CellPlan(other, task, None, state="skipped", reason="takes no odour\n  get a nose"),
        CellPlan(choice, task, None, state="skipped", reason="takes no odour\n  get a nose"),
    ]
    fit = Job("fit:1", "fit", choice, task, 0)
    encode = Job("encode:1", "encode", choice, task, 0, ("fit:1",), "query", 400, 100)
    scores = [Job(f"score:k{n}", "score", c, task, 0) for n, c in ((1, choice), (2, other))]
    plan.jobs = {job.key: job for job in (fit, encode, *scores)}
    return plan


def test_the_plan_names_states_reasons_and_work():
    console = _console(100)
    show_plan(_plan(), as_json=False, console=console)
    shown = console.file.getvalue()
    assert "skipped  takes no odour\n" in re.sub(r" +\n", "\n", shown)
    lines = [line.strip() for line in shown.splitlines()]
    assert lines[lines.index("get a nose") + 1].endswith("as random on numbers-retrieval")
    work = next(line for line in shown.splitlines() if "encode query" in line)
    assert work.split()[-2:] == ["400", "100"]
    assert (
        "Plan of small: 4 cells, 0 done, 2 to do, 2 skipped. Work: 1 fit, 100 items to encode "
        "(300 are in the store), 2 cells to score." in " ".join(shown.split())
    )


def test_the_plan_names_what_joined_and_from_where():
    plan = _plan()
    console = _console(100)
    say_plan(plan, console)
    assert "Joined" not in console.file.getvalue()
    suite = plan.suite
    guest = RepresentationChoice("cca", "cca", joined="mmbench-x")
    guest_task = TaskChoice("t", "t", joined="mmbench-[y]")
    plan.suite = replace(suite, representations=(guest,), tasks=(*suite.tasks, guest_task))
    console = _console(100)
    say_plan(plan, console)
    last = console.file.getvalue().splitlines()[-1]
    assert last == "Joined by plugins: cca (from mmbench-x), t (from mmbench-[y])."


def test_a_plan_with_nothing_to_do_says_no_work():
    plan = _plan()
    plan.jobs = {}
    console = _console(100)
    say_plan(plan, console)
    assert "Work" not in console.file.getvalue()


def _events(plan):
    jobs = plan.jobs
    yield Event("start", jobs["fit:1"])
    yield Event("end", jobs["fit:1"], result=JobResult("fit:1"))
    yield Event("start", jobs["encode:1"])
    yield Event("progress", jobs["encode:1"], 50, 100, "pairs/image global")
    yield Event("end", jobs["encode:1"], result=JobResult("encode:1"))
    yield Event("start", jobs["score:k1"])
    yield Event("end", jobs["score:k1"], result=JobResult("score:k1"))
    error = ("PluginError", "[red]it broke\nat length", "log")
    yield Event("end", jobs["score:k2"], result=JobResult("score:k2", error=error))


def test_progress_without_a_terminal_is_a_line_a_cell():
    console = _console(1000, terminal=False)
    plan = _plan()
    with RunProgress(plan, console) as progress:
        for event in _events(plan):
            progress.watch(event)
    first, second = console.file.getvalue().splitlines()
    assert first.startswith("[1/2] ")
    assert first.endswith(" s  ok      cca on numbers-retrieval")
    assert second.endswith(" s  failed  random on numbers-retrieval, seed 3: [red]it broke")


def test_progress_on_a_terminal_has_a_bar_for_each_job_that_runs():
    console = _console(100)
    plan = _plan()
    with RunProgress(plan, console) as progress:
        seen = []
        for event in _events(plan):
            progress.watch(event)
            seen.append([task.description for task in progress._bars.tasks])
    assert seen[0] == ["cells ", "cca     training numbers-retrieval"]
    assert seen[3] == ["cells ", "cca     pairs/image global"]
    assert seen[-1] == ["cells "]
    assert progress._bars.tasks[0].completed == 2
    assert "[2/2]" in console.file.getvalue()


def test_quiet_progress_says_nothing():
    console = _console(100)
    plan = _plan()
    with RunProgress(plan, console, quiet=True) as progress:
        for event in _events(plan):
            progress.watch(event)
    assert console.file.getvalue() == ""


def test_an_event_of_an_unknown_job_does_no_harm():
    progress = RunProgress(_plan(), _console())
    progress.watch(Event("end", SimpleNamespace(key="other")))
    assert progress.ended == 0


@pytest.mark.parametrize("width", [80, 120])
def test_several_tables_end_with_one_line_a_task(width):
    table = BOARDS.tables[0]
    other = replace(table, title="another task")
    shown = _shown(replace(BOARDS, tables=(table, other)), width)
    overview = shown[shown.index("Overview") :]
    assert table.title in overview
    assert "another task" in overview
    assert "Overview" not in _shown(BOARDS, width)
