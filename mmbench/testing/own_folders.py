"""Folders of a watched process's own, in which shows what is written unheard.

Python tells what its own code writes. What compiled code writes, or a process that was started,
is seen where it lies: in the working folder and the home folder that the process is given.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Snapshot", "home_like_the_users", "new_since", "snapshot"]

#: Path to its size and time; of a folder, nothing.
Snapshot = dict[str, tuple[int, int] | None]


def home_like_the_users(folder: Path) -> dict[str, str]:
    """Make a home folder that has what the user's has, by links; the variables that lead there.

    Weights and caches are found; what is written beside them shows. Where no links can be made,
    the user's own stays.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        for entry in os.scandir(Path.home()):
            if not os.path.lexists(folder / entry.name):
                (folder / entry.name).symlink_to(entry.path)
    except (OSError, RuntimeError):
        return {}
    return {"HOME": str(folder)}


def snapshot(folders: Iterable[Path], but: Iterable[Path | str] = ()) -> Snapshot:
    """What lies below folders; links are not followed.

    Args:
        folders: Where to look.
        but: What is passed over, with all below it.
    """
    passed = {os.path.realpath(path) for path in but}
    found: Snapshot = {}
    waiting = [os.path.realpath(folder) for folder in folders]
    while waiting:
        with contextlib.suppress(OSError):
            for entry in os.scandir(waiting.pop()):
                if entry.path in passed:
                    continue
                if entry.is_dir(follow_symlinks=False):
                    found[entry.path] = None
                    waiting.append(entry.path)
                else:
                    known = entry.stat(follow_symlinks=False)
                    found[entry.path] = (known.st_size, known.st_mtime_ns)
    return found


def new_since(before: Snapshot, after: Snapshot, but: Iterable[Path | str] = ()) -> list[str]:
    """Files and folders that are new or another, or gone; not what leads to ``but``."""
    passed = [os.path.realpath(path) + os.sep for path in but]
    changed = [
        path
        for path in before.keys() | after.keys()
        if path not in before or path not in after or before[path] != after[path]
    ]
    return sorted(
        path for path in changed if not any(each.startswith(path + os.sep) for each in passed)
    )
