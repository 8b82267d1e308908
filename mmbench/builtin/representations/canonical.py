"""Canonical directions of two paired views, with ridge regularisation; plain linear algebra."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Matrix = NDArray[np.float64]

_RANK = 1e-10  # eigenvalues below this share of the largest are rounding


def canonical_maps(
    first: Matrix, second: Matrix, *, shrinkage: float, components: int
) -> tuple[tuple[Matrix, Matrix], Matrix]:
    """Directions in which two centred views correlate most.

    Each view's covariance is shrunk to ``(1 - s) C + s tr(C)/p I`` (as
    ``sklearn.covariance.shrunk_covariance`` does); the singular vectors of the whitened
    cross-covariance, which shrinks to ``(1 - s)`` of itself, give the directions, the singular
    values their correlations (at most 1).

    Args:
        first: [N, P] with columns of mean 0.
        second: [N, Q] with columns of mean 0, row-aligned.
        shrinkage: ``s`` in 0..1.
        components: Leading principal components kept of each view, at most.

    Returns:
        Maps [P, K] and [Q, K], and correlations [K] in descending order, K being the smaller
        number of principal components. Each pair of directions has the sign that makes the
        first one's largest entry positive.

    Raises:
        ValueError: The views are not row-aligned, or one of them is constant.
    """
    if len(first) != len(second):
        raise ValueError(f"views of {len(first)} and {len(second)} rows are no pairs")
    white_first = whitening(first, shrinkage, components)
    white_second = whitening(second, shrinkage, components)
    cross = (first @ white_first).T @ (second @ white_second) / len(first)
    cross *= 1.0 - shrinkage  # shrinking the joint covariance shrinks this block of it too
    left, correlations, right = np.linalg.svd(cross, full_matrices=False)
    maps = white_first @ left, white_second @ right.T
    largest = np.abs(maps[0]).argmax(axis=0)
    signs = np.sign(maps[0][largest, np.arange(len(correlations))])
    return (maps[0] * signs, maps[1] * signs), correlations


def whitening(view: Matrix, shrinkage: float, components: int) -> Matrix:
    """Map onto principal components, each divided by its shrunk standard deviation.

    Args:
        view: [N, P] with columns of mean 0.
        shrinkage: As for :func:`canonical_maps`.
        components: As for :func:`canonical_maps`.

    Returns:
        [P, R], R being the number of components kept.

    Raises:
        ValueError: The view is constant.
    """
    count, size = view.shape
    if size <= count:
        values, axes = np.linalg.eigh(view.T @ view / count)
    else:  # the same non-zero eigenvalues from the smaller Gram matrix
        values, scores = np.linalg.eigh(view @ view.T / count)
        lengths = np.sqrt(np.maximum(values, np.finfo(float).tiny) * count)
        axes = view.T @ (scores / lengths)
    kept = np.flatnonzero(values > _RANK * values[-1])[::-1][:components]
    if not len(kept) or values[-1] <= 0.0:
        raise ValueError("a view is constant: it has nothing to correlate")
    variances = np.maximum(values, 0.0)
    shrunk = (1.0 - shrinkage) * variances[kept] + shrinkage * variances.sum() / size
    scaled: Matrix = axes[:, kept] / np.sqrt(shrunk)
    return scaled
