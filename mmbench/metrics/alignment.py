"""Geometry of paired embeddings: modality gap, alignment, uniformity.

All three look at directions: rows are scaled to length 1 first, so distances lie in 0..2. They take
numpy or torch arrays (torch stays on its accelerator) and never hold an N x N matrix. Collapsed
embeddings are not refused here: to show them is what uniformity is for (its value is then 0).
"""

from __future__ import annotations

import math
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import array_api_compat as compat
import numpy as np

from mmbench.metrics.vectors import to_numpy, unit_rows

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

_BLOCK = 1024

NO_INTERVAL: Mapping[str, str] = MappingProxyType(
    {
        "modality_gap": "the norm of a difference of means grows under resampling: its bootstrap "
        "distribution lies above the estimate",
        "uniformity": "it averages over pairs of different items, and a resample pairs items with "
        "themselves at distance 0",
    }
)
"""Figures of this module that have no bootstrap interval over items, and why."""


def gap_vector(x: Any, y: Any) -> Any:
    """Difference of the two modalities' mean directions, mean of x minus mean of y.

    Args:
        x: ``[N, D]`` embeddings of one modality.
        y: ``[M, D]`` of the other; the rows need not be paired.

    Returns:
        ``[D]``, in the library and on the device of ``x``.

    Raises:
        ValueError: not matrices of one width, or rows that are not finite or have no direction.

    SOURCE: Liang et al., Mind the Gap (NeurIPS 2022), section 2.
    """
    x, y = _unit_pair(x, y)
    xp = compat.array_namespace(x, y)
    return _mean_row(xp, x) - _mean_row(xp, y)


def modality_gap(x: Any, y: Any) -> float:
    """Length of :func:`gap_vector`: 0 for modalities with one centre, at most 2."""
    difference = to_numpy(gap_vector(x, y)).astype(np.float64)
    return min(float(np.linalg.norm(difference)), 2.0)  # rounding may pass the bound


def pair_distances(x: Any, y: Any, *, alpha: float = 2.0) -> NDArray[np.float64]:
    """Distance of each pair of directions to the power alpha: the column behind :func:`alignment`.

    Args:
        x: ``[N, D]`` embeddings.
        y: ``[N, D]`` embeddings, row by row the partners of ``x``.
        alpha: power, above 0.

    Returns:
        ``[N]`` in ``0..2 ** alpha``, aggregated by ``mean``; lower is better.

    Raises:
        ValueError: alpha not above 0, unequal numbers of rows, or what :func:`gap_vector` refuses.
    """
    _check_positive("alpha", alpha)
    x, y = _unit_pair(x, y)
    if x.shape[0] != y.shape[0]:
        raise ValueError(f"alignment needs pairs: {x.shape[0]} rows and {y.shape[0]} rows")
    xp = compat.array_namespace(x, y)
    squared = np.concatenate(
        [
            to_numpy(xp.sum((x[i : i + _BLOCK, :] - y[i : i + _BLOCK, :]) ** 2, axis=1))
            for i in range(0, x.shape[0], _BLOCK)
        ]
    ).astype(np.float64)
    # Rounding may pass the bounds, and a power makes that more.
    powers: NDArray[np.float64] = np.minimum(squared, 4.0) ** (alpha / 2.0)
    return np.minimum(powers, 2.0**alpha)


def alignment(x: Any, y: Any, *, alpha: float = 2.0) -> float:
    """Mean over pairs of ``||x - y|| ** alpha``: 0 is perfect.

    SOURCE: Wang and Isola, Alignment and Uniformity on the Hypersphere (ICML 2020), section 4.1.2;
    alpha = 2 is theirs. See :func:`pair_distances` for arguments.
    """
    return float(pair_distances(x, y, alpha=alpha).mean())


def uniformity(x: Any, *, t: float = 2.0) -> float:
    """Logarithm of the mean over pairs of different items of ``exp(-t ||x_i - x_j|| ** 2)``.

    Args:
        x: ``[N, D]`` embeddings, at least two.
        t: inverse width of the kernel, above 0.

    Returns:
        0 for collapsed embeddings, down to ``-4 t``; lower is more uniform.

    Raises:
        ValueError: t not above 0, fewer than two rows, or rows that are not finite or have no
            direction.

    SOURCE: Wang and Isola (ICML 2020), section 4.1.2; t = 2 is theirs. Pairs i < j, as in their
    ``torch.pdist``; computed block by block with a running log-sum-exp.
    """
    _check_positive("t", t)
    x = unit_rows(x, allow_constant=True)
    count = int(x.shape[0])
    if count < 2:
        raise ValueError("uniformity needs at least two items")
    xp = compat.array_namespace(x)
    largest, total = -math.inf, 0.0
    for i in range(0, count, _BLOCK):
        rows = x[i : i + _BLOCK, :]
        for j in range(i, count, _BLOCK):
            cosines = xp.matmul(rows, xp.permute_dims(x[j : j + _BLOCK, :], (1, 0)))
            exponents = xp.minimum((2.0 * t) * (cosines - 1.0), xp.zeros_like(cosines))
            if i == j:
                # On and below the diagonal: nothing, so that no pair counts twice or with itself.
                kept = xp.triu(xp.ones_like(exponents), k=1) > 0
                exponents = xp.where(kept, exponents, xp.full_like(exponents, -math.inf))
            here = float(xp.max(exponents))
            if here == -math.inf:
                continue
            if here > largest:
                total *= math.exp(largest - here)
                largest = here
            total += float(xp.sum(xp.exp(exponents - largest), dtype=xp.float64))
    value = largest + math.log(total) - math.log(count * (count - 1) / 2)
    return min(max(value, -4.0 * t), 0.0)  # rounding may pass the bounds


def _unit_pair(x: Any, y: Any) -> tuple[Any, Any]:
    x = unit_rows(x, name="x", allow_constant=True)
    y = unit_rows(y, name="y", allow_constant=True)
    if x.shape[1] != y.shape[1]:
        raise ValueError(f"x has {x.shape[1]} dimensions and y {y.shape[1]}; they must share one")
    return x, y


def _mean_row(xp: Any, x: Any) -> Any:
    return xp.sum(x, axis=0, dtype=xp.float64) / x.shape[0]


def _check_positive(name: str, value: float) -> None:
    if not (value > 0 and math.isfinite(value)):
        raise ValueError(f"{name} must be a finite number above 0, got {value}")
