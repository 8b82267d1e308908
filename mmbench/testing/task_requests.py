"""Checks: what a task wants encoded is there, is steady, and is no more than it needs."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, get_args

from mmbench.api import EmbeddingKind, FitSpec, NotApplicable, Request
from mmbench.testing.checks import Blocked, NotRelevant, blocking, conformance, described, fail
from mmbench.testing.task_surroundings import Everything, Nothing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mmbench.testing.tasks import TaskSubject


@conformance("requests", "tasks")
def requests_are_made(subject: TaskSubject) -> None:
    """``requests`` returns a list of ``Request``, at least one.

    The kit asks on behalf of a representation that offers everything. A task that wants nothing
    encoded has nothing to judge.
    """
    found: Any = subject.new().requests(Everything(subject.collections))
    entries = found if isinstance(found, (list, tuple)) else [found]
    wrong = [each for each in entries if not isinstance(each, Request)]
    if not found or wrong:
        fail(
            expected="requests() to return a list of Request",
            seen=f"a {type(wrong[0]).__name__}" if wrong else "an empty list",
            change='return [Request("image", "pairs", ("image",)), ...]',
        )


@conformance("requests", "tasks")
def requests_name_what_exists(subject: TaskSubject) -> None:
    """Every request names a collection, and streams that it has.

    Collections are named by their key in ``collections()``, streams by their name there.
    """
    for request in _requests(subject):
        if request.collection not in subject.collections:
            fail(
                expected=f"the request {request.name!r} to name one of the collections "
                f"{', '.join(subject.collections)}",
                seen=repr(request.collection),
                change="name a key of collections()",
            )
        streams = subject.collections[request.collection].streams
        if not request.streams or not set(request.streams) <= set(streams):
            fail(
                expected=f"the request {request.name!r} to name streams of "
                f"{request.collection!r}: {', '.join(streams)}",
                seen=repr(request.streams),
                change="name one or several of them, as a tuple: ('image',)",
            )


@conformance("requests", "tasks")
def requests_have_a_kind(subject: TaskSubject) -> None:
    """Every request asks for a known kind, and says what becomes of items that lack a stream.

    Kinds are ``global``, ``dense``, ``tokens`` and ``prediction``; ``partial`` is ``require`` or
    ``available``.
    """
    for request in _requests(subject):
        for name, value, known in (
            ("kind", request.kind, get_args(EmbeddingKind)),
            ("partial", request.partial, ("require", "available")),
        ):
            if value not in known:
                fail(
                    expected=f"{name} of the request {request.name!r} to be one of "
                    f"{', '.join(known)}",
                    seen=repr(value),
                    change=f"give Request(..., {name}=...) one of them",
                )


@conformance("requests", "tasks")
def request_names_are_unique(subject: TaskSubject) -> None:
    """No two requests have one name.

    ``score`` gets the arrays by these names: of two with one name, one would be lost.
    """
    name, count = Counter(request.name for request in subject.requests).most_common(1)[0]
    if count > 1:
        fail(
            expected="every request to have a name of its own",
            seen=f"{name!r} {count} times",
            change="tell them apart, as in 'test image' and 'train image'",
        )


@conformance("requests", "tasks")
def requests_are_stable(subject: TaskSubject) -> None:
    """Asked again, the task wants the same.

    A run is planned before it starts, and resumed after a kill. Let requests follow from the
    options and the offers alone.
    """
    task = subject.new()
    offers = Everything(subject.collections)
    with blocking("requests()", "requests_are_made"):
        again = [list(task.requests(offers)), list(task.requests(offers))]
    for found in again:
        if found != subject.requests:
            fail(
                expected=f"the same requests again: {_names(subject.requests)}",
                seen=_names(found),
                change="make them from the options and the offers alone, in a fixed order",
            )


@conformance("requests", "tasks")
def requests_are_minimal(subject: TaskSubject) -> None:
    """``score`` reads every array that was requested.

    What is requested is encoded, perhaps for hours, and a representation that does not offer it is
    skipped. Ask only for what the configured task scores.
    """
    subject.require_items()
    unread = [each.name for each in subject.requests if each.name not in subject.read]
    if unread:
        fail(
            expected="score() to read all that was requested",
            seen=f"it never looks at {', '.join(map(repr, unread))}",
            change="leave the request out, or score what it brings",
        )


@conformance("requests", "tasks")
def few_offers_are_no_error(subject: TaskSubject) -> None:
    """A representation that offers nothing is told so, and breaks nothing.

    ``requests`` may ask for what is not offered (the cell is skipped, and says what is missing) or
    raise ``NotApplicable`` with the reason. Any other exception fails the whole run.
    """
    _ = subject.requests
    try:
        subject.new().requests(Nothing())
    except NotApplicable:
        return
    except Exception as error:  # noqa: BLE001 - whatever a task raises is what was seen
        fail(
            expected="requests() to return a list or raise NotApplicable, where nothing is offered",
            seen=f"it raised {described(error)}",
            change="ask offers.offered(...) before choosing, or raise NotApplicable(why)",
        )


@conformance("requests", "tasks")
def fit_spec_names_what_exists(subject: TaskSubject) -> None:
    """``fit_spec`` names collections, streams and columns that there are.

    ``train`` and ``valid`` are keys of ``collections()``; ``streams`` and ``target`` are in the
    training collection. Return None where there is nothing to learn from.
    """
    spec: object = subject.new().fit_spec()
    if spec is None:
        raise NotRelevant("it names no training items")
    seen = change = ""
    if not isinstance(spec, FitSpec):
        seen, change = f"a {type(spec).__name__}", "return a FitSpec, or None"
    else:
        known = subject.collections
        for name in (spec.train, spec.valid):
            if not seen and name is not None and name not in known:
                seen = f"the collection {name!r}"
                change = f"name one of {', '.join(known)}"
        train = known.get(spec.train)
        for name in spec.streams:
            if not seen and train is not None and name not in train.streams:
                seen = f"the stream {name!r} of {spec.train!r}"
                change = f"name some of {', '.join(train.streams)}"
        if not seen and train and spec.target is not None and spec.target not in train.columns:
            seen = f"the column {spec.target!r} of {spec.train!r}"
            change = f"name one of {', '.join(train.columns) or 'none'}"
    if seen:
        fail(expected="fit_spec() to name what there is", seen=seen, change=change)


@conformance("requests", "tasks")
def fit_target_has_a_kind(subject: TaskSubject) -> None:
    """A target comes with its kind, ``class`` or ``value``, and a kind with its target.

    A representation learns classes and values by different losses.
    """
    spec = subject.fit_spec
    if spec is None or (spec.target is None and spec.target_kind is None):
        raise NotRelevant("it names no target")
    if spec.target is None or spec.target_kind not in ("class", "value"):
        fail(
            expected="fit_spec() to name a target and its kind, 'class' or 'value'",
            seen=f"target={spec.target!r}, target_kind={spec.target_kind!r}",
            change="give FitSpec(..., target='label', target_kind='class'), or neither",
        )


def _requests(subject: TaskSubject) -> list[Request]:
    """Its requests, whatever they name."""
    with blocking("requests()", "requests_are_made"):
        found = list(subject.new().requests(Everything(subject.collections)))
    if not all(isinstance(each, Request) for each in found):
        raise Blocked("it makes something else than requests: see requests_are_made")
    return found


def _names(requests: Sequence[Request]) -> str:
    return ", ".join(f"{each.name} ({each.kind} of {each.collection})" for each in requests)
