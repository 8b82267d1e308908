"""Checks that an item's vector depends on the item alone, not on the batch that it comes in."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from mmbench.api.representation import METHODS
from mmbench.testing.checks import Blocked, NotRelevant, conformance, described, fail
from mmbench.testing.child import label_of
from mmbench.testing.comparison import TOLERANCE, far_apart, same_axes
from mmbench.testing.extreme_items import EXTREMES, fits_slot
from mmbench.testing.representations import COUNT

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mmbench.api import Offer, Payload, Slot
    from mmbench.testing.representations import RepresentationSubject

#: Items of the standard batch that are given other companions.
_KEPT = 2
#: Items in the largest batch that is tried, and the seconds after which no further offer is.
_LARGEST, _ENOUGH = 256, 20.0


@conformance("invariance", "representations")
def single_item_works(subject: RepresentationSubject) -> None:
    """A batch of one item gives one row.

    The last batch of a collection may hold one item. ``squeeze()`` without an axis takes the row
    away; statistics over a batch divide by zero.
    """
    for offer in subject.main_offers:
        usual = subject.steady(offer)
        label = label_of(offer)
        try:
            found = subject.encode(subject.shared, offer, subject.batch(offer, (0,)))
        except Exception as error:  # noqa: BLE001 - whatever a plugin raises is what was seen
            fail(
                expected=f"{label} to give shape {(1, *usual.shape[1:])} for a single item",
                seen=f"it raised {described(error)}",
                change=f"mend {METHODS[offer.kind]}() for batches of one item",
            )
        if found.shape != (1, *usual.shape[1:]):
            fail(
                expected=f"{label} to give shape {(1, *usual.shape[1:])} for a single item",
                seen=f"shape {found.shape}",
                change="keep the axis of the batch: no squeeze() without an axis",
            )


@conformance("invariance", "representations")
def empty_batch_gives_no_rows(subject: RepresentationSubject) -> None:
    """A batch without items gives an array without rows, its other axes as ever.

    mmbench sends none, but code that filters items does, and joins what it gets with other
    vectors. ``{"image": []}`` gives [0, D]: return ``np.zeros((0, dim), np.float32)`` early. A
    dense map of no frames may have any grid.
    """
    for offer in subject.main_offers:
        usual = subject.vectors(offer)
        wanted = (0, *usual.shape[1:])
        label = label_of(offer)
        change = f"begin with: if there are no payloads, return np.zeros({wanted}, np.float32)"
        try:
            found = subject.encode(subject.shared, offer, {slot: [] for slot in offer.slots})
        except Exception as error:  # noqa: BLE001 - whatever a plugin raises is what was seen
            fail(
                expected=f"{label} to give shape {wanted} for a batch without items",
                seen=f"it raised {described(error)}",
                change=change,
            )
        if not same_axes(offer, found.shape, wanted):
            fail(
                expected=f"{label} to give shape {wanted} for a batch without items",
                seen=f"shape {found.shape}",
                change=change,
            )


@conformance("invariance", "representations")
def order_does_not_matter(subject: RepresentationSubject) -> None:
    """Another order of the batch gives the same vectors in that order.

    Row i belongs to item i. An encoder that sorts its batch, by length say, must put the rows
    back; one that treats the first item, or an item's place, as special gives it another vector
    in every batch.
    """
    for offer in subject.main_offers:
        usual, reordered = subject.steady(offer), subject.reordered(offer)
        apart = far_apart(usual, reordered)
        if apart > TOLERANCE:
            same = _same_rows(usual, reordered)
            fail(
                expected=f"{label_of(offer)} to give row i for item i, in any order",
                seen="the vectors are right, but in other rows: it sorts its batch"
                if same
                else f"in another order an item's vector differs by {apart:.2g} of the largest "
                "value",
                change="put the rows back in the order of the batch"
                if same
                else "let an item's vector depend on the item alone, not on its place",
            )


@conformance("invariance", "representations")
def batch_size_does_not_matter(subject: RepresentationSubject) -> None:
    """Items one by one, in halves and all together get the same vectors.

    Users choose the batch size, and running out of memory halves it. Batch normalisation in
    training mode, a mean over the batch that is subtracted, or a scale taken from the batch make
    vectors depend on it: ``model.eval()``, and take means in ``fit``.
    """
    for offer in subject.main_offers:
        usual = subject.steady(offer)
        _in_order(subject, offer)
        subject.alone(offer)
        for size, name in ((1, "one by one"), (COUNT // 2, "in two halves")):
            parts = [
                subject.encode(
                    subject.shared, offer, subject.batch(offer, range(start, start + size))
                )
                for start in range(0, COUNT, size)
            ]
            found = np.concatenate(parts)
            if far_apart(usual, found) > TOLERANCE:
                fail(
                    expected=f"{label_of(offer)} to be the same {name} as in a batch of {COUNT}",
                    seen=f"they differ by {far_apart(usual, found):.2g} of the largest value",
                    change="take no statistics over the batch: model.eval(); learn means in fit()",
                )


@conformance("invariance", "representations")
def full_batch_does_not_matter(subject: RepresentationSubject) -> None:
    """In a batch of the class's own ``batch_size`` items get the same vectors as in a small one.

    That is the batch that a run begins with. What is done from some number of items on, a
    statistic, an index, a faster way, gives other vectors there than in a collection's last
    batch. At most 256 items are tried.
    """
    start = time.perf_counter()
    for offer in subject.main_offers:
        usual = subject.steady(offer)
        _in_order(subject, offer)
        size = subject.cls.batch_size
        if not isinstance(size, int) or size < 1:
            raise Blocked("it is no number of items: see batch_size_is_positive")
        if size <= COUNT:
            raise NotRelevant(f"batch_size is {size}, and larger batches are tried already")
        if far_apart(usual[:1], subject.alone(offer)) > TOLERANCE:
            raise Blocked("a vector depends on its batch: see batch_size_does_not_matter")
        if time.perf_counter() - start > _ENOUGH:
            return
        _check_full(subject, offer, min(size, _LARGEST))


def _check_full(subject: RepresentationSubject, offer: Offer, size: int) -> None:
    """Fail where the standard items, over and over, get other vectors in a batch of this size."""
    usual = subject.steady(offer)
    rows = np.arange(size) % COUNT
    label = label_of(offer)
    try:
        found = subject.encode(subject.shared, offer, subject.batch(offer, rows.tolist()))
    except MemoryError:
        return  # a run halves its batches then
    except Exception as error:  # noqa: BLE001 - whatever a plugin raises is what was seen
        if "out of memory" in str(error).lower():
            return
        fail(
            expected=f"{label} to encode a batch of {size} items",
            seen=f"it raised {described(error)}, though smaller batches work",
            change="mend it, or set batch_size, in the body of the class, to what it can take",
        )
    if len(found) != size:
        missing = len(found) <= COUNT
        raise Blocked(
            f"there are {len(found)} rows for {size} items: see "
            + ("equal_items_get_equal_vectors" if missing else "one_row_an_item")
        )
    if found.shape[1:] == usual.shape[1:]:
        first = far_apart(usual, found[:COUNT])
        if first <= TOLERANCE and far_apart(usual[rows], found) > TOLERANCE:
            raise Blocked("an item that comes twice differs: see equal_items_get_equal_vectors")
    apart = far_apart(usual[rows], found)
    if apart > TOLERANCE:
        fail(
            expected=f"{label} to be the same in a batch of {size} as in a batch of {COUNT}",
            seen=f"shape {found.shape[1:]} instead of {usual.shape[1:]}"
            if found.shape[1:] != usual.shape[1:]
            else f"they differ by {apart:.2g} of the largest value",
            change="do the same whatever the number of items: no statistics over the batch, no "
            "approximation from some size on",
        )


@conformance("invariance", "representations")
def neighbours_do_not_matter(subject: RepresentationSubject) -> None:
    """Extreme items in the same batch change nothing for the others.

    A batch is padded to its longest item, or scaled by its loudest: then a very long text, a
    silent sound or a black picture beside an item changes its vector. Mask what is padded; scale
    each item by itself. Items of different sizes come in one batch.
    """
    for offer in subject.main_offers:
        usual = subject.steady(offer)
        _in_order(subject, offer)
        if far_apart(usual[:1], subject.alone(offer)) > TOLERANCE:
            raise Blocked("a vector depends on its batch: see batch_size_does_not_matter")
        for names, companions in _companions(subject, offer):
            kept = subject.batch(offer, range(_KEPT))
            batch = {slot: kept[slot] + companions[slot] for slot in kept}
            try:
                found = subject.encode(subject.shared, offer, batch)
            except Exception as error:  # noqa: BLE001 - whatever a plugin raises is what was seen
                fail(
                    expected=f"{label_of(offer)} to encode two ordinary items beside {names}",
                    seen=f"it raised {described(error)}, though each of them works alone",
                    change="bring items to one size, or encode one by one",
                )
            apart = far_apart(usual[:_KEPT], found[:_KEPT])
            if apart > TOLERANCE:
                fail(
                    expected=f"{label_of(offer)} to be the same beside {names}",
                    seen=f"vectors differ by {apart:.2g} of the largest value",
                    change="mask what is padded, and scale each item by itself",
                )


@conformance("invariance", "representations")
def equal_items_get_equal_vectors(subject: RepresentationSubject) -> None:
    """An item that comes twice in a batch has the same vector twice.

    Captions repeat, and so do frames. Where equal items are encoded once, the row is given to
    each of them.
    """
    for offer in subject.main_offers:
        subject.steady(offer)
        _in_order(subject, offer)
        rows = (0, 1, 0, 2, 1, 3)
        try:
            found = subject.encode(subject.shared, offer, subject.batch(offer, rows))
        except Exception as error:  # noqa: BLE001 - whatever a plugin raises is what was seen
            fail(
                expected=f"{label_of(offer)} to encode a batch in which items come twice",
                seen=f"it raised {described(error)}",
                change="give every item of the batch a row, also one that came before",
            )
        if len(found) != len(rows):
            fail(
                expected=f"{label_of(offer)} to give {len(rows)} rows for {len(rows)} items",
                seen=f"{len(found)} rows: items that come twice are missing",
                change="give every item of the batch a row, also one that came before",
            )
        apart = max(far_apart(found[0], found[2]), far_apart(found[1], found[4]))
        if apart > TOLERANCE:
            fail(
                expected=f"{label_of(offer)} to give an item that comes twice one vector",
                seen=f"they differ by {apart:.2g} of the largest value",
                change="let an item's vector depend on the item alone",
            )


def _in_order(subject: RepresentationSubject, offer: Offer) -> None:
    """Block where rows don't follow the order of the batch."""
    if far_apart(subject.steady(offer), subject.reordered(offer)) > TOLERANCE:
        raise Blocked("vectors depend on the order of the batch: see order_does_not_matter")


def _same_rows(first: NDArray[np.float32], second: NDArray[np.float32]) -> bool:
    """Whether two arrays hold the same rows, in whatever order."""
    return all(min(far_apart(row, other) for other in second) <= TOLERANCE for row in first)


def _companions(
    subject: RepresentationSubject, offer: Offer
) -> list[tuple[str, dict[str, list[Payload]]]]:
    """Batches of extreme items that the offer takes alone, what they are called first."""
    slots = [slot for slot in subject.info.slots if slot.name in offer.slots]
    found = []
    for slot in slots:
        rest = {other: subject.batch(offer, (0,))[other] for other in offer.slots - {slot.name}}
        extremes = [
            (name, payload)
            for name, payload in _extreme_payloads(subject, slot)
            if _works(subject, offer, {slot.name: [payload], **rest})
        ]
        for start in range(0, len(extremes), COUNT - _KEPT):
            some = extremes[start : start + COUNT - _KEPT]
            batch = {slot.name: [payload for _, payload in some]}
            batch |= {other: payloads * len(some) for other, payloads in rest.items()}
            found.append((", ".join(name for name, _ in some), batch))
    return found


def _extreme_payloads(subject: RepresentationSubject, slot: Slot) -> list[tuple[str, Payload]]:
    """Every extreme of a slot's main kind that fits its shape."""
    ordinary = subject.items.payload(slot, 0, seed=0)
    made = [
        (extreme.name, extreme.make(ordinary))
        for extreme in EXTREMES
        if extreme.kind == type(ordinary).__name__
    ]
    return [(name, payload) for name, payload in made if fits_slot(slot, payload)]


def _works(subject: RepresentationSubject, offer: Offer, batch: dict[str, list[Payload]]) -> bool:
    """Whether an item has a proper vector alone; the checks of extremes say so where not."""
    try:
        found = subject.encode(subject.shared, offer, batch)
    except Exception:  # noqa: BLE001 - refused or broken, it is no companion
        return False
    return found.shape == subject.alone(offer).shape and bool(np.isfinite(found).all())
