"""A new process that imports, builds, loads and encodes, and is watched while it does.

What can't be seen from inside a test's own process is seen there: what listing imports, what is
printed, written or asked of the network, and whether vectors are the same in another process, in
another folder, with other string hashes and at another time.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from mmbench.testing.checks import Blocked
from mmbench.testing.own_folders import home_like_the_users
from mmbench.testing.state_faults import plain_fault

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from mmbench.api import RepresentationInfo, State, Stream
    from mmbench.registry import Entry, PluginInfo

__all__ = ["Encoding", "ProcessReport", "Watched", "listed", "start_watched", "watched"]

#: Seconds after which a child is given up.
_TIMEOUT = 600
#: Seconds that a child may take to end when all is done: a busy machine tears torch down slowly.
_TO_END = 30.0
#: Variables that would hide what a plugin does: with them hubs are not asked, warnings not shown.
_UNSET = {
    "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_DATASETS_OFFLINE", "MMBENCH_OFFLINE",
    "PYTHONWARNINGS", "PYTHONSTARTUP",
}  # fmt: skip


class Encoding(Protocol):
    """What is asked of a representation's subject here."""

    @property
    def entry(self) -> Entry[Any]:
        """Its spec and plugin."""
        ...

    @property
    def options(self) -> Mapping[str, Any]:
        """Every option with its value."""
        ...

    @property
    def workspace(self) -> Path:
        """Where processes have their folders."""
        ...

    @property
    def info(self) -> RepresentationInfo:
        """What it says of itself; raises ``Blocked`` where that is of no use."""
        ...

    @property
    def streams(self) -> tuple[Stream, ...]:
        """What open slots are bound to."""
        ...

    @property
    def target(self) -> str:
        """What a supervised fit learns."""
        ...

    @property
    def is_trained(self) -> bool:
        """Whether it has a state."""
        ...

    @property
    def state(self) -> State:
        """The state of the one training."""
        ...

    @property
    def a_second_later(self) -> float:
        """By ``time.monotonic``: before that, nothing is encoded."""
        ...


@dataclass(frozen=True)
class ProcessReport:
    """What a child process did.

    Attributes:
        vectors: Offer label to the vectors of the standard batch.
        fingerprint: What ``fingerprint()`` returned.
        modules: Heavy modules that listing imported.
        listing_milliseconds: What importing and calling the plugin's hooks took.
        printed: What went to standard output and standard error.
        written: Files that were written outside the folders meant for it.
        network: What was asked of the network.
        read: Data files that were read while it loaded and encoded; no code, no library's own.
        asked: Variables of the environment that the plugin's own code asked for meanwhile.
        changed: What it changed of what a whole process shares, random states included.
        left: What was still running when it was done; empty if nothing was.
        error: What ended it early, in a line; empty if nothing did.
    """

    vectors: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    fingerprint: str = ""
    modules: tuple[str, ...] = ()
    listing_milliseconds: float = 0.0
    printed: str = ""
    written: tuple[str, ...] = ()
    network: tuple[str, ...] = ()
    read: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    left: str = ""
    error: str = ""


@dataclass(frozen=True)
class Watched:
    """A child process on its way.

    Attributes:
        folder: Where its order is and its report will be.
        process: The process.
    """

    folder: Path
    process: subprocess.Popen[bytes]

    def report(self) -> ProcessReport:
        """Wait for it, and say what it did.

        Raises:
            Blocked: It did not answer in time.
        """
        try:
            ended = self._waited()
            left = "" if ended else "a thread that is no daemon"
            if ended and self._has_children():
                left = "another process"
        finally:
            self.end()
        return _report(self.folder, self.process.returncode, left)

    def _waited(self) -> bool:
        """Wait for its report and its end: whether it ended by itself."""
        deadline = time.time() + _TIMEOUT
        report = self.folder / "report.json"
        while time.time() < deadline:
            try:
                self.process.wait(timeout=0.2)
            except subprocess.TimeoutExpired:
                if report.exists():
                    deadline = min(deadline, report.stat().st_mtime + _TO_END)
            else:
                return True
        if report.exists():
            return False
        raise Blocked(f"a new process did not encode within {_TIMEOUT} s")

    def _has_children(self) -> bool:
        """Whether processes that it started are there a second after it has ended."""
        deadline = time.monotonic() + 1.0
        while found := _is_alive(self.process.pid) or bool(self._descendants()):
            if time.monotonic() > deadline:
                break
            time.sleep(0.05)
        return found

    def _descendants(self) -> list[int]:
        """Processes that inherited its folder of temporary files, in a session of their own too.

        Where there is no /proc, none are found.
        """
        mark = b"\0TMPDIR=" + os.fsencode(self.folder / "tmp") + b"\0"
        found = []
        for path in Path("/proc").glob("[0-9]*/environ"):
            with contextlib.suppress(OSError):
                number = int(path.parent.name)
                if number != self.process.pid and mark in b"\0" + path.read_bytes() + b"\0":
                    found.append(number)
        return found

    def end(self) -> None:
        """End it, and all that it started."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        for number in self._descendants():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(number, signal.SIGKILL)


def _is_alive(group: int) -> bool:
    """Whether a process group has a member that is not merely waiting to be buried."""
    try:
        os.killpg(group, 0)
    except (ProcessLookupError, PermissionError):
        return False
    states = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError):
            # pid (name) state parent group ...: the name may hold anything but its last bracket
            state, _, its_group, *_ = path.read_text().rpartition(")")[2].split()
            states += [state] if int(its_group) == group else []
    return any(state not in "ZX" for state in states) if states else True


def start_watched(subject: Encoding, *, seed: int = 0, later: bool = False) -> Watched:
    """Start to load and encode in a new process; several may run at a time.

    Args:
        subject: What to encode with; its options and state must be plain data.
        seed: The seed to load with.
        later: Whether the clock is a year and some hours ahead, and strings hash otherwise.

    Raises:
        Blocked: The process could not be started, or what it declares is of no use.
    """
    _ = subject.info  # without a usable one there is nothing to encode
    folder = subject.workspace / f"process-{seed}-{int(later)}"
    folder.mkdir(parents=True, exist_ok=True)
    state = subject.state if subject.is_trained else None
    if state is not None and plain_fault(state):
        raise Blocked("its state is no plain data: see state_is_plain_data")
    try:
        order = json.dumps(_order(subject, folder, state, seed, later))
    except TypeError as error:
        raise Blocked(f"{error}: see options_are_plain_data") from error
    (folder / "order.json").write_text(order)
    return _started(folder, later=later)


def _started(folder: Path, *, later: bool = False) -> Watched:
    """Start the process whose order lies in a folder."""
    for name in ("here", "tmp", "cache"):
        (folder / name).mkdir(exist_ok=True)
    inherited = {name: value for name, value in os.environ.items() if name not in _UNSET}
    environment = {
        **inherited,
        "PYTHONHASHSEED": "4711" if later else "1",
        "PYTHONPATH": os.pathsep.join(str(Path(path).absolute()) for path in sys.path),
        "PYTHONDONTWRITEBYTECODE": "1",
        **home_like_the_users(folder / "home"),
        **dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(folder / "tmp")),
        "MMBENCH_CACHE": str(folder / "cache"),
    }
    try:
        with (folder / "stdout").open("wb") as printed, (folder / "stderr").open("wb") as errors:
            # Files, not pipes: whoever it leaves behind would hold a pipe open. A session of its
            # own, so that nobody is left behind. -P: the working folder is nobody's package.
            process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                [sys.executable, "-P", "-m", "mmbench.testing.child", str(folder)],
                stdin=subprocess.DEVNULL, stdout=printed, stderr=errors,
                cwd=folder / "here", env=environment, start_new_session=True,
            )  # fmt: skip
    except OSError as error:
        raise Blocked(f"a new process could not be started: {error}") from error
    return Watched(folder, process)


@cache
def listed(plugin: PluginInfo, attempt: int = 0) -> ProcessReport:
    """Import a plugin's hooks and call them in a new process, as listing does; once a plugin.

    Args:
        plugin: What to list.
        attempt: A further one measures anew.

    Raises:
        Blocked: The process could not be started or did not answer.
    """
    with TemporaryDirectory(prefix=f"mmbench-listing-{attempt}-") as made:
        folder = Path(made).resolve()
        (folder / "order.json").write_text(json.dumps({"plugin": asdict(plugin)}))
        return _started(folder).report()


def watched(subject: Encoding, *, seed: int = 0, later: bool = False) -> ProcessReport:
    """Load and encode in a new process, and wait for it.

    Args:
        subject: What to encode with; its options and state must be plain data.
        seed: The seed to load with.
        later: Whether the clock is a year and some hours ahead, and strings hash otherwise.

    Raises:
        Blocked: The process could not be started or did not answer.
    """
    return start_watched(subject, seed=seed, later=later).report()


def _order(
    subject: Encoding, folder: Path, state: State | None, seed: int, later: bool
) -> dict[str, Any]:
    """What the child is told, as plain data."""
    if state is not None:
        arrays = {f"a:{name}": np.asarray(array) for name, array in state.arrays.items()}
        np.savez(folder / "state.npz", meta=np.array(json.dumps(state.meta)), **arrays)
    return {
        "spec": asdict(subject.entry.spec),
        "plugin": asdict(subject.entry.plugin),
        "given": {**subject.options},
        "streams": [asdict(stream) for stream in subject.streams],
        "target": subject.target,
        "seed": seed,
        "later": later,
        "not_before": subject.a_second_later,
    }


def _report(folder: Path, code: int, left: str) -> ProcessReport:
    printed = "".join(
        (folder / name).read_text(errors="replace") for name in ("stdout", "stderr")
    ).strip()
    said: dict[str, Any] = {}
    path = folder / "report.json"
    if path.is_file():
        said = json.loads(path.read_text())
    else:
        last = (printed.splitlines() or [f"exit code {code}"])[-1]
        said = {"error": f"the process ended early: {last}"}
    vectors: dict[str, NDArray[np.float32]] = {}
    if (folder / "vectors.npz").is_file():
        with np.load(folder / "vectors.npz", allow_pickle=False) as file:
            vectors = {name: file[name] for name in file.files}
    lists = ("modules", "written", "network", "read", "asked", "changed")
    said |= {name: tuple(said.get(name, ())) for name in lists}
    return ProcessReport(vectors=vectors, printed=printed, left=left, **said)
