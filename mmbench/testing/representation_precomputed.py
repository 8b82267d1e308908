"""Checks: vectors that are looked up belong to the ids that were asked for, and to no others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mmbench.api import PrecomputedRepresentation
from mmbench.testing.checks import Blocked, NotRelevant, blocking, conformance, fail
from mmbench.testing.child import label_of
from mmbench.testing.representations import COUNT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from mmbench.api import Offer
    from mmbench.testing.representations import RepresentationSubject

#: The collection that is asked for, the ids that it must know, and one that it must not.
_COLLECTION = "kit"
_IDS = [f"kit-{row}" for row in range(COUNT)]
_UNKNOWN = "kit-has-no-such-id"


@conformance("precomputed", "representations")
def known_ids_are_found(subject: RepresentationSubject) -> None:
    """The ids of the kit's items have vectors, for every offer.

    Vectors can't be invented by the kit, so make files for the check with the items ``kit-0`` to
    ``kit-5`` of the collection ``kit``, and point an option at them:
    ``parametrize_with_checks("NAME", options={"folder": ...})``, or ``-o folder=...``. For the
    built-in ``arrays`` that is a folder with ``ids.txt`` (``kit-0`` to ``kit-5``, one a line) and
    ``image.npy`` (any six vectors).
    """
    for offer in _offers(subject):
        _, known = _looked_up(subject, offer, _IDS)
        missing = [item for item, has in zip(_IDS, known, strict=False) if not has]
        if missing:
            fail(
                expected=f"lookup() of {label_of(offer)} to know the ids {_IDS[0]!r} to "
                f"{_IDS[-1]!r} of the collection {_COLLECTION!r}",
                seen=f"it does not know {missing[0]!r}",
                change="point its options at files made for the check, with vectors of these ids",
            )


@conformance("precomputed", "representations")
def lookup_says_what_it_knows(subject: RepresentationSubject) -> None:
    """``lookup`` returns vectors [k, ...] and a bool mask [n] with k times True.

    Of n ids, k are known. Nothing is filled in for the others: they are dropped from the
    collection and listed in the record.
    """
    ids = [_IDS[0], _UNKNOWN, _IDS[1]]
    for offer in _offers(subject):
        found, known = _looked_up(subject, offer, ids)
        if not isinstance(known, np.ndarray) or known.dtype != np.bool_ or known.shape != (3,):
            fail(
                expected=f"lookup() of {label_of(offer)} to return a bool array [3] for three ids",
                seen=f"{known!r}",
                change="known = numpy.array([item in rows for item in ids], dtype=bool)",
            )
        if len(found) != int(known.sum()):
            fail(
                expected=f"lookup() of {label_of(offer)} to return a vector for each id that it "
                "says it knows",
                seen=f"{len(found)} vectors, and {int(known.sum())} of 3 ids known",
                change="leave unknown ids out of the vectors: no zeros, no NaN in their place",
            )


@conformance("precomputed", "representations")
def unknown_ids_are_not_invented(subject: RepresentationSubject) -> None:
    """An id without a vector is said to be unknown, whatever else is asked for.

    A default vector, or the nearest name's, would be scored as if it were the item's.
    """
    for offer in _offers(subject):
        for ids in ([_IDS[0], _UNKNOWN, _IDS[1]], [_UNKNOWN]):
            _, known = _masked(subject, offer, ids)
            if known[ids.index(_UNKNOWN)]:
                fail(
                    expected=f"lookup() of {label_of(offer)} not to know the id {_UNKNOWN!r}",
                    seen="it says that it does",
                    change="compare whole ids, and have no default",
                )


@conformance("precomputed", "representations")
def only_unknown_ids_give_no_rows(subject: RepresentationSubject) -> None:
    """Where not one id is known, ``lookup`` returns no vectors, and raises nothing.

    A part of a collection may hold only such items. ``unknown_ids`` has the say where it is all
    of it.
    """
    for offer in _offers(subject):
        _ = _masked(subject, offer, _IDS)
        for ids in ([_UNKNOWN], [_UNKNOWN, f"{_UNKNOWN}-either"]):
            found, known = _masked(subject, offer, ids, guarded=False)
            if known.any():
                raise Blocked("it knows what it can't: see unknown_ids_are_not_invented")
            if len(found):
                fail(
                    expected=f"lookup() of {label_of(offer)} to return no row for an unknown id",
                    seen=f"{len(found)} rows",
                    change="return numpy.empty((0, dim), numpy.float32)",
                )


@conformance("precomputed", "representations")
def lookup_follows_the_order_of_ids(subject: RepresentationSubject) -> None:
    """Rows come in the order of the ids that were asked for, not in that of a file.

    Row by row they are taken for the items of these ids: another order gives each item another's
    vector. Index with the rows of the ids, one after the other.
    """
    for offer in _offers(subject):
        usual = _vectors(subject, offer)
        if not np.array_equal(usual, _vectors(subject, offer), equal_nan=True):
            raise Blocked("a second look-up gives other vectors: see lookups_agree")
        order = [4, 0, 5, 2]
        ids = [_IDS[row] for row in order]
        ids.insert(1, _UNKNOWN)
        found, _ = _masked(subject, offer, ids)
        if found.shape != usual[order].shape:
            raise Blocked("unknown ids get rows: see unknown_ids_are_not_invented")
        if not np.array_equal(found, usual[order], equal_nan=True):
            fail(
                expected=f"lookup() of {label_of(offer)} to return rows in the order of the ids",
                seen="the rows of other ids",
                change="vectors[[rows[item] for item in ids if item in rows]]",
            )


@conformance("precomputed", "representations")
def lookups_agree(subject: RepresentationSubject) -> None:
    """The same ids get the same vectors again, from this instance and from another.

    They are read from files, so nothing about them is random or goes on from call to call.
    """
    for offer in _offers(subject):
        usual = _vectors(subject, offer)
        again, _ = _masked(subject, offer, _IDS)
        with blocking("load()", "it_loads"):
            other: Any = subject.ready()
        with blocking("lookup()", "known_ids_are_found"):
            third, _ = other.lookup(_COLLECTION, _IDS, offer.kind, offer.slots)
        for found, whose in ((again, "the same instance"), (third, "another instance")):
            if not np.array_equal(usual, np.asarray(found), equal_nan=True):
                fail(
                    expected=f"lookup() of {label_of(offer)} to return the same vectors twice",
                    seen=f"other vectors from {whose}",
                    change="read them from the files, and change them by nothing random",
                )


@conformance("precomputed", "representations")
def unknown_ids_names_the_collection(subject: RepresentationSubject) -> None:
    """``unknown_ids`` says which collection has no vectors.

    It is what a user reads whose ids do not fit the files: mostly one of the two has a prefix
    that the other lacks. Say what was asked for, and how the known ids begin.
    """
    said: Any = _shared(subject).unknown_ids(_COLLECTION, [_UNKNOWN])
    if not isinstance(said, str) or _COLLECTION not in said.replace(_UNKNOWN, ""):
        fail(
            expected=f"unknown_ids() to return a sentence that names the collection "
            f"{_COLLECTION!r}",
            seen=f"{said!r}",
            change="begin with what super().unknown_ids(collection, ids) returns",
        )


def _shared(subject: RepresentationSubject) -> PrecomputedRepresentation:
    if not subject.is_precomputed:
        raise NotRelevant("its vectors are computed, not looked up")
    shared = subject.shared
    assert isinstance(shared, PrecomputedRepresentation)
    return shared


def _offers(subject: RepresentationSubject) -> list[Offer]:
    _shared(subject)
    return subject.offers


def _looked_up(
    subject: RepresentationSubject, offer: Offer, ids: Sequence[str], *, guarded: bool = False
) -> tuple[Any, Any]:
    """What ``lookup`` returns."""
    shared = _shared(subject)
    if not guarded:
        return shared.lookup(_COLLECTION, list(ids), offer.kind, offer.slots)
    with blocking("lookup()", "lookup_says_what_it_knows"):
        return shared.lookup(_COLLECTION, list(ids), offer.kind, offer.slots)


def _masked(
    subject: RepresentationSubject, offer: Offer, ids: Sequence[str], *, guarded: bool = True
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """What ``lookup`` returns, where it is a mask and rows for it.

    Raises:
        Blocked: Otherwise; a check of its own says so.
    """
    found, known = _looked_up(subject, offer, ids, guarded=guarded)
    if not isinstance(known, np.ndarray) or known.shape != (len(ids),):
        raise Blocked("it returns no mask: see lookup_says_what_it_knows")
    if len(found) != int(known.sum()) and len(ids) > 2:
        raise Blocked("it returns other rows than it says: see lookup_says_what_it_knows")
    return np.array(found), known


def _vectors(subject: RepresentationSubject, offer: Offer) -> NDArray[np.float32]:
    """Vectors of the kit's ids.

    Raises:
        Blocked: Not all of them are known.
    """
    found, known = _masked(subject, offer, _IDS)
    if not known.all():
        raise Blocked("not all ids are known: see known_ids_are_found")
    return found
