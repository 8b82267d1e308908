"""Whole items seen through views: one child an item, several streams of it transformed.

:class:`~mmbench.api.views.DerivedCollection` carries one stream and any number of children
(crops); here every stream is carried and there is one child a parent, as zero-filled streams need.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mmbench.api.collection import Collection
from mmbench.api.errors import UsageError
from mmbench.api.views import View

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mmbench.api.payloads import Payload

__all__ = ["FILLABLE", "ViewedCollection", "zero_filled"]

#: Payload kinds that have a zero: an array of numbers.
FILLABLE = frozenset({"Image", "Audio", "Video", "Sequence", "Array"})


class ViewedCollection(Collection):
    """A parent's items in order, with the same views on a stream of each.

    Args:
        name: The collection's name.
        parent: The collection it is derived from; a child falls with its parent.
        views: Stream name to the views on it, applied in order; other streams stay as they are.
    """

    def __init__(self, name: str, parent: Collection, views: Mapping[str, Sequence[View]]) -> None:
        self.name = name
        self.parent = parent
        self.ids = parent.ids
        self.streams = parent.streams
        self.columns = {"parent": list(parent.ids), **parent.columns}
        self.auxiliary = parent.auxiliary
        self.views = {stream: tuple(each) for stream, each in views.items()}
        self._keys: dict[str, Sequence[str | None]] = {}

    def load(self, row: int, stream: str) -> Payload:
        """Decode the parent's stream and apply its views."""
        return self.seen(row, stream, self.parent.load(row, stream))

    def seen(self, row: int, stream: str, payload: Payload) -> Payload:
        """An item, given its parent's decoded payload: what :meth:`load` returns."""
        for view in self.views.get(stream, ()):
            payload = view.apply(payload, self._parent_keys(stream)[row] or "")
        return payload

    def content_keys(self, stream: str) -> Sequence[str | None]:
        """The parent's keys and the views; None stays None: what is missing is not filled."""
        keys, views = self._parent_keys(stream), self.views.get(stream, ())
        if not views:
            return keys
        added = "|".join(view.key() for view in views)
        return [None if key is None else f"{key}|{added}" for key in keys]

    def _parent_keys(self, stream: str) -> Sequence[str | None]:
        if stream not in self._keys:
            self._keys[stream] = self.parent.content_keys(stream)
        return self._keys[stream]


def zero_filled(name: str, parent: Collection, streams: Sequence[str]) -> ViewedCollection:
    """``parent`` with these streams filled with zeros.

    Raises:
        UsageError: A stream's kind has no zero (text, point clouds).
    """
    for stream in streams:
        kind = parent.streams[stream].kind
        if kind not in FILLABLE:
            raise UsageError(
                f"the stream {stream!r} can't be filled with zeros: a {kind} has none",
                where=f"task option strategy=zero, collection {parent.name}",
                fix="choose strategy=drop, which hands the stream over to nobody",
            )
    return ViewedCollection(name, parent, {stream: (View("zero"),) for stream in streams})
