"""Merge records of several runs and machines: a pure function of the set of records."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from mmbench.results.record import seal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mmbench.results.record import Record

__all__ = ["merge", "preferred"]

_RANK = {"ok": 0, "failed": 1, "skipped": 2}


def merge(*record_lists: Sequence[Record]) -> list[Record]:
    """One record a key, sorted by key.

    Commutative, associative and idempotent: any number of folders may be merged in any order, and
    twice. Records are sealed on the way.
    """
    best: dict[str, Record] = {}
    for records in record_lists:
        for given in records:
            record = given if given.checksum else seal(given)
            rival = best.get(record.key)
            best[record.key] = record if rival is None else preferred(rival, record)
    return [best[key] for key in sorted(best)]


def preferred(first: Record, second: Record) -> Record:
    """Of two sealed records: ok before failed before skipped; the later; the smaller checksum."""
    return min(first, second, key=_order)


def _order(record: Record) -> tuple[int, float, str]:
    return (
        _RANK[record.status],
        -datetime.fromisoformat(record.created).timestamp(),
        record.checksum,
    )
