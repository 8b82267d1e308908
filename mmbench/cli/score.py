"""``mmbench score``: score finished cells again from the store, without the model."""

from __future__ import annotations

from pathlib import Path

import click

from mmbench.api.errors import MmbenchError, UsageError
from mmbench.cli.main import registry

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
def score(
    folder: Path, representations: tuple[str, ...], tasks: tuple[str, ...], cache: Path | None
) -> int:
    """Score the finished cells in FOLDER again: no model, no media, no dataset is opened.

    Ids, columns and vectors come from the store; records and leaderboards are written anew.
    """
    from mmbench.cli.screen import error_console, output_console, say_damaged, show_leaderboards
    from mmbench.results.leaderboard_files import refresh_leaderboards
    from mmbench.results.store import RecordStore
    from mmbench.runner.folders import cache_root, data_root
    from mmbench.runner.settings import RunSettings
    from mmbench.runner.workshop import rescore

    console = error_console()
    store = RecordStore(folder)
    done = [r for r in store.records() if r.status == "ok" and r.source == "measured"]
    found = [
        record
        for record in done
        if (not representations or record.representation.label in representations)
        and (not tasks or record.task.label in tasks)
    ]
    say_damaged(store, console)
    if not found:
        raise UsageError(
            "no finished cell matches",
            where=str(folder),
            fix=f"{len(done)} finished cells are there: `mmbench leaderboard {folder}` shows them"
            if done
            else "name a suite's results folder, such as results/quickstart",
        )
    settings = RunSettings(folder.absolute(), cache_root(cache), data_root())
    failed = 0
    for number, record in enumerate(found, 1):
        seed = "" if record.seed is None else f", seed {record.seed}"
        name = f"{record.representation.label} on {record.task.label}{seed}"
        try:
            rescore(record.key, registry(), settings)
            console.print(f"[{number}/{len(found)}] ok      {name}", markup=False)
        except MmbenchError as error:
            failed += 1
            console.print(f"[{number}/{len(found)}] failed  {name}: {error}", markup=False)
    again = RecordStore(folder)
    boards = refresh_leaderboards(again.records(), again.tables, folder)
    show_leaderboards(boards, output_console())
    console.print(f"{len(found) - failed} cells scored again, {failed} failed.")
    return 1 if failed else 0
