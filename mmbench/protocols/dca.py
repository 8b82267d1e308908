"""Does a stream alone put items where all streams put them? Delaunay components of both clouds.

Source: Delaunay Component Analysis (Poklukar et al., ICLR 2022) as GMC uses it (Poklukar et al.,
ICML 2022): R the representations of all streams, E those of one.
"""

from __future__ import annotations

from dataclasses import dataclass
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
    from mmbench.metrics.dca_shortcut import SharedComponents

    Floats = NDArray[np.float64]

__all__ = ["DCATask", "StreamClouds"]

_COMPLETE, _HALVES = "complete", "halves"
_DECIMALS = 4
_NOTED_OUTLIERS = 0.2
_SCORES = {
    "DCA": "harmonic mean of precision, recall and quality, GMC's DCA score; 0 if one is 0, one "
    "cloud: about 0.75",
    "precision": "share of E in components that hold R too",
    "recall": "share of R in components that hold E too",
    "quality": "share of edges within components that join R to E; one cloud: about 0.5",
}
_COUNTS = {
    "R outliers": "points of R that are components of their own",
    "E outliers": "points of E that are components of their own",
}


@dataclass(frozen=True)
class StreamClouds:
    """The points of one comparison, as they are scored.

    Attributes:
        r: [nR, D] of all streams.
        e: [nE, D] of one stream.
        rows: The items of R, by row of the collection; of E too, unless its rows are made unique.
        components: Which of them share components.
    """

    r: Floats
    e: Floats
    rows: NDArray[np.intp]
    components: SharedComponents


class DCATask(Task):
    """DCA of each stream's representations (E) against the complete ones (R).

    A subclass gives ``name``, ``version`` and :meth:`collections` with a collection ``"items"``.

    Precision and recall need no graph (see ``mmbench.metrics.dca_shortcut``), so they are
    computed on ``points``; the quality is that of the graph of fewer, ``quality_points``. Both take
    the same items on both sides, so that an item is thinned out with its pair. Thresholds are 0 and
    no edge is filtered (B = 1), as in the original.

    The primary metric is the mean of the streams' DCA scores, of those with a vector an item. Two
    clouds may share components without any item lying near its pair: read it beside the
    ``distance`` of pairs. ``halves`` is the yardstick: R's one half against its other.

    Args:
        streams: The streams; R is of all of them, E of each.
        scaling: Vectors before they are compared. ``similarity``: of length 1 where the
            representation compares by cosine, as they are where by dot product. ``unit`` and
            ``raw`` (GMC) force one of the two.
        points: At most this many items for precision and recall; more are drawn from. The
            original takes all (10,000).
        quality_points: At most this many items for the quality.
        rays: Rays shot from each point (T); the original's is 10,000, on a GPU.
        min_cluster_size: Smallest component (mcs).
        seed: Of the draws and the rays; not the cell's, so that all seeds meet the same ones.
    """

    name = ""
    version = "1"
    description = ""
    citation = ""
    #: Key of the collection that is scored.
    items = "items"
    #: Streams that have few distinct vectors, such as the label. E is their distinct rows, rounded
    #: to four decimals, and they are no part of the mean.
    distinct: ClassVar[tuple[str, ...]] = ()
    refused: ClassVar[Mapping[str, str]] = {
        "sphere_coverage=0.7": "a filtered graph has components of its own, which the protocol "
        "alignment computes",
        "min_samples=1": "the original lists it and clusters raw lengths all the same: it has no "
        "effect",
    }

    def __init__(
        self,
        *,
        streams: tuple[str, ...] = ("image", "audio"),
        scaling: Literal["similarity", "unit", "raw"] = "similarity",
        points: int = 2_000,
        quality_points: int = 500,
        rays: int = 100,
        min_cluster_size: int = 10,
        seed: int = 0,
    ) -> None:
        where = f"task {self.name}"
        if len(streams) < 2 or len(set(streams)) < len(streams):
            raise UsageError(f"streams must be two or more, each once: {streams}", where=where)
        if not set(streams) - set(self.distinct):
            raise UsageError(f"no stream has a vector an item: {streams}", where=where)
        in_range = {
            "points": points >= 2,
            "quality_points": quality_points >= 2,
            "rays": rays >= 1,
            "min_cluster_size": min_cluster_size >= 2,
        }
        if wrong := [option for option, fits in in_range.items() if not fits]:
            fix = "points, quality_points, min_cluster_size >= 2; rays >= 1"
            raise UsageError(f"{' and '.join(wrong)} out of range", where=where, fix=fix)
        self.streams = streams
        self.scaling = scaling
        self.points = points
        self.quality_points = quality_points
        self.rays = rays
        self.min_cluster_size = min_cluster_size
        self.seed = seed

    @property
    def info(self) -> TaskInfo:
        """The mean over streams, then every stream's scores, then the yardstick's."""
        metrics = self._metrics()
        return TaskInfo(
            name=self.name,
            version=self.version,
            protocol="dca",
            primary=metrics[0].name,
            metrics=tuple(metrics),
            citation=self.citation,
            description=self.description,
        )

    def requests(self, offers: Offers) -> list[Request]:
        """A vector an item of all streams, and one of each."""
        return [
            Request(_COMPLETE, self.items, self.streams),
            *(Request(stream, self.items, (stream,)) for stream in self.streams),
        ]

    def score(self, inputs: ScoreInputs) -> Evaluation:
        """Every stream's scores, and its pairs' distances item by item.

        Raises:
            ValueError: NaN, zero or constant embeddings, or of unequal widths.
        """
        from mmbench.metrics.alignment import pair_distances
        from mmbench.metrics.vectors import to_numpy, unit_rows

        units = {
            name: to_numpy(unit_rows(inputs.arrays[name], name=f"vectors of {name}", double=True))
            for name in (_COMPLETE, *self.streams)
        }
        columns = {
            f"{stream} distance": pair_distances(units[_COMPLETE], units[stream], alpha=2.0)
            for stream in self.streams
        }
        values: dict[str, float] = {}
        sizes: dict[str, dict[str, int]] = {}
        notes: list[str] = []
        for name in (*self.streams, _HALVES):
            found, sizes[name] = self._compared(inputs, name)
            values |= {f"{name} {metric}": value for metric, value in found.items()}
            share = (found["R outliers"] + found["E outliers"]) / sum(
                sizes[name][side] for side in ("R", "E")
            )
            if share > _NOTED_OUTLIERS:
                notes.append(f"{name}: {share:.0%} of the points are outliers to DCA")
        values["mean DCA"] = sum(values[f"{stream} DCA"] for stream in self._averaged()) / len(
            self._averaged()
        )
        described = {
            "T": self.rays,
            "B": 1.0,
            "mcs": self.min_cluster_size,
            "eta_consistency": 0.0,
            "eta_quality": 0.0,
            "seed": self.seed,
            "scaling": "unit" if self._scaled(inputs) else "raw",
            "points": sizes,
            "distinct rows": [stream for stream in self.streams if stream in self.distinct],
        }
        table = ItemTable(inputs.tables[self.items].ids, columns)
        return Evaluation({"items": table}, values, described, tuple(notes))

    def clouds(self, inputs: ScoreInputs, stream: str) -> StreamClouds:
        """What precision and recall of one stream are computed on; for pictures of it, too.

        Args:
            inputs: As scoring has them.
            stream: One of ``streams``.
        """
        from mmbench.metrics.dca_shortcut import shared_components

        rows = self._drawn(len(inputs.tables[self.items]), self.points)
        r, e = self._sides(inputs, stream, rows)
        components = shared_components(r, e, min_cluster_size=self.min_cluster_size, seed=self.seed)
        return StreamClouds(r, e, rows, components)

    def reference_levels(self, inputs: ScoreInputs) -> Mapping[str, Mapping[str, float]]:
        """Chance: independent directions lie a squared distance of 2 apart. Ceiling: pairs meet.

        The DCA score has no closed ceiling; ``halves`` is what one cloud reaches.
        """
        names = [f"{stream} distance" for stream in self.streams]
        return {"chance": dict.fromkeys(names, 2.0), "ceiling": dict.fromkeys(names, 0.0)}

    def reference_arrays(
        self, level: Level, inputs: ScoreInputs, rng: np.random.Generator
    ) -> Mapping[str, Any]:
        """All alike in two far groups (perfect), unrelated (random), or ones (constant)."""
        import numpy as np

        shape = len(inputs.tables[self.items]), 16
        first = rng.standard_normal(shape)
        if level == "perfect":  # one loose cloud is mostly outliers to DCA
            first = 0.05 * first + rng.standard_normal(16)
            first[::2] *= -1
        found: dict[str, Any] = {}
        for name in (_COMPLETE, *self.streams):
            vectors = np.ones(shape) if level == "constant" else first
            found[name] = vectors.astype(np.float32)
            if level == "random":
                first = rng.standard_normal(shape)
        return found

    def _compared(self, inputs: ScoreInputs, name: str) -> tuple[dict[str, float], dict[str, int]]:
        """Scores of one stream (or of R's halves), and how many points they are of."""
        from mmbench.metrics.dca import DCAParameters, dca
        from mmbench.metrics.dca_shortcut import harmonic_score, shared_components

        items = len(inputs.tables[self.items])
        if name == _HALVES:
            r, e = self._halves(inputs, self.points)
            components = shared_components(
                r, e, min_cluster_size=self.min_cluster_size, seed=self.seed
            )
            judged = self._halves(inputs, self.quality_points)
        else:
            clouds = self.clouds(inputs, name)
            r, e, components = clouds.r, clouds.e, clouds.components
            judged = self._sides(inputs, name, self._drawn(items, self.quality_points))
        parameters = DCAParameters(
            rays=self.rays,
            min_cluster_size=self.min_cluster_size,
            max_points=None,
            seed=self.seed,
        )
        quality = dca(*judged, parameters).network_quality
        precision, recall = components.precision, components.recall
        scores = {
            "DCA": harmonic_score(precision, recall, quality),
            "precision": precision,
            "recall": recall,
            "quality": quality,
            "R outliers": float(components.r_outliers.sum()),
            "E outliers": float(components.e_outliers.sum()),
        }
        sizes = {"R": len(r), "E": len(e), "quality R": len(judged[0]), "quality E": len(judged[1])}
        return scores, sizes

    def _sides(
        self, inputs: ScoreInputs, stream: str, rows: NDArray[np.intp]
    ) -> tuple[Floats, Floats]:
        """R and E of these items; E's distinct rows, of all items, where a stream has few."""
        import numpy as np

        r = self._array(inputs, _COMPLETE)[rows]
        e = self._array(inputs, stream)
        if stream in self.distinct:
            return r, np.unique(e.round(_DECIMALS), axis=0)
        return r, e[rows]

    def _halves(self, inputs: ScoreInputs, most: int) -> tuple[Floats, Floats]:
        """Two disjoint draws of R, of at most so many items each."""
        import numpy as np

        r = self._array(inputs, _COMPLETE)
        order = np.random.default_rng([self.seed, 1]).permutation(len(r))[: 2 * most]
        half = len(order) // 2
        return r[order[:half]], r[order[half:]]

    def _drawn(self, items: int, most: int) -> NDArray[np.intp]:
        """Rows of at most so many items, in order."""
        import numpy as np

        order = np.random.default_rng(self.seed).permutation(items)[:most]
        return np.sort(order)

    def _array(self, inputs: ScoreInputs, name: str) -> Floats:
        from mmbench.metrics.vectors import finite_rows, to_numpy, unit_rows

        prepared = unit_rows if self._scaled(inputs) else finite_rows
        vectors: Floats = to_numpy(
            prepared(inputs.arrays[name], name=f"vectors of {name}", double=True)
        )
        return vectors

    def _scaled(self, inputs: ScoreInputs) -> bool:
        if self.scaling == "similarity":
            return inputs.similarity == "cosine"
        return self.scaling == "unit"

    def _averaged(self) -> list[str]:
        """The streams with a vector an item."""
        return [stream for stream in self.streams if stream not in self.distinct]

    def _metrics(self) -> list[MetricInfo]:
        from mmbench.metrics.dca import NO_INTERVAL

        averaged = ", ".join(self._averaged())
        found = [
            MetricInfo(
                "mean DCA",
                no_interval=NO_INTERVAL,
                description=f"mean of the DCA scores of {averaged}",
            )
        ]
        for name in (*self.streams, _HALVES):
            r, e = ("one half", "the other half") if name == _HALVES else ("all streams", name)
            if name in self.distinct:
                e = f"{name}'s distinct rows"
            diagnostic = name == _HALVES or name in self.distinct
            sides = f"R {r}, E {e}"
            found += [
                MetricInfo(
                    f"{name} {score}",
                    higher_is_better=None if diagnostic else True,
                    no_interval=NO_INTERVAL,
                    description=f"{said}; {sides}",
                )
                for score, said in _SCORES.items()
            ]
            found += [
                MetricInfo(
                    f"{name} {count}",
                    unit="1",
                    higher_is_better=None,
                    bounds=(0.0, None),
                    no_interval=NO_INTERVAL,
                    description=f"{said}; {sides}",
                )
                for count, said in _COUNTS.items()
            ]
        return found + [
            MetricInfo(
                f"{stream} distance",
                (f"{stream} distance",),
                unit="1",
                higher_is_better=False,
                bounds=(0.0, 4.0),
                description=f"mean squared distance of {stream}'s vector to its item's of all "
                "streams, both of length 1; unrelated: 2",
            )
            for stream in self.streams
        ]
