"""Alignment of two views of the same items: distances, spread, and the components they share.

Source: modality gap (Liang et al., NeurIPS 2022); alignment and uniformity (Wang and Isola, ICML
2020); Delaunay Component Analysis (Poklukar et al., ICLR 2022) with GMC's harmonic score.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from mmbench.api import (
    Evaluation,
    ItemTable,
    MetricInfo,
    Request,
    Task,
    TaskInfo,
    UsageError,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from mmbench.api import Offers, ScoreInputs
    from mmbench.api.task import Level

__all__ = ["AlignmentTask"]

_BLOCK = 1024


class AlignmentTask(Task):
    """How the embeddings of two subsets of the streams of the same items lie to each other.

    A subclass gives ``name``, ``version`` and :meth:`collections` with a collection ``"pairs"``.

    The primary metric is alignment, the only one that looks at pairs: the modality gap and DCA
    compare two clouds, so that random vectors of one distribution pass for aligned there (DCA's
    harmonic score of such vectors is about 0.75, which is also its practical ceiling). Alignment
    alone is flattered by vectors that lie close together; read it beside ``unpaired distance``, the
    same figure over items that do not belong together.

    Args:
        reference: The subset of streams whose embeddings are R, joined by ``+``.
        candidate: The subset whose embeddings are E (GMC: R the complete set, E one stream).
        alpha: Power of the distances.
        t: Inverse width of uniformity's kernel.
        scaling: Vectors before DCA. ``similarity``: of length 1 where the representation compares
            by cosine, as they are where by dot product. ``unit`` and ``raw`` force one of the two.
        rays: Rays DCA shoots from each point (T).
        points: At most this many points of R and E together; more are subsampled.
        sphere_coverage: Share of directions whose shortest edges DCA keeps (B); 1 keeps all.
        min_cluster_size: Smallest component (mcs).
        cluster_selection_epsilon: HDBSCAN's; 0 in the original.
        eta_consistency: A fundamental component's consistency lies above it.
        eta_quality: And its quality above this.
        graph: ``rays``, or ``exact`` for a handful of dimensions.
        seed: Of DCA's rays and subsample; not the cell's, so that all seeds meet the same rays.
    """

    name = ""
    version = "1"
    description = ""
    citation = ""
    #: Key of the collection that is scored.
    pairs = "pairs"
    refused: ClassVar[Mapping[str, str]] = {
        "min_samples=1": "the original lists it and clusters raw lengths all the same: it has no "
        "effect",
    }

    def __init__(
        self,
        *,
        reference: str = "image",
        candidate: str = "text",
        alpha: float = 2.0,
        t: float = 2.0,
        scaling: Literal["similarity", "unit", "raw"] = "similarity",
        rays: int = 1_000,
        points: int = 2_000,
        sphere_coverage: float = 1.0,
        min_cluster_size: int = 10,
        cluster_selection_epsilon: float = 0.0,
        eta_consistency: float = 0.0,
        eta_quality: float = 0.0,
        graph: Literal["rays", "exact"] = "rays",
        seed: int = 0,
    ) -> None:
        where = f"task {self.name}"
        in_range = {
            "alpha": alpha > 0,
            "t": t > 0,
            "rays": rays >= 1,
            "points": points >= 2,
            "sphere_coverage": 0 < sphere_coverage <= 1,
            "min_cluster_size": min_cluster_size >= 2,
        }
        if wrong := [option for option, fits in in_range.items() if not fits]:
            fix = "alpha, t > 0; rays >= 1; points, min_cluster_size >= 2; 0 < sphere_coverage <= 1"
            raise UsageError(f"{' and '.join(wrong)} out of range", where=where, fix=fix)
        if _subset(reference) == _subset(candidate):
            raise UsageError(f"both sides are {reference!r}", where=where)
        self.reference = reference
        self.candidate = candidate
        self.alpha = alpha
        self.t = t
        self.scaling = scaling
        self.rays = rays
        self.points = points
        self.sphere_coverage = sphere_coverage
        self.min_cluster_size = min_cluster_size
        self.cluster_selection_epsilon = cluster_selection_epsilon
        self.eta_consistency = eta_consistency
        self.eta_quality = eta_quality
        self.graph = graph
        self.seed = seed

    @property
    def info(self) -> TaskInfo:
        """Alignment, gap and uniformity, then DCA's five scores."""
        metrics = (*_pair_metrics(self), *_cloud_metrics(self), *_dca_metrics())
        return TaskInfo(
            name=self.name,
            version=self.version,
            protocol="alignment",
            primary=metrics[0].name,
            metrics=metrics,
            citation=self.citation,
            description=self.description,
        )

    def requests(self, offers: Offers) -> list[Request]:
        """One vector an item and side."""
        return [
            Request(side, self.pairs, tuple(sorted(_subset(side))))
            for side in (self.reference, self.candidate)
        ]

    def score(self, inputs: ScoreInputs) -> Evaluation:
        """Distances of pairs item by item; the figures of the two clouds.

        Raises:
            ValueError: NaN, zero or constant embeddings, or of unequal widths.
        """
        from mmbench.metrics.alignment import modality_gap, pair_distances, uniformity
        from mmbench.metrics.dca import DCAParameters, dca
        from mmbench.metrics.vectors import finite_rows, to_numpy, unit_rows

        sides = {side: inputs.arrays[side] for side in (self.reference, self.candidate)}
        units = {
            side: to_numpy(unit_rows(each, name=f"vectors of {side}", double=True))
            for side, each in sides.items()
        }
        x, y = units.values()
        columns = {
            "pair distance": pair_distances(x, y, alpha=self.alpha),
            "unpaired distance": _unpaired_distances(x, y, self.alpha),
        }
        unit = self.scaling == "unit" or (
            self.scaling == "similarity" and inputs.similarity == "cosine"
        )
        r, e = units.values() if unit else map(finite_rows, sides.values())
        parameters = DCAParameters(
            rays=self.rays,
            sphere_coverage=self.sphere_coverage,
            min_cluster_size=self.min_cluster_size,
            cluster_selection_epsilon=self.cluster_selection_epsilon,
            eta_consistency=self.eta_consistency,
            eta_quality=self.eta_quality,
            graph=self.graph,
            max_points=self.points,
            seed=self.seed,
        )
        components = dca(r, e, parameters)
        values = {
            "modality gap": modality_gap(x, y),
            **{f"uniformity {side}": uniformity(each, t=self.t) for side, each in units.items()},
            **_dca_values(components.metrics()),
        }
        described = {
            "alpha": self.alpha,
            "t": self.t,
            "dca": {**components.provenance(), "scaling": "unit" if unit else "raw"}
            | {"R": self.reference, "E": self.candidate},
        }
        table = ItemTable(inputs.tables[self.pairs].ids, columns)
        return Evaluation({"items": table}, values, described, tuple(components.notes()))

    def reference_levels(self, inputs: ScoreInputs) -> Mapping[str, Mapping[str, float]]:
        """Chance: independent directions (exact for ``alpha=2``). Ceiling: pairs that coincide.

        DCA's harmonic score has no closed ceiling; two equal samples of one distribution reach
        about 0.75.
        """
        far = 2.0 ** (self.alpha / 2.0)
        return {
            "chance": {"alignment": far, "unpaired distance": far},
            "ceiling": {"alignment": 0.0, "DCA precision": 1.0, "DCA recall": 1.0},
        }

    def reference_arrays(
        self, level: Level, inputs: ScoreInputs, rng: np.random.Generator
    ) -> Mapping[str, Any]:
        """Both sides alike, in two far groups (perfect), unrelated (random), or all alike."""
        import numpy as np

        shape = len(inputs.tables[self.pairs]), 16
        first = rng.standard_normal(shape).astype(np.float32)
        if level == "constant":
            first[:] = 1.0
        elif level == "perfect":  # one loose cloud is mostly outliers to DCA
            first[:] = 0.05 * first + rng.standard_normal(16)
            first[::2] *= -1
        second = rng.standard_normal(shape) if level == "random" else first
        return {self.reference: first, self.candidate: second.astype(np.float32)}


_DCA_SCORES = {
    "harmonic": "harmonic mean of DCA precision, recall and network quality, GMC's DCA score; 0 "
    "if one is 0, one cloud: about 0.75",
    "precision": "share of E in components that hold both sides above the thresholds (DCA)",
    "recall": "share of R in components that hold both sides above the thresholds (DCA)",
    "network quality": "share of edges within components that join R to E (DCA); one cloud: about "
    "0.5",
}
_DCA_COUNTS = {
    "network consistency": "1 - |nR - nE| / (nR + nE), of the sizes alone (DCA)",
    "components": "components of HDBSCAN, outliers included",
    "fundamental components": "components that hold both sides above the thresholds",
    "r outliers": "components that are one point of R",
    "e outliers": "components that are one point of E",
}


def _subset(side: str) -> frozenset[str]:
    """The streams of one side."""
    return frozenset(side.split("+"))


def _pair_metrics(task: AlignmentTask) -> list[MetricInfo]:
    """The two that look at single items, and so have intervals."""
    bounds = (0.0, 2.0**task.alpha)
    return [
        MetricInfo(
            "alignment",
            ("pair distance",),
            unit="1",
            higher_is_better=False,
            bounds=bounds,
            description=f"mean of |x - y|^{task.alpha:g} over pairs of unit vectors "
            "(Wang and Isola)",
        ),
        MetricInfo(
            "unpaired distance",
            ("unpaired distance",),
            unit="1",
            higher_is_better=None,
            bounds=bounds,
            description=f"mean of |x_i - y_j|^{task.alpha:g}, i != j: alignment's yardstick, over "
            "items that are no pairs",
        ),
    ]


def _cloud_metrics(task: AlignmentTask) -> list[MetricInfo]:
    """Modality gap and both uniformities: diagnostics, better in neither direction alone."""
    from mmbench.metrics.alignment import NO_INTERVAL

    gap = MetricInfo(
        "modality gap",
        unit="1",
        higher_is_better=None,
        bounds=(0.0, 2.0),
        no_interval=NO_INTERVAL["modality_gap"],
        description="distance of the two sides' mean unit vectors (Liang et al.)",
    )
    return [
        gap,
        *(
            MetricInfo(
                f"uniformity {side}",
                unit="1",
                higher_is_better=None,
                bounds=(-4.0 * task.t, 0.0),
                no_interval=NO_INTERVAL["uniformity"],
                description=f"log of the mean of exp(-{task.t:g} |x_i - x_j|^2), i < j; 0 = "
                "collapsed (Wang and Isola)",
            )
            for side in (task.reference, task.candidate)
        ),
    ]


def _dca_metrics() -> list[MetricInfo]:
    """DCA's scores, better when higher, and its diagnostics."""
    from mmbench.metrics.dca import NO_INTERVAL

    scores = [
        MetricInfo(f"DCA {name}", no_interval=NO_INTERVAL, description=said)
        for name, said in _DCA_SCORES.items()
    ]
    counts = [
        MetricInfo(
            f"DCA {name}",
            unit="1",
            higher_is_better=None,
            bounds=(0.0, 1.0 if name == "network consistency" else None),
            no_interval=NO_INTERVAL,
            description=said,
        )
        for name, said in _DCA_COUNTS.items()
    ]
    return scores + counts


def _dca_values(figures: Mapping[str, float]) -> dict[str, float]:
    """The metric's figures under the task's names."""
    return {
        f"DCA {name}": figures[f"dca_{name.replace(' ', '_')}"]
        for name in (*_DCA_SCORES, *_DCA_COUNTS)
    }


def _unpaired_distances(
    x: NDArray[np.float64], y: NDArray[np.float64], alpha: float
) -> NDArray[np.float64]:
    """Mean of ``|x_i - y_j|^alpha`` over all j but i, [n], from unit rows, block by block.

    In ``0..2 ** alpha``: rounding may pass these bounds, and is cut off.
    """
    import numpy as np

    n = len(x)
    if n < 2:
        raise ValueError("items that are no pairs need at least two items")
    means = np.empty(n)
    for start in range(0, n, _BLOCK):
        squared = np.clip(2.0 - 2.0 * (x[start : start + _BLOCK] @ y.T), 0.0, 4.0)
        powers = squared ** (alpha / 2.0)
        rows = np.arange(len(powers))
        means[start : start + _BLOCK] = (powers.sum(axis=1) - powers[rows, start + rows]) / (n - 1)
    return np.clip(means, 0.0, 2.0**alpha)
