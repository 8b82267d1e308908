"""Checks of observed subsets: what is offered is used, what is not is refused, parts fuse."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from mmbench.api import Representation
from mmbench.api.representation import METHODS
from mmbench.runner.encoding import to_numpy
from mmbench.testing.checks import Blocked, NotRelevant, conformance, fail
from mmbench.testing.child import label_of
from mmbench.testing.comparison import TOLERANCE, far_apart
from mmbench.testing.extreme_items import zero_of
from mmbench.testing.representations import COUNT

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mmbench.api import EmbeddingKind, Offer
    from mmbench.testing.representations import RepresentationSubject

#: How many subsets, or pairs of them, a check looks at.
_MOST = 6
#: Below this share of the largest value, vectors are the same but for rounding.
_SAME = 1e-6


@conformance("subsets", "representations")
def other_subsets_are_refused(subject: RepresentationSubject) -> None:
    """A subset of slots that is not offered is refused, not encoded in silence.

    A vector of picture and text that was made from the text alone looks like any other. Raise an
    error where ``self.info.offer(kind, frozenset(batch))`` is None; or offer the subset, if the
    method does encode it.
    """
    subject.encoded_offers()
    shared = subject.shared
    tried = 0
    for kind in sorted({offer.kind for offer in subject.offers}):
        for names in _not_offered(subject, kind):
            tried += 1
            try:
                getattr(shared, METHODS[kind])(subject.items.batch(names, (0, 1)))
            except Exception:  # noqa: BLE001, S112 - refused, in whatever way
                continue
            offered = [label_of(offer) for offer in subject.offers_of(kind)]
            fail(
                expected=f"{METHODS[kind]}() to refuse {' + '.join(sorted(names))}, as it offers "
                f"only {', '.join(offered)}",
                seen="it returned something",
                change="offer the subset, or begin with: if self.info.offer("
                f'"{kind}", frozenset(batch)) is None: raise UsageError(...)',
            )
    if not tried:
        raise NotRelevant("it offers every subset of its slots")


@conformance("subsets", "representations")
def every_slot_matters(subject: RepresentationSubject) -> None:
    """What is offered of several slots depends on each of them.

    Another picture beside the same text gives another vector of the two. A slot that is passed
    over does not belong in the offer.
    """
    for offer in _joint_offers(subject):
        subject.steady(offer)
        for slot in sorted(offer.slots):
            if not _matters(subject, offer, slot):
                fail(
                    expected=f"{label_of(offer)} to depend on what is in slot {slot}",
                    seen=f"other payloads in {slot} give the same vectors",
                    change=f"use {slot}, or offer the subset without it",
                )


@conformance("subsets", "representations")
def order_of_slots_does_not_matter(subject: RepresentationSubject) -> None:
    """The order of the slots in a batch changes nothing.

    A batch is a mapping. Go through ``self.info.slots``, or ``sorted(batch)``, not through the
    batch itself, where vectors are joined one after the other.
    """
    for offer in _joint_offers(subject):
        usual = subject.steady(offer)
        batch = subject.batch(offer)
        found = subject.encode(subject.shared, offer, dict(reversed(list(batch.items()))))
        apart = far_apart(usual, found)
        if apart > TOLERANCE:
            fail(
                expected=f"{label_of(offer)} to be the same with the slots in another order",
                seen=f"vectors differ by {apart:.2g} of the largest value",
                change="go through self.info.slots, not through the batch",
            )


@conformance("subsets", "representations")
def zeros_are_not_missing(subject: RepresentationSubject) -> None:
    """A slot filled with zeros is not the same as a slot that is not there.

    A black picture is a picture, and silence a sound. Papers on missing modalities often fill
    with zeros what is missing: a representation that does so itself says ``imputes="zeros"`` in
    its info, so that the two are told apart in a table.
    """
    if subject.info.imputes:
        raise NotRelevant(f"it says that it imputes {subject.info.imputes}")
    for whole, part, gap in _pairs(subject):
        compared = _with_zeros(subject, whole, part, gap)
        if compared is not None and far_apart(*compared) <= _SAME:
            if not _matters(subject, whole, gap):
                raise Blocked(f"slot {gap} is passed over: see every_slot_matters")
            fail(
                expected=f"{label_of(whole)}, with zeros in slot {gap}, to differ from "
                f"{label_of(part)}",
                seen="the vectors are the same",
                change='say imputes="zeros" in info, or let zeros count: a bias for each slot',
            )


@conformance("subsets", "representations")
def declared_zeros_are_imputed(subject: RepresentationSubject) -> None:
    """With ``imputes="zeros"`` a slot filled with zeros gives the vectors of one left out.

    That is what ``"zeros"`` promises: for a black picture, silence, an empty text or an array of
    zeros. Name another way to fill a gap otherwise: ``imputes="a learned token"``.
    """
    if subject.info.imputes != "zeros":
        raise NotRelevant("info.imputes is not 'zeros'")
    for whole, part, gap in _pairs(subject):
        compared = _with_zeros(subject, whole, part, gap)
        if compared is not None and far_apart(*compared) > TOLERANCE:
            fail(
                expected=f"{label_of(whole)}, with zeros in slot {gap}, to be as {label_of(part)}",
                seen=f"vectors differ by {far_apart(*compared):.2g} of the largest value",
                change="say in other words what info.imputes is, or leave it empty",
            )


@conformance("subsets", "representations")
def imputer_has_gaps_to_fill(subject: RepresentationSubject) -> None:
    """What imputes offers some subset with a gap.

    ``imputes`` says how a slot is filled that a subset lacks. Offer the subsets that are encoded
    so, each by itself, or leave ``imputes`` empty.
    """
    if not subject.info.imputes:
        raise NotRelevant("info.imputes is empty")
    offers = subject.info.offers
    if not any(
        part.kind == whole.kind and part.slots < whole.slots for part in offers for whole in offers
    ):
        fail(
            expected=f"an offer with a gap, as info.imputes is {subject.info.imputes!r}",
            seen=f"offers: {', '.join(label_of(offer) for offer in subject.offers)}",
            change="offer the subsets that lack a slot, or leave imputes empty",
        )


@conformance("subsets", "representations")
def fuse_agrees_with_encode(subject: RepresentationSubject) -> None:
    """Where ``fuse`` answers, it gives what ``encode`` gives for the subset.

    The runner takes whichever is cheaper. Return None from ``fuse`` where single slots don't
    suffice.
    """
    for offer, fused in _fused(subject):
        usual = subject.steady(offer)
        apart = far_apart(usual, fused)
        if apart > TOLERANCE:
            fail(
                expected=f"fuse() to give the vectors of {label_of(offer)}",
                seen=f"shape {fused.shape}, not {usual.shape}"
                if fused.shape != usual.shape
                else f"vectors that differ by {apart:.2g} of the largest value",
                change="let encode() fuse the vectors of single slots, too; or return None",
            )


@conformance("subsets", "representations")
def fuse_goes_row_by_row(subject: RepresentationSubject) -> None:
    """``fuse`` gives a row for each row, whatever the number of rows.

    It is handed all rows of a collection at once, or one of them. It is asked with no rows first:
    None is for subsets that it never answers for, whose single slots are not encoded then.
    """
    for offer, fused in _fused(subject):
        parts = {slot: part[:1] for slot, part in _parts(subject, offer).items()}
        alone = to_numpy(subject.shared.fuse(parts))
        if far_apart(fused[:1], alone) > TOLERANCE:
            fail(
                expected=f"fuse() for {label_of(offer)} to give one row of shape "
                f"{fused[:1].shape} for one row a slot",
                seen=f"shape {alone.shape}"
                if alone.shape != fused[:1].shape
                else "another vector than among other rows",
                change="keep the axis of the rows, and take no statistics over it",
            )
        nothing = subject.shared.fuse(_no_rows(subject, offer))
        if nothing is None or len(nothing):
            fail(
                expected=f"fuse() for {label_of(offer)} to give no rows for parts of no rows",
                seen="None" if nothing is None else f"{len(nothing)} rows",
                change="return None by the names of the slots alone, whatever the number of rows",
            )


@conformance("subsets", "representations")
def fuse_leaves_its_parts_alone(subject: RepresentationSubject) -> None:
    """``fuse`` does not write into what it is handed.

    The parts are the stored vectors of single slots.
    """
    for offer, _ in _fused(subject):
        parts = _parts(subject, offer)
        subject.shared.fuse(parts)
        for slot, usual in _parts(subject, offer).items():
            if not np.array_equal(parts[slot], usual):
                fail(
                    expected=f"fuse() for {label_of(offer)} to leave its parts as they are",
                    seen=f"the part of {slot} was changed",
                    change="write a = a + b, not a += b",
                )


@conformance("subsets", "representations")
def missing_offer_returns_text(subject: RepresentationSubject) -> None:
    """``missing_offer`` returns text for whatever is asked.

    It is shown below the reason for which a cell is skipped: what the user can do. Nothing to
    say is "".
    """
    _ = subject.info  # what can't even be built has a check of its own
    representation = subject.new()
    for kind in METHODS:
        for streams in (frozenset({"a stream"}), _names(subject)):
            said = representation.missing_offer(kind, streams)
            if not isinstance(said, str):
                fail(
                    expected=f"missing_offer({kind!r}, {set(streams)}) to return text",
                    seen=f"{type(said).__name__}: {said!r}",
                    change='return "" where there is nothing to say',
                )


def _names(subject: RepresentationSubject) -> frozenset[str]:
    return frozenset(slot.name for slot in subject.info.slots)


def _not_offered(subject: RepresentationSubject, kind: EmbeddingKind) -> list[frozenset[str]]:
    """Subsets that are not offered: of one slot first, then all slots, then pairs."""
    names = [slot.name for slot in subject.info.slots]
    sizes = [1, len(names), *range(2, len(names))]
    subsets = [frozenset(chosen) for size in sizes for chosen in combinations(names, size)]
    found = [each for each in subsets if subject.info.offer(kind, each) is None]
    return list(dict.fromkeys(found))[:_MOST]


def _joint_offers(subject: RepresentationSubject) -> list[Offer]:
    """The largest offer of several slots, and some of the smallest.

    Raises:
        NotRelevant: It has none, or its vectors are looked up.
    """
    joint = [offer for offer in subject.encoded_offers() if len(offer.slots) > 1]
    if not joint:
        raise NotRelevant("nothing is offered of several slots at once")
    joint.sort(key=lambda offer: len(offer.slots))
    return joint if len(joint) <= _MOST else [*joint[: _MOST - 1], joint[-1]]


def _matters(subject: RepresentationSubject, offer: Offer, slot: str) -> bool:
    """Whether other payloads in one slot change the vectors of an offer."""
    batch = subject.batch(offer, (0, 1))
    others = subject.batch(offer, (COUNT + 3, COUNT + 4))
    usual = subject.encode(subject.shared, offer, batch)
    found = subject.encode(subject.shared, offer, {**batch, slot: others[slot]})
    return far_apart(usual, found) > _SAME


def _pairs(subject: RepresentationSubject) -> list[tuple[Offer, Offer, str]]:
    """Pairs of offers of which one lacks a single slot of the other, and that slot."""
    found = []
    for whole in _joint_offers(subject):
        for gap in sorted(whole.slots):
            part = subject.info.offer(whole.kind, whole.slots - {gap})
            if part is not None:
                found.append((whole, part, gap))
    if not found:
        raise NotRelevant("no offer lacks a slot that another has in addition")
    return found[: 2 * _MOST]


def _with_zeros(
    subject: RepresentationSubject, whole: Offer, part: Offer, gap: str
) -> tuple[NDArray[np.float32], NDArray[np.float32]] | None:
    """Vectors of a part, and of the whole with zeros in the gap; None if zeros are refused."""
    for offer in (whole, part):
        if far_apart(subject.steady(offer)[:1], subject.alone(offer)) > TOLERANCE:
            raise Blocked("a vector depends on its batch: see batch_size_does_not_matter")
    batch = subject.batch(whole, (0, 1))
    batch[gap] = [zero_of(payload) for payload in batch[gap]]
    without = subject.encode(subject.shared, part, subject.batch(part, (0, 1)))
    try:
        return without, subject.encode(subject.shared, whole, batch)
    except Exception:  # noqa: BLE001 - the checks of extremes say so
        return None


def _parts(subject: RepresentationSubject, offer: Offer) -> dict[str, NDArray[np.float32]]:
    """Copies of the vectors of an offer's single slots, where all are offered; else empty."""
    parts = {}
    for slot in sorted(offer.slots):
        single = subject.info.offer(offer.kind, frozenset({slot}))
        if single is None:
            return {}
        parts[slot] = subject.steady(single).copy()
    return parts


def _no_rows(subject: RepresentationSubject, offer: Offer) -> dict[str, NDArray[np.float32]]:
    """Parts of no rows, as the runner has them before anything is encoded."""
    singles = {slot: subject.info.offer(offer.kind, frozenset({slot})) for slot in offer.slots}
    return {
        slot: np.zeros((0, single.dim or 1), np.float32)
        for slot, single in sorted(singles.items())
        if single is not None
    }


def _fused(subject: RepresentationSubject) -> list[tuple[Offer, NDArray[np.float32]]]:
    """Offers that ``fuse`` answers for, with what it gives for the standard batch.

    Raises:
        NotRelevant: It answers for none.
    """
    if subject.cls.fuse is Representation.fuse:
        raise NotRelevant("it does not fuse")
    found = []
    for offer in _joint_offers(subject):
        parts = _parts(subject, offer) if offer.kind == "global" else {}
        fused = subject.shared.fuse(parts) if parts else None
        if fused is not None:
            found.append((offer, to_numpy(fused)))
    if not found:
        raise NotRelevant("fuse() answers None for every offer of several slots")
    return found
