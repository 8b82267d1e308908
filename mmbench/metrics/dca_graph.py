"""Delaunay graphs for DCA: exact, approximated by rays, or given; and the sphere-coverage filter.

Two points are Delaunay neighbours if their Voronoi cells touch. In many dimensions the exact graph
is out of reach, so rays are shot from every point: the cell that a ray enters when it leaves its
own is a neighbour, found without ever building a cell.

SOURCE: Poklukar et al., Delaunay Component Analysis (ICLR 2022); petrapoklukar/DCA e5b3f34 for the
filter. The ray rule is a reading of that paper, since the released first phase is a binary.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

_PROJECTIONS = 4_000_000  # float64 elements of directions x points held at once: 32 MB
_RAYS_AT_ONCE = 256


@dataclass(frozen=True)
class DelaunayGraph:
    """An undirected graph over points.

    Attributes:
        edges: ``[m, 2]`` point numbers, the lower first, each edge once, in ascending order.
        lengths: ``[m]`` Euclidean lengths.
        hits: ``[m]`` rays that found the edge, from both of its ends; None unless found by rays.
        rays: rays shot from each point; None unless found by rays.
    """

    edges: NDArray[np.intp]
    lengths: Floats
    hits: NDArray[np.int64] | None = None
    rays: int | None = None


def ray_graph(points: Floats, *, rays: int, seed: int) -> DelaunayGraph:
    """Approximate the Delaunay graph: what do rays from each point's cell run into?

    A ray ``x + t m`` leaves the cell of x at the smallest positive
    ``t_j = |x_j - x|**2 / (2 <m, x_j - x>)``; that j is a neighbour. A ray with no positive ``t_j``
    never leaves, and finds nothing. Directions m are uniform on the sphere; all points use the same
    ones, so that one matrix product serves them all.

    Args:
        points: ``[n, d]``, distinct.
        rays: rays a point.
        seed: of the directions.

    Returns:
        The edges hit at least once: no edge that is not Delaunay (up to rounding), but perhaps not
        all. Costs n * n * rays operations and 32 MB of scratch.
    """
    from scipy.spatial.distance import cdist

    if rays < 1:
        raise ValueError(f"rays must be at least 1, got {rays}")
    count, width = points.shape
    centred = points - points.mean(axis=0)
    rng = np.random.default_rng(seed)
    keys: list[NDArray[np.int64]] = []
    found: list[NDArray[np.int64]] = []
    step = max(1, min(rays, _PROJECTIONS // count))
    for start in range(0, rays, step):
        directions = rng.standard_normal((min(step, rays - start), width))
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        reach = directions @ centred.T
        for point in range(count):
            squared = cdist(centred[point : point + 1], centred, "sqeuclidean")[0]
            squared[squared == 0.0] = np.inf  # the point itself
            neighbours, hits = np.unique(_entered(reach, point, squared), return_counts=True)
            keys.append(np.minimum(neighbours, point) * count + np.maximum(neighbours, point))
            found.append(hits)
    unique, inverse = np.unique(np.concatenate(keys), return_inverse=True)
    hits = np.zeros(len(unique), dtype=np.int64)
    np.add.at(hits, inverse, np.concatenate(found))
    edges = np.stack([unique // count, unique % count], axis=1).astype(np.intp)
    return DelaunayGraph(edges, _lengths(points, edges), hits, rays)


def _entered(reach: Floats, point: int, squared: Floats) -> NDArray[np.intp]:
    """Cells that the rays from ``point`` enter; rays that never leave are left out."""
    # The smallest positive t is the largest positive 1 / t; the factor 2 changes no order.
    inverse = 1.0 / squared
    entered = []
    for start in range(0, len(reach), _RAYS_AT_ONCE):
        part = reach[start : start + _RAYS_AT_ONCE]
        speed = part - part[:, point : point + 1]
        speed *= inverse
        first = speed.argmax(axis=1)
        entered.append(first[speed[np.arange(len(first)), first] > 0])
    return np.concatenate(entered)


def exact_graph(points: Floats) -> DelaunayGraph:
    """Give the exact Delaunay graph, by Qhull: for a handful of dimensions.

    Args:
        points: ``[n, d]``, distinct.

    Raises:
        ValueError: fewer points than a simplex needs, or all in one plane.
    """
    from scipy.spatial import Delaunay, QhullError

    count, width = points.shape
    if width == 1:
        order = np.argsort(points[:, 0], kind="stable")
        pairs = np.stack([order[:-1], order[1:]], axis=1)
    else:
        try:
            corners = Delaunay(points).simplices
        except QhullError as error:
            raise ValueError(
                f"no exact Delaunay graph of {count} points in {width} dimensions (too few, or all "
                "in one plane); use graph='rays'"
            ) from error
        first, second = np.triu_indices(corners.shape[1], k=1)
        pairs = np.stack([corners[:, first].ravel(), corners[:, second].ravel()], axis=1)
    edges = np.unique(np.sort(pairs, axis=1), axis=0).astype(np.intp)
    return DelaunayGraph(edges, _lengths(points, edges))


def given_graph(
    points: Floats, edges: ArrayLike, hits: ArrayLike | None = None, rays: int | None = None
) -> DelaunayGraph:
    """Take a graph computed elsewhere.

    Args:
        points: ``[n, d]``.
        edges: ``[m, 2]`` point numbers, in any order.
        hits: ``[m]`` rays that found each edge, needed to filter by coverage.
        rays: rays shot from each point, needed with ``hits``.

    Raises:
        ValueError: not ``[m, 2]`` whole numbers, numbers out of range, loops, an edge given twice.
    """
    pairs: NDArray[Any] = np.asarray(edges)
    if pairs.ndim != 2 or pairs.shape[1] != 2 or pairs.dtype.kind not in "iu":
        raise ValueError(f"edges: whole numbers [m, 2] expected, got {pairs.dtype} {pairs.shape}")
    pairs = np.sort(pairs.astype(np.intp), axis=1)
    if pairs.size and (pairs.min() < 0 or pairs.max() >= len(points)):
        raise ValueError(f"edges: point numbers must lie in 0..{len(points) - 1}")
    if np.any(pairs[:, 0] == pairs[:, 1]):
        raise ValueError("edges: an edge joins a point to itself")
    unique, order = np.unique(pairs, axis=0, return_index=True)
    if len(unique) < len(pairs):
        raise ValueError("edges: an edge is given twice")
    if (hits is None) != (rays is None):
        raise ValueError("hits and rays describe one another: give both or neither")
    counts = None
    if hits is not None:
        counts = np.asarray(hits, dtype=np.int64)
        if counts.shape != (len(pairs),) or np.any(counts < 0):
            raise ValueError(f"hits: {len(pairs)} counts expected, got shape {counts.shape}")
        counts = counts[order]
    return DelaunayGraph(unique, _lengths(points, unique), counts, rays)


def filter_by_coverage(graph: DelaunayGraph, coverage: float, points: int) -> DelaunayGraph:
    """Keep the shortest edges around each point that cover a share of its sphere of directions.

    Each point takes its edges by increasing length and adds up ``hits / (2 rays)`` until it reaches
    ``coverage``; the edge that crosses is kept. An edge survives if either of its ends keeps it.

    Args:
        graph: found by rays.
        coverage: in (0, 1]; 1 keeps everything.
        points: number of points.

    Raises:
        ValueError: coverage out of range, or below 1 on a graph without ray hits.
    """
    if not 0.0 < coverage <= 1.0:
        raise ValueError(f"sphere coverage must lie in (0, 1], got {coverage}")
    if coverage == 1.0 or len(graph.edges) == 0:
        return graph
    if graph.hits is None or graph.rays is None:
        raise ValueError("sphere coverage below 1 needs a graph found by rays, with its hits")
    count = len(graph.edges)
    ends = graph.edges.T.ravel()
    order = np.lexsort((np.tile(graph.lengths, 2), ends))
    ends, which = ends[order], np.tile(np.arange(count), 2)[order]
    hits = graph.hits[which]
    total = np.cumsum(hits)
    start = np.searchsorted(ends, np.arange(points))
    before_point = np.concatenate([[0], total])[start][ends]
    shorter = total - hits - before_point
    kept = np.unique(which[shorter / (2.0 * graph.rays) < coverage])
    return DelaunayGraph(graph.edges[kept], graph.lengths[kept], graph.hits[kept], graph.rays)


def _lengths(points: Floats, edges: NDArray[np.intp]) -> Floats:
    """Euclidean lengths ``[m]``, a block of edges at a time."""
    step = max(1, _PROJECTIONS // points.shape[1])
    lengths = np.empty(len(edges))
    for start in range(0, len(edges), step):
        part = edges[start : start + step]
        lengths[start : start + step] = np.linalg.norm(
            points[part[:, 0]] - points[part[:, 1]], axis=1
        )
    return lengths
