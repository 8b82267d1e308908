"""Checks: what a representation returns has the declared shape, and values that can be compared."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from mmbench.api import DataMissing
from mmbench.api.representation import METHODS
from mmbench.runner.encoding import to_numpy
from mmbench.testing.checks import Blocked, blocking, conformance, described, fail
from mmbench.testing.representations import COUNT, RepresentationSubject

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mmbench.api import Offer

#: Axes of what each kind returns; a prediction may have one or two.
_AXES = {"global": "[B, D]", "dense": "[B, h, w, D]", "tokens": "[B, T, D]"}
#: Vectors that differ by less than this share of the largest value are equal.
_EQUAL = 1e-6


def _label(offer: Offer) -> str:
    """An offer in words."""
    return f"{METHODS[offer.kind]}() of {' + '.join(sorted(offer.slots))}"


@conformance("output", "representations")
def it_loads(subject: RepresentationSubject) -> None:
    """It loads, and takes its trained state, without an error.

    ``load(ctx)`` brings the weights onto ``ctx.device``. Where weights are missing, say which
    file, where it was looked for, and where to get it, in a ``DataMissing``: from ``load`` and
    from ``fingerprint``.
    """
    _ = subject.info  # what can't even be built has a check of its own
    try:
        _try_fingerprint(subject)
        if subject.is_trained:
            subject.new().load(subject.context())
        subject.ready()
    except DataMissing as error:
        fail(
            expected="what it loads to be on this machine",
            seen=f"{error.where}: {error.what}" if error.where else error.what,
            change=error.fix
            or "give the file as an option: -o NAME=PATH; and say so in the "
            "error: DataMissing(..., fix='...')",
        )


def _try_fingerprint(subject: RepresentationSubject) -> None:
    """Ask for the fingerprint, where weights may be missed first; other errors are not about it."""
    try:
        subject.new().fingerprint()
    except DataMissing:
        raise
    except Exception:  # noqa: BLE001 - see fingerprint_is_text
        return


@conformance("output", "representations")
def every_offer_runs(subject: RepresentationSubject) -> None:
    """Every offer's method runs on a batch of its slots.

    An offer is a promise: its method is called with a batch of exactly its slots. Offer only what
    the method can do, or mend the method.
    """
    for offer in subject.encoded_offers():
        if not subject.writes(offer):
            raise Blocked(f"{METHODS[offer.kind]}() is not there: see offered_methods_are_written")
        representation = subject.shared
        batch = subject.batch(offer)
        try:
            getattr(representation, METHODS[offer.kind])(batch)
        except Exception as error:  # noqa: BLE001 - whatever a plugin raises is what was seen
            fail(
                expected=f"{_label(offer)} to return vectors for {COUNT} items",
                seen=f"it raised {described(error)}",
                change=f"mend {METHODS[offer.kind]}(), or take the offer out of info.offers",
            )


@conformance("output", "representations")
def output_is_an_array(subject: RepresentationSubject) -> None:
    """What is returned is an array of floats: numpy, or one that speaks DLPack.

    Integers, booleans, objects and lists are refused: vectors are stored as float32.
    """
    for offer in subject.encoded_offers():
        with blocking(_label(offer), "every_offer_runs"):
            raw = getattr(subject.shared, METHODS[offer.kind])(subject.batch(offer))
        try:
            floating = hasattr(raw, "shape") and _is_float(raw)
        except Exception:  # noqa: BLE001 - no array at all
            floating = False
        if not floating:
            fail(
                expected=f"{_label(offer)} to return an array of floats",
                seen=f"a {type(raw).__name__} of {getattr(raw, 'dtype', 'no dtype')}",
                change="return numpy float32, or a torch, JAX or other array of floats",
            )


@conformance("output", "representations")
def one_row_an_item(subject: RepresentationSubject) -> None:
    """There is one row an item, in axes that belong to the kind.

    ``encode`` returns [B, D], ``encode_dense`` [B, h, w, D], ``encode_tokens`` [B, T, D].
    """
    for offer in subject.encoded_offers():
        with blocking(_label(offer), "every_offer_runs"):
            found = subject.encode(subject.shared, offer, subject.batch(offer))
        axes = _AXES.get(offer.kind, "[B, ...]")
        wanted = axes.count(",") + 1
        fits = found.ndim in (1, 2) if offer.kind == "prediction" else found.ndim == wanted
        if not fits or len(found) != COUNT:
            fail(
                expected=f"{_label(offer)} to return {axes} with B = {COUNT}",
                seen=f"shape {tuple(found.shape)}",
                change="return one row an item of the batch, in its order",
            )


@conformance("output", "representations")
def dim_is_as_declared(subject: RepresentationSubject) -> None:
    """The last axis is as long as the offer's ``dim`` says.

    Planning, and tasks that build on the vectors, rely on it. Leave ``dim`` out (None) where it
    is not known before the weights are loaded.
    """
    for offer in subject.offers:
        if offer.dim is None or offer.kind == "prediction":
            continue
        found = subject.vectors(offer)
        if found.ndim > 1 and found.shape[-1] != offer.dim:
            fail(
                expected=f"{_label(offer)} to return vectors of length {offer.dim}",
                seen=f"length {found.shape[-1]}",
                change="declare the dim that it returns: Offer(..., dim=...)",
            )


@conformance("output", "representations")
def output_is_finite(subject: RepresentationSubject) -> None:
    """No value is NaN or infinite.

    Half precision overflows above 65,504: compute norms and exponentials in float32. What is too
    large for float32 is infinite, too.
    """
    for offer in subject.offers:
        found = subject.vectors(offer)
        bad = ~np.isfinite(found)
        if bad.any():
            fail(
                expected=f"{_label(offer)} to return finite values",
                seen=f"{int(bad.sum())} of {found.size} values are NaN or infinite",
                change="look for a division by zero, or an overflow in half precision",
            )


@conformance("output", "representations")
def output_is_not_zero(subject: RepresentationSubject) -> None:
    """No vector has length zero.

    A zero vector has no direction: cosine similarity is undefined. Predictions may be zero.
    """
    for offer in subject.offers:
        if offer.kind == "prediction":
            continue
        found = subject.vectors(offer).reshape(COUNT, -1)
        zero = ~found.any(axis=1)
        if zero.any():
            fail(
                expected=f"{_label(offer)} to return vectors with a length",
                seen=f"{int(zero.sum())} of {COUNT} generated items have a zero vector",
                change="give every input a direction: a bias, a constant coordinate",
            )


@conformance("output", "representations")
def items_are_told_apart(subject: RepresentationSubject) -> None:
    """Different items have different vectors, and where similarity is cosine different directions.

    An encoder that returns one vector for everything was not loaded, or does not look at its
    input. Two vectors of one direction are equal to cosine similarity, however long they are.
    """
    is_cosine = subject.info.similarity == "cosine"
    for offer in subject.offers:
        found = subject.vectors(offer).reshape(COUNT, -1)
        if not np.isfinite(found).all():
            raise Blocked("values are not finite: see output_is_finite")
        if offer.kind == "prediction":
            constant = np.ptp(found, axis=0).max() <= _EQUAL * np.abs(found).max()
            alike = [tuple(range(COUNT))] if constant else []
        elif not found.any(axis=1).all():
            raise Blocked("vectors have no length: see output_is_not_zero")
        else:
            alike = _alike(found, directions=is_cosine)
        if alike:
            rows = " and ".join(str(row + 1) for row in alike[0])
            fail(
                expected=f"{_label(offer)} to tell {COUNT} different items apart",
                seen=f"items {rows} have the same {'direction' if is_cosine else 'vector'}",
                change="look at what is encoded: are the payloads used, are weights loaded?",
            )


def _alike(vectors: NDArray[np.float32], *, directions: bool) -> list[tuple[int, ...]]:
    """Pairs of rows whose vectors, or directions, are equal."""
    values = vectors.astype(np.float64)
    if directions:
        values /= np.linalg.norm(values, axis=1, keepdims=True)
    scale = np.abs(values).max()
    return [
        (first, second)
        for first, second in combinations(range(len(values)), 2)
        if np.abs(values[first] - values[second]).max() <= _EQUAL * scale
    ]


def _is_float(raw: object) -> bool:
    """Whether an array holds floats, without converting it."""
    dtype = str(getattr(raw, "dtype", ""))
    to_numpy(raw)
    return "float" in dtype
