"""Cut a Delaunay graph into components with HDBSCAN, and judge each: DCA's second and third phase.

SOURCE: petrapoklukar/DCA e5b3f34; Poklukar et al., Delaunay Component Analysis (ICLR 2022).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mmbench.metrics.dca_graph import DelaunayGraph

    Floats = NDArray[np.float64]


@dataclass(frozen=True)
class DCAParameters:
    """Everything the scores depend on besides the points; written into the record.

    Attributes:
        rays: rays shot from each point (T); the original uses 10,000 on a GPU. Used by ``rays``.
        sphere_coverage: share of directions whose shortest edges are kept (B); 1 keeps every edge.
        min_cluster_size: smallest component of HDBSCAN (mcs).
        cluster_selection_epsilon: HDBSCAN's; 0 in the original.
        eta_consistency: a fundamental component's consistency lies above this (eta_c).
        eta_quality: and its quality above this (eta_q).
        graph: ``rays``, or ``exact`` (Qhull; a handful of dimensions).
        max_points: larger inputs are subsampled to this many, R and E in proportion; None never.
        seed: of the rays and the subsample.
    """

    rays: int = 1_000
    sphere_coverage: float = 1.0
    min_cluster_size: int = 10
    cluster_selection_epsilon: float = 0.0
    eta_consistency: float = 0.0
    eta_quality: float = 0.0
    graph: Literal["rays", "exact"] = "rays"
    max_points: int | None = 2_000
    seed: int = 0


@dataclass(frozen=True)
class Component:
    """One component, judged.

    Attributes:
        r_points: its points of R.
        e_points: its points of E.
        edges: the graph's edges among its points.
        cross_edges: those that join R to E.
        consistency: ``1 - |r_points - e_points| / (r_points + e_points)``.
        quality: ``cross_edges / edges``, 0 without edges.
        fundamental: whether both lie strictly above their thresholds.
    """

    r_points: int
    e_points: int
    edges: int
    cross_edges: int
    consistency: float
    quality: float
    fundamental: bool


def distil(
    points: Floats, graph: DelaunayGraph, options: DCAParameters
) -> tuple[NDArray[np.intp], int]:
    """Cut a graph into components.

    HDBSCAN on raw lengths (no mutual reachability). The Euclidean minimum spanning tree lies in the
    Delaunay graph, so without a filter the points themselves give the tree; with one, the graph.

    Args:
        points: ``[n, d]``, distinct.
        graph: over them, filtered where ``options.sphere_coverage`` is below 1.
        options: see :class:`DCAParameters`.

    Returns:
        Component of each point ``[n]``, numbered by decreasing size (ties: by first point), every
        outlier being one of its own; and how many of the components are HDBSCAN's clusters.

    Raises:
        ValueError: the filtered graph falls apart.
    """
    from sklearn.cluster import HDBSCAN

    shared: dict[str, Any] = {
        "min_cluster_size": options.min_cluster_size,
        "min_samples": 1,
        "cluster_selection_epsilon": options.cluster_selection_epsilon,
        "copy": True,
    }
    if len(points) < 2 * options.min_cluster_size:
        found = np.full(len(points), -1)  # no split into two clusters is possible
    elif options.sphere_coverage == 1.0:
        found = HDBSCAN(algorithm="kd_tree", **shared).fit(points).labels_
    else:
        found = HDBSCAN(metric="precomputed", **shared).fit(_distances(graph, points)).labels_
    clusters = int(found.max()) + 1
    outliers = found < 0
    numbered = found.astype(np.intp)
    numbered[outliers] = clusters + np.arange(np.count_nonzero(outliers))
    _, first, sizes = np.unique(numbered, return_index=True, return_counts=True)
    rank = np.empty(len(sizes), dtype=np.intp)
    rank[np.lexsort((first, -sizes))] = np.arange(len(sizes))
    return rank[numbered], clusters


def _distances(graph: DelaunayGraph, points: Floats) -> Any:
    """Symmetric sparse lengths of a connected graph, as HDBSCAN takes them."""
    from scipy.sparse import coo_array, csr_matrix
    from scipy.sparse.csgraph import connected_components

    first, second = graph.edges.T
    rows, columns = np.concatenate([first, second]), np.concatenate([second, first])
    data = np.tile(graph.lengths, 2)
    matrix = csr_matrix(coo_array((data, (rows, columns)), shape=(len(points),) * 2))
    parts = int(connected_components(matrix, directed=False, return_labels=False))
    if parts > 1:
        raise ValueError(
            f"the graph filtered by sphere coverage falls into {parts} parts, which DCA does not "
            "define; raise sphere_coverage"
        )
    return matrix


def judge_components(
    labels: NDArray[np.intp], graph: DelaunayGraph, r_points: int, options: DCAParameters
) -> tuple[Component, ...]:
    """Judge every component of ``labels [n]``; the first ``r_points`` points are R's."""
    count = int(labels.max()) + 1
    in_r = np.arange(len(labels)) < r_points
    r_sizes = np.bincount(labels[in_r], minlength=count)
    e_sizes = np.bincount(labels[~in_r], minlength=count)
    first, second = graph.edges.T
    inside = labels[first] == labels[second]
    owner = labels[first[inside]]
    joins = in_r[first[inside]] != in_r[second[inside]]
    edges = np.bincount(owner, minlength=count)
    cross = np.bincount(owner[joins], minlength=count)
    components = []
    for r, e, m, h in zip(*(x.tolist() for x in (r_sizes, e_sizes, edges, cross)), strict=True):
        consistency = 1.0 - abs(r - e) / (r + e)
        quality = h / m if m else 0.0
        fundamental = consistency > options.eta_consistency and quality > options.eta_quality
        components.append(Component(r, e, m, h, consistency, quality, fundamental))
    return tuple(components)
