"""Checks: what a representation says of itself is complete and true."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from mmbench.api import Representation
from mmbench.api.representation import METHODS, Similarity
from mmbench.api.streams import fits
from mmbench.testing.checks import Blocked, NotRelevant, blocking, conformance, described, fail
from mmbench.testing.declared import first_fault
from mmbench.testing.items import main_kind

if TYPE_CHECKING:
    from mmbench.api import Offer, RepresentationInfo, Slot
    from mmbench.testing.representations import RepresentationSubject


@conformance("declaration", "representations")
def info_is_complete(subject: RepresentationSubject) -> None:
    """An instance can be built, bound and asked for its ``info``, which has a name and a version.

    All of that happens while a suite is planned, before any weights are there. Raise ``version``
    whenever the same weights give other vectors: it is part of every key.
    """
    try:
        built = subject.cls(**subject.options)
        built.bind(subject.streams)
        _ = built.info
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a plugin raises is seen
        fail(
            expected="__init__(), bind() and info to work before weights are loaded",
            seen=f"they raised {described(error)}",
            change="do what needs weights in load(); for open slots, check it with streams that "
            "it can take: --stream pose:pose:Sequence:20x8",
        )
    _fail_if_at_fault(subject, "info_is_complete")


@conformance("declaration", "representations")
def info_is_typed(subject: RepresentationSubject) -> None:
    """Every field of ``info`` is of its declared type.

    Slots in a tuple, offers in a frozenset, texts as texts. A tuple of one needs its comma.
    """
    _fail_if_at_fault(subject, "info_is_typed")


@conformance("declaration", "representations")
def slots_are_named(subject: RepresentationSubject) -> None:
    """Every slot has a name of its own.

    Batches, suites and keys speak of slots by their names.
    """
    _fail_if_at_fault(subject, "slots_are_named")


@conformance("declaration", "representations")
def slot_kinds_are_known(subject: RepresentationSubject) -> None:
    """Every kind that a slot takes is the name of a payload class.

    ``Image``, ``Audio``, ``Text``, ``Tokens``, ``PointCloud``, ``Video``, ``Sequence``, ``Table``
    or ``Array``. No stream would ever fit another.
    """
    _fail_if_at_fault(subject, "slot_kinds_are_known")


@conformance("declaration", "representations")
def slot_shapes_are_possible(subject: RepresentationSubject) -> None:
    """Payloads of every kind that a slot takes can have its shape.

    The shape is that of the payload's array as it is handed over: pictures are (height, width, 3),
    sounds (channels, time), sequences (time, features); None where an axis is free. Leave it out
    where any shape will do.
    """
    _fail_if_at_fault(subject, "slot_shapes_are_possible")


@conformance("declaration", "representations")
def something_is_offered(subject: RepresentationSubject) -> None:
    """It offers something.

    A representation without offers is skipped by every task. One with open slots offers what the
    streams allow that it is bound to.
    """
    _fail_if_at_fault(subject, "something_is_offered")


@conformance("declaration", "representations")
def offer_kinds_are_known(subject: RepresentationSubject) -> None:
    """Every offer is ``global``, ``dense``, ``prediction`` or ``tokens``.

    Each kind has its method: ``encode``, ``encode_dense``, ``predict``, ``encode_tokens``.
    """
    _fail_if_at_fault(subject, "offer_kinds_are_known")


@conformance("declaration", "representations")
def offers_name_their_slots(subject: RepresentationSubject) -> None:
    """Every offer works from one or several of the declared slots.

    ``frozenset({"image"})`` holds one name; ``frozenset("image")`` holds five letters.
    """
    _fail_if_at_fault(subject, "offers_name_their_slots")


@conformance("declaration", "representations")
def dims_are_positive(subject: RepresentationSubject) -> None:
    """A declared ``dim`` is a length of at least 1.

    Leave it out (None) where it is not known before the weights are loaded.
    """
    _fail_if_at_fault(subject, "dims_are_positive")


@conformance("declaration", "representations")
def offers_are_unambiguous(subject: RepresentationSubject) -> None:
    """There is one offer a kind and subset of slots.

    Of two that differ in their ``dim`` only, nobody could say which one is meant.
    """
    _fail_if_at_fault(subject, "offers_are_unambiguous")


@conformance("declaration", "representations")
def every_slot_is_offered(subject: RepresentationSubject) -> None:
    """Every slot is used by an offer.

    A slot that no offer works from is bound, and never filled.
    """
    used = frozenset[str]().union(*(offer.slots for offer in subject.offers))
    idle = [slot.name for slot in subject.info.slots if slot.name not in used]
    if idle:
        fail(
            expected="every slot to be part of an offer",
            seen=f"no offer of {' or '.join(map(repr, idle))}",
            change=f"add Offer('global', frozenset({{{idle[0]!r}}})), or take the slot out",
        )


@conformance("declaration", "representations")
def offered_methods_are_written(subject: RepresentationSubject) -> None:
    """The method of every offered kind is written.

    ``global`` needs ``encode``, ``dense`` ``encode_dense``, ``prediction`` ``predict`` and
    ``tokens`` ``encode_tokens``.
    """
    for offer in subject.encoded_offers():
        if not subject.writes(offer):
            method = METHODS[offer.kind]
            fail(
                expected=f"{method}(), for its {offer.kind} offers",
                seen=f"{subject.cls.__name__} does not define it",
                change=f"def {method}(self, batch): ..., or take these offers out of info.offers",
            )


@conformance("declaration", "representations")
def every_kind_of_a_slot_is_encoded(subject: RepresentationSubject) -> None:
    """Payloads of every kind that a slot takes are encoded, to vectors of one shape.

    ``Slot("image", "image", ("Image", "Video"))`` promises both. Name the kinds that it really
    takes.
    """
    if subject.is_trained:
        raise NotRelevant("what a trained one takes is what it was trained on")
    for slot in subject.info.slots:
        for kind in slot.kinds:
            if kind != main_kind(slot):
                _check_kind(subject, slot, kind)
    if all(len(slot.kinds) == 1 for slot in subject.info.slots):
        raise NotRelevant("every slot takes one kind")


@conformance("declaration", "representations")
def info_is_stable(subject: RepresentationSubject) -> None:
    """``info`` is the same whenever and of whichever instance it is read.

    It depends on the options and the bound streams only. Keys are made of it.
    """
    _ = subject.info  # what can't even be read has a check of its own
    first, second = subject.new(), subject.new()
    before = first.info
    _check_equal(before, first.info, "read twice")
    _check_equal(before, second.info, "read of two instances")


@conformance("declaration", "representations")
def info_is_true_before_loading(subject: RepresentationSubject) -> None:
    """``info`` is the same before and after loading and training.

    Planning and records use what it says before. Read a config file for what depends on the
    weights, or leave ``dim`` and ``parameters`` out (None) for good.
    """
    before = subject.info
    shared = subject.shared
    with blocking("info", "info_is_complete"):
        after = shared.info
    _check_equal(before, after, "read before and after loading")


@conformance("declaration", "representations")
def similarity_is_known(subject: RepresentationSubject) -> None:
    """``similarity`` is ``"cosine"`` or ``"dot"``.

    It is how its authors compare two of its vectors; every task compares them so.
    """
    if subject.info.similarity not in get_args(Similarity):
        fail(
            expected=f"similarity to be one of {get_args(Similarity)}",
            seen=repr(subject.info.similarity),
            change="RepresentationInfo(similarity='cosine')",
        )


@conformance("declaration", "representations")
def parameters_are_counted(subject: RepresentationSubject) -> None:
    """``parameters`` is a number of weights, 0 or more, or None.

    Leave it out where it is not known before loading.
    """
    count = subject.info.parameters
    if count is not None and count < 0:
        fail(
            expected="a number of parameters, or None",
            seen=str(count),
            change="RepresentationInfo(parameters=None)",
        )


@conformance("declaration", "representations")
def batch_size_is_positive(subject: RepresentationSubject) -> None:
    """``batch_size`` is a whole number of at least 1.

    Encoding starts with it, and halves it when memory runs out.
    """
    size = subject.cls.batch_size
    if not isinstance(size, int) or isinstance(size, bool) or size < 1:
        fail(
            expected="batch_size to be a whole number of at least 1",
            seen=repr(size),
            change="batch_size = 64, in the body of the class",
        )


@conformance("declaration", "representations")
def open_slots_fit_their_streams(subject: RepresentationSubject) -> None:
    """A slot that ``bind()`` opens takes one of the streams that it was handed.

    Copy the stream's modality and kind. No stream would fit it otherwise, and it would stay empty.
    """
    _open_or_not_relevant(subject)
    try:
        fixed = {slot.name for slot in subject.cls(**subject.options).info.slots}
    except Exception:  # noqa: BLE001 - there need be no info before it is bound
        fixed = set()
    for slot in subject.info.slots:
        if slot.name not in fixed and not any(fits(slot, stream) for stream in subject.streams):
            streams = ", ".join(f"{each.name} ({each.modality})" for each in subject.streams)
            fail(
                expected=f"each slot that is opened to take one of the streams {streams}",
                seen=f"slot {slot.name!r} takes {'/'.join(slot.kinds)} of {slot.modality!r}",
                change="Slot(stream.name, stream.modality, (stream.kind,)) in bind()",
            )


@conformance("declaration", "representations")
def bind_forgets_earlier_streams(subject: RepresentationSubject) -> None:
    """Binding a second time replaces what was bound before.

    Build the slots anew each time, rather than adding to a list.
    """
    _open_or_not_relevant(subject)
    once = subject.info
    twice = subject.new()
    twice.bind(subject.streams)
    _check_equal(once, twice.info, "bound once and bound twice")


def _fail_if_at_fault(subject: RepresentationSubject, check: str) -> None:
    """Fail if the first fault of its info is this check's."""
    with blocking("__init__(), bind() and info", "info_is_complete"):
        fault = first_fault(subject.new().info)
    if fault is None:
        return
    if fault.check != check:
        raise Blocked(f"{fault.seen}: see {fault.check}")
    fail(expected=fault.expected, seen=fault.seen, change=fault.change)


def _check_equal(first: RepresentationInfo, second: RepresentationInfo, how: str) -> None:
    """Fail where two readings of info differ."""
    for name in vars(first):
        one, other = getattr(first, name), getattr(second, name)
        if one != other:
            fail(
                expected=f"info.{name} to be the same, {how}",
                seen=f"{one!r}, then {other!r}",
                change="make it follow from the options (and the bound streams) alone",
            )


def _check_kind(subject: RepresentationSubject, slot: Slot, kind: str) -> None:
    """Fail where payloads of one kind are not encoded through a slot as those of its main kind."""
    offer = _smallest(subject.encoded_offers(), slot)
    batch = {name: column[:1] for name, column in subject.batch(offer, (0,)).items()}
    batch[slot.name] = [subject.items.payload(slot, 0, 0, kind)]
    try:
        found = subject.encode(subject.shared, offer, batch)
    except (Blocked, NotRelevant):
        raise
    except Exception as error:  # noqa: BLE001 - whatever a plugin raises is what was seen
        seen = f"it raised {described(error)}"
    else:
        usual = subject.vectors(offer)
        if found.shape[1:] == usual.shape[1:]:
            return
        seen = f"shape {found.shape[1:]} instead of {usual.shape[1:]}"
    fail(
        expected=f"{METHODS[offer.kind]}() to take {kind} through slot {slot.name!r} as well as "
        f"{main_kind(slot)}",
        seen=seen,
        change=f"mend it, or take {kind!r} out of the slot's kinds",
    )


def _smallest(offers: list[Offer], slot: Slot) -> Offer:
    """The offer of the fewest slots that works from this one."""
    using = [offer for offer in offers if slot.name in offer.slots]
    if not using:
        raise Blocked(f"no offer uses slot {slot.name!r}: see every_slot_is_offered")
    return min(using, key=lambda offer: len(offer.slots))


def _open_or_not_relevant(subject: RepresentationSubject) -> None:
    if subject.cls.bind is Representation.bind:
        raise NotRelevant("its slots are fixed: it does not override bind()")
