"""The process of :mod:`mmbench.testing.task_processes`: ``python -m ... FOLDER``."""

from __future__ import annotations

import contextlib
import json
import pickle
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from threadpoolctl import ThreadpoolController

from mmbench.api import DatasetSpec, ItemTable, ScoreInputs, TaskSpec
from mmbench.registry import Entry, PluginInfo, Registry, load_object
from mmbench.runner.catalog import Catalog
from mmbench.runner.suite import TaskChoice
from mmbench.testing.checks import described
from mmbench.testing.clock import move_clocks, move_dates
from mmbench.testing.foreign_reads import ReadingWatch, named_paths
from mmbench.testing.own_folders import new_since, snapshot
from mmbench.testing.reading import record_variables
from mmbench.testing.task_processes import TaskReport

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mmbench.api import Collection

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


def _open(order: dict[str, Any], entry: Entry[TaskSpec], watch: ReadingWatch) -> dict[str, Any]:
    """The fingerprints of the task's collections, as a run opens them."""
    registry = Registry(tasks={entry.spec.name: entry})
    for each in order["datasets"]:
        spec = DatasetSpec(**each["spec"])
        registry.datasets[spec.name] = Entry(spec, PluginInfo(**each["plugin"]))
    catalog = Catalog(registry, Path(order["data"]), Path(order["cache"]))
    name = entry.spec.name
    try:
        with watch.on("opened"):
            opened = catalog.task(TaskChoice(name, name, order["given"]))
            for each in opened.collections.values():
                _load_first(each)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a task raises is reported
        return {"open_error": described(error)}
    return {"fingerprints": dict(opened.fingerprints)}


def _load_first(collection: Collection) -> None:
    """Load every stream of the first item; what raises is told by a check of its own."""
    for stream in collection.streams:
        with contextlib.suppress(Exception):
            if len(collection) and collection.content_keys(stream)[0] is not None:
                collection.load(0, stream)


@contextlib.contextmanager
def _noting(found: list[str], folders: list[Path]) -> Iterator[None]:
    """Note what appears in folders meanwhile: written by compiled code, or by a process."""
    before = snapshot(folders)
    yield
    found += new_since(before, snapshot(folders))


def _work(order: dict[str, Any], entry: Entry[TaskSpec], folder: Path) -> TaskReport:
    """Score and open twice.

    The first time the class is new, and imports what is imported late. Dates, which compiled
    modules derive from, can only be moved before the second.
    """
    scored: dict[str, Any] = {}
    own = [Path(order["data"]), Path(order["cache"]), folder / "tmp"]
    outside = [folder / "home", folder / "here"]
    watch = ReadingWatch(own[1:])
    written: list[str] = []
    changed: list[str] = []
    if is_stored := (folder / "arrays.npz").is_file():
        with _noting(written, outside):
            scored = _score(order, entry, folder)
    with contextlib.suppress(Exception, SystemExit):  # opening it says so
        watch.hear_questions(load_object(entry.spec.path, entry).__module__)
    with _noting(changed, [own[0], *outside]):
        opened = _open(order, entry, watch)
    move_dates(entry.spec.path.partition(":")[0].partition(".")[0])
    if is_stored and "evaluations" in scored:
        with _noting(written, outside):
            again = _score(order, entry, folder)
        scored |= again | {
            "evaluations": (*scored["evaluations"], *again.get("evaluations", ())),
        }
    if "fingerprints" in opened:
        opened = _open(order, entry, watch)
    named = [*order["caches"], *named_paths(order["options"])]
    return TaskReport(
        **scored,
        **opened,
        written=tuple(written),
        looked=tuple(watch.foreign([*own, *named])),
        changed=tuple(sorted({*watch.written, *watch.unheard(changed)})),
    )


def main(folder: Path) -> None:
    """Do what the order says, and leave a report."""
    order = pickle.loads((folder / "order.pickle").read_bytes())  # noqa: S301 - the kit made it
    move_clocks()
    said = order["task"]
    entry = Entry(TaskSpec(**said["spec"]), PluginInfo(**said["plugin"]))
    (folder / "report.pickle").write_bytes(pickle.dumps(_work(order, entry, folder)))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
