"""Checks that vectors come out the same again: in a repeat, an instance, a process, a year."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING

import numpy as np

from mmbench.api import TrainedRepresentation
from mmbench.testing.checks import Blocked, NotRelevant, blocking, conformance, described, fail
from mmbench.testing.child import label_of
from mmbench.testing.comparison import TOLERANCE, far_apart
from mmbench.testing.extreme_items import fits_slot, look_alikes
from mmbench.testing.representations import COUNT

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mmbench.api import Offer, Representation
    from mmbench.testing.processes import ProcessReport
    from mmbench.testing.representations import RepresentationSubject

#: Meanings that are not in the standard batch.
_OTHERS = (COUNT + 2, COUNT + 5)
_CLOCK = "it reads a clock: "
_NO_CLOCK = (
    "time.time(), datetime.now() and numpy.datetime64('now') have no place in load() or encode()"
)


@conformance("determinism", "representations")
def repeats_agree(subject: RepresentationSubject) -> None:
    """The same batch gives the same vectors twice, to the last bit.

    What was encoded once is kept and used for every later run, so an item has one vector. Noise
    must follow the item: seed it with ``payload_digest(payload)``, not with a generator that goes
    on from call to call. Switch dropout off. Statistics that follow the data must not be updated
    while encoding.
    """
    for offer in subject.main_offers:
        if not np.isfinite(subject.vectors(offer)).all():
            raise Blocked("values are not finite: see output_is_finite")
        first, second = (
            subject.encode(subject.shared, offer, subject.batch(offer)) for _ in range(2)
        )
        if not np.array_equal(first, second):
            fail(
                expected=f"{label_of(offer)} to be the same when a batch is encoded twice",
                seen=_difference(first, second),
                change="draw no noise in encode(), or seed it with payload_digest(payload); "
                "switch dropout off: model.eval()",
            )


@conformance("determinism", "representations")
def earlier_calls_leave_no_trace(subject: RepresentationSubject) -> None:
    """What was encoded before changes nothing.

    Items arrive in any order, and after a resumed run some never arrive. A vocabulary that grows,
    a running mean or a largest value so far makes vectors depend on that order: learn such things
    in ``fit``, or leave them out. Look at the key of a cache, if there is one.
    """
    for offer in subject.main_offers:  # what raises, or is NaN, is not about this
        if not np.isfinite(subject.vectors(offer)).all():
            raise Blocked("values are not finite: see output_is_finite")
    representation = subject.ready()
    before = {}
    for offer in subject.main_offers:
        before[offer], again = (
            subject.encode(representation, offer, subject.batch(offer)) for _ in range(2)
        )
        if far_apart(before[offer], again) > TOLERANCE:
            raise Blocked("the same batch twice gives other vectors: see repeats_agree")
    for offer in subject.main_offers:
        subject.encode(representation, offer, subject.batch(offer, _OTHERS))
    for offer, first in before.items():
        second = subject.encode(representation, offer, subject.batch(offer))
        if far_apart(first, second) > TOLERANCE:
            fail(
                expected=f"{label_of(offer)} to be the same before and after other items",
                seen=_difference(first, second),
                change="keep nothing from one call of encode() to the next that enters a vector",
            )


@conformance("determinism", "representations")
def look_alikes_are_not_mixed_up(subject: RepresentationSubject) -> None:
    """An item has the same vector whether or not one that looks like it came before.

    A cache whose key is too short gives one item the vector of another: texts with the same first
    200 letters, the same samples at another rate, pictures that differ in their last rows. Make
    the key of ``payload_digest(payload)``, which stands for all that is in a payload.
    """
    subject.require_alike()
    with blocking("load()", "it_loads"):
        fresh = subject.ready()
    for offer in subject.main_offers:
        slots = [slot for slot in subject.info.slots if slot.name in offer.slots]
        first, second = subject.batch(offer, (0,)), subject.batch(offer, (0,))
        for slot in slots:
            (payload,) = first[slot.name]
            twins = look_alikes(payload)
            if all(fits_slot(slot, twin) for twin in twins):
                first[slot.name], second[slot.name] = ([twin] for twin in twins)
        try:
            alone = subject.encode(
                fresh, offer, deepcopy(second)
            )  # some change what they are handed
            subject.encode(subject.shared, offer, first)
            after = subject.encode(subject.shared, offer, second)
        except Exception as error:  # refused; the checks of extremes say so
            if len(subject.main_offers) == 1:
                raise NotRelevant(f"it refuses such items: {described(error)}") from error
            continue
        if np.isfinite(alone).all() and far_apart(alone, after) > TOLERANCE:
            fail(
                expected=f"{label_of(offer)} of an item to be the same before and after one that "
                "begins alike, or has the same samples at another rate",
                seen=_difference(alone, after),
                change="make the key of what is cached of payload_digest(payload): of all that is "
                "in it",
            )


@conformance("determinism", "representations")
def instances_agree(subject: RepresentationSubject) -> None:
    """Two instances with the same options and seed give the same vectors.

    The worker that encodes the rest of a collection is not the one that began. ``ctx.seed`` is the
    only source of randomness: ``np.random.default_rng(ctx.seed)``, never a generator without a
    seed, and no layer that is initialised and not overwritten by the weights.
    """
    for offer in subject.main_offers:
        found = subject.steady(offer)
        second = subject.second_vectors[offer]
        if far_apart(found, second) > TOLERANCE:
            fail(
                expected=f"{label_of(offer)} to be the same from two instances of one seed",
                seen=_difference(found, second),
                change="take all randomness in load() and fit() from ctx.seed",
            )


@conformance("determinism", "representations")
def loading_twice_changes_nothing(subject: RepresentationSubject) -> None:
    """Loading an instance again changes nothing.

    ``load`` sets what it needs; it does not add to what is there. Lists of layers begin empty in
    ``load``, not in ``__init__``.
    """
    subject.require_alike()
    twice = subject.new()
    twice.load(subject.context())
    twice.load(subject.context())
    if isinstance(twice, TrainedRepresentation):
        twice.load_state(subject.state)
    for offer in subject.main_offers:
        found = subject.steady(offer)
        second = subject.encode(twice, offer, subject.batch(offer))
        if far_apart(found, second) > TOLERANCE:
            fail(
                expected=f"{label_of(offer)} to be the same after load() was called twice",
                seen=_difference(found, second),
                change="set everything anew in load(): begin with empty lists",
            )


@conformance("determinism", "representations")
def processes_agree(subject: RepresentationSubject) -> None:
    """Another process, in another folder, with other hashes of strings, gives the same vectors.

    Each representation is encoded with by a worker process, the next run by another. Python's
    ``hash()`` of a string, and so the order of a set, differs from process to process: use
    ``hashlib`` and sort. Paths are absolute, or lie beside the module.
    """
    offers = subject.offers if subject.is_precomputed else subject.main_offers
    if not subject.is_precomputed:
        subject.require_alike()
    _ = [subject.steady(offer) for offer in offers]
    report = subject.process
    _refuse_failed(report)
    for offer in offers:
        found, second = subject.steady(offer), report.vectors[label_of(offer)]
        if far_apart(found, second) > TOLERANCE:
            if not subject.is_precomputed and _ages(subject, offer):
                raise Blocked("a second later it gives other vectors here too: see times_agree")
            fail(
                expected=f"{label_of(offer)} to be the same from another process",
                seen=_difference(found, second),
                change="look for hash() of a string, the order of a set, the clock, the process "
                "id, or a file found by a relative path",
            )


@conformance("determinism", "representations")
def times_agree(subject: RepresentationSubject) -> None:
    """A second later and a year later it gives the same vectors.

    A vector belongs to an item and to weights, not to the day. Read no clock in ``load`` or
    ``encode``. Another process encodes more than a second later, and one whose clocks are a year
    ahead: those of ``time``, ``datetime`` and ``numpy.datetime64``. A clock that only compiled code
    reads can't be moved; it is seen if its second counts.
    """
    subject.require_alike()
    report, later = subject.process, subject.later_process
    if report.error:
        raise Blocked("it does not encode in another process: see processes_agree")
    _refuse_failed(later)
    for offer in subject.main_offers:
        label = label_of(offer)
        if far_apart(subject.steady(offer), report.vectors[label]) > TOLERANCE:
            if not _ages(subject, offer):
                raise Blocked("another process gives other vectors: see processes_agree")
            fail(
                expected=f"{label} to be the same a second later",
                seen=_CLOCK + _difference(subject.steady(offer), subject.aged_vectors[offer]),
                change=_NO_CLOCK,
            )
        if far_apart(report.vectors[label], later.vectors[label]) > TOLERANCE:
            fail(
                expected=f"{label} to be the same a year later",
                seen=_CLOCK + _difference(report.vectors[label], later.vectors[label]),
                change=_NO_CLOCK,
            )


@conformance("determinism", "representations")
def seed_matters_if_declared(subject: RepresentationSubject) -> None:
    """With ``seeded=True`` another seed gives other vectors.

    A seeded representation is run once for each seed of a suite, and its spread over seeds is
    shown. If the seed changes nothing, leave ``seeded`` out: it is then run once.
    """
    if not subject.info.seeded:
        raise NotRelevant("info.seeded is False")
    subject.require_alike()
    other = _with_other_seed(subject)
    for offer in subject.main_offers:
        found = subject.steady(offer)
        if far_apart(found, subject.encode(other, offer, subject.batch(offer))) > TOLERANCE:
            return
    fail(
        expected="other vectors from another seed, as info.seeded is True",
        seen="seeds 0 and 1 give the same vectors",
        change="use ctx.seed, or leave seeded out of info",
    )


@conformance("determinism", "representations")
def seed_changes_nothing_undeclared(subject: RepresentationSubject) -> None:
    """Without ``seeded=True`` the seed changes nothing.

    The seed is part of a vector's key in the store only where it is declared: undeclared, vectors
    of one seed would be taken for those of another. Say ``seeded=True`` in ``info`` if ``load`` or
    ``fit`` use ``ctx.seed``.
    """
    if subject.info.seeded:
        raise NotRelevant("info.seeded is True")
    subject.require_alike()
    other = _with_other_seed(subject)
    for offer in subject.main_offers:
        found = subject.steady(offer)
        second = subject.encode(other, offer, subject.batch(offer))
        if far_apart(found, second) > TOLERANCE:
            fail(
                expected=f"{label_of(offer)} to be the same for every seed, as info.seeded is "
                "False",
                seen=f"between seeds 0 and 1 {_difference(found, second)}",
                change="say seeded=True in info, or don't use ctx.seed",
            )


def _with_other_seed(subject: RepresentationSubject) -> Representation:
    """An instance that was loaded, and trained if it is, with seed 1.

    Raises:
        Blocked: Two trainings with one seed differ already.
    """
    if not subject.is_trained:
        return subject.ready(seed=1)
    subject.require_repeatable()
    with blocking("fit()", "fit_gives_a_state"):
        return subject.restored(subject.fitted(seed=1).state(), seed=1)


def _refuse_failed(report: ProcessReport) -> None:
    """Fail where a new process did not encode."""
    if report.error and report.network:
        raise Blocked(f"it asked for {report.network[0]}: see network_is_left_alone")
    if report.error:
        fail(
            expected="a new process to load and encode as this one does",
            seen=report.error.partition("\n")[0],
            change="mend what it names: is a file found by a relative path, is a variable of the "
            "environment or of the test session missing?",
        )


def _ages(subject: RepresentationSubject, offer: Offer) -> bool:
    """Whether a second makes another vector in this process, too."""
    return far_apart(subject.steady(offer), subject.aged_vectors[offer]) > TOLERANCE


def _difference(first: NDArray[np.float32], second: NDArray[np.float32]) -> str:
    """How far two arrays are apart, in words."""
    if first.shape != second.shape:
        return f"shape {first.shape}, then {second.shape}"
    if not np.isfinite(second).all():
        return "the second has values that are not finite"
    return f"they differ by up to {far_apart(first, second):.2g} of the largest value"
