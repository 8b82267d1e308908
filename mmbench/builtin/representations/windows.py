"""Sliding windows: dense maps of a picture from a model of whole pictures.

Windows of several sizes slide over the picture. Every cell of the map takes the window that,
among those whose core covers the cell, looks most like a training picture. So an object makes a
plateau of about its own size, and which object is asked for plays no part in the choice.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from mmbench.builtin.representations.features import interval_weights, normalise_contrast

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mmbench.builtin.representations.features import FeatureGrid

    Matrix = NDArray[np.floating[Any]]

_FINER = 2  # windows a cell of the map, along each axis
_CORE = 0.8  # share of a window's sides in which it speaks for what it shows


def best_windows(
    picture: Matrix,
    sizes: tuple[tuple[float, float], ...],
    count: int,
    grid: FeatureGrid,
    centre: Matrix,
    white: Matrix,
) -> tuple[Matrix, Matrix]:
    """The best-fitting window for each cell of a ``count`` x ``count`` map.

    Args:
        picture: [H, W] grey values in 0..1.
        sizes: Heights and widths of the windows, in pixels.
        count: Rows and columns of the map.
        grid: Cells that a window is averaged to.
        centre: [P] mean features of the training pictures, P = grid.rows * grid.columns.
        white: [P, R] whitening map of the training pictures' features.

    Returns:
        [count, count, P] features of the chosen windows, and [count, count] their distances from
        the mean training picture after whitening.
    """
    along = count * _FINER
    # Single precision throughout: thousands of windows a picture, and only the nearest counts.
    picture, centre, white = (each.astype(np.float32) for each in (picture, centre, white))
    features = np.concatenate(
        [_windows(picture, size, along, grid).reshape(along * along, -1) for size in sizes]
    )
    offset = (features - centre) @ white
    distance = np.sqrt((offset**2).sum(axis=1))
    covered = _covering(picture.shape, sizes, count)
    chosen = np.where(covered, distance, np.inf).argmin(axis=1)
    return features[chosen].reshape(count, count, -1), distance[chosen].reshape(count, count)


def _windows(picture: Matrix, size: tuple[float, float], along: int, grid: FeatureGrid) -> Matrix:
    """[along, along, P] contrast-normalised cells of evenly centred windows of one size.

    The picture's edge goes on outside it.
    """
    down = _window_weights(picture.shape[0], size[0], along, grid.rows)
    across = _window_weights(picture.shape[1], size[1], along, grid.columns)
    cells = (down @ picture @ across.T).reshape(along, grid.rows, along, grid.columns)
    return normalise_contrast(cells.transpose(0, 2, 1, 3).reshape(along, along, -1))


@lru_cache(maxsize=64)
def _window_weights(size: int, length: float, along: int, parts: int) -> Matrix:
    """[along * parts, size]: averages over the equal parts of each window on a line."""
    edges = _centres(size, along)[:, None] + length * (np.arange(parts + 1) / parts - 0.5)
    weights = interval_weights(size, edges[:, :-1].ravel(), edges[:, 1:].ravel())
    return weights.astype(np.float32)


def _centres(size: int, count: int) -> NDArray[np.float64]:
    """[count] centres of equal parts of a line of ``size`` pixels."""
    centres: NDArray[np.float64] = (np.arange(count) + 0.5) * size / count
    return centres


@lru_cache(maxsize=8)
def _covering(
    shape: tuple[int, ...], sizes: tuple[tuple[float, float], ...], count: int
) -> NDArray[np.bool_]:
    """[count * count, windows] which windows' cores cover the centre of each cell of the map."""
    parts = []
    for height, width in sizes:
        rows, columns = (
            np.abs(_centres(side, count)[:, None] - _centres(side, count * _FINER))
            <= np.maximum(_CORE * length, side / count) / 2
            for side, length in zip(shape, (height, width), strict=True)
        )
        both = rows[:, None, :, None] & columns[None, :, None, :]
        parts.append(both.reshape(count * count, -1))
    return np.concatenate(parts, axis=1)
