"""Which rows of a table are over the same items, and what becomes of the others.

The *reference* items of a table are those that most of its rows are over (of equally many rows,
the larger set). ``report`` marks the other rows and keeps them out of significance, ``strict``
leaves them out, ``intersect`` reduces all rows to the items that they have in common.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from mmbench.results.itemsets import has_columns, participating

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mmbench.api.task import MetricInfo
    from mmbench.results.grouping import Contender

__all__ = ["Difference", "common_items", "differences"]


@dataclass(frozen=True)
class Difference:
    """How a row's items differ from the reference.

    Attributes:
        data: The collections themselves are others (another version of the data).
        what: In words; empty = they do not differ.
    """

    data: bool = False
    what: str = ""


def differences(contenders: Sequence[Contender]) -> list[Difference]:
    """How the items of each row differ from those that most rows are over."""
    if not contenders:
        return []
    shared = set.intersection(*(set(contender.data) for contender in contenders))
    data = [tuple(contender.data[name] for name in sorted(shared)) for contender in contenders]
    items = [_items_digest(contender) for contender in contenders]
    counts = Counter(zip(data, items, strict=True))
    sizes = [_size(contender) for contender in contenders]

    def weight(index: int) -> tuple[int, int, str]:
        signature = (data[index], items[index])
        return (counts[signature], sizes[index], repr(signature))

    reference = max(range(len(contenders)), key=weight)
    found = []
    for index in range(len(contenders)):
        if data[index] != data[reference]:
            found.append(Difference(data=True, what="over another version of the data"))
        elif items[index] != items[reference]:
            found.append(Difference(what=f"over other items ({sizes[index]}) than the other rows"))
        else:
            found.append(Difference())
    return found


def common_items(contenders: Sequence[Contender], metric: MetricInfo) -> list[str] | None:
    """Keys of the items that every row and seed has this metric of, sorted.

    None if it is no function of per-item scores. Rows without the metric have no say.
    """
    sets = []
    for contender in contenders:
        for record, tables in zip(contender.records, contender.tables, strict=True):
            if metric.name not in record.metrics:
                continue
            items = participating(metric, tables) if has_columns(metric, tables) else None
            if items is None:
                return None
            sets.append(items)
    return sorted(frozenset.intersection(*sets)) if sets else []


def _size(contender: Contender) -> int:
    counts = [
        record.items_used if items is None else len(items)
        for record, items in zip(contender.records, contender.primary_items, strict=True)
    ]
    return max(counts)


def _items_digest(contender: Contender) -> tuple[str, ...]:
    """The distinct item sets of a row's seeds; where scores are not per item, what was dropped."""
    digests = set()
    for record, items in zip(contender.records, contender.primary_items, strict=True):
        if items is None:
            dropped = [
                f"{entry.name}/{item.id}"
                for entry in record.data
                if not entry.auxiliary
                for item in entry.dropped
            ]
            named = [str(record.items_used), *sorted(dropped)]
        else:
            named = sorted(items)
        digests.add(sha256("\n".join(named).encode()).hexdigest())
    return tuple(sorted(digests))
