"""The screen: consoles, leaderboards as tables, and progress of a run."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Self

from rich.console import Console

if TYPE_CHECKING:
    from types import TracebackType

    from rich.progress import Progress, TaskID

    from mmbench.results.boards import Leaderboards
    from mmbench.results.display import Display
    from mmbench.runner.engine import Event
    from mmbench.runner.plan import Plan

__all__ = ["RunProgress", "error_console", "output_console", "show_leaderboards"]


def output_console() -> Console:
    """Results go to standard output; a pipe gets 120 columns and no colours."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=140)


def error_console() -> Console:
    """Progress and messages go to standard error; lines are not wrapped into a pipe."""
    console = Console(stderr=True, highlight=False)
    return console if console.is_terminal else Console(stderr=True, highlight=False, width=1000)


def show_leaderboards(boards: Leaderboards, console: Console) -> None:
    """Print every table and the summaries, as many metrics as fit the width."""
    from mmbench.results.display import display_cells, display_summary

    for table in boards.tables:
        primary = [metric.name for metric in table.metrics].index(table.primary)
        _print(display_cells(table), console, first=2 + primary)
    for summary in boards.summaries:
        _print(display_summary(summary), console)


def _print(display: Display, console: Console, *, first: int | None = None) -> None:
    """Print one table; columns that do not fit are left to the files, the primary one never."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    columns, left_out = _fitting(display, console.width, first)
    caption = [*display.remarks, *(f"{n}. {note}" for n, note in enumerate(display.notes, 1))]
    if left_out:
        caption.append(f"{left_out} more metrics are in the files.")
    table = Table(
        title=Text(display.title, style="bold"),
        title_justify="left",
        caption=Text("\n".join(caption)) if caption else None,
        caption_justify="left",
        box=box.SIMPLE_HEAD,
    )
    for column in columns:
        table.add_column(
            Text(display.header[column]),
            justify="left" if column == 1 else "right",
            no_wrap=column > 1,
        )
    for number, row in enumerate(display.rows):
        bold = display.bold[number] if display.bold else ()
        kind = display.kinds[number] if display.kinds else "measured"
        cells = [Text(row[column], style="bold" if column in bold else "") for column in columns]
        table.add_row(*cells, style="dim" if kind != "measured" else None)
    console.print(table)


def _fitting(display: Display, width: int, first: int | None) -> tuple[list[int], int]:
    """Columns that fit: rank, name and the primary metric, the last two, then metrics in order."""
    count = len(display.header)
    if first is None:
        return list(range(count)), 0
    widths = [
        max(len(display.header[c]), *(len(row[c]) for row in display.rows), 1) + 3
        for c in range(count)
    ]
    chosen = {0, 1, first, count - 2, count - 1}
    room = width - 2 - sum(widths[column] for column in chosen)
    for column in range(2, count - 2):
        if column not in chosen and widths[column] <= room:
            chosen.add(column)
            room -= widths[column]
    return sorted(chosen), count - len(chosen)


class RunProgress:
    """Shows a run: bars on a terminal, one line a cell elsewhere.

    Use as a context manager; pass :meth:`watch` to the run.
    """

    def __init__(self, plan: Plan, console: Console, *, quiet: bool = False) -> None:
        self.console = console
        self.quiet = quiet
        self.total = sum(bool(cell.job) for cell in plan.cells)
        self.cells = {cell.job: cell for cell in plan.cells if cell.job}
        self.ended = 0
        self._bars: Progress | None = None
        self._overall: TaskID | None = None
        self._lines: dict[str, TaskID] = {}
        self._start = time.monotonic()

    def __enter__(self) -> Self:
        if self.console.is_terminal and not self.quiet and self.total:
            from rich import progress

            self._bars = progress.Progress(
                progress.SpinnerColumn(),
                progress.TextColumn("{task.description}"),
                progress.BarColumn(),
                progress.MofNCompleteColumn(),
                progress.TimeElapsedColumn(),
                console=self.console,
                transient=True,
            )
            self._bars.start()
            self._overall = self._bars.add_task("cells", total=self.total)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bars is not None:
            self._bars.stop()

    def watch(self, event: Event) -> None:
        """Take in one event."""
        if event.kind == "end" and event.job.key in self.cells:
            self._end_cell(event)
        if self._bars is None:
            return
        label = event.job.representation.label
        if label not in self._lines:
            self._lines[label] = self._bars.add_task(label, total=None)
        what = (
            event.what
            or {"fit": "training", "encode": "encoding", "score": "scoring"}[event.job.kind]
        )
        total = event.total or None
        self._bars.update(
            self._lines[label],
            description=f"{label}: {what}",
            completed=event.done,
            total=total,
        )

    def _end_cell(self, event: Event) -> None:
        self.ended += 1
        if self._bars is not None and self._overall is not None:
            self._bars.update(self._overall, completed=self.ended)
        if self.quiet or event.result is None:
            return
        cell = self.cells[event.job.key]
        seed = "" if cell.seed is None else f", seed {cell.seed}"
        name = f"{cell.representation.label} on {cell.task.label}{seed}"
        clock = f"{time.monotonic() - self._start:6.1f} s"
        if event.result.error is None:
            self.console.print(f"\\[{self.ended}/{self.total}] {clock}  ok      {name}")
        else:
            message = event.result.error[1].splitlines()[0]
            self.console.print(f"\\[{self.ended}/{self.total}] {clock}  failed  {name}: {message}")
        sys.stderr.flush()
