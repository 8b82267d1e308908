"""The records of one results folder: JSON files, each with its per-item scores beside it."""

from __future__ import annotations

import contextlib
import dataclasses
import re
import unicodedata
from hashlib import sha256
from typing import TYPE_CHECKING

from mmbench.api.errors import StoreError
from mmbench.results.atomic import locked, remove_leftovers, write_atomic
from mmbench.results.checks import check_values
from mmbench.results.merging import merge, preferred
from mmbench.results.record import from_json, seal, to_json

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from mmbench.api.task import ItemTable
    from mmbench.results.record import Record

__all__ = ["RecordStore", "merge"]

_MEND = "`mmbench run` makes it again"
_MEND_ITEMS = "`mmbench run` or `mmbench score` makes it again"


class RecordStore:
    """Records under ``folder/records``; safe for several runs at once.

    Args:
        folder: The results folder; made on the first write.

    Attributes:
        damaged: Records that the last :meth:`records` or :meth:`read` left out: the path of the
            JSON file, and why (which does not name that path again).
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "records"
        self.damaged: list[tuple[Path, str]] = []

    def write(
        self,
        record: Record,
        tables: Mapping[str, ItemTable] | None = None,
        *,
        replace: bool = False,
    ) -> Record:
        """Write a record and its per-item scores, atomically, and return it as it is stored.

        A record of the same key is replaced unless it is better (ok beats failed beats skipped,
        then the later one): then that one stays, and is returned.

        Args:
            record: What to write; checksums and the name of the items file are filled in.
            tables: Per-item scores by table.
            replace: Replace whatever is there, better or not: its key says nothing of what made
                it, so the newer one is the only true one.

        Raises:
            StoreError: Its values are impossible; the folder can't be written to; the disk is full.
        """
        where = f"{record.representation.label} on {record.task.label}"
        if record.status == "ok":
            measured = record.source == "measured"
            problems = check_values(record.task, record.metrics, complete=measured)
            if problems:
                raise StoreError(f"impossible values: {'; '.join(problems)}", where=where)
        content = None if tables is None else _parquet(tables, where)
        stem = file_stem(record)
        digest = None if content is None else sha256(content).hexdigest()
        # The name holds its hash: a record that is replaced keeps its own items to the end.
        name = None if digest is None else f"{stem}.{digest[:8]}.parquet"
        sealed = seal(dataclasses.replace(record, items_file=name, items_sha256=digest))
        path = self.folder / f"{stem}.json"
        with locked(self.folder):
            previous = self._previous(path)
            if previous is not None and not replace and preferred(previous, sealed) is previous:
                return previous
            if content is not None and name is not None:
                write_atomic(self.folder / name, content)
            write_atomic(path, to_json(sealed).encode())
            if previous is not None and previous.items_file not in {None, name}:
                with contextlib.suppress(OSError):
                    (self.folder / str(previous.items_file)).unlink(missing_ok=True)
        return sealed

    def read(self, key: str) -> Record | None:
        """The record of this key, or None where there is none or it is damaged."""
        self.damaged = []
        for path in sorted(self.folder.glob(f"*--{key[:10]}.json")):
            record = self._checked(path)
            if record is not None and record.key == key:
                return record
        return None

    def records(self, *, whole: bool = True) -> list[Record]:
        """All whole records, by key; the others are listed in :attr:`damaged`.

        Args:
            whole: Whether a record's items must be whole too. Without them it can't be compared,
                but it can be scored again.
        """
        self.damaged = []
        paths = sorted(self.folder.glob("*.json"))
        found = (self._checked(path, items=whole) for path in paths)
        return merge([record for record in found if record is not None])

    def tables(self, record: Record) -> dict[str, ItemTable]:
        """The per-item scores of a record; empty if it has none.

        Raises:
            StoreError: The file is missing or damaged.
        """
        from mmbench.results.items import read_tables

        return {} if record.items_file is None else read_tables(self._items(record))

    def sweep(self) -> int:
        """Remove what killed writers left behind an hour ago or more; returns how many files."""
        return remove_leftovers(self.folder)

    def _items(self, record: Record) -> bytes:
        path = self.folder / str(record.items_file)
        try:
            content = path.read_bytes()
        except OSError as error:
            raise StoreError(
                f"its items can't be read ({error.strerror})", where=str(path), fix=_MEND_ITEMS
            ) from error
        if sha256(content).hexdigest() != record.items_sha256:
            raise StoreError(
                "its items do not match the record's checksum", where=str(path), fix=_MEND_ITEMS
            )
        return content

    def _previous(self, path: Path) -> Record | None:
        """The record that a new one would replace; None if there is none, or it is damaged."""
        with contextlib.suppress(StoreError):
            record = _load(path)
            if record.items_file is not None:
                self._items(record)
            return record
        return None

    def _checked(self, path: Path, *, items: bool = True) -> Record | None:
        """The record at ``path`` if it (and its items) are whole; else a line in ``damaged``."""
        try:
            record = _load(path)
            if items and record.items_file is not None:
                self._items(record)
        except StoreError as error:
            apart = "" if error.where == str(path) else f" ({error.where})"
            self.damaged.append((path, f"{error.what}{apart}\n  {error.fix}"))
            return None
        return record


def file_stem(record: Record) -> str:
    """The name of a record's files, without the suffix."""
    seed = "none" if record.seed is None else str(record.seed)
    representation, task = _slug(record.representation.label), _slug(record.task.label)
    return f"{representation}--{task}--s{seed}--{record.key[:10]}"


def _slug(label: str) -> str:
    """ASCII letters, digits and ``._-``, at most 60: the key keeps names apart, not the slug."""
    plain = unicodedata.normalize("NFKD", label).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9._]+", "-", plain).strip("-.")[:60] or "unnamed"


def _load(path: Path) -> Record:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise StoreError(f"can't be read ({error})", where=str(path), fix=_MEND) from error
    return from_json(text, where=str(path))


def _parquet(tables: Mapping[str, ItemTable], where: str) -> bytes:
    from mmbench.results.items import tables_to_parquet

    try:
        return tables_to_parquet(tables)
    except ValueError as error:
        raise StoreError(f"its items can't be stored: {error}", where=where) from error
