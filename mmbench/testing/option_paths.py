"""Makes options that name relative files and folders absolute: checks run in other folders too."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["with_absolute_paths"]


def with_absolute_paths(
    options: Mapping[str, Any], fingerprint: Callable[[Mapping[str, Any]], str]
) -> dict[str, Any]:
    """Options, relative paths to what is there made absolute.

    A word without a slash or a suffix may be a name that a file happens to have, too
    (``weights=base``). It is a path where both ways to write it have one fingerprint.

    Args:
        options: Every option with its value.
        fingerprint: Of an instance with such options; may raise.
    """
    made = dict(options)
    for name, value in options.items():
        if not isinstance(value, (str, Path)) or not str(value) or not _is_there(value):
            continue
        absolute = type(value)(os.path.abspath(value))  # noqa: PTH100 - keeps links as they are
        text = str(value)
        is_path = isinstance(value, Path) or os.sep in text or bool(Path(text).suffix)
        if is_path or _agree(fingerprint, made, {**made, name: absolute}):
            made[name] = absolute
    return made


def _is_there(value: str | Path) -> bool:
    try:
        return not Path(value).is_absolute() and Path(value).exists()
    except (OSError, ValueError):  # no name that a file could have
        return False


def _agree(
    fingerprint: Callable[[Mapping[str, Any]], str], first: dict[str, Any], second: dict[str, Any]
) -> bool:
    """Whether both have the same fingerprint, and one that says something."""
    try:
        found = fingerprint(first)
        return bool(found) and found == fingerprint(second)
    except Exception:  # noqa: BLE001 - checks of its own say so
        return False
