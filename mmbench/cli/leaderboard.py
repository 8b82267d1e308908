"""``mmbench leaderboard``: build leaderboards from records, of one machine or of several."""

from __future__ import annotations

from pathlib import Path

import click

from mmbench.api.errors import UsageError

__all__ = ["leaderboard"]

EXAMPLES = """\b
Examples:
  mmbench leaderboard results/quickstart
  mmbench leaderboard results/quickstart ../other-machine/results/quickstart --out merged
  mmbench leaderboard results/quickstart --coverage intersect
  mmbench leaderboard results/quickstart --against cca
"""


@click.command(epilog=EXAMPLES)
@click.argument("folders", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--out", type=click.Path(path_type=Path), help="Write the files here.  [default: write none]"
)
@click.option(
    "--coverage",
    type=click.Choice(["report", "strict", "intersect"]),
    default="report",
    show_default=True,
    help="Rows over different items: mark them, leave them out, or keep only common items.",
)
@click.option(
    "--against",
    multiple=True,
    metavar="ROW",
    help="Compare this row with each other, paired by items and seeds. Repeatable.  [default: "
    "what the suite compares]",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables.")
def leaderboard(
    folders: tuple[Path, ...],
    out: Path | None,
    coverage: str,
    against: tuple[str, ...],
    as_json: bool,
) -> None:
    """Build leaderboards from the records in FOLDERS; the better record of one cell wins."""
    from mmbench.cli.screen import (
        error_console,
        output_console,
        say_damaged,
        say_not_ranked,
        show_leaderboards,
    )
    from mmbench.results.differences import require_rows
    from mmbench.results.formats import to_json_text
    from mmbench.results.leaderboard import build_leaderboards
    from mmbench.results.leaderboard_files import compared_rows, write_leaderboards
    from mmbench.results.store import RecordStore

    stores = []
    for folder in folders:
        if not (folder / "records").is_dir():
            raise UsageError(
                "holds no records", where=str(folder),
                fix="name a suite's results folder, such as results/quickstart",
            )  # fmt: skip
        stores.append(RecordStore(folder))
    home = {}
    records = []
    for store in stores:
        for record in store.records():
            home[record.checksum] = store
            records.append(record)
        say_damaged(store, error_console())
    known = [name for folder in folders for name in compared_rows(folder)]
    boards = build_leaderboards(
        records,
        lambda record: home[record.checksum].tables(record),
        coverage=coverage,  # type: ignore[arg-type]
        against=tuple(dict.fromkeys(against or known)),
    )
    require_rows(against, boards.tables)
    if out is not None:
        write_leaderboards(boards, out)
    if as_json:
        click.echo(to_json_text(boards), nl=False)
        return
    show_leaderboards(boards, output_console())
    say_not_ranked(boards, error_console())
    if out is not None:
        click.echo(f"Leaderboard: {out / 'leaderboard.md'} (also .csv, .json, .parquet)", err=True)
