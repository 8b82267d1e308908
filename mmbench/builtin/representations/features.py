"""Fixed features of payloads for plain linear models: deterministic, nothing learnt.

One function a payload kind, each to a float64 vector of fixed length:

- Image: grey values averaged over a grid, centred and divided by their contrast;
- Audio: log power of a short-time spectrum, averaged over a grid of times and frequencies;
- Text: signed hashed counts of words and word pairs, beginning and end marked;
- Sequence: resampled to a fixed number of steps;
- PointCloud: share of the points in each voxel of their bounding box, as square roots;
- Array: its values.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from functools import lru_cache
from hashlib import blake2b
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from mmbench.api.errors import ItemError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from mmbench.api.payloads import Array, Audio, Image, Payload, PointCloud, Sequence, Text

    Vector = NDArray[np.float64]
    Floats = NDArray[np.floating[Any]]

_WORD = re.compile(r"\w+")
_FRAME = 0.032  # seconds of one short-time spectrum
_RANGE = 1e-3  # 30 dB below the loudest band, sounds fade into the floor
_SILENCE = 1e-9  # power of a clip that counts as silent
_CONTRAST_FLOOR = 0.05  # shares of full scale: flat pictures stay flat


@dataclass(frozen=True)
class FeatureGrid:
    """The sizes of all features.

    Attributes:
        rows: Rows of an image's grid.
        columns: Columns of an image's grid.
        times: Time bins of a sound.
        bands: Frequency bands of a sound, of equal width from 0 to half its rate.
        buckets: Buckets of hashed words.
        steps: Steps of a sequence.
        voxels: Voxels along x, y and z.
    """

    rows: int = 14
    columns: int = 14
    times: int = 12
    bands: int = 64
    buckets: int = 512
    steps: int = 60
    voxels: tuple[int, int, int] = (24, 12, 4)

    def as_json(self) -> dict[str, Any]:
        """For a state's metadata."""
        return {**asdict(self), "voxels": list(self.voxels)}

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> FeatureGrid:
        """From a state's metadata."""
        return cls(**{**found, "voxels": tuple(found["voxels"])})


def image_grid(height: float, width: float, cells: int) -> tuple[int, int]:
    """Rows and columns of about ``cells`` square cells for pictures of this aspect."""
    rows = min(max(round((cells * height / width) ** 0.5), 1), cells)
    return rows, max(round(cells / rows), 1)


def featurise(payload: Payload, grid: FeatureGrid) -> Vector:
    """Features of one payload.

    Raises:
        UsageError: There are none for this kind of payload.
        ItemError: The payload holds NaN or infinity, or nothing at all.
    """
    function = FEATURISERS.get(type(payload).__name__)
    if function is None:
        raise UsageError(f"no plain features for payloads of kind {type(payload).__name__}")
    for values in vars(payload).values():
        if isinstance(values, np.ndarray) and not np.isfinite(values).all():
            raise ItemError(f"a payload of kind {type(payload).__name__} holds NaN or infinity")
    return function(payload, grid)


def interval_weights(size: int, start: Vector, stop: Vector) -> NDArray[np.float64]:
    """Weights that average a row of ``size`` cells over intervals, edge cells continued outside.

    Args:
        size: Number of cells; cell i covers ``i .. i + 1``.
        start: [K] where each interval begins.
        stop: [K] where each ends, above ``start``.

    Returns:
        [K, size], each row summing to 1.
    """
    edges = np.arange(size + 1, dtype=np.float64)
    edges[0], edges[-1] = -np.inf, np.inf  # the outer cells go on for ever
    overlap = np.minimum(stop[:, None], edges[1:]) - np.maximum(start[:, None], edges[:-1])
    weights: NDArray[np.float64] = np.maximum(overlap, 0.0) / (stop - start)[:, None]
    return weights


@lru_cache(maxsize=64)
def _even(size: int, count: int) -> NDArray[np.float64]:
    """Weights of ``count`` equal intervals over ``size`` cells."""
    edges = np.linspace(0.0, size, count + 1)
    return interval_weights(size, edges[:-1], edges[1:])


def grey(image: Image) -> NDArray[np.float64]:
    """Luma of a picture: [H, W] in 0..1 (ITU-R BT.601 weights)."""
    return image.pixels @ (np.array([0.299, 0.587, 0.114]) / 255.0)


def normalise_contrast(values: Floats) -> Floats:
    """Centre the last axis and divide it by its standard deviation, floored at 0.05."""
    centred = values - values.mean(axis=-1, keepdims=True)
    deviation = np.sqrt((centred**2).mean(axis=-1, keepdims=True))
    normalised: Floats = centred / np.maximum(deviation, _CONTRAST_FLOOR)
    return normalised


def _image(payload: Image, grid: FeatureGrid) -> Vector:
    height, width = payload.pixels.shape[:2]
    cells = _even(height, grid.rows) @ grey(payload) @ _even(width, grid.columns).T
    normalised: Vector = normalise_contrast(cells.ravel()).astype(np.float64, copy=False)
    return normalised


def _audio(payload: Audio, grid: FeatureGrid) -> Vector:
    sound = payload.samples.astype(np.float64).mean(axis=0)
    length = max(round(_FRAME * payload.rate), 2)
    if len(sound) < length:
        sound = np.pad(sound, (0, length - len(sound)))
    frames = np.lib.stride_tricks.sliding_window_view(sound, length)[:: length // 2]
    power = np.abs(np.fft.rfft(frames * np.hanning(length), axis=1)) ** 2 / length
    pooled = _even(len(power), grid.times) @ power @ _even(power.shape[1], grid.bands).T
    levels: Vector = np.log(pooled / max(float(pooled.max()), _SILENCE) + _RANGE).ravel()
    return levels


def _text(payload: Text, grid: FeatureGrid) -> Vector:
    words = ["^", *_WORD.findall(payload.text.lower()), "$"]
    found = np.zeros(grid.buckets)
    pairs = [" ".join(pair) for pair in pairwise(words)]
    for term in words[1:-1] + pairs:
        bucket, sign = _bucket(term, grid.buckets)
        found[bucket] += sign
    return found


@lru_cache(maxsize=65536)
def _bucket(term: str, buckets: int) -> tuple[int, float]:
    """Where a term is counted, and with which sign."""
    number = int.from_bytes(blake2b(term.encode(), digest_size=8).digest(), "little")
    return (number >> 1) % buckets, 1.0 if number & 1 else -1.0


def _sequence(payload: Sequence, grid: FeatureGrid) -> Vector:
    values = payload.values.astype(np.float64)
    if not len(values):
        raise ItemError("a sequence has no steps")
    at = np.linspace(0.0, len(values) - 1, grid.steps)
    low = np.floor(at).astype(int)
    high, share = np.minimum(low + 1, len(values) - 1), (at - low)[:, None]
    resampled: Vector = (values[low] * (1.0 - share) + values[high] * share).ravel()
    return resampled


def _pointcloud(payload: PointCloud, grid: FeatureGrid) -> Vector:
    xyz = payload.xyz.astype(np.float64)
    if not len(xyz):
        raise ItemError("a point cloud has no points")
    low, high = xyz.min(axis=0), xyz.max(axis=0)
    size = np.array(grid.voxels)
    scaled = (xyz - low) / np.maximum(high - low, 1e-9) * size
    voxel = np.minimum(scaled.astype(int), size - 1)
    flat = np.ravel_multi_index(tuple(voxel.T), grid.voxels)
    shares: Vector = np.sqrt(np.bincount(flat, minlength=int(size.prod())) / len(xyz))
    return shares


def _array(payload: Array, _grid: FeatureGrid) -> Vector:
    return payload.values.astype(np.float64).ravel()


#: Payload kind to its features.
FEATURISERS: dict[str, Callable[[Any, FeatureGrid], Vector]] = {
    "Image": _image,
    "Audio": _audio,
    "Text": _text,
    "Sequence": _sequence,
    "PointCloud": _pointcloud,
    "Array": _array,
}
