"""Generated payloads at the edge of what is valid: silence, one pixel, no text, one point.

Each is made from an ordinary payload of the same slot, so that shapes that the slot fixes, and the
representation's own examples, are kept where they can be.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mmbench.api import Array, Audio, Image, PointCloud, Sequence, Table, Text, Tokens, Video

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from mmbench.api import Payload, Slot

__all__ = ["EXTREMES", "Extreme", "extremes_of", "fits_slot", "look_alikes", "octave", "zero_of"]

#: Letters of a very long text.
_LONG = 20_000
_SCRIPTS = (
    "Zażółć gęślą jaźń, 音楽と犬, مرحبا, नमस्ते, e\u0301 Z\u0351\u036b\u0343, "
    "\U0001f469\u200d\U0001f467 \U0001f3bb"
)


@dataclass(frozen=True)
class Extreme:
    """One way to be extreme.

    Attributes:
        group: The check that it belongs to.
        name: What it is, in words.
        kind: The payload kind.
        make: From an ordinary payload of the slot.
    """

    group: str
    name: str
    kind: str
    make: Callable[[Any], Payload]


def _resized(picture: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """A picture [height, width, 3] of the same pixels: the nearest ones."""
    rows = np.arange(height) * picture.shape[0] // height
    columns = np.arange(width) * picture.shape[1] // width
    return np.ascontiguousarray(picture[rows][:, columns])


def _sized(height: int, width: int) -> Callable[[Image], Image]:
    return lambda image: Image(_resized(image.pixels, height, width))


def _coloured(value: int) -> Callable[[Image], Image]:
    return lambda image: Image(np.full_like(image.pixels, value))


def _lasting(samples: int) -> Callable[[Audio], Audio]:
    def make(audio: Audio) -> Audio:
        repeats = -(-samples // audio.samples.shape[1])
        return Audio(np.tile(audio.samples, repeats)[:, :samples].copy(), audio.rate)

    return make


def _loud(audio: Audio) -> Audio:
    """Beyond full scale, and clipped: nearly a square wave."""
    return Audio((audio.samples * 1000.0).clip(-1.0, 1.0).astype(np.float32), audio.rate)


def _with_channels(count: int) -> Callable[[Audio], Audio]:
    """Channels of different loudness; a single one is the first."""

    def make(audio: Audio) -> Audio:
        shares = np.linspace(1.0, 0.2, count, dtype=np.float32)[:, None]
        return Audio(audio.samples[:1] * shares, audio.rate)

    return make


def _at_rate(rate: int) -> Callable[[Audio], Audio]:
    """The same sound, sampled at another rate."""

    def make(audio: Audio) -> Audio:
        length = max(round(audio.samples.shape[1] * rate / audio.rate), 1)
        at = np.linspace(0, audio.samples.shape[1] - 1, length)
        known = np.arange(audio.samples.shape[1])
        channels = [np.interp(at, known, channel) for channel in audio.samples]
        return Audio(np.stack(channels).astype(np.float32), rate)

    return make


def _stepping(steps: int) -> Callable[[Sequence], Sequence]:
    def make(sequence: Sequence) -> Sequence:
        rows = np.arange(steps) % len(sequence.values)
        return Sequence(sequence.values[rows])

    return make


def _pointing(count: int) -> Callable[[PointCloud], PointCloud]:
    def make(cloud: PointCloud) -> PointCloud:
        rows = np.arange(count) % len(cloud.xyz)
        return PointCloud(cloud.xyz[rows], None if cloud.rgb is None else cloud.rgb[rows])

    return make


def _in_one_place(cloud: PointCloud) -> PointCloud:
    return PointCloud(np.ones_like(cloud.xyz) * cloud.xyz[:1], cloud.rgb)


def _long_text(ordinary: Text) -> Text:
    words = f"{ordinary.text or 'word'} "
    return Text((words * (_LONG // len(words) + 1))[:_LONG])


def _with_holes(ordinary: Table) -> Table:
    return Table(dict.fromkeys(ordinary.cells))


def _with_more(ordinary: Table) -> Table:
    return Table({**ordinary.cells, "a column that nobody knows": "unexpected", "another": None})


#: Every extreme, in the order in which they are tried.
EXTREMES: tuple[Extreme, ...] = (
    Extreme("picture_size", "a picture of one pixel", "Image", _sized(1, 1)),
    Extreme("picture_size", "a picture of 8 x 800 pixels", "Image", _sized(8, 800)),
    Extreme("picture_size", "a picture of 800 x 8 pixels", "Image", _sized(800, 8)),
    Extreme("plain_picture", "an all-black picture", "Image", _coloured(0)),
    Extreme("plain_picture", "an all-white picture", "Image", _coloured(255)),
    Extreme("sound_length", "a sound of one sample", "Audio", _lasting(1)),
    Extreme("sound_length", "a sound of 320,000 samples", "Audio", _lasting(320_000)),
    Extreme("silence", "silence", "Audio",
            lambda audio: Audio(np.zeros_like(audio.samples), audio.rate)),
    Extreme("loud_sound", "a sound that is clipped at full scale", "Audio", _loud),
    Extreme("channels", "a sound in stereo", "Audio", _with_channels(2)),
    Extreme("channels", "a sound of one channel", "Audio", _with_channels(1)),
    Extreme("rate", "a sound at 44,100 Hz", "Audio", _at_rate(44_100)),
    Extreme("rate", "a sound at 8,000 Hz", "Audio", _at_rate(8_000)),
    Extreme("empty_text", "an empty text", "Text", lambda _: Text("")),
    Extreme("empty_text", "a text of three spaces", "Text", lambda _: Text("   ")),
    Extreme("long_text", "a text of 20,000 characters", "Text", _long_text),
    Extreme("scripts", "a text in other scripts, with emoji and combining marks", "Text",
            lambda _: Text(_SCRIPTS)),
    Extreme("cloud_size", "a cloud of one point", "PointCloud", _pointing(1)),
    Extreme("cloud_size", "a cloud of 5,000 points", "PointCloud", _pointing(5_000)),
    Extreme("cloud_in_one_place", "a cloud whose points are all equal", "PointCloud",
            _in_one_place),
    Extreme("cloud_colours", "a cloud without colours", "PointCloud",
            lambda cloud: PointCloud(cloud.xyz)),
    Extreme("cloud_colours", "a cloud with colours", "PointCloud",
            lambda cloud: PointCloud(cloud.xyz, np.full_like(cloud.xyz, 0.5))),
    Extreme("sequence_length", "a sequence of one step", "Sequence", _stepping(1)),
    Extreme("sequence_length", "a sequence of 1,000 steps", "Sequence", _stepping(1_000)),
    Extreme("zeros", "a sequence of zeros", "Sequence",
            lambda sequence: Sequence(np.zeros_like(sequence.values))),
    Extreme("zeros", "an array of zeros", "Array",
            lambda array: Array(np.zeros_like(array.values))),
    Extreme("one_frame", "a video of one frame", "Video",
            lambda video: Video(video.frames[:1], video.fps)),
    Extreme("table_holes", "a table without cells", "Table", lambda _: Table({})),
    Extreme("table_holes", "a table whose cells are all None", "Table", _with_holes),
    Extreme("table_columns", "a table with columns that nobody knows", "Table", _with_more),
    Extreme("one_token", "a single token", "Tokens", lambda tokens: Tokens(tokens.ids[:1])),
)  # fmt: skip


def extremes_of(group: str, ordinary: Payload) -> Iterator[tuple[str, Payload]]:
    """What one group's extremes of a payload's kind are called, and look like."""
    for extreme in EXTREMES:
        if extreme.group == group and extreme.kind == type(ordinary).__name__:
            yield extreme.name, extreme.make(ordinary)


def fits_slot(slot: Slot, payload: Payload) -> bool:
    """Whether a payload has the shape that a slot asks for; texts and tables have none."""
    if slot.shape is None or isinstance(payload, (Text, Table)):
        return True
    shape = _array_of(payload).shape
    return len(shape) == len(slot.shape) and all(
        wanted is None or wanted == given for wanted, given in zip(slot.shape, shape, strict=True)
    )


def zero_of(payload: Payload) -> Payload:
    """The payload of zeros of the same kind and shape: black, silence, no words, empty cells."""
    if isinstance(payload, Text):
        return Text("")
    if isinstance(payload, Table):
        return _with_holes(payload)
    emptied: Any = {
        name: np.zeros_like(value) if isinstance(value, np.ndarray) else value
        for name, value in vars(payload).items()
    }
    return type(payload)(**emptied)


def look_alikes(payload: Payload) -> tuple[Payload, Payload]:
    """Two payloads that a careless key takes for one: they differ at the end, or in the rate."""
    if isinstance(payload, Text):
        beginning = (f"{payload.text or 'word'} " * 200)[:200]
        return Text(f"{beginning} in the morning"), Text(f"{beginning} by night, far away")
    if isinstance(payload, Table):
        last = list(payload.cells)[-1:]
        return payload, Table({**payload.cells, **dict.fromkeys(last)})
    if isinstance(payload, Audio):
        return payload, Audio(payload.samples, payload.rate // 2)
    fields: Any = dict(vars(payload))
    name, values = next((n, v) for n, v in fields.items() if isinstance(v, np.ndarray))
    other = values.copy()
    end = max(len(other) * 3 // 4, 1)
    other[end:] = other[: len(other) - end]  # what stood at the beginning: valid values, too
    return payload, type(payload)(**{**fields, name: other})


def octave(audio: Audio) -> tuple[Audio, Audio]:
    """A sound an octave higher, of as many samples; and its samples at half the rate.

    They are a trifle softer, so that no cache takes one for the other.
    """
    length = audio.samples.shape[1]
    higher = np.tile(audio.samples[:, ::2], 2)[:, :length].copy()
    return Audio(higher, audio.rate), Audio(higher * np.float32(0.99999), audio.rate // 2)


def _array_of(payload: Payload) -> NDArray[Any]:
    """The array that a payload's shape is the shape of: its first."""
    found: NDArray[Any] = next(iter(vars(payload).values()))
    return found
