"""Check: items are not lost in silence."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mmbench.testing.checks import conformance, fail
from mmbench.testing.dataset_damage import IN_WORDS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mmbench.testing.damaging import Damage, Seen
    from mmbench.testing.datasets import DatasetSubject


@conformance("damage", "datasets")
def no_item_is_passed_over(subject: DatasetSubject) -> None:
    """An item that a list names is not left out in silence because its file is gone or broken.

    Else figures come from fewer items, and ``mmbench data check`` says that all decode. Keep the
    row, and raise ``ItemError`` from ``load``: the record then lists what was dropped. Or name the
    file in ``status``, as ``missing``. (Where the folder is all there is, nobody can know.)
    """
    before = {(name, item) for name, item, _ in _places(subject.trials.before)}
    damages: tuple[Damage, ...] = ("gone", "empty", "cut")
    for damage in damages:
        for place, seen in subject.trials.each(damage):
            if seen.error is not None or place in subject.trials.lists:
                continue
            lost = before - {(name, item) for name, item, _ in _places(seen)}
            if lost and subject.trials.listed(place) and not _told(subject, place, damage):
                collection, item = min(lost)
                fail(
                    expected=f"{collection}[{item}] to be reported where {place} "
                    f"{IN_WORDS[damage]}",
                    seen=f"{len(lost)} items are left out, and neither check() nor status() "
                    "says so",
                    change="keep every row of the list, and raise ItemError(what, "
                    "where=str(path)) from load()",
                )


def _places(seen: Seen) -> Iterator[tuple[str, str, int]]:
    """Every row: collection, id and row."""
    for name, collection in seen.collections.items():
        for row, item in enumerate(collection.ids):
            yield name, item, row


def _told(subject: DatasetSubject, place: Path, damage: Damage) -> bool:
    """Whether ``check`` or ``status`` tells of a damaged file."""
    if subject.trials.check(place, damage):
        return True
    status = subject.trials.status(place, damage)
    if isinstance(status, BaseException) or not status.present or status.missing:
        return True
    counts = re.findall(r"(\d+) of (\d+)", " ".join(status.found))
    return any(int(some) < int(every) for some, every in counts)
