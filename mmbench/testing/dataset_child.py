"""The process of :mod:`mmbench.testing.dataset_processes`: ``python -m ... FOLDER``."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from mmbench.api import DatasetSpec, DataSource
from mmbench.registry import Entry, PluginInfo, load_object
from mmbench.runner.file_hashes import hash_file
from mmbench.testing.clock import move_clocks
from mmbench.testing.dataset_processes import STEPS
from mmbench.testing.foreign_reads import ReadingWatch, named_paths
from mmbench.testing.own_folders import new_since, snapshot

__all__: list[str] = []


def _write(dataset: Any, order: dict[str, Any], folder: Path, watch: ReadingWatch) -> list[str]:
    """Write a sample; say what was looked into meanwhile."""
    root = folder / "own" / order["spec"]["name"]
    root.mkdir(parents=True)
    watch.allowed.append(os.path.realpath(root))
    with watch.on("the sample was written"):
        dataset.write_sample(root, items=order["items"], seed=0)
    return watch.foreign([root, folder / "tmp"])


def _opened(dataset: Any, root: Path, watch: ReadingWatch) -> int:
    """How many files of a folder its status opens."""
    watch.opened.clear()
    with watch.on("status() was asked"):
        dataset.status(DataSource(root, hash_file))
    return watch.below(root)


def _opened_at_once(dataset: Any, root: Path, watch: ReadingWatch) -> int:
    """How many files of a folder opening its collections opens."""
    watch.opened.clear()
    with watch.on("it was read"):
        dataset.collections(DataSource(root, hash_file))
    return watch.below(root)


def _read(dataset: Any, root: Path, watch: ReadingWatch) -> dict[str, str]:
    """Open a folder's collections and load their first items."""
    watch.seen.clear()
    watch.asked.clear()
    with watch.on("it was read"):
        collections = dataset.collections(DataSource(root, hash_file))
        for collection in collections.values():
            for stream in collection.streams:
                if len(collection) and collection.content_keys(stream)[0] is not None:
                    collection.load(0, stream)
        return {name: each.fingerprint() for name, each in collections.items()}


def _work(order: dict[str, Any], folder: Path, watch: ReadingWatch, report: dict[str, Any]) -> None:
    """What the order says, step by step."""
    spec: dict[str, Any] = {
        k: tuple(v) if isinstance(v, list) else v for k, v in order["spec"].items()
    }
    entry = Entry(DatasetSpec(**spec), PluginInfo(**order["plugin"]))
    # A library's own import is not the plugin's doing.
    cls = load_object(entry.spec.path, entry)
    dataset = cls(**_options(order["options"]))
    watch.hear_questions(cls.__module__)
    report["step"] = STEPS[0]
    samples = [Path(each) for each in order.get("samples", ())]
    if samples:
        try:
            report["read"] = _write(dataset, order, folder, watch)
        except (Exception, SystemExit):
            report["read"] = watch.foreign([folder / "own", folder / "tmp"])
            raise
    report["step"] = STEPS[1]
    report["opened"] = [_opened(dataset, root, watch) for root in samples]
    report["step"] = STEPS[2]
    root = samples[1] if samples else folder / "nothing"
    own = [root, folder / "tmp", *order["caches"], *named_paths(order["options"])]
    try:
        report["fingerprints"] = _read(dataset, root, watch)
    finally:
        report["looked"] = watch.foreign(own)
    report["opened_at_once"] = [_opened_at_once(dataset, each, watch) for each in samples]


def _options(given: dict[str, Any]) -> dict[str, Any]:
    """Options as they were: lists become tuples again."""
    return {name: tuple(v) if isinstance(v, list) else v for name, v in given.items()}


def main(folder: Path) -> None:
    """Do what the order says, and leave a report."""
    order = json.loads((folder / "order.json").read_text())
    watch = ReadingWatch([folder / "tmp"])
    report: dict[str, Any] = {"step": STEPS[0]}
    watched = [folder, *map(Path, order.get("samples", ()))]
    mine = [folder / "tmp", folder / "own" / order["spec"]["name"]]
    before = snapshot(watched, mine)
    move_clocks()
    try:
        _work(order, folder, watch, report)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a plugin raises is reported
        report["error"] = f"{type(error).__name__}: {' '.join(str(error).split())}"
    # What compiled code or another process writes is not heard of, but is seen where it lies.
    unheard = watch.unheard(new_since(before, snapshot(watched, mine), mine))
    report |= {
        "written": sorted({*watch.written, *unheard}),
        "network": sorted(set(watch.network)),
    }
    (folder / "report.json").write_text(json.dumps(report))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
