"""The screen: consoles, and leaderboards as tables that fit them."""

from __future__ import annotations

import textwrap
from dataclasses import replace
from typing import TYPE_CHECKING

from rich.console import Console

if TYPE_CHECKING:
    from mmbench.results.boards import Leaderboards, Table
    from mmbench.results.display import Display
    from mmbench.results.store import RecordStore

__all__ = [
    "error_console",
    "output_console",
    "say",
    "say_damaged",
    "say_not_ranked",
    "show_leaderboards",
]

LEGEND = (
    "Shares in percent, [95 % interval]. Bold: the best, and what does not differ from it "
    "significantly. Rows without a rank are yardsticks, published figures and reference levels."
)
#: Columns of words besides the second; numbers stand on the right.
_WORDS = ("task", "representation", "primary metric")
#: Between two columns of a table: one of padding, one of the box.
_GAP = 2


def output_console() -> Console:
    """Results go to standard output; a pipe gets 120 columns and no colours."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=120)


def error_console() -> Console:
    """Progress and messages go to standard error; lines are not wrapped into a pipe."""
    console = Console(stderr=True, highlight=False)
    return console if console.is_terminal else Console(stderr=True, highlight=False, width=1000)


def say(console: Console, status: str, text: str, style: str | None = None) -> None:
    """A message under a word such as ``failed``, hanging under itself where it is long."""
    from rich.text import Text

    indent = " " * 9
    lines = []
    for line in text.splitlines():
        lines += textwrap.wrap(
            line.strip(), max(console.width - len(indent), 20), break_on_hyphens=False
        ) or [""]
    shown = Text(f"{status:<9}", style=style or "")
    shown.append(f"\n{indent}".join(lines), style="")
    console.print(shown, soft_wrap=True)


def show_leaderboards(boards: Leaderboards, console: Console) -> None:
    """Print every table and the summaries; of each table the metrics that fit the width."""
    from mmbench.results.display import (
        display_differences,
        display_overview,
        display_summary,
    )

    if boards.tables:
        console.print(f"\n{LEGEND}" if console.is_terminal else LEGEND, style="dim", markup=False)
    for table in boards.tables:
        console.print()
        _print(_fitting(table, console.width), console)
    for differences in boards.differences:
        console.print()
        _print(display_differences(differences), console)
    for summary in boards.summaries:
        console.print()
        _print(display_summary(summary), console)
    if len(boards.tables) > 1:  # what a person looks for at the end of a long screen
        overview = display_overview(boards)
        console.print()
        columns = (overview.header, *overview.rows)
        head, *rows = (row[:4] for row in columns)  # task, best, primary metric, value
        _print(replace(overview, header=head, rows=tuple(rows)), console)
    console.print("" if boards.tables else "No cell has been measured yet.")


def say_damaged(store: RecordStore, console: Console) -> None:
    """Records that were left out because they are damaged, and why."""
    for path, reason in store.damaged:
        say(console, "damaged", f"{path}: {reason}", "bold red")


def say_not_ranked(boards: Leaderboards, console: Console, *, partial: bool = True) -> None:
    """Cells that are on no table, those with one reason together."""
    together: dict[tuple[str, str, str, str], list[str]] = {}
    for entry in boards.not_ranked:
        if entry.status == "partial" and not partial:
            continue
        seed = "" if entry.seed is None else f", seed {entry.seed}"
        key = (entry.status, entry.representation, entry.reason, entry.fix)
        together.setdefault(key, []).append(f"{entry.task}{seed}")
    for (status, name, reason, fix), tasks in together.items():
        style = "yellow" if status == "skipped" else "bold red"
        text = f"{name} on {', '.join(tasks)}: {reason}"
        say(console, status, f"{text}\n{fix}" if fix else text, style)


def _print(display: Display, console: Console) -> None:
    """Print one table, and what belongs to it in dim lines below."""
    from rich import box
    from rich.table import Table as Grid
    from rich.text import Text

    console.print(Text(display.title, style="bold"))
    grid = Grid(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    for column in range(len(display.header)):
        grid.add_column(
            Text("\n".join(_head_lines(display, column))),
            justify="left" if column == 1 or display.header[column] in _WORDS else "right",
            vertical="bottom",
            no_wrap=column != 1,
            overflow="fold",
        )
    for number, row in enumerate(display.rows):
        bold = display.bold[number] if display.bold else ()
        kind = display.kinds[number] if display.kinds else "measured"
        cells = [Text(cell, style="bold" if i in bold else "") for i, cell in enumerate(row)]
        grid.add_row(*cells, style="dim" if kind != "measured" else None)
    console.print(grid)
    for line in (*display.remarks, *(f"{n}. {note}" for n, note in enumerate(display.notes, 1))):
        console.print(Text(line, style="dim"))


def _fitting(table: Table, width: int) -> Display:
    """A table with the primary metric and as many of the others, in order, as fit."""
    from mmbench.results.display import display_cells

    whole = display_cells(table, brief=True)
    needs = [_width(whole, column) + _GAP for column in range(len(whole.header))]
    room = width - sum(needs[:2]) - sum(needs[2 + len(table.metrics) :])
    wanted = sorted(
        zip(table.metrics, needs[2:], strict=False), key=lambda m: m[0].name != table.primary
    )
    chosen = set()
    for metric, need in wanted:
        if need <= room or metric.name == table.primary:
            chosen.add(metric.name)
            room -= need
    shown = tuple(metric for metric in table.metrics if metric.name in chosen)
    display = display_cells(replace(table, metrics=shown), brief=True)
    more = len(table.metrics) - len(shown)
    if more:
        said = f"{more} more metric{'s are' if more > 1 else ' is'} in the files."
        display = replace(display, remarks=(*display.remarks, said))
    return display


def _width(display: Display, column: int) -> int:
    """Columns of the screen that a column of the table takes."""
    from rich.cells import cell_len

    cells = [row[column] for row in display.rows]
    return max(map(cell_len, [*_head_lines(display, column), *cells]))


def _head_lines(display: Display, column: int) -> list[str]:
    """A head, broken where it is wider than its cells."""
    head = display.header[column]
    widest = max((len(row[column]) for row in display.rows), default=0)
    arrow = head[-2:] if head[-1:] in "↑↓" else ""
    words = head.removesuffix(arrow).split()
    if not words:
        return [head]
    words[-1] += arrow.replace(" ", "\u00a0")
    width = max(widest, *(len(word) for word in words))
    return textwrap.wrap(" ".join(words), width, break_long_words=False, break_on_hyphens=False)
