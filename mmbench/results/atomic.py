"""Files that are either whole or not there: written aside, flushed, then moved into place."""

from __future__ import annotations

import contextlib
import errno
import os
import time
import uuid
from typing import TYPE_CHECKING

from mmbench.api.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["locked", "remove_leftovers", "write_atomic"]

_FULL = {errno.ENOSPC, errno.EDQUOT}


def write_atomic(path: Path, content: bytes) -> None:
    """Write ``content`` to ``path``; a reader sees the old file or the new one, whole.

    Raises:
        StoreError: The folder can't be written to or the disk is full; names the folder.
    """
    with _explained(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.parent / f".{path.name[:120]}.{uuid.uuid4().hex}.tmp"
        try:
            with aside.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            aside.replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                aside.unlink(missing_ok=True)
            raise
        _flush_folder(path.parent)


@contextlib.contextmanager
def locked(folder: Path, name: str = ".lock") -> Iterator[None]:
    """Hold the folder's lock, which dies with its holder; other runs wait.

    Raises:
        StoreError: The folder can't be written to.
    """
    from filelock import FileLock

    with _explained(folder):
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / name)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def remove_leftovers(folder: Path, *, older_than: float = 3600.0) -> int:
    """Remove what killed writers left behind; returns how many files.

    Args:
        folder: Where they wrote.
        older_than: Leave younger files alone, in seconds: their writers may be alive.
    """
    removed = 0
    for path in folder.glob(".*.tmp"):
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime > older_than:
                path.unlink()
                removed += 1
    return removed


def _flush_folder(folder: Path) -> None:
    # Some file systems can't open or sync a folder; the file itself is whole all the same.
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextlib.contextmanager
def _explained(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            what, fix = "the disk is full", "free some space there, or choose another: --results"
        else:
            what = f"can't be written to ({error.strerror or error})"
            fix = "make it writable, or choose another folder: --results DIR"
        raise StoreError(what, where=str(folder), fix=fix) from error
