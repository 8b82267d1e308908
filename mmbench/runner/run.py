"""Runs a suite: plan, jobs, records, leaderboards."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any

from mmbench.api import MmbenchError
from mmbench.results.atomic import locked
from mmbench.results.record import ErrorEntry, Record, RepresentationEntry, TaskEntry
from mmbench.results.store import RecordStore
from mmbench.runner.catalog import Catalog
from mmbench.runner.drafting import draft_record
from mmbench.runner.engine import LocalEngine
from mmbench.runner.environment import describe_environment
from mmbench.runner.keys import key_of
from mmbench.runner.matching import match
from mmbench.runner.naming import with_own_names
from mmbench.runner.plan import CellPlan, Plan, cell_keys, make_plan
from mmbench.runner.published import published_records
from mmbench.runner.spool import run_spool
from mmbench.runner.strictness import missing_list
from mmbench.runner.vectors import storage_error

if TYPE_CHECKING:
    from collections.abc import Callable

    from mmbench.registry import Registry
    from mmbench.runner.engine import Event
    from mmbench.runner.settings import RunSettings
    from mmbench.runner.suite import Suite
    from mmbench.runner.workshop import JobResult

__all__ = ["Outcome", "Run"]


@dataclass
class Outcome:
    """How a run ended.

    Attributes:
        plan: What was to be done.
        records: The records of the suite's cells as they are now, by key.
        counters: Fits, items encoded and reused, cells scored; what was really done.
        board: The records that the leaderboards are made of: those of the whole suite, also where
            only a part of it was run, and what papers published on its tasks.
        not_run: Cells that ``--fail-fast`` or an interrupt left.
        warnings: What made the run slower than it had to be, one line each.
    """

    plan: Plan
    records: dict[str, Record] = field(default_factory=dict)
    counters: dict[str, int] = field(default_factory=dict)
    board: list[Record] = field(default_factory=list)
    not_run: int = 0
    warnings: list[str] = field(default_factory=list)

    def count(self, status: str) -> int:
        """Records with this status."""
        return sum(record.status == status for record in self.records.values())


class Run:
    """One run of a suite.

    Args:
        suite: What to run.
        registry: The loaded plugins.
        settings: How to run it.
        whole: The suite that ``suite`` is a part of (``-r``, ``-t``, ``-o``, ``--seeds``), or None
            where it is no suite's part.
    """

    def __init__(
        self,
        suite: Suite,
        registry: Registry,
        settings: RunSettings,
        whole: Suite | None = None,
    ) -> None:
        self.suite = with_own_names(suite, registry)
        self.whole = None if whole is None else with_own_names(whole, registry)
        self.settings = settings
        self.records = RecordStore(settings.results)
        self.catalog = Catalog(registry, settings.data_root, settings.cache, settings.limit)
        self._plan: Plan | None = None
        self._results: dict[str, JobResult] = {}
        self._warnings: list[str] = []

    def plan(self) -> Plan:
        """The plan, made once.

        Raises:
            UsageError: The suite names something that is not there.
        """
        if self._plan is None:
            self._plan = make_plan(self.suite, self.catalog, self.records, self.settings)
        return self._plan

    def execute(self, watch: Callable[[Event], None] = lambda _event: None) -> Outcome:
        """Do what the plan says is missing; write a record as each cell ends.

        Raises:
            StoreError: The results or the store can't be written to, or the disk is full.
            KeyboardInterrupt: Passed on when all workers are gone; finished cells are kept.
        """
        plan = self.plan()
        cells = {cell.job: cell for cell in plan.cells if cell.job}
        self._require_folders()
        failed = [self._write_unmatched(cell) for cell in plan.cells if not cell.key]

        def watched(event: Event) -> None:
            result = event.result
            if event.kind == "end" and result is not None:
                self._results[event.job.key] = result
                if result.error is not None and event.job.key in cells:
                    self._write_failed(cells[event.job.key], result)
                    failed.append(True)
            watch(event)

        def should_stop() -> bool:
            return self.settings.fail_fast and any(failed)

        if plan.jobs and not should_stop():
            self._do_jobs(watched, should_stop)
        outcome = self.outcome()
        self._write_published(outcome.board)
        return outcome

    def _do_jobs(self, watch: Callable[[Event], None], should_stop: Callable[[], bool]) -> None:
        """Do the plan's jobs in workers, which share what they decode."""
        plan, settings = self.plan(), self.settings
        with run_spool(settings.cache, plan.shared, settings.spool_bytes) as spool:
            if spool is not None:
                settings = replace(settings, spool=spool.folder, spool_bytes=spool.limit)

            def watched(event: Event) -> None:
                if spool is not None and event.kind == "end":
                    spool.ended(event.job.key)
                watch(event)

            LocalEngine(settings, self.suite.name, watched, should_stop).run(plan.jobs)
            if spool is not None and (warning := spool.warning()) is not None:
                self._warnings.append(warning)

    def _require_folders(self) -> None:
        """Refuse folders that can't be written to before anything is computed."""
        with locked(self.records.folder):
            pass
        cache = self.settings.cache
        try:
            cache.mkdir(parents=True, exist_ok=True)
            with TemporaryFile(dir=cache):
                pass
        except OSError as error:
            raise storage_error(error, cache) from error

    def outcome(self) -> Outcome:
        """The state of the suite's cells, from the records on disk."""
        plan = self.plan()
        outcome = Outcome(plan, warnings=list(self._warnings))
        for cell in plan.cells:
            key = cell.key or _unmatched_key(cell)
            record = self.records.read(key)
            if record is None:
                outcome.not_run += 1
            else:
                outcome.records[key] = record
        outcome.board = self._board(outcome.records)
        results = self._results.values()
        outcome.counters = {
            "fits": sum(result.fits for result in results),
            "encodes": sum(result.encoded for result in results),
            "reused": sum(result.reused for result in results),
            "scores": sum(
                key.startswith("score:") and r.error is None for key, r in self._results.items()
            ),
            "cached": plan.count("done"),
        }
        return outcome

    def _board(self, ran: dict[str, Record]) -> list[Record]:
        """A part of a suite must not empty the suite's leaderboard: the rest is read beside it.

        Without a suite, whatever lies finished in the folder belongs to the board.
        """
        board = dict(ran)
        if self.whole is None:
            finished = (r for r in self.records.records() if r.status == "ok" and not r.partial)
            board = {record.key: record for record in finished} | board
        elif self.whole != self.suite:
            for key in cell_keys(self.whole, self.catalog, self.settings) - set(ran):
                record = self.records.read(key)
                if record is not None:
                    board[key] = record
        measured = [record for record in board.values() if record.source == "measured"]
        tasks = [(each.name, each.label) for each in (self.whole or self.suite).tasks]
        tasks += [(record.task.name, record.task.label) for record in measured]
        return [*measured, *published_records(tasks, measured, self.catalog.registry)]

    def _write_published(self, board: list[Record]) -> None:
        """Keep published figures beside the records, so that the folder holds all of its board."""
        if self.settings.limit is not None:
            return
        for record in board:
            if record.source == "published":
                before = self.records.read(record.key)
                if before is None or before.checksum != record.checksum:
                    self.records.write(record, replace=True)

    def _write_failed(self, cell: CellPlan, result: JobResult) -> None:
        """The record of a cell whose job failed."""
        assert result.error is not None
        kind, message, text = result.error
        draft = result.lacking or self._draft(cell)
        error = ErrorEntry(type=kind, message=message, log=text)
        self.records.write(replace(draft, key=cell.key, status="failed", error=error))

    def _draft(self, cell: CellPlan) -> Record:
        """As much of a cell's record as can be said without a result."""
        choice, task, extra = cell.representation, cell.task, self.settings.record_key()
        try:
            found = match(self.catalog, choice, task, cell.seed or 0, extra)
            return draft_record(found, choice, task, self.suite.name, self.settings)
        except Exception:  # noqa: BLE001 - the plugin may be too broken even for that
            return self._bare_record(cell)

    def _write_unmatched(self, cell: CellPlan) -> bool:
        """The record of a cell that was skipped or is broken; whether it counts as failed."""
        record = replace(self._bare_record(cell), reason=cell.reason)
        if cell.state == "broken":
            log = missing_list(cell.lacking) if cell.lacking else ""
            error = ErrorEntry(type=type(cell.error).__name__, message=str(cell.error), log=log)
            record = replace(record, status="failed", reason="", error=error)
        if cell.lacking is not None:
            there = cell.lacking
            total, used = there.items_total, there.items_used
            record = replace(record, data=there.data, items_total=total, items_used=used)
        before = self.records.read(record.key)
        if before is None or _said(before) != _said(record):
            # Today's word replaces an older one, and the same word is written once only, so that
            # a warm run changes nothing.
            self.records.write(record, replace=True)
        return record.status == "failed"

    def _bare_record(self, cell: CellPlan) -> Record:
        """What can be said of a cell whose two sides could not be matched."""
        return Record(
            key=_unmatched_key(cell),
            status="skipped",
            suite=self.suite.name,
            created=datetime.now(UTC).isoformat(timespec="milliseconds"),
            representation=RepresentationEntry(
                name=cell.representation.name,
                label=cell.representation.label,
                version="",
                fingerprint="",
                options=dict(cell.representation.options),
            ),
            task=self._task_entry(cell),
            partial=self.settings.limit is not None,
            environment=describe_environment(),
        )

    def _task_entry(self, cell: CellPlan) -> TaskEntry:
        """What can be said of a task that may not have been built."""
        entry: dict[str, Any] = {"version": "", "protocol": "", "primary": "", "metrics": ()}
        try:
            info = self.catalog.task(cell.task).info
        except (MmbenchError, OSError):
            pass  # the cell's own error says why
        else:
            entry = {
                "version": info.version,
                "protocol": info.protocol,
                "primary": info.primary,
                "metrics": info.metrics,
                "equal": info.equal,
                "citation": info.citation,
            }
        return TaskEntry(
            name=cell.task.name, label=cell.task.label, options=dict(cell.task.options), **entry
        )


def _said(record: Record) -> tuple[Any, ...]:
    """What an unmatched cell's record says."""
    return (record.status, record.reason, record.error, record.partial)


def _unmatched_key(cell: CellPlan) -> str:
    """Names a cell that has no key of its own."""
    choice, task = cell.representation, cell.task
    return key_of(
        "unmatched", choice.label, choice.name, choice.options, task.label, task.name, task.options
    )
