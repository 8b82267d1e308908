"""Checks: what a task's collections load is as they say, and has keys that tell it apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mmbench.api import ItemError, payload_digest
from mmbench.testing.checks import Blocked, NotRelevant, conformance, described, fail
from mmbench.testing.payload_faults import unlike

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mmbench.api import Payload
    from mmbench.testing.tasks import TaskSubject

#: Rows of each stream that are loaded: the first and the last ones.
_ROWS = 4


@conformance("collections", "tasks")
def payloads_are_as_declared(subject: TaskSubject) -> None:
    """What is loaded has the kind, shape, rate and number type that its stream declares.

    Encoders are built for the declared shape. Declare ``None`` for an axis that varies, and leave
    ``shape`` out where all do.
    """
    for key, name, row, payload in _loaded(subject):
        collection = subject.collections[key]
        wrong = unlike(payload, collection.streams[name])
        if wrong:
            fail(
                expected=f"{name!r} of {key}[{collection.ids[row]}] to be {wrong[0]}",
                seen=wrong[1],
                change="mend load(), or the Stream's kind, shape or rate",
            )


@conformance("collections", "tasks")
def loading_repeats(subject: TaskSubject) -> None:
    """Loading an item twice gives the same payload.

    Vectors are stored by content key and never made twice. Draw all randomness (crops, clips,
    noise) from the item's id or key and a fixed seed.
    """
    for key, name, row, payload in _loaded(subject):
        collection = subject.collections[key]
        if payload_digest(payload) != payload_digest(collection.load(row, name)):
            fail(
                expected=f"load() to return the same {name!r} of {collection.ids[row]!r} again",
                seen=f"another {type(payload).__name__} the second time",
                change="seed what is random from the item's id",
            )


@conformance("collections", "tasks")
def every_row_has_a_key(subject: TaskSubject) -> None:
    """``content_keys`` gives a text a row, or None where the item lacks the stream.

    Keys name payloads in the store. Build them from the file's hash, the decoding options and the
    reader's version.
    """
    for key, collection in subject.collections.items():
        for name in collection.streams:
            keys = list(collection.content_keys(name))
            wrong = [each for each in keys if each is not None and not (each and _is_text(each))]
            if len(keys) != len(collection) or wrong:
                fail(
                    expected=f"content_keys({name!r}) of {key!r} to be {len(collection)} texts or "
                    "None",
                    seen=f"{wrong[0]!r}" if wrong else f"{len(keys)} of them",
                    change="give one non-empty text a row, None where load() raises ItemError",
                )


@conformance("collections", "tasks")
def keys_tell_payloads_apart(subject: TaskSubject) -> None:
    """Different payloads have different content keys.

    Of two payloads with one key the store keeps one vector, and gives it to both. Let everything
    that the payload depends on enter the key.
    """
    seen: dict[str, tuple[bytes, str]] = {}
    for key, name, row, payload in _loaded(subject):
        collection = subject.collections[key]
        content = subject.content_keys(key, name)[row]
        digest, place = payload_digest(payload), f"{name!r} of {key}[{collection.ids[row]}]"
        other = seen.setdefault(content or place, (digest, place))
        if other[0] != digest:
            fail(
                expected="payloads that differ to have keys that differ",
                seen=f"{place} and {other[1]} are both {content!r}, and load() returns two things",
                change="add to the key what tells them apart: the file's hash, the row, an option",
            )


@conformance("collections", "tasks")
def missing_streams_raise(subject: TaskSubject) -> None:
    """Where the content key is None, ``load`` raises an ``ItemError``.

    None means that the item lacks the stream. Nothing may be handed over in its place: a stream
    that is filled with zeros is a view, and has a key.
    """
    found = False
    for key, collection in subject.collections.items():
        for name in collection.streams:
            keys = subject.content_keys(key, name)
            for row in [row for row, each in enumerate(keys) if each is None][:_ROWS]:
                found = True
                seen = "it returned a payload"
                try:
                    collection.load(row, name)
                except ItemError:
                    continue
                except Exception as error:  # noqa: BLE001 - whatever a reader raises is what was seen
                    seen = f"it raised {described(error)}"
                fail(
                    expected=f"load() of the missing {name!r} of {key}[{collection.ids[row]}] to "
                    "raise an ItemError",
                    seen=seen,
                    change="raise ItemError there, or give it a content key",
                )
    if not found:
        raise NotRelevant("no item lacks a stream")


@conformance("collections", "tasks")
def present_streams_load(subject: TaskSubject) -> None:
    """Where there is a content key, ``load`` returns a payload.

    The runner drops an item that can't be decoded; the kit's samples and bundled data have none.
    """
    for key, name, row, error in _loads(subject):
        if isinstance(error, Exception):
            collection = subject.collections[key]
            fail(
                expected=f"load() to return {name!r} of {key}[{collection.ids[row]}]",
                seen=f"it raised {described(error)}",
                change="mend load(), or let content_keys() say None where the stream is missing",
            )


def _loads(
    subject: TaskSubject,
) -> Iterator[tuple[str, str, int, Payload | Exception]]:
    """Some rows of every stream, from both ends, with what loading gave."""
    for key, collection in subject.collections.items():
        for name in collection.streams:
            keys = subject.content_keys(key, name)
            present = [row for row, each in enumerate(keys) if each is not None]
            for row in dict.fromkeys([*present[: _ROWS // 2], *present[-_ROWS // 2 :]]):
                try:
                    yield key, name, row, collection.load(row, name)
                except Exception as error:  # noqa: BLE001 - present_streams_load reports it
                    yield key, name, row, error


def _loaded(subject: TaskSubject) -> Iterator[tuple[str, str, int, Payload]]:
    """Some rows of every stream, from both ends, with their payloads."""
    for key, name, row, payload in _loads(subject):
        if isinstance(payload, Exception):
            raise Blocked(f"load() raised {described(payload)}: see present_streams_load")
        yield key, name, row, payload


def _is_text(value: Any) -> bool:
    return isinstance(value, str)
