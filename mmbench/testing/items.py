"""Generated items: payloads of any kind and shape, so that checks need no data.

Every item has a *meaning*, a small whole number that all its payloads show: brightness of a
picture, pitch of a sound, words of a text. Items of different meanings differ in every stream, and
streams of one item go together, so that a representation can be trained on them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from mmbench.api import (
    Array,
    Audio,
    BoundCollection,
    FitData,
    FitSpec,
    Image,
    MemoryCollection,
    Payload,
    PointCloud,
    Representation,
    Sequence,
    Slot,
    Stream,
    Table,
    Text,
    Tokens,
    Video,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Sequence as Rows

    from numpy.typing import NDArray

__all__ = [
    "MEANINGS",
    "STANDARD_STREAMS",
    "Items",
    "main_kind",
    "make_payload",
    "stream_of",
    "training_data",
]

#: How many meanings there are.
MEANINGS = 16

#: What a representation with open slots is bound to, where its author names no streams.
STANDARD_STREAMS = (
    Stream("image", "image", "Image"),
    Stream("audio", "audio", "Audio", rate=16_000),
    Stream("text", "text", "Text"),
)

_WORDS = (
    "a red bicycle leans on the wall", "two dogs bark at the postman", "rain falls on a tin roof",
    "the violin plays a slow tune", "a train leaves the station", "children laugh in the garden",
    "a helicopter lands on the field", "waves break on the rocks", "someone chops wood",
    "the church bell rings at noon", "a cat sleeps on the sofa", "thunder rolls over the hills",
    "an old clock ticks", "the crowd cheers in the stadium", "a kettle whistles on the stove",
    "birds sing before sunrise",
)  # fmt: skip
_KIND_OF_MODALITY = {
    "image": "Image", "audio": "Audio", "text": "Text", "pointcloud": "PointCloud",
    "video": "Video", "table": "Table", "trajectory": "Sequence",
}  # fmt: skip
#: Lengths of axes that a slot leaves free, by kind.
_FREE = {"Image": (48, 64, 3), "Video": (6, 32, 40, 3), "Sequence": (20, 8), "PointCloud": (256, 3)}


def main_kind(slot: Slot) -> str:
    """The payload kind that stands for a slot which takes several."""
    usual = _KIND_OF_MODALITY.get(slot.modality, "")
    return usual if usual in slot.kinds else slot.kinds[0]


def stream_of(slot: Slot, kind: str | None = None) -> Stream:
    """A stream that fits a slot, of its main kind unless another is named."""
    kind = kind or main_kind(slot)
    rate = {"Audio": 16_000.0, "Video": 8.0}.get(kind)
    return Stream(slot.name, slot.modality, kind, slot.shape, rate)


def make_payload(stream: Stream, meaning: int, rng: np.random.Generator) -> Payload:
    """A payload of the stream's kind, shape and rate that shows ``meaning`` (0..MEANINGS-1)."""
    return _MAKERS[stream.kind](stream, meaning % MEANINGS, rng)


def _filled(stream: Stream, free: tuple[int, ...]) -> tuple[int, ...]:
    """The stream's shape, its free axes at lengths of our choice."""
    shape = stream.shape if stream.shape is not None else free
    usual = free if len(free) == len(shape) else (8,) * len(shape)
    return tuple(
        length if length is not None else other for length, other in zip(shape, usual, strict=True)
    )


def _image(stream: Stream, meaning: int, rng: np.random.Generator) -> Image:
    height, width, _ = _filled(stream, _FREE["Image"])
    return Image(_pictures(1, height, width, meaning, rng)[0])


def _video(stream: Stream, meaning: int, rng: np.random.Generator) -> Video:
    frames, height, width, _ = _filled(stream, _FREE["Video"])
    return Video(_pictures(frames, height, width, meaning, rng), float(stream.rate or 8.0))


def _pictures(
    count: int, height: int, width: int, meaning: int, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Stripes whose colour, number and brightness follow the meaning, with a little noise."""
    colour = np.array([meaning * 14 + 20, 245 - meaning * 13, (meaning * 53) % 200 + 30])
    waves = np.sin(np.linspace(0, (1 + meaning) * np.pi, width))[None, :, None]
    rising = np.linspace(0.6, 1.0, height)[:, None, None]
    picture = colour * (0.75 + 0.25 * waves) * rising
    noisy = picture + rng.normal(scale=4.0, size=(count, height, width, 3))
    pixels: NDArray[np.uint8] = noisy.clip(0, 255).astype(np.uint8)
    return pixels


def _audio(stream: Stream, meaning: int, rng: np.random.Generator) -> Audio:
    rate = int(stream.rate or 16_000)
    channels, length = _filled(stream, (1, rate)) if stream.shape else (1, rate)
    time = np.arange(length) / rate
    tone = 0.4 * np.sin(2 * np.pi * (180.0 + 137.0 * meaning) * time)
    noise = rng.normal(scale=0.01, size=(channels, length))
    return Audio((tone + noise).clip(-1, 1).astype(np.float32), rate)


def _text(_stream: Stream, meaning: int, rng: np.random.Generator) -> Text:
    endings = (".", "", " today.", ", far away.")
    return Text(_WORDS[meaning] + endings[int(rng.integers(len(endings)))])


def _tokens(stream: Stream, meaning: int, rng: np.random.Generator) -> Tokens:
    (length,) = _filled(stream, (12,)) if stream.shape else (12,)
    ids = (np.arange(length) * (meaning + 1) + meaning) % 32
    ids[-1] = rng.integers(32)
    return Tokens(ids.astype(np.int64))


def _points(stream: Stream, meaning: int, rng: np.random.Generator) -> PointCloud:
    count, _ = _filled(stream, _FREE["PointCloud"])
    directions = rng.normal(size=(count, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    stretched = directions * [1.0, 0.2 + 0.1 * meaning, 1.7 - 0.1 * meaning]
    shades = np.tile([meaning / MEANINGS, 1 - meaning / MEANINGS, 0.5], (count, 1))
    return PointCloud(stretched.astype(np.float32), shades.astype(np.float32))


def _sequence(stream: Stream, meaning: int, rng: np.random.Generator) -> Sequence:
    steps, features = _filled(stream, _FREE["Sequence"])
    return Sequence(_wavy((steps, features), meaning, rng))


def _array(stream: Stream, meaning: int, rng: np.random.Generator) -> Array:
    return Array(_wavy(_filled(stream, (16,)), meaning, rng))


def _wavy(shape: tuple[int, ...], meaning: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Numbers around 0 whose pattern follows the meaning."""
    size = int(np.prod(shape))
    pattern = np.cos(np.arange(size) * (0.1 + 0.17 * meaning) + meaning).reshape(shape)
    noisy: NDArray[np.float32] = (pattern + rng.normal(scale=0.02, size=shape)).astype(np.float32)
    return noisy


def _table(_stream: Stream, meaning: int, _rng: np.random.Generator) -> Table:
    return Table(
        {
            "title": _WORDS[meaning],
            "price": float(meaning) + 0.5,
            "pieces": meaning + 1,
            "new": meaning % 2 == 0,
            "colour": ("red", "green", "blue")[meaning % 3],
        }
    )


_MAKERS: dict[str, Callable[[Stream, int, np.random.Generator], Payload]] = {
    "Image": _image, "Audio": _audio, "Text": _text, "Tokens": _tokens, "PointCloud": _points,
    "Video": _video, "Sequence": _sequence, "Table": _table, "Array": _array,
}  # fmt: skip


@dataclass(frozen=True)
class Items:
    """Makes items for a representation: its own examples where it gives some, generated ones else.

    Attributes:
        representation: Asked for examples first.
        slots: Its slots.
    """

    representation: Representation
    slots: tuple[Slot, ...]
    _made: dict[tuple[str, int, int, str | None], Payload] = field(default_factory=dict)

    def payload(self, slot: Slot, meaning: int, seed: int, kind: str | None = None) -> Payload:
        """One payload for a slot; the same for the same arguments."""
        key = (slot.name, meaning, seed, kind)
        if key not in self._made:
            made = self._make(slot, meaning, seed, kind)
            if seed or not isinstance(made, Payload):
                return made
            self._made[key] = made  # the standard items: checks ask for them over and over
        return _copied(self._made[key])

    def _make(self, slot: Slot, meaning: int, seed: int, kind: str | None) -> Payload:
        rng = np.random.default_rng([seed, meaning, *slot.name.encode()])
        own = self.representation.example(slot, meaning, rng) if kind is None else None
        return own if own is not None else make_payload(stream_of(slot, kind), meaning, rng)

    def batch(
        self, names: Rows[str] | frozenset[str], meanings: Rows[int], seed: int = 0
    ) -> dict[str, list[Payload]]:
        """A batch of these slots, one row a meaning."""
        return {
            slot.name: [self.payload(slot, meaning, seed) for meaning in meanings]
            for slot in self.slots
            if slot.name in names
        }


def _copied(payload: Payload) -> Payload:
    """A payload of its own, so that one that is written into spoils no other."""
    fields: Any = {
        name: value.copy() if isinstance(value, np.ndarray | dict) else value
        for name, value in vars(payload).items()
    }
    return type(payload)(**fields)


def training_data(
    items: Items, *, count: int = 48, seed: int = 0, target: str | None = None
) -> FitData:
    """Training and validation items for every slot, with the columns ``label`` and ``value``.

    Args:
        items: Makes the payloads.
        count: Training items; a quarter as many validate.
        seed: Of the items.
        target: ``"class"`` or ``"value"`` for a supervised fit.
    """
    train = _collection(items, "train", count, seed)
    valid = _collection(items, "valid", max(count // 4, 4), seed + 1)
    binding = {slot.name: slot.name for slot in items.slots}
    column = {"class": "label", "value": "value", None: None}[target]
    kind: Any = target
    spec = FitSpec("train", "valid", target=column, target_kind=kind)
    return FitData(BoundCollection(train, binding), BoundCollection(valid, binding), spec)


def _collection(items: Items, name: str, count: int, seed: int) -> MemoryCollection:
    meanings = [row % MEANINGS for row in range(count)]
    return MemoryCollection(
        name=name,
        ids=[f"{name}-{row}" for row in range(count)],
        streams={slot.name: stream_of(slot) for slot in items.slots},
        payloads={
            slot.name: [
                items.payload(slot, meaning, seed * 1000 + row)
                for row, meaning in enumerate(meanings)
            ]
            for slot in items.slots
        },
        columns={
            "label": [meaning % 4 for meaning in meanings],
            "value": [meaning / MEANINGS for meaning in meanings],
        },
    )
