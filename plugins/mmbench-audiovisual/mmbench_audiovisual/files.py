"""Files of a dataset: folders listed once, text read whole, names shown as text."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mmbench.api import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

__all__ = ["Shelf", "first_file", "ids_of", "numbered_lines", "read_text", "shelve", "shown"]


def shown(path: Path | str) -> str:
    """A path or name as text that can be printed; a byte that is no UTF-8 is shown by number."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def first_file(root: Path, *places: str) -> Path | None:
    """The first of these places that is a file."""
    return next((root / place for place in places if (root / place).is_file()), None)


@dataclass(frozen=True)
class Shelf:
    """Media files by the part of their name that is the item's id.

    Attributes:
        folder: Where an item's file is expected that is nowhere.
        suffix: And how its name ends.
        found: Id to file.
    """

    folder: Path
    suffix: str
    found: dict[str, Path]

    def __getitem__(self, item: str) -> Path:
        """The item's file, or where it should be."""
        return self.found.get(item) or self.folder / f"{item}{self.suffix}"

    def __contains__(self, item: str) -> bool:
        return item in self.found

    def count(self, items: Sequence[str]) -> int:
        """How many of these items have a file."""
        return sum(item in self.found for item in items)


def shelve(folders: Sequence[Path], suffixes: Sequence[str]) -> Shelf:
    """The media files in these folders, each listed once; what begins with a dot is none.

    Args:
        folders: Where to look, the first first; those that are not there are passed over.
        suffixes: How their names may end, the preferred ending first.
    """
    found: dict[str, Path] = {}
    there = [folder for folder in folders if folder.is_dir()]
    for folder in there:
        names = {name for name in os.listdir(folder) if not name.startswith(".")}  # noqa: PTH208
        for suffix in suffixes:
            for name in names:
                if name.lower().endswith(suffix):
                    found.setdefault(name[: -len(suffix)], folder / name)
    return Shelf((there or list(folders))[0], suffixes[0], found)


def read_text(path: Path) -> str:
    """A text file; line ends and a byte order mark as they may be.

    Raises:
        DataError: It can't be read, is empty, or holds bytes that are no UTF-8; names the line.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"can't be read: {error.strerror}", where=shown(path)) from error
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise DataError("holds bytes that are no UTF-8", where=f"{shown(path)}:{line}") from error
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise DataError("holds a zero byte, so is no text", where=f"{shown(path)}:{line}")
    if not text.strip():
        raise DataError("is empty", where=shown(path), fix="get it again")
    return text


def numbered_lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines that are not blank, with their numbers.

    Raises:
        DataError: See :func:`read_text`.
    """
    for number, line in enumerate(read_text(path).splitlines(), 1):
        if line.strip():
            yield number, line.strip()


def ids_of(path: Path) -> list[tuple[int, str]]:
    """Ids of a list: the first field of each line, without a media file's ending.

    The lists of several repositories are read alike: ``id``, ``id,label``, ``id.jpg``.

    Returns:
        Line numbers and ids, in the list's order.

    Raises:
        DataError: An id is missing or there twice.
    """
    found: list[tuple[int, str]] = []
    seen: dict[str, int] = {}
    for number, line in numbered_lines(path):
        item = line.split(",", 1)[0].strip().strip('"')
        for ending in (".jpg", ".png", ".wav", ".mp4"):
            item = item.removesuffix(ending)
        if not item or "/" in item or "\\" in item:
            raise DataError(f"{item!r} is no id", where=f"{shown(path)}:{number}")
        if item in seen:
            raise DataError(
                f"the id {item!r} is in line {seen[item]} already", where=f"{shown(path)}:{number}"
            )
        seen[item] = number
        found.append((number, item))
    return found
