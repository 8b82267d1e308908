"""Files of a dataset: text read whole, ids and JSON of lists, names shown as text."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from mmbench.api import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

__all__ = ["first_place", "names_in", "numbered_lines", "read_json", "read_text", "shown"]


def shown(path: Path | str) -> str:
    """A path or name as text that can be printed; a byte that is no UTF-8 is shown by number."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def first_place(root: Path, places: Sequence[str]) -> Path | None:
    """The first of these places below the folder that is there."""
    return next((root / place for place in places if (root / place).exists()), None)


def names_in(folder: Path, *, suffix: str = "") -> set[str]:
    """Names in a folder that end so and begin with no dot; none if it is not there."""
    if not folder.is_dir():
        return set()
    names = os.listdir(folder)  # noqa: PTH208 - names that are no UTF-8, too
    return {name for name in names if name.endswith(suffix) and name[0] not in "._"}


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


def read_json(path: Path) -> Any:
    """What a JSON file says.

    Raises:
        DataError: It is none; names the line.
    """
    try:
        return json.loads(read_text(path))
    except json.JSONDecodeError as error:
        where = f"{shown(path)}:{error.lineno}"
        raise DataError(f"is no JSON: {error.msg}", where=where) from error
    except RecursionError as error:
        raise DataError(
            "is no JSON that can be read: nested too deep", where=shown(path)
        ) from error
