"""A new process that scores what was stored, and then opens a task's collections.

Nothing was opened or scored there before. Its clock is more than a year ahead, strings hash
otherwise, and it knows no variables of the environment but those that Python and its libraries
need: what scores or collections take from their surroundings shows.
"""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from mmbench.testing.checks import Blocked
from mmbench.testing.evaluations import stored_tables
from mmbench.testing.watching import user_caches

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from mmbench.api import Collection, Evaluation, ItemTable, ScoreInputs
    from mmbench.registry import Entry, Registry

__all__ = ["Scoring", "TaskReport", "stored_inputs", "task_in_a_new_process"]

#: Seconds after which a child is given up.
_TIMEOUT = 600
#: Beginnings of the variables that Python, its libraries and their linear algebra need.
_KEPT = (
    "PATH", "LD_", "DYLD_", "LANG", "LC_", "SYSTEMROOT", "VIRTUAL_ENV", "CONDA_", "OPENBLAS_",
    "MKL_", "OMP_", "NPY_", "COVERAGE_",
)  # fmt: skip


class Scoring(Protocol):
    """What is asked of a task's subject here."""

    @property
    def entry(self) -> Entry[Any]:
        """Its spec and plugin."""
        ...

    @property
    def registry(self) -> Registry:
        """Where its datasets are found."""
        ...

    @property
    def given(self) -> Mapping[str, Any]:
        """Options given for the checks."""
        ...

    @property
    def options(self) -> Mapping[str, Any]:
        """Every option with its value."""
        ...

    @property
    def workspace(self) -> Path:
        """Where its datasets' samples are."""
        ...

    @property
    def collections(self) -> Mapping[str, Collection]:
        """Its collections; to ask for them writes the samples."""
        ...


@dataclass(frozen=True)
class TaskReport:
    """What a child process made of a task.

    Attributes:
        evaluations: Of the stored inputs: by a new class, and when dates are moved too.
        score_error: What scoring raised, in a line; empty if nothing.
        asked: Variables of the environment that the task's own code asked for while scoring.
        fingerprints: Of its collections.
        open_error: What opening them raised, in a line; empty if nothing.
        written: Files that appeared in its working and home folder while scoring.
        looked: Files and folders outside the data folder that opening them looked into.
        changed: Files that were written while they were opened.
    """

    evaluations: tuple[Evaluation, ...] = ()
    score_error: str = ""
    asked: tuple[str, ...] = ()
    fingerprints: Mapping[str, str] = field(default_factory=dict)
    open_error: str = ""
    written: tuple[str, ...] = ()
    looked: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()


def stored_inputs(inputs: ScoreInputs, folder: Path) -> ScoreInputs:
    """Inputs as they are when they were stored: tables as JSON, arrays as a file of numpy.

    Raises:
        TypeError: The tables can't be written as JSON.
    """
    from dataclasses import replace

    folder.mkdir(parents=True, exist_ok=True)
    tables = stored_tables(inputs.tables)
    (folder / "tables.json").write_text(json.dumps(_listed(tables)))
    np.savez(folder / "arrays.npz", **{f"a:{k}": np.asarray(v) for k, v in inputs.arrays.items()})
    return replace(inputs, tables=tables)


def task_in_a_new_process(subject: Scoring, folder: Path) -> TaskReport:
    """Score what lies in a folder, and open the collections, in a new process.

    Raises:
        Blocked: The process could not be started, or did not answer.
    """
    _ = subject.collections  # writes the samples
    for name in ("home", "here", "tmp"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    order = {
        "task": _entry(subject.entry),
        "datasets": [_entry(entry) for entry in subject.registry.datasets.values()],
        "given": dict(subject.given),
        "options": subject.options,
        "data": str(subject.workspace / "data"),
        "cache": str(subject.workspace / "cache"),
        "caches": [str(path) for path in user_caches()],
    }
    (folder / "order.pickle").write_bytes(pickle.dumps(order))
    environment = {
        **{name: value for name, value in os.environ.items() if name.startswith(_KEPT)},
        "PYTHONHASHSEED": "4711",
        "PYTHONPATH": os.pathsep.join(os.path.realpath(path) for path in sys.path),
        "PYTHONDONTWRITEBYTECODE": "1",
        "HOME": str(folder / "home"),
        **dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(folder / "tmp")),
    }
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-P", "-m", "mmbench.testing.task_child", str(folder)],
            capture_output=True, text=True, errors="replace", check=False,
            timeout=_TIMEOUT, cwd=folder / "here", env=environment,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Blocked(f"a new process could not be watched: {error}") from error
    path = folder / "report.pickle"
    if not path.is_file():
        last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        return TaskReport(score_error=f"an early end: {last}", open_error=f"an early end: {last}")
    report: TaskReport = pickle.loads(path.read_bytes())  # noqa: S301 - the child made it
    return report


def _entry(entry: Any) -> dict[str, Any]:
    return {"spec": asdict(entry.spec), "plugin": asdict(entry.plugin)}


def _listed(tables: Mapping[str, ItemTable]) -> dict[str, Any]:
    return {key: {"ids": table.ids, "columns": table.columns} for key, table in tables.items()}
