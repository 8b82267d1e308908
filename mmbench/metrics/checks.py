"""Checks that several metrics make of their inputs before a number can come out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def checked_weights(weights: Any, count: int) -> NDArray[Any]:
    """Return item weights of any leading shape as rows.

    Args:
        weights: [..., count], finite and at least 0; None gives one row of ones.
        count: Number of items.

    Returns:
        [rows, count].

    Raises:
        ValueError: Another last dimension, a negative, NaN or infinite weight.
    """
    if weights is None:
        return np.ones((1, count))
    table = np.asarray(weights)
    if table.ndim < 1 or table.shape[-1] != count:
        raise ValueError(f"weights {table.shape} must be [..., {count}]: one for each item")
    if not ((table >= 0) & (table < np.inf)).all():
        raise ValueError("weights must be finite and at least 0")
    return table.reshape(-1, count)


def check_finite(name: str, values: NDArray[np.float64]) -> None:
    """Refuse NaN and infinity in [n] values, saying how many and where the first is.

    Raises:
        ValueError: Under the plural `name`.
    """
    broken = ~np.isfinite(values)
    if broken.any():
        raise ValueError(
            f"{int(broken.sum())} of {len(values)} {name} are NaN or infinite, the first at item "
            f"{int(np.flatnonzero(broken)[0])}"
        )
