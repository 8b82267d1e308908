"""What of a payload is not as its stream declares it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from mmbench.api import Stream

__all__ = ["unlike"]

#: Where a kind's array stands, its type, and how many axes it has (None: any).
_ARRAYS: dict[str, tuple[str, type, int | None]] = {
    "Image": ("pixels", np.uint8, 3),
    "Audio": ("samples", np.float32, 2),
    "Tokens": ("ids", np.int64, 1),
    "PointCloud": ("xyz", np.float32, 2),
    "Video": ("frames", np.uint8, 4),
    "Sequence": ("values", np.float32, 2),
    "Array": ("values", np.float32, None),
}
#: Lengths of the last axis that a kind has always.
_LAST = {"Image": 3, "PointCloud": 3, "Video": 3}


def unlike(payload: Any, stream: Stream) -> tuple[str, str] | None:
    """What a payload should be and is, where it is not as its stream declares, in words."""
    if type(payload).__name__ != stream.kind:
        return f"of kind {stream.kind}", f"a {type(payload).__name__}"
    rate = getattr(payload, "rate", getattr(payload, "fps", None))
    if stream.rate is not None and rate != stream.rate:
        return f"at {stream.rate} Hz", f"{rate} Hz"
    if stream.kind in _ARRAYS:
        return _unlike_array(payload, stream)
    text = getattr(payload, "text", "")
    return None if isinstance(text, str) else ("a text", repr(text))


def _unlike_array(payload: Any, stream: Stream) -> tuple[str, str] | None:
    """The same of a payload's array."""
    name, dtype, axes = _ARRAYS[stream.kind]
    array = getattr(payload, name)
    if not isinstance(array, np.ndarray) or array.dtype != dtype:
        kind = getattr(array, "dtype", type(array).__name__)
        return f"{name} of {np.dtype(dtype)}", str(kind)
    last = _LAST.get(stream.kind, array.shape[-1] if array.ndim else 0)
    if (axes is not None and array.ndim != axes) or (array.ndim and array.shape[-1] != last):
        return f"{name} as {stream.kind} is documented", f"shape {array.shape}"
    wanted = stream.shape
    fits = wanted is None or (
        len(wanted) == array.ndim
        and all(w in (None, g) for w, g in zip(wanted, array.shape, strict=True))
    )
    return None if fits else (f"of shape {wanted}", f"{array.shape}")
