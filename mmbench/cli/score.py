"""``mmbench score``: score finished cells again from the store, without the model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mmbench.api.errors import MmbenchError, UsageError
from mmbench.cli.main import registry

if TYPE_CHECKING:
    from mmbench.results.record import Record

__all__ = ["score"]

EXAMPLES = """\b
Examples:
  mmbench score results/quickstart
  mmbench score results/quickstart -t numbers-retrieval-image-text
"""


@click.command(epilog=EXAMPLES)
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("-r", "--representation", "representations", multiple=True, metavar="NAME",
              help="Only this one.")  # fmt: skip
@click.option("-t", "--task", "tasks", multiple=True, metavar="NAME", help="Only this one.")
@click.option(
    "--cache",
    type=click.Path(path_type=Path),
    help="The embedding store.  [default: MMBENCH_CACHE, or the user's cache folder]",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables.")
def score(
    folder: Path,
    representations: tuple[str, ...],
    tasks: tuple[str, ...],
    cache: Path | None,
    as_json: bool,
) -> int:
    """Score the finished cells in FOLDER again: no model, no media, no dataset is opened.

    Ids, columns and vectors come from the store; records, per-item scores (lost ones too) and
    leaderboards are written anew.
    """
    from mmbench.cli.screen import error_console, output_console, say_damaged, show_leaderboards
    from mmbench.results.leaderboard_files import compared_rows, refresh_leaderboards
    from mmbench.results.store import RecordStore
    from mmbench.runner.folders import cache_root, data_root
    from mmbench.runner.rescoring import rescore
    from mmbench.runner.settings import RunSettings

    console = error_console()
    store = RecordStore(folder)
    # A record whose per-item scores are lost is scored again like any other: that mends it.
    every = store.records(whole=False)
    done = [r for r in every if r.status == "ok" and r.source == "measured"]
    found = [
        record
        for record in done
        if (not representations or record.representation.label in representations)
        and (not tasks or record.task.label in tasks)
    ]
    if not found:
        say_damaged(store, console)
        raise UsageError(
            "no finished cell matches",
            where=str(folder),
            fix=f"{len(done)} finished cells are there: `mmbench leaderboard {folder}` shows them"
            if done
            else "name a suite's results folder, such as results/quickstart",
        )
    settings = RunSettings(folder.absolute(), cache_root(cache), data_root())
    errors: dict[str, str] = {}
    for number, record in enumerate(found, 1):
        seed = "" if record.seed is None else f", seed {record.seed}"
        name = f"{record.representation.label} on {record.task.label}{seed}"
        try:
            rescore(record.key, registry(), settings)
        except MmbenchError as error:
            errors[record.key] = str(error)
        if not as_json:
            state = (
                f"failed  {name}: {errors[record.key]}"
                if record.key in errors
                else f"ok      {name}"
            )
            console.print(f"[{number}/{len(found)}] {state}", markup=False)
    again = RecordStore(folder)
    records = again.records()
    say_damaged(again, console)
    boards = refresh_leaderboards(records, again.tables, folder, against=compared_rows(folder))
    if as_json:
        click.echo(json.dumps(_as_json(folder, found, records, errors), indent=1, sort_keys=True))
    else:
        show_leaderboards(boards, output_console())
        cells = "1 cell" if len(found) - len(errors) == 1 else f"{len(found) - len(errors)} cells"
        console.print(f"{cells} scored again, {len(errors)} failed.")
    return 1 if errors else 0


def _as_json(
    folder: Path, found: list[Record], records: list[Record], errors: dict[str, str]
) -> dict[str, Any]:
    """What was scored again, with its new values, or why it was not."""
    new = {record.key: record for record in records}
    cells = []
    for old in found:
        record = new.get(old.key, old)
        cells.append(
            {
                "representation": record.representation.label,
                "task": record.task.label,
                "seed": record.seed,
                "key": record.key,
                "status": "failed" if record.key in errors else "ok",
                "error": errors.get(record.key),
                "metrics": {name: value.value for name, value in record.metrics.items()},
            }
        )
    counts = {"scored": len(found) - len(errors), "failed": len(errors)}
    return {"results": str(folder.absolute()), "cells": cells, **counts}
