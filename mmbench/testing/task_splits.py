"""Checks: what is judged was not learnt from."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from mmbench.api import ItemTable, payload_digest
from mmbench.runner.overlap import NAMES, judged, origin, shared_rows
from mmbench.testing.checks import Blocked, NotRelevant, blocking, conformance, described, fail

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mmbench.api import Collection, FitSpec
    from mmbench.testing.tasks import TaskSubject

#: Items whose payloads are compared: of what is judged, and of what is learnt from.
_JUDGED, _LEARNT = 64, 512


@conformance("collections", "tasks")
def judged_items_are_not_for_training(subject: TaskSubject) -> None:
    """No collection that is judged is one that ``fit_spec`` names for training or validation.

    A representation that learnt the answers finds them again. Judge a split of its own. Training
    items may be requested too, for a probe that is fitted while scoring, but they have no scores.
    """
    spec = _spec(subject)
    keys = _judged(subject, spec)
    wanted = [request.collection for request in subject.requests]
    for key in filter(None, (spec.train, spec.valid)):
        if key in keys or (key in wanted and _is_scored(subject, key, keys)):
            fail(
                expected=f"{key!r}, which is learnt from, not to be judged",
                seen="it is encoded, and its items are what is scored",
                change="name another collection in fit_spec(): the training split",
            )


@conformance("collections", "tasks")
def splits_are_disjoint(subject: TaskSubject) -> None:
    """No training item is judged, or the leak is declared.

    Items are one where they are made from one item (views and crops count as what they show), or
    have one content key in a stream that both splits have, other than text. Where the official
    splits overlap, the dataset says so in ``DatasetInfo.leaks``, and every record repeats it.
    """
    for learnt, key in _pairs(subject):
        first, second = subject.collections[learnt], subject.collections[key]
        with blocking("content_keys()", "every_row_has_a_key"):
            shared = shared_rows(first, second)
        for row, (stream, place) in shared.items():
            how = "are made from one item" if stream == "origin" else "have one key"
            what = "" if stream == "origin" else f"{stream!r} of "
            fail(
                expected=f"no item of {learnt!r}, which is learnt from, to be in {key!r}",
                seen=f"{what}{learnt}[{first.ids[place]}] and {key}[{second.ids[row]}] {how}",
                change="take it out of one, or declare the leak: DatasetInfo(leaks=(...,))",
            )


@conformance("collections", "tasks")
def splits_share_no_payload(subject: TaskSubject) -> None:
    """No judged item has the content of a training item under another key.

    Payloads of some items are loaded and compared, other than text; what occurs more than once in a
    split (silence, a black frame) is left out. Keys name content: let neither the split nor the row
    into them, and take the item out of one split.
    """
    for learnt, key in _pairs(subject):
        source, _ = origin(subject.collections[learnt])
        collection = subject.collections[key]
        if shared_rows(subject.collections[learnt], collection):
            continue  # splits_are_disjoint says so
        target, rows = origin(collection)
        for name in source.streams:
            if name not in target.streams or source.streams[name].kind in NAMES:
                continue
            known = _digests(source, name, _LEARNT)
            for digest, row in _digests(target, name, _JUDGED, rows).items():
                if digest in known:
                    fail(
                        expected=f"no item of {learnt!r}, which is learnt from, to be in {key!r}",
                        seen=f"{name!r} of {learnt}[{source.ids[known[digest]]}] and of "
                        f"{key}[{target.ids[row]}] is the same, under two keys",
                        change="make content keys of the content alone, and take the item out of "
                        "one split",
                    )


def _spec(subject: TaskSubject) -> FitSpec:
    spec = subject.fit_spec
    if spec is None:
        raise NotRelevant("it names no training items")
    return spec


def _judged(subject: TaskSubject, spec: FitSpec) -> list[str]:
    """Keys of what is judged."""
    return judged(subject.collections, subject.requests, spec)


def _pairs(subject: TaskSubject) -> list[tuple[str, str]]:
    """Keys of what is learnt from and of what is judged.

    Raises:
        NotRelevant: There is nothing to learn from, or the leak is declared.
        Blocked: There is not one content key a row.
    """
    spec = _spec(subject)
    if leaks := subject.opened.leaks:
        raise NotRelevant(f"the leak is declared: {leaks[0]}")
    learnt = list(dict.fromkeys(filter(None, (spec.train, spec.valid))))
    keys = _judged(subject, spec)
    for each in (*learnt, *keys):
        for stream in subject.collections[each].streams:
            subject.content_keys(each, stream)
    return [(name, key) for name in learnt for key in keys if name != key]


def _is_scored(subject: TaskSubject, key: str, others: Sequence[str]) -> bool:
    """Whether items of a collection are scored which no other's ids explain."""
    table = subject.evaluation("random").tables.get(subject.primary.table, ItemTable([], {}))
    explained = {name for other in others for name in _names(subject, other)}
    return not _names(subject, key).isdisjoint(set(table.ids) - explained)


def _names(subject: TaskSubject, key: str) -> set[str]:
    """What the items of a collection may be called in a table of scores."""
    ids = subject.collections[key].ids
    return {name for item in ids for name in (item, f"{key}/{item}")}


def _digests(
    collection: Collection, stream: str, most: int, rows: Sequence[int] | None = None
) -> dict[bytes, int]:
    """Digest of each payload that occurs once, to its row; of at most so many, evenly spread."""
    keys = collection.content_keys(stream)
    among = range(len(collection)) if rows is None else sorted({row for row in rows if row >= 0})
    present = [row for row in among if keys[row] is not None]
    step = max(1, -(-len(present) // most))
    chosen = present[::step]
    found = {}
    for row in chosen:
        try:
            found[row] = payload_digest(collection.load(row, stream))
        except Exception as error:
            raise Blocked(f"load() raised {described(error)}: see present_streams_load") from error
    counts = Counter(found.values())
    return {digest: row for row, digest in found.items() if counts[digest] == 1}
