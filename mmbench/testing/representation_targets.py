"""Checks: a representation learns the target that is asked for, from whatever items there are."""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from mmbench.api import ItemError, MmbenchError
from mmbench.testing.checks import Blocked, NotRelevant, blocking, conformance, described, fail
from mmbench.testing.child import label_of
from mmbench.testing.items import MEANINGS
from mmbench.testing.representations import COUNT
from mmbench.testing.training import (
    CLASSES,
    first_items,
    with_gaps,
    with_target,
    without_validation,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mmbench.api import FitData, Offer
    from mmbench.testing.representations import RepresentationSubject

#: Share of right answers from which a set of columns is understood, and up to which it is not.
_UNDERSTOOD, _MISUNDERSTOOD = 0.8, 0.45


@conformance("trained", "representations")
def predictions_fit_the_target(subject: RepresentationSubject) -> None:
    """Predictions are values [B], or scores [B, C] with a column a class of the training column.

    Both kinds of target are tried; one that the representation can't learn is refused by ``fit``
    with an ``MmbenchError``.
    """
    _ = subject.offers_of("prediction"), subject.state
    refused = []
    for kind in ("class", "value"):
        try:
            found = _predictions(subject, kind)
        except MmbenchError as error:
            refused.append(f"{kind}: {described(error)}")
            continue
        shapes = [(COUNT, len(CLASSES))] if kind == "class" else [(COUNT,), (COUNT, 1)]
        for offer, array in found.items():
            if array.shape not in shapes:
                fail(
                    expected=f"{label_of(offer)} to return {list(shapes[0])} for {COUNT} items and "
                    + (f"{len(CLASSES)} classes" if kind == "class" else "values"),
                    seen=f"shape {array.shape}",
                    change="a column for each class that data.train.column(spec.target) holds, or "
                    "one value an item, as spec.target_kind asks for",
                )
    if len(refused) == 2:
        fail(
            expected="fit() to learn classes or values, as it offers predictions",
            seen=f"it refused {'; '.join(refused)}",
            change="learn data.spec.target, or take the prediction out of info.offers",
        )


@conformance("trained", "representations")
def classes_are_in_sorted_order(subject: RepresentationSubject) -> None:
    """The columns of predicted classes are in the order of the sorted names of the classes.

    Not in the order of their appearance, which another training set changes:
    ``numpy.unique(column)`` sorts. Where predictions on the training items are right for no order
    of the columns, nothing can be told.
    """
    offers = subject.offers_of("prediction")
    data = with_target(subject.data, "class")
    truths = np.unique(CLASSES, return_inverse=True)[1]
    meanings = [row * MEANINGS // COUNT for row in range(COUNT)]
    wanted = truths[[meaning * len(CLASSES) // MEANINGS for meaning in meanings]]
    told = False
    with blocking("fit()", "predictions_fit_the_target"):
        built = subject.fitted(data=data)
    for offer in offers:
        with blocking("predict()", "predictions_fit_the_target"):
            found = subject.encode(built, offer, subject.batch(offer, meanings))
        if found.shape != (COUNT, len(CLASSES)):
            raise Blocked(f"predictions have shape {found.shape}: see predictions_fit_the_target")
        rights = {
            order: float((np.array(order)[found.argmax(axis=1)] == wanted).mean())
            for order in permutations(range(len(CLASSES)))
        }
        best = max(rights.values())
        told |= best >= _UNDERSTOOD
        if best >= _UNDERSTOOD and rights[tuple(range(len(CLASSES)))] <= _MISUNDERSTOOD:
            fail(
                expected=f"the columns of {label_of(offer)} to stand for {sorted(CLASSES)}",
                seen="predictions are right if the columns are put in another order, and wrong so",
                change="classes = numpy.unique(data.train.column(data.spec.target))",
            )
    if not told:
        raise NotRelevant("its predictions of generated items are right for no order of columns")


@conformance("trained", "representations")
def validation_may_be_missing(subject: RepresentationSubject) -> None:
    """It trains where the task names no validation items: ``data.valid`` is None.

    Stop after a fixed number of epochs then, or hold out a part of the training items.
    """
    _ = subject.state
    try:
        subject.fitted(data=without_validation(subject.data)).state()
    except Exception as error:  # noqa: BLE001 - whatever a plugin raises is what was seen
        fail(
            expected="fit() to train without validation items",
            seen=f"it raised {described(error)}",
            change="look whether data.valid is None before you use it",
        )


@conformance("trained", "representations")
def few_items_train_or_are_refused(subject: RepresentationSubject) -> None:
    """Four training items are learnt from, or refused by an error that says so.

    Mind the last batch of an epoch, which may hold one item, and folds without items of a class.
    """
    _trains_or_refuses(
        subject, first_items(subject.data, 4), "four training items",
        'raise UsageError("needs at least ... training items"), or leave no batch of one item',
    )  # fmt: skip


@conformance("trained", "representations")
def gaps_train_or_are_refused(subject: RepresentationSubject) -> None:
    """Training items that lack a stream are learnt from, passed over, or refused by an error.

    ``collection.content_keys(stream)`` holds None where an item lacks the stream; to load it
    raises an ``ItemError``, which must not end the training.
    """
    _trains_or_refuses(
        subject, with_gaps(subject.data), "training items of which some lack a stream",
        "take the rows whose content_keys are not None, or raise a UsageError that says that all "
        "streams are needed",
    )  # fmt: skip


def _trains_or_refuses(
    subject: RepresentationSubject, data: FitData, said: str, change: str
) -> None:
    """Fail where training raises anything but an error of mmbench's, or an item's error."""
    _ = subject.state
    try:
        trained = subject.fitted(data=data)
        trained.state()
    except ItemError as error:
        seen = described(error)
    except MmbenchError:
        return
    except Exception as error:  # noqa: BLE001 - whatever a plugin raises is what was seen
        seen = described(error)
    else:
        return
    fail(expected=f"fit() to train on {said}, or to refuse them", seen=seen, change=change)


def _predictions(
    subject: RepresentationSubject, kind: Literal["class", "value"]
) -> dict[Offer, NDArray[Any]]:
    """What it predicts of the standard batch, trained for a kind of target.

    Raises:
        MmbenchError: ``fit`` refuses this kind.
    """
    offers = subject.offers_of("prediction")
    built = subject.fitted(data=with_target(subject.data, kind))
    return {offer: subject.encode(built, offer, subject.batch(offer)) for offer in offers}
