"""What the towers of a contrastive space take: payloads as arrays of one shape a slot."""

from __future__ import annotations

import re
from functools import lru_cache
from hashlib import blake2b
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from mmbench.api import ItemError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from mmbench.api import Audio, Image, Text
    from mmbench.api.payloads import Payload

    Floats = NDArray[np.float32]

__all__ = ["SIZES", "inputs_of", "kind_of", "parameter_count"]

#: Payload kinds that there is a tower for, and what it takes: channels, rows and columns of a
#: picture, whatever its aspect; one, bands and times of a sound; buckets of hashed words.
SIZES: dict[str, tuple[int, ...]] = {
    "Image": (3, 24, 32), "Audio": (1, 64, 24), "Text": (1024,),
}  # fmt: skip
_FRAME = 0.032  # seconds of one short-time spectrum
_RANGE = 1e-3  # 30 dB below the loudest band, sounds fade into the floor
_SILENCE = 1e-9  # power of a clip that counts as silent
_FLAT = 0.05  # deviation of a picture that counts as flat
_WORD = re.compile(r"\w+")


def kind_of(payloads: Sequence[Payload], *, where: str) -> str:
    """The kind of training payloads.

    Raises:
        UsageError: They are of several kinds, or of one that there is no tower for.
    """
    kinds = sorted({type(payload).__name__ for payload in payloads})
    if len(kinds) != 1 or kinds[0] not in SIZES:
        raise UsageError(
            f"there is no tower for payloads of kind {' and '.join(kinds)}", where=where,
            fix=f"train it on one of {', '.join(SIZES)} a slot",
        )  # fmt: skip
    return kinds[0]


def parameter_count(kind: str, dim: int, width: int) -> int:
    """Trained parameters of a tower."""
    if kind == "Text":
        return (SIZES[kind][0] + 1) * dim
    channels, rows, columns = SIZES[kind]
    convolutions = 9 * width * (channels + 2 * width) + 2 * (width + 2 * width)
    return convolutions + (2 * width * (rows // 4) * (columns // 4) + 1) * dim


def inputs_of(payloads: Sequence[Payload], kind: str, *, where: str) -> Floats:
    """[B, *SIZES[kind]] of payloads.

    Raises:
        UsageError: One is of another kind.
        ItemError: One holds NaN or infinity, or nothing at all.
    """
    found = np.zeros((len(payloads), *SIZES[kind]), dtype=np.float32)
    for row, payload in enumerate(payloads):
        if type(payload).__name__ != kind:
            raise UsageError(
                f"was trained on {kind}, and is handed {type(payload).__name__}", where=where
            )
        found[row] = _FUNCTIONS[kind](payload, SIZES[kind])
    return found


def _image(payload: Image, sizes: tuple[int, ...]) -> Floats:
    """The picture averaged to cells, which are centred and divided by their contrast."""
    import torch
    from torch.nn.functional import adaptive_avg_pool2d

    if not payload.pixels.size:
        raise ItemError("a picture has no pixels")
    pixels = torch.from_numpy(payload.pixels.astype(np.float32) / 255.0).permute(2, 0, 1)
    cells: Floats = adaptive_avg_pool2d(pixels[None], (sizes[1], sizes[2]))[0].numpy()
    centred = cells - cells.mean()
    scaled: Floats = centred / max(float(centred.std()), _FLAT)
    return scaled


def _audio(payload: Audio, sizes: tuple[int, ...]) -> Floats:
    """Log power of a short-time spectrum, averaged over bands and times."""
    import torch
    from torch.nn.functional import adaptive_avg_pool2d

    if not np.isfinite(payload.samples).all():
        raise ItemError("a sound holds NaN or infinity")
    sound = payload.samples.astype(np.float64).mean(axis=0)
    length = max(round(_FRAME * payload.rate), 2)
    if len(sound) < length:
        sound = np.pad(sound, (0, length - len(sound)))
    frames = np.lib.stride_tricks.sliding_window_view(sound, length)[:: max(length // 4, 1)]
    power = np.abs(np.fft.rfft(frames * np.hanning(length), axis=1)) ** 2 / length
    pooled = adaptive_avg_pool2d(
        torch.from_numpy(power.T.copy())[None], (sizes[1], sizes[2])
    ).numpy()
    levels = np.log(pooled / max(float(pooled.max()), _SILENCE) + _RANGE)
    scaled: Floats = (levels / -np.log(_RANGE) + 0.5).astype(np.float32)  # about -0.5..0.5
    return scaled


def _text(payload: Text, sizes: tuple[int, ...]) -> Floats:
    """Signed hashed counts of words and word pairs, beginning and end marked."""
    words = ["^", *_WORD.findall(payload.text.lower()), "$"]
    found = np.zeros(sizes, dtype=np.float32)
    for term in words[1:-1] + [" ".join(pair) for pair in pairwise(words)]:
        bucket, sign = _bucket(term, sizes[0])
        found[bucket] += sign
    return found


@lru_cache(maxsize=65536)
def _bucket(term: str, buckets: int) -> tuple[int, float]:
    """Where a term is counted, and with which sign."""
    number = int.from_bytes(blake2b(term.encode(), digest_size=8).digest(), "little")
    return (number >> 1) % buckets, 1.0 if number & 1 else -1.0


_FUNCTIONS: dict[str, Any] = {"Image": _image, "Audio": _audio, "Text": _text}
