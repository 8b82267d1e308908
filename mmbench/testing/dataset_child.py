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
from mmbench.testing.watching import Watch

__all__ = ["ReadingWatch"]

#: Audit events that look into a file or a folder, whose first argument says which.
_READS = ("open", "os.listdir", "os.scandir")
#: Where an operating system keeps what belongs to no user.
_SYSTEM = (
    "/bin", "/dev", "/etc", "/lib", "/nix", "/opt", "/proc", "/run", "/sbin", "/snap", "/sys",
    "/usr", "/var/cache", "/Library", "/System", "/private/etc", "/private/var/db",
)  # fmt: skip


class ReadingWatch(Watch):
    """Records, besides what is written, which files and folders are looked into.

    Args:
        allowed: Folders that may be written to.
    """

    def __init__(self, allowed: list[Path]) -> None:
        self.seen: list[str] = []
        self.opened: list[str] = []
        super().__init__(allowed)

    def _see(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.while_ is not None and event in _READS and _looks(event, arguments):
            path = arguments[0]
            if path is None or isinstance(path, (str, bytes, os.PathLike)):
                text: str = "." if path is None else os.fsdecode(path)
                self.seen.append(os.path.realpath(text))
                self.opened += self.seen[-1:] if event == "open" else []
        super()._see(event, arguments)

    def foreign(self, own: list[Path]) -> list[str]:
        """What was looked into and belongs neither to Python, nor to the system, nor to ``own``."""
        paths = [sys.prefix, sys.base_prefix, sys.exec_prefix, *filter(None, sys.path), *_SYSTEM]
        away = str(Path.cwd())
        known = [os.path.realpath(path) for path in (*paths, *map(str, own))]
        return sorted(
            {path for path in self.seen if not _below(path, [p for p in known if p != away])}
        )

    def below(self, folder: Path) -> int:
        """How often a file below a folder was opened."""
        return sum(_below(path, [os.path.realpath(folder)]) for path in self.opened)


def _looks(event: str, arguments: tuple[Any, ...]) -> bool:
    """Whether a file or folder is looked into, rather than written to."""
    if event != "open":
        return True
    path, mode, flags = arguments
    if mode:
        return not set(mode) & set("wxa") or "+" in mode
    # What is opened by its descriptor's number may be relative to a folder that isn't said.
    absolute = isinstance(path, (str, bytes, os.PathLike)) and os.fsdecode(path).startswith("/")
    return absolute and not (flags or 0) & os.O_WRONLY


def _below(path: str, folders: list[str]) -> bool:
    return any(path == folder or path.startswith(folder.rstrip("/") + "/") for folder in folders)


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


def _read(dataset: Any, root: Path, watch: ReadingWatch) -> dict[str, str]:
    """Open a folder's collections and load their first items."""
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
    dataset = load_object(entry.spec.path, entry)(**_options(order["options"]))
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
    report["fingerprints"] = _read(dataset, root, watch)


def _options(given: dict[str, Any]) -> dict[str, Any]:
    """Options as they were: lists become tuples again."""
    return {name: tuple(v) if isinstance(v, list) else v for name, v in given.items()}


def main(folder: Path) -> None:
    """Do what the order says, and leave a report."""
    order = json.loads((folder / "order.json").read_text())
    watch = ReadingWatch([folder / "tmp"])
    report: dict[str, Any] = {"step": STEPS[0]}
    move_clocks()
    try:
        _work(order, folder, watch, report)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a plugin raises is reported
        report["error"] = f"{type(error).__name__}: {' '.join(str(error).split())}"
    report |= {"written": sorted(set(watch.written)), "network": sorted(set(watch.network))}
    (folder / "report.json").write_text(json.dumps(report))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
