"""File hashes, memoised by path, size and modification time, shared by all runs of a machine."""

from __future__ import annotations

import hashlib
import sqlite3
import weakref
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["MISSING", "FileHashes", "hash_file"]

#: Stands for the hash of a file that is not there. So a content key changes when the file comes,
#: and the item is dropped by what its ``load`` raises, not its collection by what its key does.
MISSING = "missing"


def hash_file(path: Path) -> str:
    """Hex SHA-256 of a file's bytes, or :data:`MISSING`, asked of the file itself."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (FileNotFoundError, NotADirectoryError):
        return MISSING


class FileHashes:
    """SHA-256 of files, remembered in ``<cache>/hashes.sqlite3``.

    A memo that can't be opened or written (a read-only cache, a locked database) costs time,
    never correctness: the file is hashed again.
    """

    def __init__(self, cache: Path) -> None:
        self._path = cache / "hashes.sqlite3"
        self._connection: sqlite3.Connection | None = None

    def __call__(self, path: Path) -> str:
        """Hex SHA-256 of the file's bytes, or :data:`MISSING`."""
        try:
            stat = path.stat()
        except (FileNotFoundError, NotADirectoryError):
            return MISSING
        place = (str(path.absolute()), stat.st_size, stat.st_mtime_ns)
        known = self._recall(place)
        if known is not None:
            return known
        digest = hash_file(path)
        if digest != MISSING:
            self._remember(place, digest)
        return digest

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(
                self._path, timeout=5, isolation_level=None, check_same_thread=False
            )
            weakref.finalize(self, self._connection.close)
            self._connection.execute(
                "CREATE TABLE IF NOT EXISTS hashes"
                " (path TEXT PRIMARY KEY, size INTEGER, mtime INTEGER, digest TEXT)"
            )
        return self._connection

    def _recall(self, place: tuple[str, int, int]) -> str | None:
        try:
            row = (
                self._open()
                .execute("SELECT digest FROM hashes WHERE path=? AND size=? AND mtime=?", place)
                .fetchone()
            )
        except (sqlite3.Error, OSError):
            return None
        return str(row[0]) if row else None

    def _remember(self, place: tuple[str, int, int], digest: str) -> None:
        try:
            self._open().execute("INSERT OR REPLACE INTO hashes VALUES (?,?,?,?)", (*place, digest))
        except (sqlite3.Error, OSError):
            return

    def close(self) -> None:
        """Close the database; it is opened again when it is needed."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
