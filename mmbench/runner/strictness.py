"""``--strict``: a cell that lacks items is a failure, not a figure over fewer of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mmbench.api import DataError

if TYPE_CHECKING:
    from mmbench.results.record import Record

__all__ = ["missing_items", "missing_list"]

_NAMED = 3


def missing_items(record: Record) -> DataError | None:
    """The error of a cell whose coverage is below 100 %; None where all items were used.

    It names the first; :func:`missing_list` has them all.

    Args:
        record: The cell's, with the items that were dropped.
    """
    missing = record.items_total - record.items_used
    if missing <= 0:
        return None
    more = f"; and {missing - _NAMED} more, all in the failed record" if missing > _NAMED else ""
    return DataError(
        f"{missing} of {record.items_total} items can't be used: "
        f"{'; '.join(_dropped(record)[: min(missing, _NAMED)])}{more}",
        where=f"{record.representation.label} on {record.task.label}",
        fix="--strict takes no fewer items: `mmbench data check NAME` lists all that are broken; "
        "without --strict they are left out, and the record names each",
    )


def missing_list(record: Record) -> str:
    """Every item that was dropped and why, one a line: the log of a cell that failed of it."""
    missing, dropped = record.items_total - record.items_used, _dropped(record)
    title = f"{missing} of {record.items_total} items can't be used:"
    return "\n".join([title, *(f"  {line}" for line in dropped)])


def _dropped(record: Record) -> list[str]:
    return [
        f"{entry.name}[{item.id}]: {' '.join(item.reason.split())}"
        for entry in record.data
        if not entry.auxiliary
        for item in entry.dropped
    ]
