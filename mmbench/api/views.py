"""Views: named, seeded transformations that derive one collection from another.

A view is plain data. Crops of box proposals, frame-level missing, noise curves and zero-filled
streams are all this one thing: a parent and a list of views. Randomness comes from the view's
seed and the item's content key, never from a batch or a global generator. A zero-filled stream
is a view; a *missing* stream is an absent payload.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, TypeVar, cast

from mmbench.api.collection import Collection
from mmbench.api.errors import ItemError, UsageError
from mmbench.api.payloads import Array, Audio, Image, Sequence, Video

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from collections.abc import Sequence as Rows

    import numpy as np

    from mmbench.api.payloads import Payload
    from mmbench.api.streams import Stream

__all__ = ["VIEWS", "DerivedCollection", "View"]

#: Of the functions below; part of every key, so that a changed view is another content.
VERSION = 1

P = TypeVar("P")


@dataclass(frozen=True)
class View:
    """One transformation: its name, its options and a seed.

    ``crop`` cuts ``box = [x1, y1, x2, y2]`` (shares of the frame) out of an image; ``noise`` adds
    Gaussian noise of standard deviation ``level``, in units of the payload's own scale;
    ``drop_frames`` sets a share ``rate`` of the time steps to zero; ``zero`` sets all to zero.
    """

    name: str
    options: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0

    def key(self) -> str:
        """The part of a content key that this view adds."""
        options = json.dumps(dict(self.options), sort_keys=True, default=_listed)
        return f"{self.name}@{VERSION}:{options}:{self.seed}"

    def apply(self, payload: Payload, item_key: str) -> Payload:
        """Transform one payload; ``item_key`` and the seed fix all randomness."""
        import numpy as np

        try:
            function = VIEWS[self.name]
        except KeyError:
            raise UsageError(f"no view is called {self.name!r}: {', '.join(VIEWS)}") from None
        entropy = int.from_bytes(
            blake2b(f"{self.key()}|{item_key}".encode(), digest_size=8).digest(), "little"
        )
        return function(payload, dict(self.options), np.random.default_rng(entropy))


def _crop(payload: Payload, options: dict[str, Any], _rng: np.random.Generator) -> Payload:
    """Cut the box ``[x1, y1, x2, y2]`` (shares of the frame, 0..1) out of an image."""
    import numpy as np

    image = _expect(payload, Image, "crop")
    height, width = image.pixels.shape[:2]
    x1, y1, x2, y2 = (min(max(float(value), 0.0), 1.0) for value in options["box"])
    left, top = int(x1 * width), int(y1 * height)
    right, bottom = max(int(np.ceil(x2 * width)), left + 1), max(int(np.ceil(y2 * height)), top + 1)
    cut = image.pixels[top:bottom, left:right]
    if not cut.size:
        raise ItemError(f"box {options['box']} cuts nothing out of a {width}x{height} image")
    return Image(np.ascontiguousarray(cut))


def _noise(payload: Payload, options: dict[str, Any], rng: np.random.Generator) -> Payload:
    """Add Gaussian noise of standard deviation ``level`` (in units of the payload's own scale)."""
    import numpy as np

    level = float(options["level"])
    values = _values(payload, "noise")
    if values.dtype == np.uint8:  # pictures: full scale is 255
        noisy = values + rng.normal(0.0, level * 255.0, values.shape)
        return _with_values(payload, np.clip(np.round(noisy), 0, 255))
    return _with_values(payload, values + rng.normal(0.0, level, values.shape).astype(values.dtype))


def _drop_frames(payload: Payload, options: dict[str, Any], rng: np.random.Generator) -> Payload:
    """Set a share ``rate`` of the time steps to zero, each drawn by itself."""
    import numpy as np

    if isinstance(payload, Audio):
        keep = rng.random(payload.samples.shape[1]) >= float(options["rate"])
        return _with_values(payload, np.where(keep[None, :], payload.samples, 0))
    if not isinstance(payload, (Video, Sequence)):
        raise UsageError(f"view 'drop_frames' needs a time axis; {type(payload).__name__} has none")
    values = _values(payload, "drop_frames")
    keep = rng.random(values.shape[0]) >= float(options["rate"])
    # Not a product: a dropped NaN or infinity is zero too.
    return _with_values(payload, np.where(keep.reshape(-1, *[1] * (values.ndim - 1)), values, 0))


def _zero(payload: Payload, _options: dict[str, Any], _rng: np.random.Generator) -> Payload:
    """Fill the payload with zeros. The stream counts as present: it is filled, not missing."""
    import numpy as np

    return _with_values(payload, np.zeros_like(_values(payload, "zero")))


def _listed(value: Any) -> Any:
    """Numpy scalars and arrays among a view's options."""
    return value.tolist()


def _values(payload: Payload, view: str) -> Any:
    """The array that a view works on."""
    if isinstance(payload, Image):
        return payload.pixels
    if isinstance(payload, Audio):
        return payload.samples
    if isinstance(payload, Video):
        return payload.frames
    if isinstance(payload, (Sequence, Array)):
        return payload.values
    raise UsageError(f"view {view!r} does not apply to a payload of kind {type(payload).__name__}")


def _with_values(payload: Payload, values: Any) -> Payload:
    """The same payload around another array of the same dtype."""
    values = values.astype(_values(payload, "any").dtype, copy=False)
    if isinstance(payload, Image):
        return Image(values)
    if isinstance(payload, Audio):
        return replace(payload, samples=values)
    if isinstance(payload, Video):
        return replace(payload, frames=values)
    return type(cast("Array", payload))(values)


def _expect(payload: object, kind: type[P], view: str) -> P:
    if not isinstance(payload, kind):
        raise UsageError(f"view {view!r} applies to {kind.__name__}, not {type(payload).__name__}")
    return payload


#: View name to ``(payload, options, rng) -> payload``.
VIEWS: dict[str, Callable[[Payload, dict[str, Any], np.random.Generator], Payload]] = {
    "crop": _crop,
    "noise": _noise,
    "drop_frames": _drop_frames,
    "zero": _zero,
}


class DerivedCollection(Collection):
    """A parent's items, each seen through its own list of views on one stream.

    Children carry their parent's id in the column ``parent`` and fall with it: an item that the
    runner drops takes its children along.

    Args:
        name: The collection's name.
        parent: The collection it is derived from.
        stream: The parent's stream that the views transform; other streams are not carried.
        rows: One parent row a child. Children of one parent lie next to each other, so that a
            parent is decoded once.
        views: One list of views a child.
        ids: Defaults to ``<parent id>#<running number>``.
        columns: Further columns of the children.

    Raises:
        UsageError: The parent has no such stream, or lists of different lengths.
    """

    def __init__(
        self,
        name: str,
        parent: Collection,
        stream: str,
        rows: Rows[int],
        views: Rows[Rows[View]],
        *,
        ids: Rows[str] | None = None,
        columns: Mapping[str, Rows[Any]] | None = None,
        auxiliary: bool = False,
    ) -> None:
        for what, count in (("views", len(views)), ("ids", len(rows if ids is None else ids))):
            if count != len(rows):
                raise UsageError(f"{len(rows)} rows and {count} {what}", where=f"collection {name}")
        if stream not in parent.streams:
            raise UsageError(
                f"{parent.name!r} has no stream {stream!r}", where=f"collection {name}"
            )
        self.name = name
        self.parent = parent
        self.stream = stream
        self.auxiliary = auxiliary
        self.streams: Mapping[str, Stream] = {stream: replace(parent.streams[stream], shape=None)}
        self._rows = list(rows)
        self._views = [tuple(each) for each in views]
        self.ids = list(ids) if ids is not None else self._number()
        parents = [parent.ids[row] for row in self._rows]
        self.columns = {"parent": parents, **(columns or {})}
        self._parent_keys: Rows[str | None] | None = None
        self._decode = self._decoder()

    def __getstate__(self) -> dict[str, Any]:
        """Leave the decode cache out: it is neither picklable nor worth sending."""
        return {key: value for key, value in self.__dict__.items() if key != "_decode"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._decode = self._decoder()

    def _decoder(self) -> Callable[[int], Payload | ItemError]:
        """Keeps one decoded parent, or why there is none: its children follow one another."""

        def decode(row: int) -> Payload | ItemError:
            try:
                return self.parent.load(row, self.stream)
            except ItemError as error:
                return error

        return lru_cache(maxsize=1)(decode)

    def load(self, row: int, stream: str) -> Payload:
        """Decode the parent (once for all its children) and apply this child's views."""
        self._check_stream(stream)
        payload = self._decode(self._rows[row])
        if isinstance(payload, ItemError):
            raise ItemError(payload.what, where=payload.where, fix=payload.fix)
        return self.seen(row, payload)

    def parent_row(self, row: int) -> int:
        """The row of the parent that a child is seen in."""
        return self._rows[row]

    def seen(self, row: int, payload: Payload) -> Payload:
        """A child, given its parent's decoded payload: what :meth:`load` returns."""
        key = self._keys()[self._rows[row]] or ""
        for view in self._views[row]:
            payload = view.apply(payload, key)
        return payload

    def content_keys(self, stream: str) -> Rows[str | None]:
        """The parent's key and the views."""
        self._check_stream(stream)
        keys = self._keys()
        found: list[str | None] = []
        for row, views in zip(self._rows, self._views, strict=True):
            key = keys[row]
            found.append(None if key is None else "|".join([key, *(view.key() for view in views)]))
        return found

    def _check_stream(self, stream: str) -> None:
        if stream != self.stream:
            raise KeyError(stream)

    def _keys(self) -> Rows[str | None]:
        if self._parent_keys is None:
            self._parent_keys = self.parent.content_keys(self.stream)
        return self._parent_keys

    def _number(self) -> list[str]:
        """``<parent id>#<n>`` with n counted from 0 within each parent."""
        seen: dict[int, int] = {}
        ids = []
        for row in self._rows:
            ids.append(f"{self.parent.ids[row]}#{seen.get(row, 0)}")
            seen[row] = seen.get(row, 0) + 1
        return ids
