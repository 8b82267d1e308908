"""What a layout of ModelNet40 gives: splits of labelled clouds, wherever they are stored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mmbench.api import DataError, UsageError
from mmbench_pointcloud.classes import MODELNET40
from mmbench_pointcloud.files import names_in, numbered_lines, shown
from mmbench_pointcloud.texts import load_text

if TYPE_CHECKING:
    from pathlib import Path

    from mmbench_pointcloud.collection import Points, Stored
    from mmbench_pointcloud.preparation import Preparation

__all__ = ["SPLITS", "Split", "TextCloud", "class_named", "listed_ids", "text_base", "text_splits"]

SPLITS = ("test", "train")


@dataclass(frozen=True)
class Split:
    """Labelled clouds.

    Attributes:
        ids: One a row.
        labels: Their classes, as files spell them.
        stored: Where the clouds are.
        listed: The list that names them, if there is one.
        there: How many of them have a file.
        points: How many points each has, where that is known.
    """

    ids: list[str]
    labels: list[str]
    stored: list[Stored]
    listed: Path | None
    there: int
    points: int = 0

    def check_points(self, preparation: Preparation, layout: str) -> None:
        """Refuse to take more points than any cloud has.

        Raises:
            UsageError: All items would be dropped for it.
        """
        if 0 < self.points < preparation.points and preparation.short == "drop":
            raise UsageError(
                f"points={preparation.points}, but clouds in {layout} have {self.points}",
                where=shown(self.stored[0].path),
                fix=f"take -o points={self.points}, or points=0 for all there are",
            )


@dataclass(frozen=True)
class TextCloud:
    """A text file of points."""

    path: Path

    @property
    def place(self) -> str:
        """Names how it is read."""
        return "txt"

    @property
    def where(self) -> str:
        """The file."""
        return shown(self.path)

    def load(self, preparation: Preparation) -> Points:
        """Read it."""
        return load_text(self.path), None


def class_named(name: str, where: str) -> str:
    """A class, in the spelling of files, from either spelling.

    Raises:
        DataError: ModelNet40 has no such class.
    """
    spelt = name.strip().replace(" ", "_")
    if spelt not in MODELNET40:
        raise DataError(f"{name!r} is none of ModelNet40's 40 classes", where=where)
    return spelt


def listed_ids(path: Path) -> list[tuple[str, str]]:
    """Ids and classes of a list such as ``modelnet40_test.txt``.

    Raises:
        DataError: A line is no id, or is there twice; names it.
    """
    found: dict[str, tuple[int, str]] = {}
    for number, item in numbered_lines(path):
        where = f"{shown(path)}:{number}"
        name, _, serial = item.rpartition("_")
        if not name or not serial.isdecimal():
            raise DataError(f"{item[:60]!r} is no id such as airplane_0627", where=where)
        if item in found:
            what = f"the id {item!r} is in line {found[item][0]} already"
            raise DataError(what, where=where)
        found[item] = number, class_named(name, where)
    return [(item, label) for item, (_, label) in found.items()]


def text_base(root: Path) -> Path | None:
    """The folder with a folder of text files a class, if there is one."""
    for base in (root / "modelnet40_normal_resampled", root):
        classes = names_in(base) & set(MODELNET40)
        if any(names_in(base / name, suffix=".txt") for name in sorted(classes)):
            return base
    return None


def text_splits(base: Path, _preparation: Preparation) -> dict[str, Split]:
    """The clouds that ``modelnet40_test.txt`` and ``modelnet40_train.txt`` name."""
    there = {
        f"{name}/{file}"
        for name in names_in(base) & set(MODELNET40)
        for file in names_in(base / name, suffix=".txt")
    }
    found = {}
    for split in SPLITS:
        path = base / f"modelnet40_{split}.txt"
        if not path.is_file():
            continue
        rows = listed_ids(path)
        places = [f"{label}/{item}.txt" for item, label in rows]
        found[split] = Split(
            [item for item, _ in rows],
            [label for _, label in rows],
            [TextCloud(base / place) for place in places],
            path,
            sum(place in there for place in places),
        )
    return found
