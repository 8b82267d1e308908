"""What the checks of a task are handed: its collections, its requests, and its reference arrays."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from mmbench.api import DataMissing, Dataset, ItemTable, ScoreInputs, Task
from mmbench.options import resolve_options
from mmbench.registry import load_object
from mmbench.results.summary import evaluate_metrics
from mmbench.runner.catalog import Catalog, OpenedTask
from mmbench.runner.suite import TaskChoice
from mmbench.testing.checks import Blocked, NotRelevant
from mmbench.testing.datasets import SAMPLE_ITEMS, write_marked_sample
from mmbench.testing.representations import described

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from mmbench.api import (
        Collection,
        EmbeddingKind,
        Evaluation,
        Level,
        Request,
        TaskInfo,
        TaskSpec,
    )
    from mmbench.registry import Entry, Registry
    from mmbench.results.record import MetricValue

__all__ = ["Everything", "TaskSubject"]


@dataclass(frozen=True)
class Everything:
    """:class:`mmbench.api.Offers` of a representation that takes every stream and offers all."""

    collections: Mapping[str, Collection]

    def streams(self, collection: str) -> tuple[str, ...]:
        """All streams of the collection."""
        return tuple(self.collections[collection].streams)

    def offered(self, collection: str, streams: Sequence[str], kind: EmbeddingKind) -> bool:
        """Whether the collection has these streams."""
        return set(streams) <= set(self.collections[collection].streams)


@dataclass(frozen=True)
class _SampleFirst:
    """Opens datasets, and writes a sample of those that are not there."""

    catalog: Catalog

    def open(self, name: str, **options: Any) -> Mapping[str, Collection]:
        try:
            return self.catalog.dataset_collections(name, options)
        except DataMissing:
            dataset = self.catalog.dataset(name, options).object
            root = self.catalog.data_root / name
            if root.exists() or type(dataset).write_sample is Dataset.write_sample:
                raise
            write_marked_sample(dataset, root, items=SAMPLE_ITEMS, seed=0)
            return self.catalog.dataset_collections(name, options)


@dataclass
class TaskSubject:
    """One configured task under test.

    Attributes:
        entry: Its spec and plugin.
        given: Options given for the checks, over the spec's own.
        workspace: An empty folder; samples of the task's datasets are written below it.
        registry: Where its datasets are found.
    """

    entry: Entry[TaskSpec]
    given: Mapping[str, Any]
    workspace: Path
    registry: Registry
    _evaluations: dict[tuple[str, int], Evaluation] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What users type."""
        return self.entry.spec.name

    @property
    def expected_failures(self) -> Mapping[str, str]:
        """Check to the reason why it fails on purpose."""
        return dict(self.cls.expected_failures)

    @cached_property
    def cls(self) -> type[Task]:
        """Its class."""
        cls: type[Task] = load_object(self.entry.spec.path, self.entry)
        return cls

    @cached_property
    def options(self) -> dict[str, Any]:
        """Every option with its value."""
        return resolve_options(self.cls, self.entry.spec.options, self.given, where=self.name)

    def new(self, **changed: Any) -> Task:
        """A new instance."""
        return self.cls(**{**self.options, **changed})

    @cached_property
    def info(self) -> TaskInfo:
        """What it says of itself."""
        try:
            return self.new().info
        except Exception as error:
            raise Blocked(f"info raised {described(error)}: see info_is_complete") from error

    def catalog(self) -> Catalog:
        """A new catalog on the workspace's data; what it opens is opened anew."""
        return Catalog(self.registry, self.workspace / "data", self.workspace / "cache")

    @cached_property
    def opened(self) -> OpenedTask:
        """The task and its collections, from samples where its datasets need a folder.

        Raises:
            Blocked: They don't open.
        """
        try:
            self.new().collections(_SampleFirst(self.catalog()))
            return self.catalog().task(TaskChoice(self.name, self.name, dict(self.given)))
        except (Exception, SystemExit) as error:
            raise Blocked(f"collections() raised {described(error)}: see it_opens") from error

    @property
    def collections(self) -> Mapping[str, Collection]:
        """Its collections by key."""
        return self.opened.collections

    @cached_property
    def requests(self) -> list[Request]:
        """What it wants of a representation that offers everything.

        Raises:
            Blocked: It can't say.
        """
        try:
            return list(self.new().requests(Everything(self.collections)))
        except (Exception, SystemExit) as error:
            if isinstance(error, (Blocked, NotRelevant)):
                raise
            raise Blocked(f"requests() raised {described(error)}: see requests_are_made") from error

    @cached_property
    def tables(self) -> Mapping[str, ItemTable]:
        """Ids and columns of every collection, as scoring sees them."""
        return {
            key: ItemTable(list(each.ids), {name: list(v) for name, v in each.columns.items()})
            for key, each in self.collections.items()
        }

    def inputs(self, arrays: Mapping[str, Any], *, seed: int = 0) -> ScoreInputs:
        """What scoring is handed for these arrays."""
        return ScoreInputs(arrays, self.tables, seed=seed)

    def reference(self, level: Level, *, seed: int = 0) -> ScoreInputs:
        """Scoring's inputs with the task's own arrays of a level.

        Raises:
            Blocked: ``reference_arrays`` raises.
        """
        empty = self.inputs({})
        rng = np.random.default_rng(seed)
        try:
            arrays = self.new().reference_arrays(level, empty, rng)
        except (Exception, SystemExit) as error:
            raise Blocked(
                f"reference_arrays({level!r}) raised {described(error)}: see reference_arrays_fit"
            ) from error
        return replace(empty, arrays=arrays)

    def evaluation(self, level: Level, *, seed: int = 0) -> Evaluation:
        """What scoring returns for the arrays of a level, computed once.

        Raises:
            Blocked: ``score`` raises.
        """
        key = (level, seed)
        if key not in self._evaluations:
            inputs = self.reference(level, seed=seed)
            try:
                self._evaluations[key] = self.new().score(inputs)
            except (Exception, SystemExit) as error:
                raise Blocked(f"score() raised {described(error)}: see it_scores") from error
        return self._evaluations[key]

    def metrics(self, evaluation: Evaluation, *, resamples: int = 200) -> Mapping[str, MetricValue]:
        """Every metric of an evaluation with its interval.

        Raises:
            Blocked: The evaluation lacks what a metric needs.
        """
        try:
            return evaluate_metrics(self.info, evaluation, resamples=resamples)
        except Exception as error:
            raise Blocked(f"{described(error)}: see metrics_are_computed") from error
