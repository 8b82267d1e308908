"""The process of :mod:`mmbench.testing.task_processes`: ``python -m ... FOLDER``."""

from __future__ import annotations

import json
import pickle
import sys
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import ThreadpoolController

from mmbench.api import DatasetSpec, ItemTable, ScoreInputs, TaskSpec
from mmbench.registry import Entry, PluginInfo, Registry, load_object
from mmbench.runner.catalog import Catalog
from mmbench.runner.suite import TaskChoice
from mmbench.testing.checks import described
from mmbench.testing.clock import move_clocks, move_dates
from mmbench.testing.reading import record_variables
from mmbench.testing.task_processes import TaskReport

__all__: list[str] = []


def _inputs(folder: Path) -> ScoreInputs:
    """What was stored."""
    tables = json.loads((folder / "tables.json").read_text())
    with np.load(folder / "arrays.npz", allow_pickle=False) as file:
        arrays = {name[2:]: file[name] for name in file.files}
    return ScoreInputs(arrays, {key: ItemTable(**table) for key, table in tables.items()})


def _score(order: dict[str, Any], entry: Entry[TaskSpec], folder: Path) -> dict[str, Any]:
    """Score with a new instance; note what it asks of the environment."""
    counting: list[bool] = []
    asked: list[str] = []
    try:
        cls = load_object(entry.spec.path, entry)
        asked = record_variables(cls.__module__, lambda: bool(counting))
        task, inputs = cls(**order["options"]), _inputs(folder)
        with ThreadpoolController().limit(limits=1):
            counting.append(True)
            found = task.score(inputs)
            counting.clear()
        pickle.dumps(found)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a task raises is reported
        counting.clear()
        return {"score_error": described(error), "asked": tuple(sorted(set(asked)))}
    return {"evaluations": (found,), "asked": tuple(sorted(set(asked)))}


def _open(order: dict[str, Any], entry: Entry[TaskSpec]) -> dict[str, Any]:
    """The fingerprints of the task's collections, as a run opens them."""
    registry = Registry(tasks={entry.spec.name: entry})
    for each in order["datasets"]:
        spec = DatasetSpec(**each["spec"])
        registry.datasets[spec.name] = Entry(spec, PluginInfo(**each["plugin"]))
    catalog = Catalog(registry, Path(order["data"]), Path(order["cache"]))
    name = entry.spec.name
    try:
        opened = catalog.task(TaskChoice(name, name, order["given"]))
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a task raises is reported
        return {"open_error": described(error)}
    return {"fingerprints": dict(opened.fingerprints)}


def _work(order: dict[str, Any], entry: Entry[TaskSpec], folder: Path) -> TaskReport:
    """Score and open twice.

    The first time the class is new, and imports what is imported late. Dates, which compiled
    modules derive from, can only be moved before the second.
    """
    scored: dict[str, Any] = {}
    if is_stored := (folder / "arrays.npz").is_file():
        scored = _score(order, entry, folder)
    opened = _open(order, entry)
    move_dates(entry.spec.path.partition(":")[0].partition(".")[0])
    if is_stored and "evaluations" in scored:
        again = _score(order, entry, folder)
        scored |= again | {
            "evaluations": (*scored["evaluations"], *again.get("evaluations", ())),
        }
    if "fingerprints" in opened:
        opened = _open(order, entry)
    return TaskReport(**scored, **opened)


def main(folder: Path) -> None:
    """Do what the order says, and leave a report."""
    order = pickle.loads((folder / "order.pickle").read_bytes())  # noqa: S301 - the kit made it
    move_clocks()
    said = order["task"]
    entry = Entry(TaskSpec(**said["spec"]), PluginInfo(**said["plugin"]))
    (folder / "report.pickle").write_bytes(pickle.dumps(_work(order, entry, folder)))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
