"""Housekeeping of the store: what it holds, what is damaged, what can go."""

from __future__ import annotations

import json
import shutil
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mmbench.runner.vectors import VectorStore

if TYPE_CHECKING:
    from pathlib import Path

    from mmbench.runner.vectors import Damage

__all__ = ["SpaceSummary", "prune", "summarise", "verify"]


@dataclass(frozen=True)
class SpaceSummary:
    """One space of the store.

    Attributes:
        folder: Where it lies.
        about: What its ``space.json`` says: representation, options, kind, slots.
        items: Vectors in it.
        bytes: Size on disk.
        used: Seconds since it was last written to.
    """

    folder: Path
    about: dict[str, Any]
    items: int
    bytes: int
    used: float


def summarise(cache: Path) -> list[SpaceSummary]:
    """Every space, the largest first; reads descriptions only."""
    found = []
    for space in VectorStore(cache).spaces():
        items = size = 0
        newest = 0.0
        about: dict[str, Any] = {}
        for path in space.folder.iterdir():
            stat = path.stat()
            size += stat.st_size
            newest = max(newest, stat.st_mtime)
            if path.suffix == ".json":
                said = _read(path)
                if path.name == "space.json":
                    about = said
                else:
                    items += int(said.get("rows", 0))
        found.append(SpaceSummary(space.folder, about, items, size, max(time.time() - newest, 0.0)))
    return sorted(found, key=lambda each: -each.bytes)


def verify(cache: Path, *, mend: bool = True) -> list[Damage]:
    """Check every shard's checksum; with ``mend``, remove the damaged ones (they are misses)."""
    damage = []
    for space in VectorStore(cache).spaces():
        space.refresh()
        for found in space.damage:
            damage.append(found)
            if mend:
                for suffix in (".json", ".npy", ".keys.npy"):
                    found.shard.with_suffix(suffix).unlink(missing_ok=True)
    return damage


def prune(cache: Path, *, older_than_days: float, dry_run: bool = False) -> tuple[int, int]:
    """Remove spaces that were not written to for so long, and leftovers of killed runs.

    Returns:
        How many spaces, and how many bytes.
    """
    spaces = freed = 0
    for summary in summarise(cache):
        if summary.used >= older_than_days * 86400:
            spaces += 1
            freed += summary.bytes
            if not dry_run:
                shutil.rmtree(summary.folder, ignore_errors=True)
        else:
            freed += _sweep(summary.folder, dry_run=dry_run)
    return spaces, freed


def _sweep(folder: Path, *, dry_run: bool) -> int:
    """Remove vectors whose description was never published and temporaries over an hour old."""
    freed = 0
    for path in folder.iterdir():
        stem = path.name.split(".")[0]
        orphan = path.name.startswith(".") or not (folder / f"{stem}.json").exists()
        stat = path.stat()
        if orphan and time.time() - stat.st_mtime > 3600:
            freed += stat.st_size
            if not dry_run:
                path.unlink(missing_ok=True)
    return freed


def _read(path: Path) -> dict[str, Any]:
    try:
        said = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return said if isinstance(said, dict) else {}
