"""A new process that writes a dataset's sample and reads it, and is watched while it does.

It runs in an empty folder, with an empty home folder, other string hashes and a clock that is a
year ahead: what the sample takes from its surroundings shows.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from mmbench.testing.checks import Blocked
from mmbench.testing.watching import user_caches

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from mmbench.api import DatasetInfo
    from mmbench.registry import Entry

__all__ = ["STEPS", "DatasetReport", "Sampled", "watched_dataset"]

#: Seconds after which a child is given up.
_TIMEOUT = 600


class Sampled(Protocol):
    """What is asked of a dataset's subject here."""

    @property
    def entry(self) -> Entry[Any]:
        """Its spec and plugin."""
        ...

    @property
    def name(self) -> str:
        """What users type."""
        ...

    @property
    def options(self) -> Mapping[str, Any]:
        """Every option with its value."""
        ...

    @property
    def workspace(self) -> Path:
        """Where the process has its folder."""
        ...

    @property
    def info(self) -> DatasetInfo:
        """What it says of itself."""
        ...

    @property
    def sample(self) -> Path:
        """A sample of usual size."""
        ...

    @property
    def small(self) -> Path:
        """A sample of few items."""
        ...


@dataclass(frozen=True)
class DatasetReport:
    """What a child process did.

    Attributes:
        root: The sample that it wrote: the small one, with seed 0.
        fingerprints: Of the collections of the small sample that it was handed.
        read: Files and folders outside the sample that writing it looked into.
        looked: Files and folders outside the small sample that reading it looked into.
        written: Files that were written outside the sample.
        network: What was asked of the network.
        printed: What went to standard output.
        opened: Files of the folder that ``status`` opened: in the sample, in the small sample.
        opened_at_once: Files that opening the collections opened, in the same two.
        error: What ended it early, in a line; empty if nothing did.
        step: What it was doing then.
    """

    root: Path
    fingerprints: Mapping[str, str] = field(default_factory=dict)
    read: tuple[str, ...] = ()
    looked: tuple[str, ...] = ()
    written: tuple[str, ...] = ()
    network: tuple[str, ...] = ()
    printed: str = ""
    opened: tuple[int, int] = (0, 0)
    opened_at_once: tuple[int, int] = (0, 0)
    error: str = ""
    step: str = ""

    def finished(self, step: str, check: str) -> DatasetReport:
        """This report, if the step was done without an error.

        Raises:
            Blocked: It was not; ``check`` says so of this process.
        """
        if self.error and STEPS.index(self.step) <= STEPS.index(step):
            raise Blocked(f"in a new process, {self.step} raised {self.error}: see {check}")
        return self


#: What the child does, in this order.
STEPS = ("write_sample()", "status()", "collections()")


def watched_dataset(subject: Sampled, *, items: int) -> DatasetReport:
    """Write and read samples in a new process.

    Args:
        subject: The dataset.
        items: Of the sample that is written.

    Raises:
        Blocked: The process could not be started or did not answer; or no sample can be written.
    """
    order: dict[str, Any] = {
        "spec": asdict(subject.entry.spec),
        "plugin": asdict(subject.entry.plugin),
        "options": subject.options,
        "bundled": subject.info.bundled,
        "caches": [str(path) for path in user_caches()],
    }
    if not subject.info.bundled:
        order |= {
            "items": items,
            "samples": [str(subject.sample), str(subject.small)],
        }
    folder = subject.workspace / "process"
    home, away = folder / "home", folder / "away"
    for each in (home, away, folder / "tmp"):
        each.mkdir(parents=True, exist_ok=True)
    (folder / "order.json").write_text(json.dumps(order))
    environment = {
        **os.environ,
        "PYTHONHASHSEED": "4711",
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "PYTHONDONTWRITEBYTECODE": "1",
        "HOME": str(home),
        "XDG_CACHE_HOME": str(folder / "tmp"),
        "XDG_CONFIG_HOME": str(folder / "tmp"),
        "MPLCONFIGDIR": str(folder / "tmp"),
        **dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(folder / "tmp")),
        "MMBENCH_CACHE": str(folder / "tmp"),
        "MMBENCH_DATA": str(home / "data"),
    }
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-P", "-m", "mmbench.testing.dataset_child", str(folder)],
            capture_output=True, text=True, errors="replace", check=False,
            timeout=_TIMEOUT, cwd=away, env=environment,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Blocked(f"a new process could not be watched: {error}") from error
    return _report(folder, subject.name, done)


def _report(folder: Path, name: str, done: subprocess.CompletedProcess[str]) -> DatasetReport:
    said: dict[str, Any] = {}
    path = folder / "report.json"
    if path.is_file():
        said = json.loads(path.read_text())
    else:
        last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        said = {"error": f"an early end: {last}", "step": STEPS[0]}
    said |= {each: tuple(said.get(each, ())) for each in ("read", "looked", "written", "network")}
    said |= {each: tuple(said.get(each, (0, 0))) for each in ("opened", "opened_at_once")}
    return DatasetReport(root=folder / "own" / name, printed=done.stdout.strip(), **said)
