"""Payload kinds: the typed values that a stream yields and a representation encodes.

A payload kind is a type. Arrays are numpy arrays; shapes and units are part of the contract.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from mmbench.api.errors import PluginError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

__all__ = [
    "KINDS",
    "Array",
    "Audio",
    "Image",
    "Payload",
    "PointCloud",
    "Sequence",
    "Table",
    "Text",
    "Tokens",
    "Video",
    "payload_digest",
]


@dataclass(frozen=True, eq=False)
class Image:
    """A picture. ``pixels``: uint8 [height, width, 3], RGB."""

    pixels: NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Audio:
    """A sound. ``samples``: float32 [channels, time] in -1..1; ``rate`` in Hz."""

    samples: NDArray[np.float32]
    rate: int


@dataclass(frozen=True, eq=False)
class Text:
    """Words."""

    text: str


@dataclass(frozen=True, eq=False)
class Tokens:
    """Symbols of a vocabulary. ``ids``: int64 [time]."""

    ids: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class PointCloud:
    """A set of points. ``xyz``: float32 [points, 3]; ``rgb``: float32 [points, 3] in 0..1."""

    xyz: NDArray[np.float32]
    rgb: NDArray[np.float32] | None = None


@dataclass(frozen=True, eq=False)
class Video:
    """Pictures in time. ``frames``: uint8 [time, height, width, 3]; ``fps`` in Hz."""

    frames: NDArray[np.uint8]
    fps: float


@dataclass(frozen=True, eq=False)
class Sequence:
    """Feature vectors in time. ``values``: float32 [time, features]."""

    values: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Table:
    """Named properties of one thing, such as a product's."""

    cells: Mapping[str, str | float | int | bool | None]


@dataclass(frozen=True, eq=False)
class Array:
    """Numbers of a declared shape. ``values``: float32 [...]."""

    values: NDArray[np.float32]


#: Any of the payloads.
Payload = Image | Audio | Text | Tokens | PointCloud | Video | Sequence | Table | Array

#: Kind name (as a :class:`~mmbench.api.streams.Stream` declares it) to payload class.
KINDS: dict[str, type[Payload]] = {
    "Image": Image,
    "Audio": Audio,
    "Text": Text,
    "Tokens": Tokens,
    "PointCloud": PointCloud,
    "Video": Video,
    "Sequence": Sequence,
    "Table": Table,
    "Array": Array,
}


def payload_digest(payload: Payload) -> bytes:
    """Sixteen bytes that depend on the payload's kind and content, and on nothing else.

    Two payloads with equal fields have equal digests in every process and on every machine, so
    an encoder may seed per-item randomness with it.

    Raises:
        PluginError: A field is no plain value and no numpy array of numbers.
    """
    digest = blake2b(type(payload).__name__.encode(), digest_size=16)
    for field in fields(payload):
        digest.update(field.name.encode())
        _feed(digest, getattr(payload, field.name))
    return digest.digest()


def _feed(digest: blake2b, value: Any) -> None:
    """Add one field to a digest: arrays by dtype, shape and bytes; plain values by their repr."""
    if hasattr(value, "__array_interface__") and hasattr(value, "__setitem__"):
        if value.dtype.hasobject:
            raise PluginError(f"a payload holds an array of {value.dtype}, not of numbers")
        digest.update(f"{value.dtype.str}{value.shape}".encode())
        digest.update(value.tobytes())
    elif hasattr(value, "items"):
        digest.update(repr([(name, _plain(cell)) for name, cell in sorted(value.items())]).encode())
    else:
        digest.update(repr(_plain(value)).encode())


def _plain(value: Any) -> str | float | int | bool | None:
    """A plain value; of a numpy scalar its Python one, whose repr no version of numpy changes."""
    plain = value.item() if hasattr(value, "__array_interface__") else value
    if plain is None or isinstance(plain, (str, float, int, bool)):
        return plain
    raise PluginError(
        f"a payload holds a {type(value).__name__}, which has no stable digest",
        fix="give it a numpy array or a plain value",
    )
