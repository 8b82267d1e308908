"""The worker process: receives jobs, does them, answers; dies with its parent."""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import logging
import multiprocessing
import os
import signal
import sys
import threading
import time
import traceback
from typing import TYPE_CHECKING, Any, cast

from mmbench.runner.workshop import JobResult, Workshop

if TYPE_CHECKING:
    from io import TextIOWrapper
    from multiprocessing.connection import Connection
    from pathlib import Path

    from mmbench.runner.settings import RunSettings

__all__ = ["work"]

#: prctl(PR_SET_PDEATHSIG): Linux sends this process a signal when its parent dies.
_PR_SET_PDEATHSIG = 1


def work(
    connection: Connection[Any, Any],
    settings: RunSettings,
    suite: str,
    device: str,
    log_file: Path,
    threads: int,
) -> None:
    """Serve jobs until told to stop; the body of every worker process.

    Messages in: ``("job", Job, results)`` or ``None`` to stop. Messages out: ``("begin",)``,
    ``("progress", done, total, what)`` and ``("result", JobResult)``.
    """
    # Ctrl-C is the parent's to handle; it starts us with the signal blocked, so that none comes
    # through before this line.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    _die_with_parent()
    _redirect_output(log_file)
    if settings.offline:
        from mmbench.runner.offline import forbid_network

        forbid_network()
    _limit_threads(threads)
    from mmbench.registry import load_registry

    reporter = _Reporter(connection)
    shop = Workshop(load_registry(), settings, suite, device, reporter.progress)
    while True:
        try:
            message = connection.recv()
        except EOFError:
            return
        if message is None:
            return
        _, job, results = message
        reporter.send(("begin",))
        try:
            result = shop.do(job, results)
        except (Exception, SystemExit) as error:
            logging.getLogger("mmbench.worker").exception("job %s failed", job.key)
            described = str(error) or type(error).__name__
            result = JobResult(
                job.key, error=(type(error).__name__, described, traceback.format_exc())
            )
        reporter.send(("result", result))


class _Reporter:
    """Sends messages, from any thread; progress at most twenty times a second."""

    def __init__(self, connection: Connection[Any, Any]) -> None:
        self._connection = connection
        self._lock = threading.Lock()
        self._last = 0.0

    def send(self, message: tuple[Any, ...]) -> None:
        with self._lock:
            self._connection.send(message)

    def progress(self, done: int, total: int, what: str) -> None:
        """What plugins are handed as ``ctx.progress``."""
        now = time.monotonic()
        if now - self._last >= 0.05 or done >= total:
            self._last = now
            self.send(("progress", int(done), int(total), str(what)))


def _redirect_output(log_file: Path) -> None:
    """Send whatever plugins print, and our log, to the worker's log file."""
    log_file.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(log_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    sys.stdout.flush()
    sys.stderr.flush()
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.close(descriptor)
    # What a plugin prints is in the log when it crashes; a crash leaves its stack there.
    cast("TextIOWrapper", sys.stdout).reconfigure(line_buffering=True)
    faulthandler.enable(file=2)
    logging.basicConfig(
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        stream=sys.stderr,
        force=True,
    )
    logging.captureWarnings(capture=True)


def _limit_threads(threads: int) -> None:
    """Share the cores between workers; a fixed share also fixes the order of summation."""
    import numpy as np  # noqa: F401 - its BLAS must be loaded before it can be limited
    from threadpoolctl import threadpool_limits

    threadpool_limits(threads)
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(name, str(threads))


def _die_with_parent() -> None:
    """Leave no process behind when the parent is killed, even inside a long native call."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()
