"""What the checks of a task are handed: its collections, its requests, and its reference arrays."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from threadpoolctl import ThreadpoolController

from mmbench.api import (
    FitSpec,
    ItemTable,
    MetricInfo,
    Request,
    ScoreInputs,
    Task,
)
from mmbench.results.summary import evaluate_metrics
from mmbench.runner.catalog import Catalog, OpenedTask
from mmbench.runner.interaction_rules import interacts
from mmbench.runner.suite import TaskChoice
from mmbench.testing.checks import Blocked, NotRelevant, blocking
from mmbench.testing.evaluations import malformed
from mmbench.testing.subject import Subject
from mmbench.testing.task_processes import TaskReport, stored_inputs, task_in_a_new_process
from mmbench.testing.task_surroundings import Everything, Recorded, SampleFirst, thinned

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager

    from mmbench.api import (
        Collection,
        Evaluation,
        Level,
        TaskInfo,
    )
    from mmbench.registry import Registry
    from mmbench.results.record import MetricValue

__all__ = ["TaskSubject"]


@dataclass
class TaskSubject(Subject[Task]):
    """One configured task under test.

    Attributes:
        entry: Its spec and plugin.
        given: Options given for the checks, over the spec's own.
        workspace: An empty folder; samples of the task's datasets are written below it.
        registry: Where its datasets are found.
    """

    registry: Registry
    _evaluations: dict[tuple[str, int], Evaluation] = field(default_factory=dict)
    _metrics: dict[tuple[str, int], Mapping[str, MetricValue]] = field(default_factory=dict)
    _keys: dict[tuple[str, str], Sequence[str | None]] = field(default_factory=dict)
    #: What it made with seed 0, for the checks of interactions.
    made: Mapping[str, Any] | None = None
    _pools: tuple[int, ThreadpoolController] | None = None

    @cached_property
    def info(self) -> TaskInfo:
        """What it says of itself."""
        with blocking("info", "task_info_is_complete"):
            found = self.new().info
            metrics = tuple(found.metrics)
        if not metrics or not all(isinstance(each, MetricInfo) for each in metrics):
            raise Blocked("it names no metrics: see task_info_is_complete")
        return found

    @cached_property
    def interacts(self) -> bool:
        """Whether it has an environment in the loop; then it scores what came of that."""
        return interacts(self.new())

    def require_items(self) -> None:
        """Ask for a task whose arrays have a row an item.

        Raises:
            NotRelevant: Its arrays are what its interaction gives.
        """
        if self.interacts:
            raise NotRelevant("it scores what its interaction gives: no row is an item's")

    def catalog(self) -> Catalog:
        """A new catalog on the workspace's data; what it opens is opened anew."""
        return Catalog(self.registry, self.workspace / "data", self.workspace / "cache")

    def open(self) -> dict[str, Collection]:
        """Its collections, opened anew; from samples where its datasets need a folder.

        Exceptions pass.
        """
        return dict(self.new().collections(SampleFirst(self.catalog())))

    @cached_property
    def collections(self) -> dict[str, Collection]:
        """Its collections by key.

        Raises:
            Blocked: They don't open.
        """
        with blocking("collections()", "it_opens"):
            return self.open()

    def reopened(self) -> OpenedTask:
        """The task as a run opens it, by a new catalog; exceptions pass."""
        _ = self.collections  # writes the samples
        return self.catalog().task(TaskChoice(self.name, self.name, dict(self.given)))

    @cached_property
    def opened(self) -> OpenedTask:
        """The task as a run opens it.

        Raises:
            Blocked: A run can't open it.
        """
        with blocking("opening it", "fingerprints_are_stable"):
            return self.reopened()

    def content_keys(self, key: str, stream: str) -> Sequence[str | None]:
        """The content keys of a collection's stream, asked for once.

        Raises:
            Blocked: There is not one a row.
        """
        place = (key, stream)
        if place not in self._keys:
            with blocking("content_keys()", "every_row_has_a_key"):
                self._keys[place] = self.collections[key].content_keys(stream)
        if len(self._keys[place]) != len(self.collections[key]):
            raise Blocked("there is not one key a row: see every_row_has_a_key")
        return self._keys[place]

    @cached_property
    def requests(self) -> list[Request]:
        """What it wants of a representation that offers everything.

        Raises:
            Blocked: It can't say, or asks for what there is not.
        """
        with blocking("requests()", "requests_are_made"):
            found = list(self.new().requests(Everything(self.collections)))
        if not found:
            raise Blocked("it asks for nothing: see requests_are_made")
        if not all(
            isinstance(each, Request) and each.collection in self.collections for each in found
        ):
            raise Blocked("it asks for what there is not: see requests_name_what_exists")
        return found

    @property
    def fit_spec(self) -> FitSpec | None:
        """What a trained representation may learn from.

        Raises:
            Blocked: It names collections that there are not.
        """
        with blocking("fit_spec()", "fit_spec_names_what_exists"):
            spec = self.new().fit_spec()
        if spec is not None and not isinstance(spec, FitSpec):
            raise Blocked("it returns no FitSpec: see fit_spec_names_what_exists")
        if spec and any(name not in self.collections for name in filter(None, _splits(spec))):
            raise Blocked("there are no such collections: see fit_spec_names_what_exists")
        return spec

    @cached_property
    def scored(self) -> dict[str, Collection]:
        """The collections that are scored, with at most ``SCORED_ITEMS`` items each.

        Evenly spread over the whole, so that every class has a chance to be there. Auxiliary
        collections stay whole, and children stay with their parents.
        """
        return {key: thinned(each) for key, each in self.collections.items()}

    @cached_property
    def _packed(self) -> bytes:
        """Ids and columns of what is scored, pickled: reading them makes a copy."""
        with blocking("copying the columns", "columns_are_plain"):
            for each in self.collections.values():
                if any(len(values) != len(each) for values in each.columns.values()):
                    raise Blocked("a column has another length: see columns_are_aligned")
            return pickle.dumps(
                {
                    key: ItemTable(list(each.ids), {k: list(v) for k, v in each.columns.items()})
                    for key, each in self.scored.items()
                }
            )

    @property
    def tables(self) -> dict[str, ItemTable]:
        """Ids and columns of every collection that is scored: a copy each time."""
        tables: dict[str, ItemTable] = pickle.loads(self._packed)  # noqa: S301 - made above
        return tables

    def inputs(self, arrays: Mapping[str, Any], *, seed: int = 0) -> ScoreInputs:
        """What scoring is handed for these arrays."""
        return ScoreInputs(arrays, self.tables, seed=seed)

    def reference(self, level: Level, *, seed: int = 0) -> ScoreInputs:
        """Scoring's inputs with the task's own arrays of a level, made anew each time.

        Raises:
            Blocked: ``reference_arrays`` raises, or its arrays don't fit the requests.
        """
        empty = self.inputs({})
        with blocking(f"reference_arrays({level!r})", "reference_arrays_fit"):
            arrays = self.new().reference_arrays(level, empty, np.random.default_rng(seed))
        if self.misfit(arrays):
            raise Blocked("its arrays don't fit the requests: see reference_arrays_fit")
        return replace(empty, arrays=dict(arrays))

    def misfit(self, arrays: Any) -> str:
        """Why arrays don't fit the requests, in words; empty = they fit."""
        if not isinstance(arrays, Mapping):
            return f"a {type(arrays).__name__}, not a mapping"
        wanted = {request.name: request.collection for request in self.requests}
        if self.interacts:
            return "" if arrays and all(map(_is_plain, arrays.values())) else "no plain arrays"
        if set(arrays) != set(wanted):
            return f"arrays for {sorted(map(str, arrays))}; requests are {sorted(wanted)}"
        for name, values in arrays.items():
            rows = len(self.scored[wanted[name]])
            if not isinstance(values, np.ndarray) or values.dtype.kind != "f":
                return f"{name!r} is {getattr(values, 'dtype', type(values).__name__)}"
            if values.ndim == 0 or len(values) != rows:
                return f"{name!r} has the shape {values.shape} for {rows} items"
        return ""

    def run(self, task: Task, inputs: ScoreInputs) -> Evaluation:
        """What a task makes of inputs, with one thread in the linear algebra, as in a run.

        Exceptions pass.
        """
        with self.one_thread():
            return task.score(inputs)

    def one_thread(self) -> AbstractContextManager[Any]:
        """Keep the linear algebra to one thread: small products are slower with more."""
        loaded = len(sys.modules)  # what is imported may bring thread pools of its own
        if self._pools is None or self._pools[0] != loaded:
            self._pools = loaded, ThreadpoolController()
        limited: AbstractContextManager[Any] = self._pools[1].limit(limits=1)
        return limited

    def score(self, inputs: ScoreInputs) -> Evaluation:
        """What a new instance makes of these inputs.

        Raises:
            Blocked: ``score`` raises, or returns something else.
        """
        with blocking("score()", "it_scores"):
            found = self.run(self.new(), inputs)
        if malformed(found):
            raise Blocked(f"score() returns {malformed(found)}: see it_scores")
        return found

    def evaluation(self, level: Level, *, seed: int = 0) -> Evaluation:
        """What scoring returns for the arrays of a level, computed once.

        Raises:
            Blocked: ``score`` raises.
        """
        key = (level, seed)
        if key not in self._evaluations:
            self._evaluations[key] = self.score(self.reference(level, seed=seed))
        return self._evaluations[key]

    def kept(self, level: Level) -> Evaluation | None:
        """What scoring returned for the arrays of a level, if that was computed already."""
        return self._evaluations.get((level, 0))

    @cached_property
    def read(self) -> frozenset[str]:
        """The arrays that scoring looks at."""
        inputs = self.reference("random")
        recorded = Recorded(inputs.arrays)
        self.score(replace(inputs, arrays=recorded))
        return frozenset(recorded.read)

    def metrics(self, evaluation: Evaluation, *, resamples: int = 200) -> Mapping[str, MetricValue]:
        """Every metric of an evaluation with its interval.

        Raises:
            Blocked: The evaluation lacks what a metric needs.
        """
        if self.misdeclared:
            raise Blocked(self.misdeclared)
        with blocking("computing the metrics", "metrics_are_computed"):
            return evaluate_metrics(self.info, evaluation, resamples=resamples)

    def measured(self, level: Level, *, seed: int = 0) -> Mapping[str, MetricValue]:
        """The metrics of the arrays of a level, computed once.

        Raises:
            Blocked: There are none.
        """
        key = (level, seed)
        if key not in self._metrics:
            self._metrics[key] = self.metrics(self.evaluation(level, seed=seed))
        return self._metrics[key]

    @cached_property
    def stored(self) -> Evaluation:
        """What scoring returns for the random arrays, from inputs that were stored.

        Raises:
            Blocked: ``score`` raises.
        """
        inputs = self.reference("random")
        with blocking("writing the columns as JSON", "columns_are_plain"):
            return self.score(stored_inputs(inputs, self.workspace / "process"))

    @cached_property
    def process(self) -> TaskReport:
        """What a new process makes of it, that scores what was stored and opens its collections.

        Raises:
            Blocked: The process could not be watched.
        """
        with suppress(Blocked, NotRelevant):  # without inputs it opens the collections only
            _ = self.stored
        return task_in_a_new_process(self, self.workspace / "process")

    @cached_property
    def misdeclared(self) -> str:
        """The check that says why metrics can't be computed whatever scoring returns, or empty."""
        from mmbench.metrics.aggregation import AGGREGATORS

        for metric in self.info.metrics:
            if metric.columns and metric.aggregator not in AGGREGATORS:
                return f"{metric.name!r} has an unknown aggregator: see aggregators_exist"
            if metric.columns and len(AGGREGATORS[metric.aggregator].columns) != len(
                metric.columns
            ):
                return f"{metric.name!r} has other columns: see columns_fit_their_aggregator"
        return ""

    @cached_property
    def primary(self) -> MetricInfo:
        """The metric that ranks.

        Raises:
            Blocked: There is none, or it has no direction.
        """
        for metric in self.info.metrics:
            if metric.name == self.info.primary:
                if metric.higher_is_better is None:
                    raise Blocked("it has no direction: see primary_has_a_direction")
                return metric
        raise Blocked("there is no such metric: see primary_is_a_metric")

    @cached_property
    def levels(self) -> Mapping[str, Mapping[str, float]]:
        """Its reference levels.

        Raises:
            Blocked: It can't say them.
        """
        with blocking("reference_levels()", "levels_are_stated"):
            levels = dict(self.new().reference_levels(self.inputs({})))
        if not all(isinstance(values, Mapping) for values in levels.values()):
            raise Blocked("a level is no mapping: see levels_are_stated")
        return levels

    def level(self, *names: str) -> Mapping[str, float]:
        """The first of its reference levels whose name begins with one of these.

        Raises:
            NotRelevant: It states none.
        """
        for name in names:
            for known, values in self.levels.items():
                if known.startswith(name):
                    return values
        raise NotRelevant(f"it states no level {names[0]!r}")


def _is_plain(values: Any) -> bool:
    """Whether it is what :meth:`Task.interact` may return: an array of numbers."""
    return isinstance(values, np.ndarray) and values.dtype.kind in "fiub"


def _splits(spec: FitSpec) -> tuple[str | None, str | None]:
    """The collections that are learnt from."""
    return spec.train, spec.valid
