"""Progress of a run: bars on a terminal, one line a cell elsewhere."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType

    from rich.console import Console
    from rich.progress import Progress, TaskID

    from mmbench.runner.engine import Event
    from mmbench.runner.plan import Job, Plan

__all__ = ["RunProgress"]

_VERBS = {
    "fit": "training",
    "encode": "encoding",
    "project": "projecting",
    "interact": "interacting",
    "score": "scoring",
}


class RunProgress:
    """Shows a run; use as a context manager and pass :meth:`watch` to the run.

    On a terminal there is one bar for the run and one for each job that is being done; without
    one, or with ``quiet``, nothing moves.

    Args:
        plan: What will be done.
        console: Where to.
        quiet: Say nothing at all.
    """

    def __init__(self, plan: Plan, console: Console, *, quiet: bool = False) -> None:
        self.console = console
        self.quiet = quiet
        self.cells = {cell.job: cell for cell in plan.cells if cell.job}
        self.ended = 0
        self._bars: Progress | None = None
        self._overall: TaskID | None = None
        self._running: dict[str, TaskID] = {}
        labels = [job.label for job in plan.jobs.values()]
        self._width = max(map(len, [*labels, "cells"]))
        self._start = time.monotonic()

    def __enter__(self) -> Self:
        if self.console.is_terminal and not self.quiet and self.cells:
            self._bars = _bars(self.console)
            self._bars.start()
            self._overall = self._bars.add_task("cells".ljust(self._width), total=len(self.cells))
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
        if self._bars is not None:
            self._move(self._bars, event)
        if event.kind == "end" and event.job.key in self.cells:
            self._end_cell(event)

    def _move(self, bars: Progress, event: Event) -> None:
        """Show a job's bar from its start to its end."""
        job = event.job
        if event.kind == "end":
            if job.key in self._running:
                bars.remove_task(self._running.pop(job.key))
            return
        if job.key not in self._running:
            # rich can't make a bar forget its total, so each job gets a new one.
            self._running[job.key] = bars.add_task(self._label(job), total=None)
        if event.kind == "progress":
            bars.update(
                self._running[job.key],
                description=self._label(job, event.what),
                completed=event.done,
                total=event.total or None,
            )

    def _label(self, job: Job, what: str = "") -> str:
        """``cca-image-text  training``, with the names under each other."""
        doing = what or f"{_VERBS[job.kind]} {job.request or job.task.label}"
        return f"{job.label.ljust(self._width)}  {doing}"

    def _end_cell(self, event: Event) -> None:
        self.ended += 1
        if self._bars is not None and self._overall is not None:
            self._bars.update(self._overall, completed=self.ended)
        if self.quiet or event.result is None:
            return
        cell = self.cells[event.job.key]
        total = len(self.cells)
        seed = "" if cell.seed is None else f", seed {cell.seed}"
        line = (
            f"[{self.ended:{len(str(total))}}/{total}] {time.monotonic() - self._start:6.1f} s  "
            f"{'ok    ' if event.result.error is None else 'failed'}  "
            f"{cell.representation.label} on {cell.task.label}{seed}"
        )
        style = None
        if event.result.error is not None:
            style = "red"
            line += f": {event.result.error[1].splitlines()[0]}"
        self.console.print(line, style=style, markup=False, soft_wrap=True)
        self.console.file.flush()


def _bars(console: Console) -> Progress:
    """Bars without counts that mean nothing: no total, no figures."""
    from rich import progress
    from rich.table import Column
    from rich.text import Text

    class Count(progress.ProgressColumn):
        def render(self, task: progress.Task) -> Text:
            count = "" if task.total is None else f"{task.completed:.0f}/{task.total:.0f}"
            return Text(count, style="progress.download")

    return progress.Progress(
        progress.TextColumn("{task.description}", markup=False, table_column=Column(ratio=1)),
        progress.BarColumn(bar_width=24),
        Count(table_column=Column(justify="right", min_width=12)),
        progress.TimeElapsedColumn(),
        console=console,
        transient=True,
        expand=True,
    )
