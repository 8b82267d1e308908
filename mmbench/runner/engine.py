"""The local engine: runs jobs in worker processes, one per (device, representation).

A crash, an out-of-memory kill or a timeout ends one job; the cells that need it fail, and the
worker is started anew for the rest. An engine knows nothing of tasks.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import re
import signal
import time
from dataclasses import dataclass, field
from multiprocessing import resource_tracker
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Any

from mmbench.runner.worker import work
from mmbench.runner.workshop import JobResult

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from multiprocessing.connection import Connection
    from multiprocessing.context import SpawnProcess
    from pathlib import Path

    from mmbench.runner.plan import Job
    from mmbench.runner.settings import RunSettings

__all__ = ["Event", "LocalEngine"]

_LOG_TAIL = 4000
#: Seconds that a worker may take to start, where a job's time is limited.
_START_SECONDS = 60.0


@dataclass(frozen=True)
class Event:
    """Something that happened, for whoever watches.

    Attributes:
        kind: ``"start"``, ``"progress"`` or ``"end"`` of a job.
        job: The job.
        done: Of ``total``, for progress.
        total: How many steps.
        what: What is being done, in words.
        result: How it ended, for ``"end"``.
    """

    kind: str
    job: Job
    done: int = 0
    total: int = 0
    what: str = ""
    result: JobResult | None = None


@dataclass
class _Worker:
    """One process and what it is doing."""

    label: str
    device: str
    process: SpawnProcess
    connection: Connection[Any, Any]
    log_file: Path
    log_start: int
    job: Job | None = None
    deadline: float | None = None


@dataclass
class LocalEngine:
    """Runs jobs on this machine.

    Attributes:
        settings: The run's.
        suite: Name of the suite.
        watch: Called with every :class:`Event`.
        should_stop: Asked after each job; True ends the run early (``--fail-fast``).
    """

    settings: RunSettings
    suite: str
    watch: Callable[[Event], None]
    should_stop: Callable[[], bool] = lambda: False
    results: dict[str, JobResult] = field(default_factory=dict)
    _queues: dict[str, list[Job]] = field(default_factory=dict)
    _workers: dict[str, _Worker] = field(default_factory=dict)
    _started: int = 0

    def run(self, jobs: Mapping[str, Job]) -> dict[str, JobResult]:
        """Run all jobs; returns how each one ended that was run or could not be.

        On any way out, an interrupt included, no worker is left.
        """
        for job in jobs.values():
            self._queues.setdefault(job.label, []).append(job)
        try:
            while self._queues or self._workers:
                self._dispatch()
                if self.should_stop():
                    break
                if self._workers:
                    self._listen()
        finally:
            self._kill_all()
        return self.results

    def _dispatch(self) -> None:
        """Hand every idle worker its next ready job; start and stop workers as needed."""
        for label in list(self._queues):
            worker = self._workers.get(label)
            if worker is not None and worker.job is not None:
                continue
            job = self._next(label)
            if job is not None:
                worker = worker or self._start(label)
                if worker is not None:
                    self._hand(worker, job)
            elif worker is not None and (label not in self._queues or self._is_full()):
                self._stop(worker)  # done, or waiting for a result that needs its place

    def _next(self, label: str) -> Job | None:
        """The first ready job of a queue."""
        for job in self._queues[label]:
            if all(need in self.results for need in job.needs):
                return job
        if not self._queues[label]:
            del self._queues[label]
        return None

    def _start(self, label: str) -> _Worker | None:
        """Start a worker, if there is room for one more."""
        if self._is_full():
            return None
        devices = [name.strip() for name in self.settings.device.split(",")]
        device = devices[self._started % len(devices)]
        self._started += 1
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        slug = re.sub(r"[^A-Za-z0-9._-]+", "-", label).strip("-") or "worker"
        log_file = self.settings.results / "logs" / f"{slug}.log"
        threads = max((os.cpu_count() or 1) // max(self.settings.jobs, 1), 1)
        process = context.Process(
            target=work,
            args=(theirs, self.settings, self.suite, device, log_file, threads),
            name=f"mmbench {label}",
            daemon=True,
        )
        size = log_file.stat().st_size if log_file.exists() else 0
        with _interrupts_held():
            process.start()
            theirs.close()
            worker = _Worker(label, device, process, ours, log_file, size)
            self._workers[label] = worker
        return worker

    def _is_full(self) -> bool:
        return len(self._workers) >= max(self.settings.jobs, 1)

    def _hand(self, worker: _Worker, job: Job) -> None:
        """Give a worker its job, with the results of the jobs it needs."""
        self._queues[worker.label].remove(job)
        worker.job = job
        if self.settings.timeout is not None:
            # Its time counts from when it begins; starting a worker has a limit of its own.
            worker.deadline = time.monotonic() + self.settings.timeout + _START_SECONDS
        self.watch(Event("start", job))
        needed = {need: self.results[need] for need in job.needs}
        try:
            worker.connection.send(("job", job, needed))
        except OSError:  # it died before it could listen
            self._bury(worker)

    def _listen(self) -> None:
        """Wait for a message, a death or a deadline."""
        waiting: dict[Any, _Worker] = {}
        for worker in self._workers.values():
            waiting[worker.connection] = worker
            waiting[worker.process.sentinel] = worker
        deadlines = [w.deadline for w in self._workers.values() if w.deadline is not None]
        patience = max(min(deadlines) - time.monotonic(), 0.0) if deadlines else None
        for ready in wait(list(waiting), timeout=patience):
            worker = waiting[ready]
            if self._workers.get(worker.label) is worker:
                self._receive(worker)
        now = time.monotonic()
        for worker in list(self._workers.values()):
            if worker.deadline is not None and now >= worker.deadline:
                self._time_out(worker)

    def _receive(self, worker: _Worker) -> None:
        """Read all that a worker has said; bury it if it is dead."""
        try:
            while worker.connection.poll():
                message = worker.connection.recv()
                if message[0] == "begin" and self.settings.timeout is not None:
                    worker.deadline = time.monotonic() + self.settings.timeout
                elif message[0] == "progress" and worker.job is not None:
                    self.watch(Event("progress", worker.job, *message[1:]))
                elif message[0] == "result" and worker.job is not None:
                    job, worker.job, worker.deadline = worker.job, None, None
                    self._end(job, message[1])
        except (EOFError, OSError):
            self._bury(worker)
            return
        if not worker.process.is_alive() and not worker.connection.poll():
            self._bury(worker)

    def _bury(self, worker: _Worker) -> None:
        """A worker died: its job failed, the rest of its queue gets a new one."""
        worker.process.join(timeout=5)
        code = worker.process.exitcode
        self._forget(worker)
        if worker.job is None:
            return
        if code is not None and code < 0:
            name = signal.Signals(-code).name
            hint = " (out of memory?)" if name == "SIGKILL" else ""
            what = f"the worker was killed by {name}{hint}"
        else:
            name, what = "WorkerExit", f"the worker ended with exit code {code}"
        error = (name, f"{what} while it did {worker.job.kind}", _tail(worker))
        self._end(worker.job, JobResult(worker.job.key, error=error))

    def _time_out(self, worker: _Worker) -> None:
        """A job took too long: kill its worker."""
        job = worker.job
        worker.process.kill()
        worker.process.join(timeout=5)
        self._forget(worker)
        if job is not None:
            what = f"{job.kind} took longer than {self.settings.timeout:g} s (--timeout)"
            self._end(job, JobResult(job.key, error=("Timeout", what, _tail(worker))))

    def _end(self, job: Job, result: JobResult) -> None:
        self.results[job.key] = result
        self.watch(Event("end", job, result=result))
        if result.error is not None:
            self._fail_dependents(job, result)

    def _fail_dependents(self, of: Job, failed: JobResult) -> None:
        """Jobs that need one that failed fail with it."""
        for queue in self._queues.values():
            for job in [each for each in queue if of.key in each.needs]:
                if job in queue:  # a job between may have taken it along
                    queue.remove(job)
                    self._end(job, JobResult(job.key, error=_blamed(failed.error, of, job)))

    def _stop(self, worker: _Worker) -> None:
        """Let a worker go: it has nothing more to do."""
        try:
            worker.connection.send(None)
        except OSError:
            worker.process.kill()
        worker.process.join(timeout=2)
        if worker.process.is_alive():
            worker.process.kill()
            worker.process.join(timeout=5)
        self._forget(worker)

    def _forget(self, worker: _Worker) -> None:
        worker.connection.close()
        self._workers.pop(worker.label, None)

    def _kill_all(self) -> None:
        for worker in list(self._workers.values()):
            worker.process.kill()
        for worker in list(self._workers.values()):
            worker.process.join(timeout=5)
            self._forget(worker)


def _blamed(error: Any, failed: Job, job: Job) -> Any:
    """The error for a job that fails with another; a connector's names the base that failed."""
    if error is None or failed.subject == job.subject:
        return error
    kind, message, log = error
    return (kind, f"its base {failed.label} failed: {message}", log)


@contextlib.contextmanager
def _interrupts_held() -> Iterator[None]:
    """Hold SIGINT back, here and in the process that is started, until the block ends.

    An interrupt while a worker is started would leave one that nobody knows of.
    """
    # Where this process is started first, it lets signals through again.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _tail(worker: _Worker) -> str:
    """The end of what this worker wrote to its log."""
    try:
        with worker.log_file.open("rb") as file:
            file.seek(worker.log_start)
            return file.read()[-_LOG_TAIL:].decode(errors="replace")
    except OSError:
        return ""
