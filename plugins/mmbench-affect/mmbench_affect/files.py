"""Files of a dataset: found by name, read as text or JSON, and shown as text."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from mmbench.api import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["first_file", "read_json", "read_text", "shown"]


def shown(path: Path | str) -> str:
    """A path or name as text that can be printed; a byte that is no UTF-8 is shown by number."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def first_file(root: Path, places: Sequence[str]) -> Path | None:
    """The first of these places below the folder that is a file."""
    return next((root / place for place in places if (root / place).is_file()), None)


def read_text(path: Path) -> str:
    """A text file.

    Raises:
        DataError: It can't be read, is empty, or is no UTF-8.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise DataError(f"can't be read: {error.strerror}", where=shown(path)) from error
    except UnicodeDecodeError as error:
        raise DataError("holds bytes that are no UTF-8", where=shown(path)) from error
    if not text.strip():
        raise DataError("is empty", where=shown(path), fix="get it again")
    return text


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
