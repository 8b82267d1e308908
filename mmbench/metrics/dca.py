"""Delaunay Component Analysis: how well do embeddings E lie in and between the clusters of R?

R (for GMC the joint codes) and E (the codes of one modality) are stacked, joined by a Delaunay
graph, cut into components by HDBSCAN, and each component is judged by how evenly and how closely it
mixes the two. (`dca_graph` holds the first phase, `dca_components` the other two.)

Read the scores with two warnings. Network consistency compares only the two sizes. And two samples
of one distribution, equally large, reach a quality of about 0.5, so the harmonic score of perfect
alignment is about 0.75; values near 1 are out of reach.

SOURCE: Poklukar et al., Delaunay Component Analysis for Evaluation of Data Representations (ICLR
2022); petrapoklukar/DCA e5b3f34; the harmonic score is Poklukar et al., GMC (ICML 2022).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from mmbench.metrics.dca_components import Component, DCAParameters, distil, judge_components
from mmbench.metrics.dca_graph import (
    DelaunayGraph,
    exact_graph,
    filter_by_coverage,
    given_graph,
    ray_graph,
)
from mmbench.metrics.vectors import finite_rows, to_numpy

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

_APART = 1e-7
_MANY_OUTLIERS = 0.2

__all__ = [
    "DCA",
    "NO_INTERVAL",
    "Component",
    "DCAParameters",
    "GivenEdges",
    "dca",
    "moved_apart",
]

NO_INTERVAL = (
    "DCA judges one graph over all points; a resample holds copies of points, and copies have no "
    "cells"
)
"""Why its figures have no bootstrap interval over items."""


@dataclass(frozen=True)
class GivenEdges:
    """A Delaunay graph computed elsewhere; point numbers below ``len(R)`` are R's.

    Attributes:
        edges: ``[m, 2]`` whole numbers.
        hits: ``[m]`` rays that found each edge; needed for a sphere coverage below 1.
        rays: rays shot from each point; with ``hits``.
    """

    edges: ArrayLike
    hits: ArrayLike | None = None
    rays: int | None = None


@dataclass(frozen=True)
class DCA:
    """Scores of a Delaunay Component Analysis, with what they were computed from.

    Attributes:
        precision: share of E in fundamental components.
        recall: share of R in fundamental components.
        network_quality: share of edges within components that join R to E.
        network_consistency: ``1 - |nR - nE| / (nR + nE)``: of the sizes alone.
        harmonic_score: harmonic mean of precision, recall and network quality; 0 if one is 0. GMC's
            tables call it the DCA score.
        r_outliers: components that are a single point of R.
        e_outliers: components that are a single point of E.
        clusters: components that HDBSCAN found; every outlier is one more.
        edges: edges within components.
        cross_edges: those that join R to E.
        components: all of them, largest first.
        labels: ``[nR + nE]`` component of each point that was used, R first.
        r_points: points of R used.
        e_points: points of E used.
        r_given: points of R before subsampling.
        e_given: points of E before subsampling.
        duplicates: points that lay exactly on another and were moved apart by 1e-7 of the spread.
        parameters: the options.
        graph: which graph was used: ``rays``, ``exact`` or ``given``.
    """

    precision: float
    recall: float
    network_quality: float
    network_consistency: float
    harmonic_score: float
    r_outliers: int
    e_outliers: int
    clusters: int
    edges: int
    cross_edges: int
    components: tuple[Component, ...]
    labels: NDArray[np.intp]
    r_points: int
    e_points: int
    r_given: int
    e_given: int
    duplicates: int
    parameters: DCAParameters
    graph: Literal["rays", "exact", "given"]

    def metrics(self) -> dict[str, float]:
        """Figures for a record, by name."""
        return {
            "dca_precision": self.precision,
            "dca_recall": self.recall,
            "dca_network_quality": self.network_quality,
            "dca_network_consistency": self.network_consistency,
            "dca_harmonic": self.harmonic_score,
            "dca_r_outliers": float(self.r_outliers),
            "dca_e_outliers": float(self.e_outliers),
            "dca_components": float(len(self.components)),
            "dca_fundamental_components": float(sum(c.fundamental for c in self.components)),
        }

    def notes(self) -> list[str]:
        """What a reader of the figures should know, a line each: too many outliers, copies."""
        found = []
        points = self.r_points + self.e_points
        share = (self.r_outliers + self.e_outliers) / points
        if share > _MANY_OUTLIERS:
            found.append(
                f"DCA: {share:.0%} of the {points} points are outliers; min_cluster_size="
                f"{self.parameters.min_cluster_size} may not suit this data"
            )
        if self.duplicates:
            found.append(
                f"DCA: {self.duplicates} of {points} points are copies of others and were moved "
                "apart a little"
            )
        return found

    def provenance(self) -> dict[str, Any]:
        """Parameters and counts that belong beside the figures, as plain data."""
        return {
            **asdict(self.parameters),
            "graph": self.graph,
            "r_points": self.r_points,
            "e_points": self.e_points,
            "r_given": self.r_given,
            "e_given": self.e_given,
            "duplicates": self.duplicates,
        }


def dca(
    r: ArrayLike,
    e: ArrayLike,
    parameters: DCAParameters | None = None,
    *,
    edges: GivenEdges | None = None,
) -> DCA:
    """Compare embeddings E with reference embeddings R.

    Args:
        r: ``[nR, d]`` reference points.
        e: ``[nE, d]`` points to judge.
        parameters: options; the defaults suit 2,000 points on a CPU.
        edges: a graph computed elsewhere, used instead of ``parameters.graph``; nothing is
            subsampled then.

    Returns:
        Scores, components and everything they depend on. Deterministic for a seed.

    Raises:
        ValueError: inputs that are not matrices of one width, are empty, not finite or all the same
            point; options out of range; a filtered graph that falls apart.
    """
    options = parameters or DCAParameters()
    _check_options(options)
    r_all, e_all = (
        to_numpy(finite_rows(x, name=name, allow_constant=True)).astype(np.float64)
        for name, x in (("R", r), ("E", e))
    )
    if r_all.shape[1] != e_all.shape[1]:
        raise ValueError(f"R has {r_all.shape[1]} dimensions and E {e_all.shape[1]}")
    r_used, e_used = (r_all, e_all) if edges is not None else _subsample(r_all, e_all, options)
    points, duplicates = moved_apart(np.concatenate([r_used, e_used]), options.seed)
    graph: DelaunayGraph
    if edges is not None:
        graph = given_graph(points, edges.edges, edges.hits, edges.rays)
    elif options.graph == "exact":
        graph = exact_graph(points)
    else:
        graph = ray_graph(points, rays=options.rays, seed=options.seed)
    graph = filter_by_coverage(graph, options.sphere_coverage, len(points))
    labels, clusters = distil(points, graph, options)
    return _scored(
        labels,
        graph,
        options,
        clusters=clusters,
        duplicates=duplicates,
        sizes=(len(r_used), len(e_used), len(r_all), len(e_all)),
        kind="given" if edges is not None else options.graph,
    )


def _check_options(options: DCAParameters) -> None:
    if options.min_cluster_size < 2:
        raise ValueError(f"min_cluster_size must be at least 2, got {options.min_cluster_size}")
    if options.cluster_selection_epsilon < 0:
        raise ValueError("cluster_selection_epsilon must not be negative")
    for name in ("eta_consistency", "eta_quality"):
        if not 0.0 <= getattr(options, name) < 1.0:
            raise ValueError(f"{name} must lie in [0, 1), got {getattr(options, name)}")
    if options.graph not in {"rays", "exact"}:
        raise ValueError(f"graph must be 'rays' or 'exact', got {options.graph!r}")
    if options.max_points is not None and options.max_points < 2:
        raise ValueError(f"max_points must be at least 2 or None, got {options.max_points}")


def _subsample(r: Floats, e: Floats, options: DCAParameters) -> tuple[Floats, Floats]:
    """At most ``max_points`` rows, R and E in proportion and at least one of each, in order."""
    total = len(r) + len(e)
    if options.max_points is None or total <= options.max_points:
        return r, e
    rng = np.random.default_rng([options.seed, 1])
    r_size = round(options.max_points * len(r) / total)
    r_size = max(1, min(r_size, options.max_points - 1))
    e_size = options.max_points - r_size
    r_rows = np.sort(rng.permutation(len(r))[:r_size])
    e_rows = np.sort(rng.permutation(len(e))[:e_size])
    return r[r_rows], e[e_rows]


def moved_apart(points: Floats, seed: int) -> tuple[Floats, int]:
    """Centre the points; move copies by about 1e-7 of the spread: equal points have no cells.

    Returns:
        ``[n, d]`` points, and how many were copies.

    Raises:
        ValueError: all points are equal.
    """
    centred = points - points.mean(axis=0)
    _, first = np.unique(points, axis=0, return_index=True)
    duplicates = len(points) - len(first)
    if len(first) == 1:
        raise ValueError(f"all {len(points)} points of R and E are equal: no graph joins them")
    if duplicates:
        copies = np.ones(len(points), dtype=np.bool_)
        copies[first] = False
        spread = float(np.sqrt((centred**2).mean()))
        rng = np.random.default_rng([seed, 2])
        centred[copies] += _APART * spread * rng.standard_normal((duplicates, points.shape[1]))
    return centred, duplicates


def _scored(
    labels: NDArray[np.intp],
    graph: DelaunayGraph,
    options: DCAParameters,
    *,
    clusters: int,
    duplicates: int,
    sizes: tuple[int, int, int, int],
    kind: Literal["rays", "exact", "given"],
) -> DCA:
    r_points, e_points, r_given, e_given = sizes
    components = judge_components(labels, graph, r_points, options)
    r_in = sum(c.r_points for c in components if c.fundamental)
    e_in = sum(c.e_points for c in components if c.fundamental)
    edges = sum(c.edges for c in components)
    cross = sum(c.cross_edges for c in components)
    precision, recall = e_in / e_points, r_in / r_points
    quality = cross / edges if edges else 0.0
    parts = (precision, recall, quality)
    return DCA(
        precision=precision,
        recall=recall,
        network_quality=quality,
        network_consistency=1.0 - abs(r_points - e_points) / (r_points + e_points),
        harmonic_score=3.0 / sum(1.0 / part for part in parts) if all(parts) else 0.0,
        r_outliers=sum((c.r_points, c.e_points) == (1, 0) for c in components),
        e_outliers=sum((c.r_points, c.e_points) == (0, 1) for c in components),
        clusters=clusters,
        edges=edges,
        cross_edges=cross,
        components=components,
        labels=labels,
        r_points=r_points,
        e_points=e_points,
        r_given=r_given,
        e_given=e_given,
        duplicates=duplicates,
        parameters=options,
        graph=kind,
    )
