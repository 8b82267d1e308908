"""Feature sequences of utterances as streams: where they are stored, and what is done to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

from mmbench.api import Array, Collection, ItemError, Sequence, Stream, Text, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Sequence as Rows

    import numpy as np
    from numpy.typing import NDArray

    from mmbench.api import Payload

__all__ = [
    "AS_STORED",
    "STREAMS",
    "Chosen",
    "Empty",
    "FeatureCollection",
    "Features",
    "Packed",
    "Padding",
    "Preparation",
    "negative_infinities",
]

#: The streams of every dataset here, in the order of the papers.
STREAMS = ("text", "audio", "vision")
Padding = Literal["keep", "trim"]
#: What a stream of nothing but zeros is.
Empty = Literal["keep", "missing"]


class Features(Protocol):
    """One stream of a collection, as it is stored."""

    @property
    def kind(self) -> Literal["Sequence", "Array", "Text"]:
        """The payload kind."""
        ...

    @property
    def shape(self) -> tuple[int | None, ...] | None:
        """Of a payload's array, as it is stored; None for words."""
        ...

    def keys(self) -> list[str | None]:
        """What names each row's content; None where the item lacks this stream."""
        ...

    def length(self, row: int) -> int | None:
        """Steps of a row before its padding, where the file says so."""
        ...

    def negative_infinities(self, row: int) -> int:
        """How many values of a row are -inf."""
        ...

    def values(self, row: int) -> Any:
        """A row's array, or its words.

        Raises:
            ItemError: It can't be read.
        """
        ...


@dataclass(frozen=True)
class Packed:
    """A stream that lies in memory: arrays [items, ...] of one file.

    Attributes:
        content: One array or text a row.
        file: Names the file's bytes and the place in it.
        kind: The payload kind.
        lengths: Steps of each row, where padding follows them and the file says so.
        absent: Rows that lack this stream.
    """

    content: Any
    file: str
    kind: Literal["Sequence", "Array", "Text"] = "Sequence"
    lengths: Rows[int] | None = None
    absent: frozenset[int] = frozenset()

    @property
    def shape(self) -> tuple[int | None, ...] | None:
        """The shape that all rows have."""
        return None if self.kind == "Text" else tuple(self.content.shape[1:])

    def keys(self) -> list[str | None]:
        """The file and the row."""
        return [
            None if row in self.absent else f"{self.file}/{row}" for row in range(len(self.content))
        ]

    def length(self, row: int) -> int | None:
        """Steps of a row before its padding, where the file says so."""
        return None if self.lengths is None else int(self.lengths[row])

    def negative_infinities(self, row: int) -> int:
        """How many values of a row are -inf."""
        return int(negative_infinities(self.content[row]).sum())

    def values(self, row: int) -> Any:
        """The row."""
        return self.content[row]


@dataclass(frozen=True)
class Chosen:
    """Rows of other streams: of several splits, say, dealt out anew.

    Attributes:
        parts: At least one, all of one kind.
        rows: Which part, and which of its rows.
        absent: Rows that lack this stream, besides those that lack it in their part.
    """

    parts: Rows[Features]
    rows: Rows[tuple[int, int]]
    absent: frozenset[int] = frozenset()

    @property
    def kind(self) -> Literal["Sequence", "Array", "Text"]:
        """The parts' kind."""
        return self.parts[0].kind

    @property
    def shape(self) -> tuple[int | None, ...] | None:
        """The parts' shape, an axis free where they differ."""
        shapes = [part.shape for part in self.parts]
        if any(shape is None for shape in shapes):
            return None
        axes = zip(*(shape for shape in shapes if shape is not None), strict=True)
        return tuple(axis[0] if len(set(axis)) == 1 else None for axis in axes)

    def keys(self) -> list[str | None]:
        """The parts' keys."""
        known = [part.keys() for part in self.parts]
        return [
            None if at in self.absent else known[part][row]
            for at, (part, row) in enumerate(self.rows)
        ]

    def length(self, row: int) -> int | None:
        """As the part says."""
        part, at = self.rows[row]
        return self.parts[part].length(at)

    def negative_infinities(self, row: int) -> int:
        """As the part has it."""
        part, at = self.rows[row]
        return self.parts[part].negative_infinities(at)

    def values(self, row: int) -> Any:
        """As the part has it."""
        part, at = self.rows[row]
        return self.parts[part].values(at)


@dataclass(frozen=True)
class Preparation:
    """What is done to a stored sequence, in this order.

    Attributes:
        padding: ``trim`` cuts steps of zeros off both ends (by the lengths, where a file has them).
        steps: 0 keeps all; else the first so many steps, and zeros before a sequence that is
            shorter, where MulT's pickles have them.
    """

    padding: Padding = "keep"
    steps: int = 0

    def __post_init__(self) -> None:
        if self.steps < 0:
            raise UsageError(
                f"steps={self.steps}: a sequence has some", fix="steps=0 keeps what is stored"
            )

    @property
    def key(self) -> str:
        """Part of every content key."""
        return f"{self.padding}, {self.steps or 'all'} steps"

    def shape(self, stored: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """The shape of what comes out."""
        return (self.steps or (None if self.padding == "trim" else stored[0]), *stored[1:])

    def apply(self, values: NDArray[np.float32], length: int | None) -> NDArray[np.float32]:
        """Prepare one sequence [steps, features]."""
        import numpy as np

        if self.padding == "trim":
            values = _trimmed(values, length)
        if self.steps:
            values = values[: self.steps]
            values = np.pad(values, ((self.steps - len(values), 0), (0, 0)))
        return np.ascontiguousarray(values)


AS_STORED = Preparation()


def _trimmed(values: NDArray[np.float32], length: int | None) -> NDArray[np.float32]:
    """Without padding; a sequence of nothing but zeros keeps one step of them."""
    import numpy as np

    if length is not None:
        return values[: max(length, 1)]
    there = np.flatnonzero(values.any(axis=1))
    return values[there[0] : there[-1] + 1] if len(there) else values[:1]


def negative_infinities(values: NDArray[Any]) -> NDArray[np.bool_]:
    """Where COVAREP's logarithm of nothing stands."""
    import numpy as np

    found: NDArray[np.bool_] = np.isneginf(values)
    return found


class FeatureCollection(Collection):
    """Utterances and their features.

    -inf in the audio stream becomes 0, as in MulT's, GMC's and MMSA's code. Everything else that is
    not finite makes its item a broken one.

    Args:
        name: The collection's name.
        ids: One a row.
        features: By stream name.
        columns: Row-aligned plain values.
        reader: Name and version of the reader, the beginning of every content key.
        preparation: What is done to the sequences.
        where: The file, for errors.
    """

    def __init__(
        self,
        name: str,
        ids: Rows[str],
        features: Mapping[str, Features],
        columns: Mapping[str, Rows[Any]],
        *,
        reader: str,
        preparation: Preparation = AS_STORED,
        where: str = "",
        auxiliary: bool = False,
    ) -> None:
        self.name = name
        self.ids = list(ids)
        self.columns = dict(columns)
        self.auxiliary = auxiliary
        self._features = dict(features)
        self._reader = reader
        self._preparation = preparation
        self._where = where
        self._keys: dict[str, list[str | None]] = {}
        self.streams = {name: self._stream(name, each) for name, each in features.items()}

    def _stream(self, name: str, features: Features) -> Stream:
        if features.kind == "Text":
            return Stream(name, "text", "Text")
        shape = features.shape
        if features.kind == "Sequence" and shape is not None:
            shape = self._preparation.shape(shape)
        return Stream(name, name, features.kind, shape)

    def load(self, row: int, stream: str) -> Payload:
        """One item's features, or its words.

        Raises:
            ItemError: It lacks them, they can't be read, or are not finite.
        """
        import numpy as np

        features = self._features[stream]
        where = f"{self._where}[{self.ids[row]}]"
        if self._stored_keys(stream)[row] is None:
            raise ItemError(f"has no {stream}", where=where)
        stored = features.values(row)
        if features.kind == "Text":
            return Text(str(stored))
        with np.errstate(over="ignore"):  # infinity is said of its item
            values = np.array(stored, dtype=np.float32)
        if stream == "audio":
            values[negative_infinities(values)] = 0.0
        wrong = int((~np.isfinite(values)).sum())
        if wrong:
            raise ItemError(f"{stream} holds NaN or infinity: {wrong} values", where=where)
        if features.kind == "Array":
            return Array(values)
        if values.ndim != 2 or not len(values):
            raise ItemError(f"{stream} has no steps: shape {values.shape}", where=where)
        return Sequence(self._preparation.apply(values, features.length(row)))

    def content_keys(self, stream: str) -> list[str | None]:
        """Reader, what is done to the steps, the file's hash and the place in it."""
        features = self._features[stream]
        done = f"/{self._preparation.key}" if features.kind == "Sequence" else ""
        return [
            None if key is None else f"{self._reader}{done}/{key}"
            for key in self._stored_keys(stream)
        ]

    def _stored_keys(self, stream: str) -> list[str | None]:
        if stream not in self._keys:
            self._keys[stream] = self._features[stream].keys()
        return self._keys[stream]
