"""Cross-modal retrieval, both directions: derive from :class:`RetrievalTask`, name collections.

Source: protocols of AVE and Flickr-SoundNet audio-image retrieval (C-MCR), CLIP_benchmark's
recall@k. Where references disagree each variant is an option; the defaults are instance relevance
and expected-rank ties.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from mmbench.api import (
    Evaluation,
    ItemTable,
    MetricInfo,
    Offers,
    Request,
    ScoreInputs,
    Task,
    TaskInfo,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from mmbench.api.task import Level

__all__ = ["RetrievalTask"]

KS = (1, 5, 10)


class RetrievalTask(Task):
    """Items of one collection, each seen through two streams, retrieve each other.

    A subclass gives ``name``, ``version`` and :meth:`collections` with a collection ``"pairs"``.

    Args:
        query: The stream that queries.
        gallery: The stream that is searched; the other direction is scored too.
        relevance: ``instance``: the item's own other stream is the one positive.
            ``class``: every item with the same value in the column ``label`` is one.
        ties: Rank of a positive among equal scores.
        own_pair: Whether, under class relevance, an item's own other stream counts.
    """

    name = ""
    version = "1"
    description = ""
    citation = ""
    #: Key of the collection that is scored.
    pairs = "pairs"
    #: Column with the class, for ``relevance="class"``.
    label = "label"

    def __init__(
        self,
        *,
        query: str = "image",
        gallery: str = "text",
        relevance: Literal["instance", "class"] = "instance",
        ties: Literal["expected", "optimistic", "pessimistic"] = "expected",
        own_pair: bool = True,
    ) -> None:
        self.query = query
        self.gallery = gallery
        self.relevance = relevance
        self.ties = ties
        self.own_pair = own_pair

    @property
    def info(self) -> TaskInfo:
        """Recall, reciprocal rank, average precision and median rank of both directions."""
        metrics: list[MetricInfo] = []
        equal: list[tuple[str, str]] = []
        for way in self._ways():
            metrics += _metrics_of(way, self.relevance)
            if self.relevance == "instance":
                equal.append((f"{way} MRR", f"{way} mAP"))
        return TaskInfo(
            name=self.name,
            version=self.version,
            protocol="retrieval",
            primary=metrics[0].name,
            metrics=tuple(metrics),
            equal=tuple(equal),
            citation=self.citation,
            description=self.description,
        )

    def requests(self, offers: Offers) -> list[Request]:
        """One vector an item and stream."""
        return [Request(s, self.pairs, (s,)) for s in (self.query, self.gallery)]

    def score(self, inputs: ScoreInputs) -> Evaluation:
        """Per-item ranks, hits and precisions of both directions.

        Raises:
            ValueError: NaN, zero or constant embeddings: errors, not numbers.
        """
        from mmbench.metrics.retrieval import label_retrieval, pair_retrieval

        table = inputs.tables[self.pairs]
        sides = inputs.arrays[self.query], inputs.arrays[self.gallery]
        similarity: Any = inputs.similarity
        if self.relevance == "instance":
            both = pair_retrieval(*sides, similarity=similarity, ties=self.ties, ks=KS)
        else:
            import numpy as np

            labels = np.asarray(table[self.label])
            own = None if self.own_pair else np.arange(len(labels))
            options: dict[str, Any] = {"own_items": own, "similarity": similarity}
            options |= {"ties": self.ties, "ks": KS}
            both = (
                label_retrieval(sides[0], sides[1], labels, labels, **options),
                label_retrieval(sides[1], sides[0], labels, labels, **options),
            )
        columns = {
            f"{way} {name}": values
            for way, scored in zip(self._ways(), both, strict=True)
            for name, values in scored.items()
        }
        return Evaluation(tables={"items": ItemTable(table.ids, columns)})

    def reference_levels(self, inputs: ScoreInputs) -> Mapping[str, Mapping[str, float]]:
        """Chance of a random ranking, in closed form, and the ceiling that labels allow."""
        table = inputs.tables[self.pairs]
        labels = list(range(len(table))) if self.relevance == "instance" else table[self.label]
        chance, ceiling = _levels(labels, own_pair=self.own_pair or self.relevance == "instance")
        names = {metric.name for metric in self.info.metrics}
        return {
            level: {
                f"{way} {name}": value
                for way in self._ways()
                for name, value in values.items()
                if f"{way} {name}" in names
            }
            for level, values in (("chance", chance), ("ceiling", ceiling))
        }

    def reference_arrays(
        self, level: Level, inputs: ScoreInputs, rng: np.random.Generator
    ) -> Mapping[str, Any]:
        """Both streams alike (perfect), unrelated (random), or all alike (constant)."""
        import numpy as np

        n = len(inputs.tables[self.pairs])
        if self.relevance == "class" and level == "perfect":
            _, codes = np.unique(
                np.asarray(inputs.tables[self.pairs][self.label]), return_inverse=True
            )
            one = np.eye(int(codes.max()) + 1, 64 + int(codes.max()), dtype=np.float32)[codes]
            return {self.query: one, self.gallery: one.copy()}
        first = rng.standard_normal((n, 64)).astype(np.float32)
        if level == "constant":
            first[:] = 1.0
        second = rng.standard_normal((n, 64)) if level == "random" else first
        return {self.query: first, self.gallery: second.astype(np.float32)}

    def _ways(self) -> tuple[str, str]:
        return f"{self.query}→{self.gallery}", f"{self.gallery}→{self.query}"


def _metrics_of(way: str, relevance: str) -> list[MetricInfo]:
    """The metrics of one direction."""
    found = [
        MetricInfo(
            f"{way} R@{k}",
            (f"{way} hit@{k}",),
            ladder=(f"{way} R", k),
            description=f"share of queries with a positive at rank {k} or better",
        )
        for k in KS
    ]
    if relevance == "class":
        found += [
            MetricInfo(
                f"{way} recall@{k}",
                (f"{way} recall@{k}",),
                ladder=(f"{way} recall", k),
                description=f"mean share of a query's positives at rank {k} or better",
            )
            for k in KS
        ]
    return [
        *found,
        MetricInfo(
            f"{way} MRR",
            (f"{way} reciprocal_rank",),
            description="mean of 1 / rank of the best positive",
        ),
        MetricInfo(
            f"{way} mAP",
            (f"{way} average_precision",),
            description="mean average precision (= MRR with one positive)",
        ),
        MetricInfo(
            f"{way} median rank",
            (f"{way} rank",),
            aggregator="median",
            unit="rank",
            higher_is_better=False,
            bounds=(1.0, None),
            description="median rank of the best positive, 1 = top; .5 steps for an even number",
        ),
    ]


def _levels(labels: Any, *, own_pair: bool) -> tuple[dict[str, float], dict[str, float]]:
    """Expected scores of a random ranking, and the best attainable ones.

    With P positives among N candidates: hit@k = 1 - C(N-P, k) / C(N, k); recall@k = k / N;
    1 / rank of the best has expectation sum_r (1/r) C(N-r, P-1) / C(N, P); and average precision
    (1/N) sum_i (1/i) (1 + (i-1)(P-1)/(N-1)), each averaged over the queries with a positive.
    """
    import numpy as np
    from scipy.special import gammaln

    _, codes, sizes = np.unique(np.asarray(labels), return_inverse=True, return_counts=True)
    n = len(codes) - (0 if own_pair else 1)
    positives = sizes[codes] - (0 if own_pair else 1)
    counts, weights = np.unique(positives[positives > 0], return_counts=True)
    share = weights / max(weights.sum(), 1)
    ranks = np.arange(1, n + 1, dtype=np.float64)
    chance = dict.fromkeys((f"R@{k}" for k in KS), 0.0) | {"MRR": 0.0, "mAP": 0.0}
    ceiling = dict.fromkeys((f"R@{k}" for k in KS), 1.0) | {
        "MRR": 1.0,
        "mAP": 1.0,
        "median rank": 1.0,
    }
    survival = np.zeros(n)
    for p, part in zip(counts.tolist(), share.tolist(), strict=True):
        # log of C(n-r, p): the best of p positives lies below rank r
        below = np.where(ranks <= n - p, gammaln(np.maximum(n - ranks + 1, 1)), -np.inf)
        below = below - gammaln(np.maximum(n - ranks - p + 1, 1)) - gammaln(p + 1)
        beyond = np.exp(below - (gammaln(n + 1) - gammaln(p + 1) - gammaln(n - p + 1)))
        at = -np.diff(np.concatenate([[1.0], beyond]))
        survival += part * beyond
        for k in KS:
            chance[f"R@{k}"] += part * (1.0 - (float(beyond[k - 1]) if k <= n else 0.0))
        chance["MRR"] += part * float((at / ranks).sum())
        chance["mAP"] += part * float(((1 + (ranks - 1) * (p - 1) / max(n - 1, 1)) / ranks).mean())
        for k in KS:
            name = f"recall@{k}"
            chance[name] = chance.get(name, 0.0) + part * min(k / n, 1.0)
            ceiling[name] = ceiling.get(name, 0.0) + part * min(k / p, 1.0)
    half = np.flatnonzero(survival <= 0.5)
    chance["median rank"] = _median_rank(ranks, survival, half)
    return chance, ceiling


def _median_rank(
    ranks: NDArray[np.float64], survival: NDArray[np.float64], half: NDArray[np.int64]
) -> float:
    """Median of the best positive's rank; midway where exactly half lie below."""
    if not len(half):
        return float(ranks[-1]) if len(ranks) else float("nan")
    first = int(half[0])
    if abs(float(survival[first]) - 0.5) < 1e-9 and first + 1 < len(ranks):
        return float(ranks[first]) + 0.5
    return float(ranks[first])
