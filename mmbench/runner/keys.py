"""Content keys: the hashes that name vectors, artifacts and records by what made them."""

from __future__ import annotations

import json
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

__all__ = ["digest_rows", "key_of"]


def key_of(*parts: Any) -> str:
    """Hex digest (128 bits) of JSON-serialisable parts; equal parts, equal key, everywhere."""
    text = json.dumps(parts, sort_keys=True, default=_plain, separators=(",", ":"))
    return blake2b(text.encode(), digest_size=16).hexdigest()


def _plain(value: Any) -> Any:
    """Paths, tuples, sets and numpy scalars as plain JSON."""
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    if hasattr(value, "tolist"):
        return value.tolist()
    return str(value)


def digest_rows(
    columns: Sequence[Sequence[str | None]],
) -> tuple[NDArray[np.uint64], NDArray[np.bool_]]:
    """One 128-bit digest a row of content keys.

    Args:
        columns: One sequence of content keys a stream, in the order of the slots' names.

    Returns:
        ``digests`` uint64 [n, 2] and ``present`` bool [n]: False where a stream is missing.
    """
    import numpy as np

    n = len(columns[0]) if columns else 0
    present = np.ones(n, dtype=np.bool_)
    for column in columns:
        if None in column:
            present &= np.fromiter((key is not None for key in column), np.bool_, n)
    joined = columns[0] if len(columns) == 1 else map("\x1f".join, _texts(columns))
    raw = b"".join([blake2b((key or "").encode(), digest_size=16).digest() for key in joined])
    return np.frombuffer(raw, dtype=np.uint64).reshape(n, 2), present


def _texts(columns: Sequence[Sequence[str | None]]) -> list[list[str]]:
    return [[key or "" for key in row] for row in zip(*columns, strict=True)]
