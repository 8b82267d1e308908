"""A new process that imports, builds, loads and encodes, and is watched while it does.

What can't be seen from inside a test's own process is seen there: what listing imports, what is
printed, written or asked of the network, and whether vectors are the same in another process, in
another folder, with other string hashes and at another time.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from mmbench.testing.checks import Blocked

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from mmbench.api import State
    from mmbench.registry import PluginInfo
    from mmbench.testing.representations import RepresentationSubject

__all__ = ["ProcessReport", "Watched", "listed", "start_watched", "watched"]

#: Seconds after which a child is given up.
_TIMEOUT = 600


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
        error: What ended it early, in a line; empty if nothing did.
    """

    vectors: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    fingerprint: str = ""
    modules: tuple[str, ...] = ()
    listing_milliseconds: float = 0.0
    printed: str = ""
    written: tuple[str, ...] = ()
    network: tuple[str, ...] = ()
    error: str = ""


@dataclass(frozen=True)
class Watched:
    """A child process on its way.

    Attributes:
        folder: Where its order is and its report will be.
        process: The process.
    """

    folder: Path
    process: subprocess.Popen[str]

    def report(self) -> ProcessReport:
        """Wait for it, and say what it did.

        Raises:
            Blocked: It did not answer in time.
        """
        try:
            printed, errors = self.process.communicate(timeout=_TIMEOUT)
        except subprocess.TimeoutExpired as error:
            self.process.kill()
            self.process.communicate()
            raise Blocked(f"a new process did not encode within {_TIMEOUT} s") from error
        return _report(self.folder, printed, errors, self.process.returncode)


def start_watched(subject: RepresentationSubject, *, seed: int = 0, later: bool = False) -> Watched:
    """Start to load and encode in a new process; several may run at a time.

    Args:
        subject: What to encode with; its options and state must be plain data.
        seed: The seed to load with.
        later: Whether the clock is a year and some hours ahead, and strings hash otherwise.

    Raises:
        Blocked: The process could not be started.
    """
    folder = subject.workspace / f"process-{seed}-{int(later)}"
    (folder / "tmp").mkdir(parents=True, exist_ok=True)
    state = subject.state if subject.is_trained else None
    (folder / "order.json").write_text(json.dumps(_order(subject, folder, state, seed, later)))
    return _started(folder, later=later)


def _started(folder: Path, *, later: bool = False) -> Watched:
    """Start the process whose order lies in a folder."""
    environment = {
        **os.environ,
        "PYTHONHASHSEED": "4711" if later else "1",
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "PYTHONDONTWRITEBYTECODE": "1",
        "TMPDIR": str(folder / "tmp"),
        "MMBENCH_CACHE": str(folder / "cache"),
    }
    try:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-m", "mmbench.testing.child", str(folder)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, errors="replace", cwd=folder / "tmp", env=environment,
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
        (folder / "tmp").mkdir()
        (folder / "order.json").write_text(json.dumps({"plugin": asdict(plugin)}))
        return _started(folder).report()


def watched(subject: RepresentationSubject, *, seed: int = 0, later: bool = False) -> ProcessReport:
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
    subject: RepresentationSubject, folder: Path, state: State | None, seed: int, later: bool
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
    }


def _report(folder: Path, printed: str, errors: str, code: int) -> ProcessReport:
    said: dict[str, Any] = {}
    path = folder / "report.json"
    if path.is_file():
        said = json.loads(path.read_text())
    else:
        last = (errors.strip().splitlines() or [f"exit code {code}"])[-1]
        said = {"error": f"the process ended early: {last}"}
    vectors: dict[str, NDArray[np.float32]] = {}
    if (folder / "vectors.npz").is_file():
        with np.load(folder / "vectors.npz", allow_pickle=False) as file:
            vectors = {name: file[name] for name in file.files}
    said |= {name: tuple(said.get(name, ())) for name in ("modules", "written", "network")}
    return ProcessReport(vectors=vectors, printed=(printed + errors).strip(), **said)
