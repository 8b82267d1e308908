"""Checks of precisions, devices and copies: half precision, another device, pickle and deepcopy."""

from __future__ import annotations

import copy
import pickle
from typing import TYPE_CHECKING

import numpy as np

from mmbench.api import TrainedRepresentation, UsageError
from mmbench.runner.devices import available_devices
from mmbench.testing.checks import NotRelevant, conformance, described, fail
from mmbench.testing.child import label_of
from mmbench.testing.comparison import TOLERANCE, far_apart

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mmbench.api import Offer, Representation
    from mmbench.testing.representations import RepresentationSubject

#: The least cosine between vectors in half and in full precision.
_LEAST_COSINE = 0.98
#: Devices round in their own ways (TF32): differences up to this share of the largest value.
_DEVICE_TOLERANCE = 1e-2


@conformance("devices", "representations")
def bf16_stays_close(subject: RepresentationSubject) -> None:
    """Loaded with ``dtype="bf16"`` it gives nearly the same vectors.

    ``--precision bf16`` asks for it. Round weights and activations, but take norms, softmax and
    means in float32. A representation that has no half precision ignores the dtype, or refuses
    it in ``load`` with a ``UsageError``.
    """
    _stays_close(subject, "bf16")


@conformance("devices", "representations")
def fp16_stays_close(subject: RepresentationSubject) -> None:
    """Loaded with ``dtype="fp16"`` it gives nearly the same vectors.

    ``--precision fp16`` asks for it. Above 65,504 half precision is infinite: take squares, norms
    and exponentials in float32. Where the CPU lacks an operation, compute in float32 there, or
    refuse it in ``load`` with a ``UsageError``.
    """
    _stays_close(subject, "fp16")


@conformance("devices", "representations")
def devices_agree(subject: RepresentationSubject) -> None:
    """Every device of this machine gives the vectors of the CPU.

    The device is in no key of the store: vectors from one are used on another. Move all weights
    and inputs to ``ctx.device`` in ``load``, and draw randomness on the CPU.
    """
    offers = subject.main_offers
    others = [name for name in subject.devices or available_devices() if name != "cpu"]
    if not others:
        raise NotRelevant("this machine has no device but the CPU")
    subject.require_alike()
    for device in others:
        try:
            moved = subject.ready(device=device)
            found = {offer: subject.encode(moved, offer, subject.batch(offer)) for offer in offers}
        except Exception as error:  # noqa: BLE001 - whatever a plugin raises is what was seen
            fail(
                expected=f"it to load and encode on {device}",
                seen=f"it raised {described(error)}",
                change=f"bring weights and inputs onto ctx.device; stay on the CPU if it can't use "
                f"{device}",
            )
        for offer in offers:
            apart = far_apart(subject.steady(offer), found[offer])
            if apart > _DEVICE_TOLERANCE:
                fail(
                    expected=f"{label_of(offer)} on {device} to be as on the CPU",
                    seen=f"vectors differ by {apart:.2g} of the largest value",
                    change="draw randomness on the CPU, and move everything to ctx.device",
                )


@conformance("devices", "representations")
def pickled_copy_agrees(subject: RepresentationSubject) -> None:
    """A pickled copy of an instance that is not loaded gives the same vectors when it is.

    Other processes and cluster schedulers are sent instances. Keep options as attributes; open
    files, make locks and choose functions in ``load``.
    """
    offers = subject.main_offers
    try:
        copied = pickle.loads(pickle.dumps(subject.new()))  # noqa: S301 - what was just pickled
    except Exception as error:  # noqa: BLE001 - whatever pickling raises is what was seen
        fail(
            expected="an instance that is not loaded to be pickled and unpickled",
            seen=f"it raised {described(error)}",
            change="keep no lambda, lock or open file on an instance before load()",
        )
    _agrees(subject, copied, offers, "a pickled copy")


@conformance("devices", "representations")
def deep_copy_agrees(subject: RepresentationSubject) -> None:
    """A deep copy of an instance that is not loaded gives the same vectors when it is.

    ``copy.deepcopy`` must carry every option, and what ``bind`` built.
    """
    offers = subject.main_offers
    try:
        copied = copy.deepcopy(subject.new())
    except Exception as error:  # noqa: BLE001 - whatever copying raises is what was seen
        fail(
            expected="an instance that is not loaded to be copied deeply",
            seen=f"it raised {described(error)}",
            change="keep no lock or open file on an instance before load()",
        )
    _agrees(subject, copied, offers, "a deep copy")


def _stays_close(subject: RepresentationSubject, dtype: str) -> None:
    """Fail where a precision changes vectors by more than rounding."""
    offers = subject.main_offers
    subject.require_alike()
    try:
        rounded = subject.ready(dtype=dtype)
    except UsageError as error:
        raise NotRelevant(f"it refuses {dtype}: {error.what}") from error
    for offer in offers:
        usual = subject.steady(offer)
        label = f"{label_of(offer)} in {dtype}"
        try:
            found = subject.encode(rounded, offer, subject.batch(offer))
        except Exception as error:  # noqa: BLE001 - whatever a plugin raises is what was seen
            fail(
                expected=f"{label} to give vectors",
                seen=f"it raised {described(error)}",
                change=f"round weights and inputs alike; or refuse {dtype} in load() with a "
                "UsageError",
            )
        seen = ""
        if found.shape != usual.shape:
            seen = f"shape {found.shape}, not {usual.shape}"
        elif not np.isfinite(found).all():
            seen = f"{int((~np.isfinite(found)).sum())} of {found.size} values are not finite"
        elif _cosine(usual, found) < _LEAST_COSINE:
            seen = f"an item's vectors have cosine {_cosine(usual, found):.3f}"
        if seen:
            fail(
                expected=f"{label} to have cosine {_LEAST_COSINE} and more with full precision",
                seen=seen,
                change="take squares, norms, means and exponentials in float32",
            )


def _cosine(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    """The least cosine of two arrays' rows, each taken as one vector; 1 where both are zero."""
    rows = [array.reshape(len(array), -1).astype(np.float64) for array in (first, second)]
    lengths = np.linalg.norm(rows[0], axis=1) * np.linalg.norm(rows[1], axis=1)
    same = (rows[0] == rows[1]).all(axis=1)
    products = (rows[0] * rows[1]).sum(axis=1) / np.maximum(lengths, 1e-300)
    return float(np.where(same, 1.0, products).min())


def _agrees(
    subject: RepresentationSubject, copied: Representation, offers: list[Offer], what: str
) -> None:
    """Fail where a copy, once loaded, gives other vectors."""
    subject.require_alike()
    try:
        copied.load(subject.context())
        if isinstance(copied, TrainedRepresentation):
            copied.load_state(subject.state)
        found = {offer: subject.encode(copied, offer, subject.batch(offer)) for offer in offers}
    except Exception as error:  # noqa: BLE001 - whatever a plugin raises is what was seen
        fail(
            expected=f"{what} to load and encode",
            seen=f"it raised {described(error)}",
            change="let a copy carry every option and what bind() built",
        )
    for offer in offers:
        apart = far_apart(subject.steady(offer), found[offer])
        if apart > TOLERANCE:
            fail(
                expected=f"{what} to give the same vectors ({label_of(offer)})",
                seen=f"they differ by {apart:.2g} of the largest value",
                change="let a copy carry every option and what bind() built",
            )
