"""What ``mmbench run`` says before and after: the plan, the leaderboards, what failed and why."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console

    from mmbench.results.boards import Leaderboards
    from mmbench.results.record import Record
    from mmbench.runner.plan import Job, Plan
    from mmbench.runner.run import Outcome
    from mmbench.runner.settings import RunSettings
    from mmbench.runner.suite import RepresentationChoice, TaskChoice

__all__ = ["report_outcome", "say_dropped", "say_interrupted", "say_plan", "show_plan"]

_STYLES = {"done": "green", "planned": "", "skipped": "yellow", "broken": "red"}


def show_plan(plan: Plan, *, as_json: bool, console: Console) -> None:
    """Every cell with its state and reason, the work, and what it amounts to."""
    if as_json:
        cells = [
            {
                "representation": cell.representation.label,
                "task": cell.task.label,
                "seed": cell.seed,
                "state": cell.state,
                "reason": cell.reason,
                "key": cell.key,
            }
            for cell in plan.cells
        ]
        said = {
            "suite": plan.suite.name,
            "cells": cells,
            "counters": plan.counters(),
            "joined": [{"name": name, "distribution": origin} for name, origin in _joined(plan)],
        }
        click.echo(json.dumps(said, indent=1, sort_keys=True))
        return
    from rich.text import Text

    seeded = any(cell.seed is not None for cell in plan.cells)
    cells_head = ("representation", "task", *(("seed",) if seeded else ()), "state", "why")
    rows: list[tuple[Any, ...]] = []
    first_with: dict[str, str] = {}
    for cell in plan.cells:
        seed = ("" if cell.seed is None else str(cell.seed),) if seeded else ()
        state = Text(cell.state, style=_STYLES[cell.state])
        why = "\n".join(line.strip() for line in cell.reason.splitlines())
        place = f"{cell.representation.label} on {cell.task.label}"
        if first_with.setdefault(cell.reason, place) != place and why:
            why = f"as {first_with[cell.reason]}"
        rows.append((cell.representation.label, cell.task.label, *seed, state, why))
    _table(console, cells_head, rows, fixed=len(cells_head) - 1)
    work = [job for job in plan.jobs.values() if job.kind in ("fit", "interact") or job.missing]
    if work:
        console.print()
        _show_work(work, console)
    console.print()
    say_plan(plan, console)


def _show_work(jobs: list[Job], console: Console) -> None:
    """A line a fit, encoding or projection; with the seed where several differ in nothing else."""
    names = [
        (
            job.label,
            "train" if job.kind == "fit" else f"{job.kind} {job.request}".rstrip(),
            job.task.label,
        )
        for job in jobs
    ]
    alike = Counter(names)
    seeded = len(alike) < len(names)
    rows = [
        (
            *name,
            *((str(job.seed) if alike[name] > 1 else "",) if seeded else ()),
            str(job.items) if job.kind in ("encode", "project") else "",
            str(job.missing) if job.kind in ("encode", "project") else "",
        )
        for name, job in zip(names, jobs, strict=True)
    ]
    seed_head = ("seed",) if seeded else ()
    header = ("representation", "work", "first for", *seed_head, "items", "to do")
    _table(console, header, rows, fixed=0)


def say_plan(plan: Plan, console: Console) -> None:
    """The plan in a line or two."""
    counters = plan.counters()
    broken = plan.count("broken")
    work = (
        f"{_many(counters['fits'], 'fit')}, {_many(counters['encodes'], 'item')} to encode "
        f"({counters['reused']} are in the store), {_many(counters['scores'], 'cell')} to score"
    )
    console.print(
        f"Plan of {plan.suite.name}: {_many(len(plan.cells), 'cell')}, {plan.count('done')} done, "
        f"{plan.count('planned')} to do, {plan.count('skipped')} skipped"
        + (f", {broken} broken" if broken else "")
        + "."
        + (f" Work: {work}." if plan.jobs else ""),
        markup=False,
    )
    if joined := _joined(plan):
        said = ", ".join(f"{name} (from {origin})" for name, origin in joined)
        console.print(f"Joined by plugins: {said}.", markup=False)


def _joined(plan: Plan) -> list[tuple[str, str]]:
    """Label of each entry that is not the suite's own, and the distribution it comes from."""
    choices: list[RepresentationChoice | TaskChoice]
    choices = [*plan.suite.representations, *plan.suite.tasks]
    return [(choice.label, choice.joined) for choice in choices if choice.joined]


def report_outcome(
    outcome: Outcome,
    settings: RunSettings,
    console: Console,
    *,
    as_json: bool,
    against: tuple[str, ...] = (),
) -> int:
    """Leaderboards to the screen and the results folder; what failed and why; the exit code."""
    from mmbench.cli.screen import output_console, show_leaderboards
    from mmbench.results.leaderboard import build_leaderboards
    from mmbench.results.leaderboard_files import refresh_leaderboards
    from mmbench.results.store import RecordStore

    store = RecordStore(settings.results)
    if settings.limit is None:
        boards = refresh_leaderboards(
            outcome.board, store.tables, settings.results, against=against
        )
    else:  # partial records are on no leaderboard, and must not empty the one that is there
        boards = build_leaderboards(list(outcome.records.values()), store.tables)
    failed = outcome.count("failed")
    if as_json:
        click.echo(json.dumps(_as_json(outcome, settings), indent=1, sort_keys=True))
    else:
        if settings.limit is None:
            show_leaderboards(_of_this_run(boards, outcome), output_console())
        else:
            _show_partial(outcome, output_console())
        _say_outcome(outcome, settings, console, boards)
    return 1 if failed or outcome.not_run else 0


def _show_partial(outcome: Outcome, console: Console) -> None:
    """What ``--limit`` measured, a line a cell: a try, which no leaderboard shows."""
    from mmbench.results.numerals import decimals, number_text

    for record in outcome.records.values():
        if record.status != "ok":
            continue
        metric = record.metrics[record.task.primary]
        figure = "undefined"
        if metric.value is not None:
            places = decimals(metric.value, metric.unit)
            figure = number_text(metric.value, metric.unit, places)
        name = f"{record.representation.label} on {record.task.label}"
        said = f"partial  {name}: {record.task.primary} {figure} over {record.items_used} items"
        console.print(said, markup=False, soft_wrap=True)


def _of_this_run(boards: Leaderboards, outcome: Outcome) -> Leaderboards:
    """The tables that this run has to do with; the files hold the whole suite's."""
    if all(r.key in outcome.records or r.source == "published" for r in outcome.board):
        return boards
    tables = [
        table
        for table in boards.tables
        if any(key in outcome.records for row in table.rows for key in row.keys)
    ]
    shown = {(table.title, table.provenance) for table in tables}
    compared = [each for each in boards.differences if (each.title, each.provenance) in shown]
    return replace(boards, tables=tuple(tables), differences=tuple(compared), summaries=())


def _say_outcome(
    outcome: Outcome, settings: RunSettings, console: Console, boards: Leaderboards
) -> None:
    """Skipped and failed cells with their reasons, then totals and where the files are."""
    from mmbench.cli.screen import say, say_not_ranked

    say_not_ranked(boards, console, partial=False)
    say_dropped(outcome.records.values(), console)
    results = _near(settings.results)
    if outcome.count("failed"):
        say(console, "", f"Details are in {results}/records and {results}/logs.")
    if settings.limit is not None:
        console.print(
            f"--limit {settings.limit}: these records are partial, and on no leaderboard."
        )
    counters = outcome.counters
    console.print(
        f"{outcome.count('ok')} ok ({counters['cached']} kept from before), "
        f"{outcome.count('failed')} failed, {outcome.count('skipped')} skipped"
        + (f", {outcome.not_run} not run" if outcome.not_run else "")
        + f"; {_many(counters['fits'], 'fit')}, {_many(counters['encodes'], 'item')} encoded, "
        f"{counters['reused']} found in the store.",
        markup=False,
    )
    if settings.limit is not None:
        return
    console.print(
        f"Leaderboard: {results / 'leaderboard.md'} (also .csv, .json, .parquet)",
        markup=False, soft_wrap=True,
    )  # fmt: skip


def say_dropped(records: Iterable[Record], console: Console) -> None:
    """How many items took no part in finished cells, and why the first did not.

    Tasks that lack the same items of a representation share a line.
    """
    from mmbench.cli.screen import say

    together: dict[tuple[str, str], list[str]] = {}
    for record in records:
        for entry in record.data if record.status == "ok" else ():
            if not entry.dropped:
                continue
            count, first = len(entry.dropped), entry.dropped[0]
            said = (
                f"{_many(count, 'item')} of {entry.items} dropped from {entry.name}: first "
                f"{first.id!r}: {first.reason} (all are in the record)"
            )
            tasks = together.setdefault((record.representation.label, said), [])
            if record.task.label not in tasks:
                tasks.append(record.task.label)
    for (representation, said), tasks in together.items():
        say(console, "dropped", f"{representation} on {', '.join(tasks)}: {said}", "yellow")


def say_interrupted(outcome: Outcome, console: Console) -> None:
    """What an interrupted run leaves: of the cells that were to be done, those that are."""
    wanted = [cell for cell in outcome.plan.cells if cell.state == "planned"]
    done = [outcome.records.get(cell.key) for cell in wanted]
    finished = sum(record is not None and record.status == "ok" for record in done)
    console.print(
        f"Interrupted: {finished} of {_many(len(wanted), 'cell')} to do are finished and kept. "
        "Run the same command again to do the rest.",
        markup=False,
    )


def _as_json(outcome: Outcome, settings: RunSettings) -> dict[str, Any]:
    return {
        "suite": outcome.plan.suite.name,
        "results": str(settings.results),
        "counters": outcome.counters,
        "cells": [
            {
                "representation": record.representation.label,
                "task": record.task.label,
                "seed": record.seed,
                "status": record.status,
                "reason": record.reason,
                "error": record.error.message if record.error else None,
                "provenance": record.provenance,
                "primary": record.task.primary,
                "metrics": {name: value.value for name, value in record.metrics.items()},
                "key": key,
            }
            for key, record in outcome.records.items()
        ],
        "ok": outcome.count("ok"),
        "failed": outcome.count("failed"),
        "skipped": outcome.count("skipped"),
        "not_run": outcome.not_run,
    }


def _table(console: Console, header: tuple[str, ...], rows: list[Any], *, fixed: int) -> None:
    """A plain table; the first ``fixed`` columns are not broken while another one can be."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    for column, name in enumerate(header):
        table.add_column(
            name,
            no_wrap=column < fixed and console.width >= 100,
            overflow="fold",
            justify="right" if name in {"items", "to do"} else "left",
        )
    for row in rows:
        table.add_row(*row)
    console.print(table, markup=False)


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _near(folder: Path) -> Path:
    """A folder as a person here would write it."""
    here = Path.cwd()
    return folder.relative_to(here) if folder.is_relative_to(here) else folder
