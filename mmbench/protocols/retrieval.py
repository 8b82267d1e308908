"""Cross-modal retrieval, both directions: derive from :class:`RetrievalTask`, name collections.

Source: protocols of AVE and Flickr-SoundNet audio-image retrieval (C-MCR), CLIP_benchmark's
recall@k (LAION-AI/CLIP_benchmark, commit 48de38c), MTEB's class relevance. Where references
disagree each variant is an option; the defaults are instance relevance and expected-rank ties.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from mmbench.api import (
    DataError,
    Evaluation,
    ItemTable,
    MetricInfo,
    Offers,
    Request,
    ScoreInputs,
    Task,
    TaskInfo,
    UsageError,
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
            ``class``: every item with the same value in the column :attr:`label` is one.
        ties: Rank of a positive among equal scores.
        own_pair: Whether, under class relevance, an item's own other stream counts.
        duplicates: Items with the same value in the column :attr:`group` (AVE's repeated videos)
            are ``distinct`` items, ``joint`` positives of each other, or all but the ``first``
            left out.

    Raises:
        UsageError: Options that contradict each other.
    """

    name = ""
    version = "1"
    description = ""
    citation = ""
    #: Key of the collection that is scored.
    pairs = "pairs"
    #: Column with the class, for ``relevance="class"``.
    label = "label"
    #: Column that repeats where items show the same thing, for ``duplicates``.
    group = "group"
    refused: ClassVar[Mapping[str, str]] = {
        "ties=topk": "which of several equal scores torch.topk returns is arbitrary, so the number "
        "could not be repeated; take expected, optimistic or pessimistic",
        "median=floor": "a floored median hides half a rank; it is the floor of the one reported",
    }

    def __init__(
        self,
        *,
        query: str = "image",
        gallery: str = "text",
        relevance: Literal["instance", "class"] = "instance",
        ties: Literal["expected", "optimistic", "pessimistic"] = "expected",
        own_pair: bool = True,
        duplicates: Literal["distinct", "joint", "first"] = "distinct",
    ) -> None:
        if query == gallery:
            raise UsageError(f"query and gallery are both {query!r}: name two streams")
        if relevance == "instance" and not own_pair:
            raise UsageError(
                "own_pair=false leaves no positive under relevance='instance'",
                fix="leave own_pair out, or take relevance='class'",
            )
        if relevance == "class" and duplicates == "joint":
            raise UsageError(
                "duplicates='joint' has no meaning under relevance='class', where every item of "
                "the class is a positive",
                fix="take duplicates='distinct' or 'first'",
            )
        self.query = query
        self.gallery = gallery
        self.relevance = relevance
        self.ties = ties
        self.own_pair = own_pair
        self.duplicates = duplicates

    @property
    def info(self) -> TaskInfo:
        """Recall, reciprocal rank, average precision and median rank of both directions."""
        metrics: list[MetricInfo] = []
        equal: list[tuple[str, str]] = []
        for way in self._ways():
            metrics += _metrics_of(way, several=self._several)
            if not self._several:
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
            DataError: A column that an option needs is missing, or no item has a positive.
        """
        from mmbench.metrics.retrieval import label_retrieval, pair_retrieval

        table = inputs.tables[self.pairs]
        rows, codes = self._scored(table)
        first, second = (
            inputs.arrays[side] if len(rows) == len(table) else inputs.arrays[side][rows]
            for side in (self.query, self.gallery)
        )
        options: dict[str, Any] = {"similarity": inputs.similarity, "ties": self.ties, "ks": KS}
        if self._several:
            own = None if self.own_pair else range(len(rows))
            both = (
                label_retrieval(first, second, codes, codes, own_items=own, **options),
                label_retrieval(second, first, codes, codes, own_items=own, **options),
            )
        else:
            both = pair_retrieval(first, second, **options)
        columns = {
            f"{way} {name}": values
            for way, scored in zip(self._ways(), both, strict=True)
            for name, values in scored.items()
        }
        left_out = len(table) - len(rows)
        return Evaluation(
            tables={"items": ItemTable([table.ids[row] for row in rows], columns)},
            parameters={"candidates": len(rows) - (not self.own_pair)},
            notes=(f"{left_out} items repeat an earlier one and were left out",)
            if left_out
            else (),
        )

    def reference_levels(self, inputs: ScoreInputs) -> Mapping[str, Mapping[str, float]]:
        """Chance of a random ranking, in closed form, and the ceiling that labels allow."""
        from mmbench.protocols.retrieval_levels import random_ranking

        _, codes = self._scored(inputs.tables[self.pairs])
        chance, ceiling = random_ranking(codes, KS, own_pair=self.own_pair)
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
        """Both streams near their positives (perfect), unrelated (random), or all alike."""
        import numpy as np

        n = len(inputs.tables[self.pairs])
        if level == "constant":
            first = second = np.ones((n, 64))
        elif level == "random":
            first, second = rng.normal(size=(2, n, 64))
        elif self._several:
            codes = self._positives(inputs.tables[self.pairs])
            near = rng.normal(size=(int(codes.max()) + 1, 64))[codes]
            # A little noise: items of one class are alike, not equal.
            first, second = near + rng.normal(scale=1e-3, size=(2, n, 64))
        else:
            first = second = rng.normal(size=(n, 64))
        return {
            self.query: first.astype(np.float32),
            self.gallery: second.astype(np.float32),
        }

    @property
    def _several(self) -> bool:
        """Whether a query may have several positives."""
        return self.relevance == "class" or self.duplicates == "joint"

    def _rows(self, table: ItemTable) -> NDArray[np.int64]:
        """The rows that are scored."""
        import numpy as np

        if self.duplicates != "first":
            return np.arange(len(table))
        return np.sort(np.unique(self._codes(table, self.group), return_index=True)[1])

    def _positives(self, table: ItemTable) -> NDArray[np.int64]:
        """One code a row, which a query's positives share with it."""
        import numpy as np

        if self.relevance == "class":
            return self._codes(table, self.label)
        if self.duplicates == "joint":
            return self._codes(table, self.group)
        return np.arange(len(table))

    def _scored(self, table: ItemTable) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The rows that are scored, and their codes."""
        rows = self._rows(table)
        codes = self._positives(table)[rows]
        if not self.own_pair and len(set(codes.tolist())) == len(codes):
            raise DataError(
                f"no two items share a {self.label!r}, so with own_pair=false none is positive",
                where=f"collection {self.pairs!r} of {self.name}",
            )
        return rows, codes

    def _codes(self, table: ItemTable, column: str) -> NDArray[np.int64]:
        """A column's values, numbered in the order of their first appearance."""
        import numpy as np

        if column not in table.columns:
            raise DataError(
                f"the items have no column {column!r}",
                where=f"collection {self.pairs!r} of {self.name}",
                fix=f"its columns are: {', '.join(table.columns) or 'none'}",
            )
        values = table[column]
        if missing := [i for i, value in enumerate(values) if value is None or value != value]:  # noqa: PLR0124 - NaN
            raise DataError(
                f"{len(missing)} items have no {column!r}, such as {table.ids[missing[0]]!r}",
                where=f"collection {self.pairs!r} of {self.name}",
            )
        number: dict[Any, int] = {}
        return np.fromiter(
            (number.setdefault(value, len(number)) for value in values), np.int64, len(values)
        )

    def _ways(self) -> tuple[str, str]:
        return f"{self.query}→{self.gallery}", f"{self.gallery}→{self.query}"


def _metrics_of(way: str, *, several: bool) -> list[MetricInfo]:
    """The metrics of one direction."""
    found = [
        MetricInfo(
            f"{way} R@{k}",
            (f"{way} hit@{k}",),
            ladder=(f"{way} R", k),
            description=f"share of queries with a positive at rank {k} or better (CLIP_benchmark's "
            f"recall@{k})",
        )
        for k in KS
    ]
    if several:
        found += [
            MetricInfo(
                f"{way} recall@{k}",
                (f"{way} recall@{k}",),
                ladder=(f"{way} recall", k),
                description=f"mean over queries of the share of their positives at rank {k} or "
                "better",
            )
            for k in KS
        ]
    return [
        *found,
        MetricInfo(
            f"{way} MRR",
            (f"{way} reciprocal_rank",),
            description="mean over queries of 1 / rank of the best positive",
        ),
        MetricInfo(
            f"{way} mAP",
            (f"{way} average_precision",),
            description="mean over queries of the average precision of its ranking; with one "
            "positive it is MRR",
        ),
        MetricInfo(
            f"{way} median rank",
            (f"{way} rank",),
            aggregator="median",
            unit="rank",
            higher_is_better=False,
            bounds=(1.0, None),
            description="median over queries of the rank of the best positive, 1 = top; ties and "
            "even numbers give .5",
        ),
    ]
