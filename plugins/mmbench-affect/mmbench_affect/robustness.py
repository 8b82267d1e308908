"""Robustness curves: one target, predicted as test items lose ever more frames or gain noise.

No stream is missing as a whole; each is seen through a view, at every rate. A probe learns from
complete, clean training items once, or the representation predicts the target itself.

Source: MMSA drops frames at random within streams (rate 0.2, seeds 1111); MultiBench scores ten
levels of noise, 0 to 0.9, and sums the curve by the trapezoid rule (relative robustness).
"""

from __future__ import annotations

from abc import abstractmethod
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from mmbench.api import (
    Evaluation,
    FitSpec,
    ItemTable,
    MetricInfo,
    Request,
    Task,
    TaskInfo,
    UsageError,
    View,
    ViewedCollection,
)
from mmbench.metrics.affect import AFFECT_METRICS, affect_columns
from mmbench.protocols.missing_scores import perfect_array, read_predictions, value_levels

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from mmbench.api import Collection, Datasets, Offers, ScoreInputs
    from mmbench.api.task import Level

__all__ = ["RATES", "Degradation", "RobustnessTask"]

Degradation = Literal["frames", "noise"]
RATES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
#: The view of each degradation, and what its strength is called there.
_VIEWS = {"frames": ("drop_frames", "rate"), "noise": ("noise", "level")}
#: Payload kinds with steps that can be dropped.
_TIMED = ("Sequence", "Audio", "Video")


class RobustnessTask(Task):
    """Predict a value -3..3 from all streams, ever more of which is lost.

    A subclass gives ``name`` and :meth:`splits`. The primary metric is the area under the curve of
    the absolute error: the trapezoid rule over the rates, divided by their range, so that it is a
    mean height, in the metric's own unit. An item's score is its own area, so the figure has an
    interval like any other; a correlation or F1 has no area, since it is no mean over items.

    Args:
        streams: The streams that are encoded together.
        target: Column with the value.
        degradation: ``frames``: a share of the steps of each stream is set to zero, each drawn by
            itself (of features, MMSA's unknown token is such a step). ``noise``: Gaussian noise of
            this standard deviation on each value, in the features' own unit.
        degraded: The streams that lose something; empty = all. MultiBench has a curve of each.
        rates: Shares of the steps, or deviations; rising, the first usually 0.
        view_seed: Of what is dropped or added; MMSA's is 1111. Streams draw apart.
        curve: The sentiment metrics that are scored at every rate.
        head: ``probe``: ridge regression on complete, clean training embeddings. ``predict``: the
            representation's own predictions.
        scaling: Vectors before the probe. ``similarity``: of length 1 where the representation
            compares by cosine; ``unit`` and ``raw`` force one of the two.
        regularisation: ``alpha`` of the probe; None: chosen on the validation items.
    """

    name = ""
    version = "1"
    description = ""
    citation = ""
    #: Keys of :meth:`splits`.
    train = "train"
    valid: str | None = "valid"
    test = "test"
    refused: ClassVar[Mapping[str, str]] = {
        "degradation=multibench": "adds one draw a step, drops single values and drops triples of "
        "steps, all at once: three things in one figure. Take noise or frames",
        "area=effective": "MultiBench's effective robustness subtracts the curve of its own late "
        "fusion model, which nobody else has",
        "area=maxmin": "MultiBench scales areas between the best and the worst of its own table: "
        "a figure would change with its neighbours",
        "view_seed=global": "MMSA draws one mask for a whole split from the global generator: an "
        "item's mask depends on its neighbours; here it depends on the seed and the item",
    }

    def __init__(
        self,
        *,
        streams: tuple[str, ...] = ("text", "audio", "vision"),
        target: str = "sentiment",
        degradation: Degradation = "frames",
        degraded: tuple[str, ...] = (),
        rates: tuple[float, ...] = RATES,
        view_seed: int = 1111,
        curve: tuple[str, ...] = ("mae", "pearson", "acc2_non0", "f1_non0", "acc7"),
        head: Literal["probe", "predict"] = "probe",
        scaling: Literal["similarity", "unit", "raw"] = "similarity",
        regularisation: float | None = None,
    ) -> None:
        where = f"task {self.name}"
        _check_options(streams, degraded, rates, degradation, curve, where)
        if view_seed < 0:
            raise UsageError(f"view_seed={view_seed}: seeds begin at 0", where=where)
        if regularisation is not None and not regularisation > 0:
            raise UsageError(f"regularisation must be above 0, not {regularisation}", where=where)
        self.streams = streams
        self.target = target
        self.degradation = degradation
        self.degraded = degraded or streams
        self.rates = rates
        self.view_seed = view_seed
        self.curve = curve
        self.head = head
        self.scaling = scaling
        self.regularisation = regularisation

    @abstractmethod
    def splits(self, datasets: Datasets) -> Mapping[str, Collection]:
        """The collections ``train``, ``valid`` (unless that is None) and ``test``."""

    def collections(self, datasets: Datasets) -> Mapping[str, Collection]:
        """The splits, and the test items at every rate above 0.

        Raises:
            UsageError: A stream has no steps that could be dropped.
        """
        found = dict(self.splits(datasets))
        test = found[self.test]
        if self.degradation == "frames":
            for name in self.degraded:
                if name in test.streams and test.streams[name].kind not in _TIMED:
                    raise UsageError(
                        f"the stream {name!r} is one {test.streams[name].kind}, without frames",
                        where=f"task {self.name}",
                        fix="choose degradation=noise, or a dataset with steps",
                    )
        view, strength = _VIEWS[self.degradation]
        for rate, key in self._keys():
            if key != self.test:
                views = (View(view, {strength: rate}, self.view_seed),)
                found[key] = ViewedCollection(key, test, dict.fromkeys(self.degraded, views))
        return found

    def fit_spec(self) -> FitSpec:
        """The training items' streams, and the target if the representation is to predict it."""
        target = (self.target, "value") if self.head == "predict" else (None, None)
        return FitSpec(self.train, self.valid, self.streams, target[0], target[1])  # type: ignore[arg-type]

    @property
    def info(self) -> TaskInfo:
        """The areas, then the curves: every metric at every rate."""
        lost = {"frames": "of the steps set to zero", "noise": "deviation of the noise"}
        said = f"{lost[self.degradation]}, in {', '.join(self.degraded)}"
        areas = [
            _metric("area", name, f"trapezoid mean over rates {self._range()}; {said}")
            for name in self.curve
            if AFFECT_METRICS[name].aggregator == "mean"
        ]
        curves = [
            _metric(f"{rate:g}", name, f"at {rate:g} {said}")
            for name in self.curve
            for rate in self.rates
        ]
        metrics = tuple(areas + curves)
        return TaskInfo(
            name=self.name,
            version=self.version,
            protocol="robustness",
            primary=metrics[0].name,
            metrics=metrics,
            citation=self.citation,
            description=self.description,
        )

    def requests(self, offers: Offers) -> list[Request]:
        """The test items at every rate, and clean training items for a probe."""
        return self._wanted()

    def score(self, inputs: ScoreInputs) -> Evaluation:
        """Predictions and scores at every rate, item by item.

        Raises:
            ValueError: NaN or constant embeddings, predictions that do not fit the target.
        """
        table = inputs.tables[self.test]
        for _, key in self._keys():
            if key != self.test and list(inputs.tables[key]["parent"]) != list(table.ids):
                raise ValueError(f"the items of {key} are not the test items")
        predictions, parameters = self._predictions(inputs)
        columns = self._columns(predictions, self._targets(inputs, self.test))
        constant = [label for label, each in predictions.items() if len(set(each.tolist())) == 1]
        notes = [f"predicts the same for every item at: {', '.join(constant)}"] if constant else []
        described = {
            "degradation": self.degradation,
            "degraded": list(self.degraded),
            "rates": list(self.rates),
            "view_seed": self.view_seed,
            "head": self.head,
            "area": "trapezoid rule over the rates, divided by their range",
            **parameters,
        }
        return Evaluation({"items": ItemTable(table.ids, columns)}, {}, described, tuple(notes))

    def reference_levels(self, inputs: ScoreInputs) -> Mapping[str, Mapping[str, float]]:
        """Always saying the training items' mean, and saying the truth: the same at every rate."""
        truths, learnt = self._targets(inputs, self.test), self._targets(inputs, self.train)
        return value_levels(self.info.metrics, truths, learnt)

    def reference_arrays(
        self, level: Level, inputs: ScoreInputs, rng: np.random.Generator
    ) -> Mapping[str, Any]:
        """The target itself at every rate (perfect), noise (random), or ones (constant)."""
        import numpy as np

        learnt = self._targets(inputs, self.train)
        found: dict[str, Any] = {}
        for request in self._wanted():
            split = request.collection.split("/", maxsplit=1)[0]
            perfect = perfect_array(self._targets(inputs, split), learnt, "value", self.head)
            width = perfect.shape[1] if self.head == "predict" else 64
            shape = (len(perfect), width)
            if level == "perfect":
                found[request.name] = perfect
            elif level == "random":
                found[request.name] = rng.standard_normal(shape).astype(np.float32)
            else:
                found[request.name] = np.ones(shape, dtype=np.float32)
        return found

    def _range(self) -> str:
        return f"{self.rates[0]:g}..{self.rates[-1]:g}"

    def _keys(self) -> list[tuple[float, str]]:
        """The rates, and the key of the test items at each."""
        return [
            (rate, self.test if rate == 0 else f"{self.test}/{self.degradation} {rate:g}")
            for rate in self.rates
        ]

    def _learnt_from(self) -> list[str]:
        """The splits that a probe needs encoded."""
        if self.head == "predict":
            return []
        chooses = self.valid is not None and self.regularisation is None
        return [self.train, self.valid] if chooses and self.valid else [self.train]

    def _wanted(self) -> list[Request]:
        """The requests, which no representation changes."""
        kind: Literal["prediction", "global"] = "prediction" if self.head == "predict" else "global"
        wanted = [Request(split, split, self.streams, kind) for split in self._learnt_from()]
        return wanted + [
            Request(f"{self.test} {rate:g}", key, self.streams, kind) for rate, key in self._keys()
        ]

    def _targets(self, inputs: ScoreInputs, split: str) -> NDArray[np.float64]:
        import numpy as np

        values = np.asarray(inputs.tables[split][self.target], dtype=np.float64)
        if not np.isfinite(values).all():
            raise ValueError(f"{split}: the column {self.target} holds values that are not finite")
        return values

    def _predictions(self, inputs: ScoreInputs) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """Predictions [n] at every rate, and what made them."""
        labels = [f"{rate:g}" for rate in self.rates]
        if self.head == "predict":
            own = {
                label: read_predictions(
                    inputs.arrays[f"{self.test} {label}"], None,
                    name=f"predictions at {label}", allow_constant=label != labels[0],
                )
                for label in labels
            }  # fmt: skip
            return own, {}
        from mmbench.protocols.probe import fit_probe

        train, *others = [
            (self._vectors(inputs, split), self._targets(inputs, split))
            for split in self._learnt_from()
        ]
        probe = fit_probe(
            *train, kind="value", valid=others[0] if others else None,
            strength=self.regularisation,
        )  # fmt: skip
        read = {
            label: probe.predict(
                self._vectors(inputs, f"{self.test} {label}"), name=f"vectors at {label}"
            )
            for label in labels
        }
        scaling = "unit" if self._scaled(inputs) else "raw"
        return read, {"probe": {**probe.parameters, "scaling": scaling}}

    def _vectors(self, inputs: ScoreInputs, name: str) -> Any:
        """One request's vectors [n, D] as the probe takes them."""
        from mmbench.metrics.vectors import finite_rows, to_numpy, unit_rows

        prepared = unit_rows if self._scaled(inputs) else finite_rows
        return to_numpy(prepared(inputs.arrays[name], name=f"vectors of {name}", double=True))

    def _scaled(self, inputs: ScoreInputs) -> bool:
        if self.scaling == "similarity":
            return inputs.similarity == "cosine"
        return self.scaling == "unit"

    def _columns(
        self, predictions: Mapping[str, NDArray[Any]], truths: NDArray[np.float64]
    ) -> dict[str, Any]:
        """Truths, predictions, the columns of every metric at every rate, and the areas."""
        import numpy as np

        columns: dict[str, Any] = {"truth": truths}
        for label, each in predictions.items():
            columns[f"{label} prediction"] = each
            for name, values in affect_columns(each, truths, self.curve).items():
                columns.update(zip(_columns_of(label, name), values, strict=True))
        weights = np.array(_trapezoid(self.rates))
        for name in self.curve:
            if AFFECT_METRICS[name].aggregator == "mean":
                heights = [columns[_columns_of(label, name)[0]] for label in predictions]
                columns[_columns_of("area", name)[0]] = weights @ np.stack(heights)
        return columns


def _check_options(
    streams: tuple[str, ...], degraded: tuple[str, ...], rates: tuple[float, ...],
    degradation: str, curve: tuple[str, ...], where: str,
) -> None:  # fmt: skip
    """Refuse what has no curve.

    Raises:
        UsageError: Says which option.
    """
    if not streams or len(set(streams)) < len(streams):
        raise UsageError(f"streams must be one or more, each once: {streams}", where=where)
    if strange := [name for name in degraded if name not in streams]:
        raise UsageError(f"degraded names {strange[0]!r}, none of {streams}", where=where)
    rising = all(low < high for low, high in pairwise(rates))
    most = 1.0 if degradation == "frames" else float("inf")
    if not rates or not rising or rates[0] < 0 or rates[-1] > most:
        raise UsageError(f"rates must rise, from 0 on to {most:g} at most: {rates}", where=where)
    if strange := [name for name in curve if name not in AFFECT_METRICS]:
        known = ", ".join(AFFECT_METRICS)
        raise UsageError(f"curve names {strange[0]!r}; there are: {known}", where=where)
    if not curve or AFFECT_METRICS[curve[0]].aggregator != "mean":
        raise UsageError("curve must begin with a mean over items, such as mae", where=where)


def _trapezoid(rates: Sequence[float]) -> list[float]:
    """Weight of each rate's height in the mean height; they sum to 1."""
    if len(rates) == 1:
        return [1.0]
    span = rates[-1] - rates[0]
    edges = [rates[0], *rates, rates[-1]]
    return [(after - before) / (2 * span) for before, after in zip(edges, edges[2:], strict=False)]


def _columns_of(label: str, name: str) -> tuple[str, ...]:
    """Where the columns of one metric lie."""
    if name == "pearson":
        return f"{label} prediction", "truth"
    if AFFECT_METRICS[name].aggregator == "mean":
        return (f"{label} {name}",)
    return f"{label} {name} first", f"{label} {name} second"


def _metric(label: str, name: str, said: str) -> MetricInfo:
    metric = AFFECT_METRICS[name]
    bounds: tuple[float | None, float | None] = (0.0, 1.0)
    if name in ("mae", "pearson"):
        bounds = (0.0, None) if name == "mae" else (-1.0, 1.0)
    return MetricInfo(
        f"{label} {name}",
        _columns_of(label, name),
        aggregator=metric.aggregator,
        unit="1" if name in ("mae", "pearson") else "share",
        higher_is_better=metric.direction == "higher",
        bounds=bounds,
        description=f"{metric.doc}; {said}",
    )
