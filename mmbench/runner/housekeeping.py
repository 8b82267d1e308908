"""Housekeeping of the store: what it holds, what is damaged, what can go."""

from __future__ import annotations

import contextlib
import json
import shutil
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mmbench.runner.artifacts import is_interaction
from mmbench.runner.spool import remove_dead_spools
from mmbench.runner.vectors import VectorStore

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from mmbench.runner.vectors import Damage

__all__ = ["Other", "Pruned", "SpaceSummary", "Verdict", "others", "prune", "summarise", "verify"]

#: Seconds after which a file that was never published belongs to a run that was killed.
_LIFE_OF_TEMPORARIES = 3600


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
    """Every space of vectors, the largest first; reads descriptions only."""
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


@dataclass(frozen=True)
class Other:
    """What the store holds besides vectors.

    Attributes:
        name: ``trained states``, ``interactions`` (what tasks made with a representation in their
            loop), ``scoring inputs``, ``checkpoints``, ``decoded items`` (of runs that go on, or
            were killed) or ``file hashes``.
        count: How many.
        bytes: Size on disk.
    """

    name: str
    count: int
    bytes: int


@dataclass(frozen=True)
class Verdict:
    """A damaged shard, and what became of it.

    Attributes:
        damage: What is wrong.
        mended: Whether it was removed, so that its vectors are computed again.
    """

    damage: Damage
    mended: bool


@dataclass
class Pruned:
    """What :func:`prune` removed, or would.

    Attributes:
        spaces: Spaces of vectors.
        states: Trained states.
        interactions: What tasks made with a representation in their loop.
        bundles: Inputs of scoring, one a cell.
        checkpoints: Folders of interrupted trainings.
        bytes: Freed by all of it, leftovers of killed runs included.
    """

    spaces: int = 0
    states: int = 0
    interactions: int = 0
    bundles: int = 0
    checkpoints: int = 0
    bytes: int = 0


def others(cache: Path) -> list[Other]:
    """What the store holds besides vectors, each sort with its size."""
    made = _interactions(cache)
    theirs = sum(_size(path) for together in made for path in together)
    found = [
        Other("trained states", len(_states(cache)), _size(cache / "artifacts") - theirs),
        Other("interactions", len(made), theirs),
        Other("scoring inputs", len(_bundles(cache)), _size(cache / "bundles")),
        Other("checkpoints", len(_folders(cache / "checkpoints")), _size(cache / "checkpoints")),
        Other("decoded items", len(_folders(cache / "spool")), _size(cache / "spool")),
    ]
    hashes = [path for path in cache.glob("hashes.sqlite3*") if path.is_file()]
    return [*found, Other("file hashes", min(len(hashes), 1), sum(map(_size, hashes)))]


def verify(cache: Path, *, mend: bool = True) -> list[Verdict]:
    """Check every shard's checksum; with ``mend``, remove the damaged ones (they are misses).

    Shards that can't be read (permissions, a network drive) may be whole: they stay.
    """
    found = []
    for space in VectorStore(cache).spaces():
        space.refresh()
        found += [Verdict(damage, mend and damage.remove()) for damage in space.damage]
    return found


def prune(cache: Path, *, older_than_days: float, dry_run: bool = False) -> Pruned:
    """Remove what was not written to for so long, and leftovers of killed runs.

    All of it is computed again when a run needs it; `mmbench score` needs the inputs of scoring,
    and the vectors that they name.
    """
    done = Pruned()
    oldest = older_than_days * 86400

    def remove(paths: Iterable[Path]) -> None:
        for path in paths:
            done.bytes += _size(path)
            if not dry_run:
                _remove(path)

    for summary in summarise(cache):
        old = summary.used >= oldest
        done.spaces += old
        remove([summary.folder] if old else _orphans(summary.folder))
    kinds = {
        "states": _states(cache), "interactions": _interactions(cache), "bundles": _bundles(cache),
    }  # fmt: skip
    for kind, every in kinds.items():
        gone = [together for together in every if _age(*together) >= oldest]
        setattr(done, kind, len(gone))
        remove(path for together in gone for path in together)
    checkpoints = _folders(cache / "checkpoints")
    idle = [folder for folder in checkpoints if _age(folder, *folder.rglob("*")) >= oldest]
    done.checkpoints = len(idle)
    remove(idle)
    dead = remove_dead_spools(cache, dry_run=True)
    remove(dead)
    for name in ("bundles", "artifacts/recipes", "artifacts/states"):
        remove(path for path in (cache / name).glob(".*") if _age(path) > _LIFE_OF_TEMPORARIES)
    return done


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


def _states(cache: Path) -> list[list[Path]]:
    """Every trained state: its file, and the recipes that point to it."""
    return _artifacts(cache)[0]


def _interactions(cache: Path) -> list[list[Path]]:
    """The same of what interactions gave."""
    return _artifacts(cache)[1]


def _artifacts(cache: Path) -> tuple[list[list[Path]], list[list[Path]]]:
    """The files of every trained state, and of everything that an interaction gave."""
    files = {path.stem: [path] for path in (cache / "artifacts" / "states").glob("[!.]*.npz")}
    of_interactions = set()
    for recipe in sorted((cache / "artifacts" / "recipes").glob("[!.]*.json")):
        said = _read(recipe)
        content = str(said.get("content"))
        files.setdefault(content, []).append(recipe)
        if is_interaction(said):
            of_interactions.add(content)
    kinds: tuple[list[list[Path]], list[list[Path]]] = ([], [])
    for content, together in files.items():
        kinds[content in of_interactions].append(together)
    return kinds


def _bundles(cache: Path) -> list[list[Path]]:
    """The files of every cell's inputs."""
    cells: dict[str, list[Path]] = {}
    for path in sorted((cache / "bundles").glob("[!.]*.*")):
        cells.setdefault(path.stem, []).append(path)
    return list(cells.values())


def _folders(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.glob("*")) if path.is_dir()]


def _size(place: Path) -> int:
    """Bytes of a file, or of all files under a folder."""
    total = 0
    for path in [place, *place.rglob("*")] if place.is_dir() else [place]:
        with contextlib.suppress(OSError):  # a run that goes on may have removed it
            total += path.stat().st_size if path.is_file() else 0
    return total


def _age(*paths: Path) -> float:
    """Seconds since the newest of these was written to."""
    newest = 0.0
    for path in paths:
        with contextlib.suppress(OSError):
            newest = max(newest, path.stat().st_mtime)
    return max(time.time() - newest, 0.0)


def _orphans(folder: Path) -> list[Path]:
    """Vectors whose description was never published and temporaries, over an hour old."""
    found = []
    for path in folder.iterdir():
        stem = path.name.split(".")[0]
        orphan = path.name.startswith(".") or not (folder / f"{stem}.json").exists()
        if orphan and _age(path) > _LIFE_OF_TEMPORARIES:
            found.append(path)
    return found


def _read(path: Path) -> dict[str, Any]:
    try:
        said = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return said if isinstance(said, dict) else {}
