"""The contract of a task: what to encode, and a pure function from arrays to per-item scores."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from mmbench.api.collection import Collection
    from mmbench.api.fitting import FitSpec
    from mmbench.api.payloads import Payload
    from mmbench.api.representation import Context, EmbeddingKind

__all__ = [
    "Datasets",
    "Encode",
    "Evaluation",
    "ItemTable",
    "Level",
    "MetricInfo",
    "Offers",
    "Request",
    "ScoreInputs",
    "Task",
    "TaskInfo",
]

#: Reference arrays that reach the ceiling, that know nothing, or that are all alike.
Level = Literal["perfect", "random", "constant"]


@dataclass(frozen=True)
class MetricInfo:
    """One number of a task, as a named aggregator over per-item columns.

    Point estimate, bootstrap interval and re-aggregation are one function: the aggregator of
    that name in ``mmbench.metrics.aggregation``, applied to ``columns`` of ``table``.

    Attributes:
        name: Such as ``"audio→image R@1"``; unique in the task.
        columns: The columns it aggregates, in the aggregator's order. Empty for a metric that is
            no function of per-item values: then ``Evaluation.values`` holds it and
            ``no_interval`` says why it has no interval.
        aggregator: Name in ``mmbench.metrics.aggregation.AGGREGATORS``.
        table: Which of the evaluation's item tables holds the columns.
        unit: ``"share"`` (0..1, shown as percent), ``"rank"``, ``"1"``, ...
        higher_is_better: Its direction; None for a diagnostic (no better or worse, never ranked).
        bounds: Values outside are impossible and refused (None = open).
        ladder: ``(group, k)``: within a group the value must not fall as k grows (recall@k).
        no_interval: Why there is no bootstrap interval; empty = there is one.
        description: The formula, in a line.
    """

    name: str
    columns: tuple[str, ...] = ()
    aggregator: str = "mean"
    table: str = "items"
    unit: str = "share"
    higher_is_better: bool | None = True
    bounds: tuple[float | None, float | None] = (0.0, 1.0)
    ladder: tuple[str, float] | None = None
    no_interval: str = ""
    description: str = ""


@dataclass(frozen=True)
class TaskInfo:
    """What a configured task is.

    Attributes:
        name: Its name in the registry.
        version: Raise it when the same arrays would score otherwise.
        protocol: The family it belongs to: ``"retrieval"``, ``"localization"``, ...
        primary: The metric that ranks the leaderboard.
        metrics: All metrics, in the order of the leaderboard's columns.
        seeded: Whether scoring is random (a probe's initialisation, a subsample).
        equal: Pairs of metric names that must agree (R@1 and hit@1 with one positive).
        citation: The paper or repository that defines the protocol.
        description: One line for ``mmbench show``.
    """

    name: str
    version: str
    protocol: str
    primary: str
    metrics: tuple[MetricInfo, ...]
    seeded: bool = False
    equal: tuple[tuple[str, str], ...] = ()
    citation: str = ""
    description: str = ""

    def metric(self, name: str) -> MetricInfo:
        """The metric of this name."""
        return next(metric for metric in self.metrics if metric.name == name)


@dataclass(frozen=True)
class Request:
    """Something a task wants encoded.

    Attributes:
        name: The key under which :meth:`Task.score` gets the array.
        collection: A key of :meth:`Task.collections`.
        streams: The observed subset, by stream name.
        kind: Which kind of offer is wanted.
        partial: ``"require"``: an item that lacks one of the streams leaves the collection.
            ``"available"``: it is encoded from the streams that it has.
    """

    name: str
    collection: str
    streams: tuple[str, ...]
    kind: EmbeddingKind = "global"
    partial: Literal["require", "available"] = "require"


@dataclass(frozen=True)
class ItemTable:
    """Row-aligned values of items.

    Attributes:
        ids: One id a row.
        columns: Column name to one value a row.
    """

    ids: Sequence[str]
    columns: Mapping[str, Any]

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, column: str) -> Any:
        return self.columns[column]


@dataclass(frozen=True)
class ScoreInputs:
    """All that scoring sees: never media, weights or the dataset.

    Attributes:
        arrays: By request name: float32 [n, ...], row-aligned with the request's collection. Of a
            task that interacts: what :meth:`Task.interact` returned, by its names.
        tables: By collection key: ids and columns of the rows that were kept.
        similarity: How two vectors of this representation compare: ``"cosine"`` or ``"dot"``.
        seed: The cell's seed.
    """

    arrays: Mapping[str, Any]
    tables: Mapping[str, ItemTable]
    similarity: str = "cosine"
    seed: int = 0


@dataclass(frozen=True)
class Evaluation:
    """What scoring returns.

    Attributes:
        tables: Per-item scores: table name (usually ``"items"``) to ids and columns.
        values: Metrics that are no function of per-item values (DCA, modality gap).
        parameters: Everything that a reader needs to repeat it and the options don't say
            (DCA's T, B, mcs; the probe's chosen regularisation).
        notes: What a reader must know, such as ids with an empty ground truth.
    """

    tables: Mapping[str, ItemTable] = field(default_factory=dict)
    values: Mapping[str, float] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


class Datasets(Protocol):
    """How a task reaches datasets: by name, never by path."""

    def open(self, name: str, **options: Any) -> Mapping[str, Collection]:
        """Collections of a registered dataset.

        Raises:
            DataMissing: It is not under the data root; the runner skips the cell with the reason.
        """
        ...


class Offers(Protocol):
    """What a bound representation can do with a task's collections."""

    def streams(self, collection: str) -> tuple[str, ...]:
        """The streams of this collection that fit one of its slots."""
        ...

    def offered(self, collection: str, streams: Sequence[str], kind: EmbeddingKind) -> bool:
        """Whether it offers this kind for this subset of the collection's streams."""
        ...


class Encode(Protocol):
    """How :meth:`Task.interact` reaches the representation."""

    def __call__(self, payloads: Mapping[str, Sequence[Payload]]) -> NDArray[np.float32]:
        """Global vectors [B, D] of one observed subset: finite, one a row, in order.

        Args:
            payloads: Stream name to B payloads, B at least 1. One of the task's requests names
                exactly these streams.

        Raises:
            MmbenchError: The representation refuses a payload, or returns no such vectors; let it
                pass.
        """
        ...


class Task(ABC):
    """Declares what it wants encoded, and scores the arrays it gets back.

    Options are keyword arguments of ``__init__`` with defaults and type hints, as for a
    representation. A task never holds a model, opens a device or shows progress.
    """

    #: ``"option=value"`` to why this task declines it: for what papers do and we should not.
    refused: ClassVar[Mapping[str, str]] = {}
    #: Conformance check to the reason why this task fails it, on purpose.
    expected_failures: ClassVar[Mapping[str, str]] = {}
    #: Options that make :meth:`interact` a matter of a second, for the conformance kit.
    trial: ClassVar[Mapping[str, Any]] = {}

    @property
    @abstractmethod
    def info(self) -> TaskInfo:
        """True of this configured task."""

    @abstractmethod
    def collections(self, datasets: Datasets) -> Mapping[str, Collection]:
        """The collections it works on: of datasets, derived, or in memory (prompts)."""

    @abstractmethod
    def requests(self, offers: Offers) -> list[Request]:
        """What it wants encoded.

        A request that the representation does not offer makes the cell ``skipped``, with the
        missing offer as the reason; ask ``offers`` only to choose between alternatives.
        """

    @abstractmethod
    def score(self, inputs: ScoreInputs) -> Evaluation:
        """Per-item scores. PURE: the same inputs give the same scores, and no file is opened."""

    def interact(
        self, encode: Encode, tables: Mapping[str, ItemTable], *, seed: int, ctx: Context
    ) -> Mapping[str, NDArray[Any]]:
        """Meet an environment with the representation in the loop, and give what came of it.

        Only for studies whose payloads follow from what was encoded before: a controller that acts
        on its vectors. A task that overrides it gets no array of its requests: they say which
        subsets ``encode`` will be asked for, all of them ``global``. What it returns is kept, and
        :meth:`score` is handed it as ``inputs.arrays``: interacting may take hours, scoring again
        does not.

        Called in a worker, once the representation is trained. Connectors and precomputed vectors
        can't be in a loop: their cells are skipped.

        Args:
            encode: Gives vectors of payloads.
            tables: By collection key: ids and columns of all rows.
            seed: The only source of randomness (0 unless ``info.seeded``): the same seed and the
                same vectors give the same arrays, on the CPU to the last bit.
            ctx: Device, progress, log, and a folder for checkpoints to resume from after a kill.

        Returns:
            Plain arrays by name, of finite numbers or of booleans.
        """
        raise NotImplementedError

    def fit_spec(self) -> FitSpec | None:
        """What a trained representation may learn from; None = it must name its own."""
        return None

    def reference_levels(self, inputs: ScoreInputs) -> Mapping[str, Mapping[str, float]]:
        """Level name (``"chance"``, ``"ceiling"``, ``"centre square"``) to metric values.

        Computed from the same tables; ``inputs.arrays`` may be empty.
        """
        return {}

    def reference_arrays(
        self, level: Level, inputs: ScoreInputs, rng: np.random.Generator
    ) -> Mapping[str, Any]:
        """Arrays by request name that reach the ceiling, the chance level, or say nothing.

        The conformance kit scores them. ``inputs`` brings the tables. A task that interacts gives
        arrays such as :meth:`interact` returns.
        """
        raise NotImplementedError
