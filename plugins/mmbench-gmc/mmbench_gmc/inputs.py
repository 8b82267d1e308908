"""The tensor form of streams: payloads of every kind to float32 arrays of one shape.

Arrays, and sequences of a fixed length, are handed on as they are. Of the rest:

- Image: red, green and blue in 0..1, reduced to about a thousand pixels in the stream's aspect;
- Audio: [1, 32 times, 64 bands] log power in 0..1 of an STFT, 60 dB deep, bands even in mel;
- Text: signed hashed counts of words and pairs of words, beginning and end marked;
- Sequence: resampled to 50 steps where the stream fixes no length, or a long one;
- PointCloud: 256 of its points in order, centred, the farthest at distance 1.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from functools import lru_cache
from hashlib import blake2b
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from mmbench.api import (
    Array,
    Audio,
    Image,
    ItemError,
    PointCloud,
    Sequence,
    Slot,
    Text,
    UsageError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from collections.abc import Sequence as Rows

    from numpy.typing import NDArray

    from mmbench.api import Payload, Stream

    Floats = NDArray[np.float32]

__all__ = ["KINDS", "Input", "input_like", "input_of", "slot_of", "to_arrays"]

#: Pixels that a picture is reduced to, and the sides of one whose stream fixes no shape.
_PIXELS, _SIDE = 1024, 32
_TIMES, _BANDS = 32, 64
_FRAME, _TOP, _DEPTH = 0.032, 8000.0, 1e-6  # seconds; Hz; 60 dB below the loudest
_WORDS, _WORD = 512, re.compile(r"\w+")
_STEPS, _MOST_STEPS = 50, 128
_POINTS = 256
_FLOOR = 1e-6


@dataclass(frozen=True)
class Input:
    """A stream as a network takes it.

    Attributes:
        slot: The slot that it fills.
        kind: The payload kind.
        shape: Of one item's array; no axis varies.
        modality: Its role.
    """

    slot: str
    kind: str
    shape: tuple[int, ...]
    modality: str = ""

    @property
    def size(self) -> int:
        """Numbers of one item."""
        return int(np.prod(self.shape))

    def as_json(self) -> dict[str, Any]:
        """For a state's metadata."""
        return {**asdict(self), "shape": list(self.shape)}

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> Input:
        """From a state's metadata."""
        return cls(**{**found, "shape": tuple(found["shape"])})


def slot_of(stream: Stream) -> Slot:
    """The slot that is opened for a stream: of its kind, and its shape where that matters."""
    shape: tuple[int | None, ...] | None = None
    if stream.kind == "Array":
        shape = stream.shape
    elif stream.kind == "Sequence" and stream.shape is not None:
        fixed = stream.shape[0] is not None and stream.shape[0] <= _MOST_STEPS
        shape = (stream.shape[0] if fixed else None, *stream.shape[1:])
    return Slot(stream.name, stream.modality, (stream.kind,), shape)


def input_of(stream: Stream) -> Input | None:
    """A stream's tensor form; None where its declaration does not say, and a payload must."""
    shape = _SHAPES[stream.kind](stream.shape)
    if shape is None:
        return None
    return Input(stream.name, stream.kind, shape, stream.modality)


def input_like(slot: Slot, payload: Payload) -> Input:
    """The tensor form of a slot whose declaration leaves it open, from one of its payloads."""
    kind = slot.kinds[0]
    seen = payload.values.shape if isinstance(payload, Array | Sequence) else None
    if kind == "Sequence" and seen is not None:
        declared = slot.shape[0] if slot.shape is not None else None
        shape = _SHAPES[kind]((declared, *seen[1:]))
    else:
        shape = _SHAPES[kind](seen)
    if shape is None:
        raise UsageError(f"{slot.name} holds a {type(payload).__name__}, and should a {kind}")
    return Input(slot.name, kind, shape, slot.modality)


def to_arrays(form: Input, payloads: Rows[Payload]) -> Floats:
    """[B, *shape] of payloads of one stream.

    Raises:
        ItemError: A payload is empty, or holds NaN or infinity.
        UsageError: A payload is of another kind or shape than those that were learnt from.
    """
    arrays = np.empty((len(payloads), *form.shape), dtype=np.float32)
    for row, payload in enumerate(payloads):
        if type(payload).__name__ != form.kind:
            raise UsageError(
                f"takes payloads of kind {form.kind} and is handed a {type(payload).__name__}",
                where=f"slot {form.slot}",
            )
        found = _MAKERS[form.kind](payload, form.shape)
        if found.shape != form.shape:
            raise UsageError(
                f"learnt from payloads of shape {form.shape} and is handed {found.shape}",
                where=f"slot {form.slot}",
            )
        if not np.isfinite(found).all():
            raise ItemError(f"a payload of kind {form.kind} holds NaN or infinity")
        arrays[row] = found
    return arrays


# What a declared shape becomes; None: it says too little.
def _image_shape(declared: tuple[int | None, ...] | None) -> tuple[int, ...]:
    if declared is None or declared[0] is None or declared[1] is None:
        return (3, _SIDE, _SIDE)
    height, width = max(declared[0], 4), max(declared[1], 4)
    if height * width > _PIXELS:
        rows = max(round((_PIXELS * height / width) ** 0.5 / 4), 1) * 4
        height, width = rows, max(round(_PIXELS / rows / 4), 1) * 4
    return (3, height, width)


def _sequence_shape(declared: tuple[int | None, ...] | None) -> tuple[int, ...] | None:
    if declared is None or declared[1] is None:
        return None
    steps = declared[0] if declared[0] is not None and declared[0] <= _MOST_STEPS else _STEPS
    return (steps, declared[1])


def _array_shape(declared: tuple[int | None, ...] | None) -> tuple[int, ...] | None:
    if declared is None or any(length is None for length in declared):
        return None
    return tuple(length for length in declared if length is not None)


def _image(payload: Image, shape: tuple[int, ...]) -> Floats:
    import torch
    from torch.nn.functional import interpolate

    if not payload.pixels.size:
        raise ItemError("a picture has no pixels")
    channels = np.ascontiguousarray(payload.pixels.transpose(2, 0, 1), dtype=np.float32)
    if channels.shape != shape:
        pixels = torch.from_numpy(channels)[None]
        channels = interpolate(pixels, shape[1:], mode="bilinear", antialias=True)[0].numpy()
    return np.asarray(channels / 255.0, dtype=np.float32)


def _audio(payload: Audio, shape: tuple[int, ...]) -> Floats:
    _, times, bands = shape
    sound = payload.samples.astype(np.float64).mean(axis=0)
    if not len(sound):
        raise ItemError("a sound has no samples")
    length = max(round(_FRAME * payload.rate), 2)
    sound = np.pad(sound, (0, max(length - len(sound), 0)))
    frames = np.lib.stride_tricks.sliding_window_view(sound, length)[:: max(length // 4, 1)]
    power = np.abs(np.fft.rfft(frames * np.hanning(length + 2)[1:-1], axis=1)) ** 2
    pooled = _even(len(power), times) @ power @ _mel_bands(payload.rate, length, bands).T
    level = np.log(pooled / max(float(pooled.max()), _FLOOR) + _DEPTH) / -np.log(_DEPTH) + 1.0
    return np.asarray(level[None], dtype=np.float32)


@lru_cache(maxsize=64)
def _even(size: int, count: int) -> NDArray[np.float64]:
    """[count, size] means over ``count`` equal intervals of ``size`` cells."""
    edges = np.linspace(0.0, size, count + 1)
    return _means(edges[:-1], edges[1:], np.arange(size + 1.0))


@lru_cache(maxsize=64)
def _mel_bands(rate: int, length: int, bands: int) -> NDArray[np.float64]:
    """[bands, length // 2 + 1] means over bands of the spectrum, even in mel up to 8 kHz.

    Bands above half the rate are empty.
    """
    top = 2595.0 * np.log10(1.0 + _TOP / 700.0)
    edges = 700.0 * (10.0 ** (np.linspace(0.0, top, bands + 1) / 2595.0) - 1.0)
    cells = (np.arange(length // 2 + 2) - 0.5) * rate / length
    return _means(edges[:-1], edges[1:], cells)


def _means(
    start: NDArray[np.float64], stop: NDArray[np.float64], cells: NDArray[np.float64]
) -> NDArray[np.float64]:
    """[K, C] shares of intervals ``start .. stop`` that lie in each of the cells between edges."""
    overlap = np.minimum(stop[:, None], cells[1:]) - np.maximum(start[:, None], cells[:-1])
    shares: NDArray[np.float64] = np.maximum(overlap, 0.0) / (stop - start)[:, None]
    return shares


def _text(payload: Text, shape: tuple[int, ...]) -> Floats:
    words = ["^", *_WORD.findall(payload.text.lower()), "$"]
    counts = np.zeros(shape, dtype=np.float32)
    for term in words[1:-1] + [" ".join(pair) for pair in pairwise(words)]:
        bucket, sign = _bucket(term, shape[0])
        counts[bucket] += sign
    return counts


@lru_cache(maxsize=65536)
def _bucket(term: str, buckets: int) -> tuple[int, float]:
    """Where a term is counted, and with which sign."""
    number = int.from_bytes(blake2b(term.encode(), digest_size=8).digest(), "little")
    return (number >> 1) % buckets, 1.0 if number & 1 else -1.0


def _sequence(payload: Sequence, shape: tuple[int, ...]) -> Floats:
    values, steps = payload.values, shape[0]
    if not len(values):
        raise ItemError("a sequence has no steps")
    if len(values) == steps:
        return np.asarray(values, dtype=np.float32)
    at = np.linspace(0.0, len(values) - 1.0, steps)
    low = np.floor(at).astype(int)
    high, share = np.minimum(low + 1, len(values) - 1), (at - low)[:, None]
    return np.asarray(values[low] * (1.0 - share) + values[high] * share, dtype=np.float32)


def _pointcloud(payload: PointCloud, shape: tuple[int, ...]) -> Floats:
    if not len(payload.xyz):
        raise ItemError("a point cloud has no points")
    taken = np.arange(shape[0]) * len(payload.xyz) // shape[0]
    points = payload.xyz[taken].astype(np.float64)
    points = points - points.mean(axis=0)
    radius = np.sqrt((points**2).sum(axis=1).max())
    return np.asarray(points / max(radius, _FLOOR), dtype=np.float32)


def _array(payload: Array, _shape: tuple[int, ...]) -> Floats:
    return np.asarray(payload.values, dtype=np.float32)


_SHAPES: dict[str, Callable[[tuple[int | None, ...] | None], tuple[int, ...] | None]] = {
    "Image": _image_shape,
    "Audio": lambda _: (1, _TIMES, _BANDS),
    "Text": lambda _: (_WORDS,),
    "Sequence": _sequence_shape,
    "PointCloud": lambda _: (_POINTS, 3),
    "Array": _array_shape,
}
_MAKERS: dict[str, Callable[[Any, tuple[int, ...]], Floats]] = {
    "Image": _image,
    "Audio": _audio,
    "Text": _text,
    "Sequence": _sequence,
    "PointCloud": _pointcloud,
    "Array": _array,
}
#: The payload kinds that there is a tensor form of.
KINDS = tuple(_SHAPES)
