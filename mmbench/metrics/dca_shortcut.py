"""DCA's precision and recall without a graph, for as many points as HDBSCAN can take.

Where both thresholds are 0, a component is fundamental as soon as it holds points of both sides: it
is connected, so that one of its edges joins them. And without a filter the components are HDBSCAN's
on the points themselves, since the Euclidean minimum spanning tree lies in the Delaunay graph. Only
the quality needs the graph; take that of :func:`mmbench.metrics.dca.dca` on fewer points.

SOURCE: Poklukar et al., Delaunay Component Analysis (ICLR 2022); petrapoklukar/DCA e5b3f34.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mmbench.metrics.dca import moved_apart
from mmbench.metrics.dca_components import DCAParameters, distil
from mmbench.metrics.dca_graph import DelaunayGraph
from mmbench.metrics.vectors import finite_rows, to_numpy

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["SharedComponents", "harmonic_score", "shared_components"]


@dataclass(frozen=True)
class SharedComponents:
    """Which points of two sides lie in components that hold points of both.

    Attributes:
        precision: share of E in such components.
        recall: share of R in them.
        components: HDBSCAN's clusters and the outliers, each of which is one.
        clusters: HDBSCAN's clusters.
        fundamental: components that hold points of both sides.
        r_outliers: ``[nR]`` whether a point of R is a component of its own.
        e_outliers: ``[nE]`` the same of E.
        duplicates: points that lay exactly on another.
    """

    precision: float
    recall: float
    components: int
    clusters: int
    fundamental: int
    r_outliers: NDArray[np.bool_]
    e_outliers: NDArray[np.bool_]
    duplicates: int


def shared_components(
    r: ArrayLike, e: ArrayLike, *, min_cluster_size: int = 10, seed: int = 0
) -> SharedComponents:
    """Cut two sides into components together.

    Args:
        r: ``[nR, d]`` reference points.
        e: ``[nE, d]`` points to judge.
        min_cluster_size: smallest component that is no outlier (mcs).
        seed: of the little by which copies of points are moved apart.

    Returns:
        What :func:`~mmbench.metrics.dca.dca` says of the same points with both thresholds 0 and no
        filter.

    Raises:
        ValueError: no matrices of one width, empty, not finite, or all the same point.
    """
    if min_cluster_size < 2:
        raise ValueError(f"min_cluster_size must be at least 2, got {min_cluster_size}")
    sides = [
        to_numpy(finite_rows(x, name=name, allow_constant=True)).astype(np.float64)
        for name, x in (("R", r), ("E", e))
    ]
    if sides[0].shape[1] != sides[1].shape[1]:
        raise ValueError(f"R has {sides[0].shape[1]} dimensions and E {sides[1].shape[1]}")
    points, duplicates = moved_apart(np.concatenate(sides), seed)
    nothing = DelaunayGraph(np.empty((0, 2), dtype=np.intp), np.empty(0))
    labels, clusters = distil(points, nothing, DCAParameters(min_cluster_size=min_cluster_size))
    count, in_r = int(labels.max()) + 1, len(sides[0])
    r_sizes = np.bincount(labels[:in_r], minlength=count)
    e_sizes = np.bincount(labels[in_r:], minlength=count)
    both = (r_sizes > 0) & (e_sizes > 0)
    alone = (r_sizes + e_sizes == 1)[labels]
    return SharedComponents(
        precision=float(e_sizes[both].sum() / len(sides[1])),
        recall=float(r_sizes[both].sum() / in_r),
        components=count,
        clusters=clusters,
        fundamental=int(both.sum()),
        r_outliers=alone[:in_r],
        e_outliers=alone[in_r:],
        duplicates=duplicates,
    )


def harmonic_score(precision: float, recall: float, quality: float) -> float:
    """GMC's DCA score: ``3 / (1/P + 1/R + 1/q)``, 0 where one of them is 0."""
    parts = (precision, recall, quality)
    return 3.0 / sum(1.0 / part for part in parts) if all(parts) else 0.0
