"""Missing modalities: every non-empty subset of the streams, scored against one target.

A probe is trained once, on complete training items, and then meets every subset of the test items'
streams; or the representation predicts the target itself. What becomes of the streams that are
missing is a strategy with a name, since dropping, zero-filling and mean-filling are different
protocols and give different figures.

Source: GMC's evaluation with missing modalities (MHD, CMU-MOSEI, CMU-MOSI); the sentiment metrics
of MulT, MMSA and the CMU SDK.
"""

from __future__ import annotations

from abc import abstractmethod
from itertools import combinations
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
)
from mmbench.api.viewed import zero_filled
from mmbench.protocols.missing_scores import (
    check_rows,
    class_columns,
    class_levels,
    class_metrics,
    perfect_array,
    read_predictions,
    value_columns,
    value_levels,
    value_metrics,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from mmbench.api import Collection, Datasets, Offers, ScoreInputs
    from mmbench.api.task import Level
    from mmbench.protocols.probe import Probe

__all__ = ["MissingModalitiesTask"]

Subset = tuple[str, ...]


class MissingModalitiesTask(Task):
    """Predict a target from every non-empty subset of the streams.

    A subclass gives ``name``, ``version`` and :meth:`splits`. The primary metric is the mean over
    all *proper* subsets (``missing accuracy``, ``missing mae``): an item's score is its mean over
    the subsets, so the figure has an interval like any other.

    Args:
        streams: The modalities; at least two.
        target: Column with the class or the value.
        target_kind: ``class``: accuracy. ``value``: the sentiment metrics, for values in -3..3.
        head: ``probe``: the attribute of that name, trained on complete training embeddings.
            ``predict``: the representation's own predictions; for classes [n, C] scores in the
            sorted order of the training classes, for values [n] or [n, 1].
        strategy: What a missing stream is.
            ``drop``: it is not handed over; the representation must offer each subset.
            ``zero``: it is filled with zeros and handed over; only the complete set is encoded.
            ``mean``: vectors are filled, not payloads: an item's vector is the concatenation of
            its single-stream vectors, and a missing stream's part is the mean of that part over
            the training items. The probe is trained on the concatenation too.
        scaling: Vectors before the probe. ``similarity``: of length 1 where the representation
            compares by cosine, as they are where by dot product. ``unit`` and ``raw`` (GMC, whose
            means of several streams are shorter than 1) force one of the two.
        averaging: ``sample``, or GMC's ``batch_mean`` (mean of the accuracies of consecutive
            batches, a short last one weighing as much as a full one); for classes.
        batch_size: Items a batch under ``batch_mean``.
        regularisation: ``C`` of the logistic or ``alpha`` of the ridge probe; None: chosen from a
            fixed grid on the validation items (1 where there are none).
        probe: ``linear``: logistic or ridge regression, standardised. ``mlp``: GMC's downstream
            classifier (256-128, Adam), of the vectors as they are, seeded by the cell; for classes.
        probe_epochs: Passes of the ``mlp`` over the training items.
    """

    name = ""
    version = "1"
    description = ""
    citation = ""
    #: Keys of :meth:`splits`; ``valid`` may be None.
    train = "train"
    valid: str | None = "valid"
    test = "test"
    #: Streams that hold the answer, such as the label as a stream. Subsets with one of them are
    #: marked, and are no part of the mean over the proper subsets. For classes.
    answers: ClassVar[tuple[str, ...]] = ()
    refused: ClassVar[Mapping[str, str]] = {
        "strategy=frames": "MMSA drops frames within streams, so no stream is missing: derive a "
        "collection with the view drop_frames and score it complete",
        "strategy=noise": "MultiBench adds noise to streams, so no stream is missing: derive a "
        "collection with the view noise and score it complete",
        "empty_subset=zero": "where no truth differs from zero, the non0 metrics are undefined, "
        "not 0",
        "decimals=4": "MMSA rounds what it prints; records keep all digits",
        "selection=gmc": "which figures a paper prints is no option: all of them are scored, "
        "GMC's are the non0 ones",
        "selection=misa": "which figures a paper prints is no option: all of them are scored, "
        "MISA's accuracy is acc2_has0_ge",
        "binning=round_half_away": "all the codes call numpy's round, which rounds halves to even",
    }

    def __init__(
        self,
        *,
        streams: tuple[str, ...] = ("image", "audio"),
        target: str = "label",
        target_kind: Literal["class", "value"] = "class",
        head: Literal["probe", "predict"] = "probe",
        strategy: Literal["drop", "zero", "mean"] = "drop",
        scaling: Literal["similarity", "unit", "raw"] = "similarity",
        averaging: Literal["sample", "batch_mean"] = "sample",
        batch_size: int = 64,
        regularisation: float | None = None,
        probe: Literal["linear", "mlp"] = "linear",
        probe_epochs: int = 100,
    ) -> None:
        where = f"task {self.name}"
        if len(streams) < 2 or len(set(streams)) < len(streams):
            raise UsageError(f"streams must be two or more, each once: {streams}", where=where)
        if head == "predict" and strategy == "mean":
            raise UsageError("strategy=mean fills vectors; a prediction has none", where=where)
        if averaging == "batch_mean" and target_kind == "value":
            raise UsageError("averaging=batch_mean is a rule for accuracies", where=where)
        if batch_size < 1:
            raise UsageError(f"batch_size must be at least 1, not {batch_size}", where=where)
        if regularisation is not None and not regularisation > 0:
            raise UsageError(f"regularisation must be above 0, not {regularisation}", where=where)
        if probe == "mlp" and target_kind == "value":
            raise UsageError("probe=mlp is a classifier", where=where)
        if probe == "mlp" and regularisation is not None:
            raise UsageError("probe=mlp has no regularisation", where=where)
        if probe_epochs < 1:
            raise UsageError(f"probe_epochs must be at least 1, not {probe_epochs}", where=where)
        self.streams = streams
        self.target = target
        self.target_kind = target_kind
        self.head = head
        self.strategy = strategy
        self.scaling = scaling
        self.averaging = averaging
        self.batch_size = batch_size
        self.regularisation = regularisation
        self.probe = probe
        self.probe_epochs = probe_epochs

    @abstractmethod
    def splits(self, datasets: Datasets) -> Mapping[str, Collection]:
        """The collections ``train``, ``valid`` (unless that is None) and ``test``."""

    def collections(self, datasets: Datasets) -> Mapping[str, Collection]:
        """The splits, and under ``strategy=zero`` the test items once a proper subset."""
        found = dict(self.splits(datasets))
        if self.strategy == "zero":
            test = found[self.test]
            for subset in self.subsets()[:-1]:
                key = f"{self.test}/{self.label(subset)}"
                missing = [stream for stream in self.streams if stream not in subset]
                found[key] = zero_filled(key, test, missing)
        return found

    def fit_spec(self) -> FitSpec:
        """The training items' streams of this task, so that a fit learns exactly the complete set.

        Their target is named too if the representation is to predict it.
        """
        target = (self.target, self.target_kind) if self.head == "predict" else (None, None)
        return FitSpec(self.train, self.valid, self.streams, *target)

    @property
    def info(self) -> TaskInfo:
        """Every subset's metrics; the mean over the proper subsets comes first."""
        labels = [self.label(subset) for subset in self.subsets()]
        said = {
            "drop": "the others dropped",
            "zero": "the others zero-filled",
            "mean": "the others' vectors mean-filled",
        }[self.strategy]
        metrics: Sequence[MetricInfo]
        if self.target_kind == "class":
            batched = self.averaging == "batch_mean"
            metrics = class_metrics(labels, said, batched=batched, answered=self._answered())
        else:
            metrics = value_metrics(labels, said)
        return TaskInfo(
            name=self.name,
            version=self.version,
            protocol="missing",
            primary=metrics[0].name,
            metrics=tuple(metrics),
            seeded=self.head == "probe" and self.probe == "mlp",
            citation=self.citation,
            description=self.description,
        )

    def subsets(self) -> list[Subset]:
        """All non-empty subsets, small ones first, the complete set last."""
        return [
            subset
            for size in range(1, len(self.streams) + 1)
            for subset in combinations(self.streams, size)
        ]

    def label(self, subset: Subset) -> str:
        """``image+audio``, or ``complete``."""
        return "complete" if len(subset) == len(self.streams) else "+".join(subset)

    def requests(self, offers: Offers) -> list[Request]:
        """Every subset of the test items, and the complete training items for a probe."""
        return self._wanted()

    def score(self, inputs: ScoreInputs) -> Evaluation:
        """Predictions and scores of every subset, item by item.

        Raises:
            ValueError: NaN or constant embeddings, predictions that do not fit the target.
        """
        table = inputs.tables[self.test]
        check_rows(self._wanted(), inputs.tables, self.test)
        predictions, parameters = self._predictions(inputs)
        truths = self._targets(inputs, self.test)
        columns: Mapping[str, Any]
        if self.target_kind == "class":
            columns = class_columns(
                predictions, truths, batch_size=self._batch(), answered=self._answered()
            )
        else:
            columns = value_columns(predictions, truths)
        constant = [label for label, each in predictions.items() if len(set(each.tolist())) == 1]
        notes = (
            [f"predicts the same for every item from: {', '.join(constant)}"] if constant else []
        )
        described = {
            "strategy": self.strategy,
            "head": self.head,
            "subsets": [self.label(subset) for subset in self.subsets()],
            "averaging": self.averaging,
            **parameters,
        }
        if self.averaging == "batch_mean":
            described["batch_size"] = self.batch_size
        if self.answers:
            described["answers"] = list(self.answers)
        return Evaluation({"items": ItemTable(table.ids, columns)}, {}, described, tuple(notes))

    def reference_levels(self, inputs: ScoreInputs) -> Mapping[str, Mapping[str, float]]:
        """Trivial answers, and the best that training allows.

        For classes: guesses by the training shares (``chance``), the commonest class
        (``majority``). For values ``chance`` says the training mean of every item.
        """
        truths, learnt = self._targets(inputs, self.test), self._targets(inputs, self.train)
        if self.target_kind == "class":
            return class_levels(self.info.metrics, truths, learnt, batch_size=self._batch())
        return value_levels(self.info.metrics, truths, learnt)

    def reference_arrays(
        self, level: Level, inputs: ScoreInputs, rng: np.random.Generator
    ) -> Mapping[str, Any]:
        """The target itself in every subset (perfect), noise (random), or ones (constant)."""
        import numpy as np

        learnt = self._targets(inputs, self.train)
        found: dict[str, Any] = {}
        for name in (request.name for request in self._wanted()):
            truths = self._targets(inputs, name.split(" ", maxsplit=1)[0])
            perfect = perfect_array(truths, learnt, self.target_kind, self.head)
            width = perfect.shape[1] if self.head == "predict" else 64
            if level == "perfect":
                found[name] = perfect
            elif level == "random":
                found[name] = rng.standard_normal((len(truths), width)).astype(np.float32)
            else:
                found[name] = np.ones((len(truths), width), dtype=np.float32)
        return found

    def _wanted(self) -> list[Request]:
        """The requests, which no representation changes."""
        kind: Literal["prediction", "global"] = "prediction" if self.head == "predict" else "global"
        if self.strategy == "mean":
            return [
                Request(f"{split} {stream}", split, (stream,), kind)
                for split in [*self._learnt_from(), self.test]
                for stream in self.streams
            ]
        wanted = [
            Request(f"{split} complete", split, self.streams, kind) for split in self._learnt_from()
        ]
        for subset in self.subsets():
            label = self.label(subset)
            filled = self.strategy == "zero" and subset != self.streams
            collection = f"{self.test}/{label}" if filled else self.test
            streams = self.streams if filled else subset
            wanted.append(Request(f"{self.test} {label}", collection, streams, kind))
        return wanted

    def _batch(self) -> int | None:
        return self.batch_size if self.averaging == "batch_mean" else None

    def _learnt_from(self) -> list[str]:
        """The splits that a probe needs encoded."""
        if self.head == "predict":
            return []
        chooses = self.valid is not None and self.regularisation is None and self.probe != "mlp"
        return [self.train, self.valid] if chooses and self.valid else [self.train]

    def _targets(self, inputs: ScoreInputs, split: str) -> NDArray[Any]:
        from mmbench.protocols.probe import checked_targets

        table = inputs.tables[split]
        return checked_targets(table[self.target], len(table), self.target_kind)

    def _predictions(self, inputs: ScoreInputs) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """Predictions [n] of every subset, and what made them."""
        subsets = {self.label(subset): subset for subset in self.subsets()}
        if self.head == "predict":
            learnt = self._targets(inputs, self.train) if self.target_kind == "class" else None
            own = {
                label: read_predictions(
                    inputs.arrays[f"{self.test} {label}"],
                    learnt,
                    name=f"predictions from {label}",
                    allow_constant=label != "complete",
                )
                for label in subsets
            }
            return own, {}
        train, *others = [
            (self._vectors(inputs, split, self.streams), self._targets(inputs, split))
            for split in self._learnt_from()
        ]
        # Before the probe is trained: what is wrong with one of them is said at once.
        vectors = {label: self._vectors(inputs, self.test, each) for label, each in subsets.items()}
        probe = self._fitted(*train, valid=others[0] if others else None, seed=inputs.seed)
        read = {
            label: probe.predict(each, name=f"vectors from {label}")
            for label, each in vectors.items()
        }
        scaling = "unit" if self._scaled(inputs) else "raw"
        return read, {"probe": {**probe.parameters, "scaling": scaling}}

    def _fitted(self, vectors: Any, targets: Any, *, valid: Any, seed: int) -> Probe:
        """The probe, trained on complete items."""
        if self.probe == "mlp":
            from mmbench.protocols.mlp_probe import fit_mlp

            return fit_mlp(vectors, targets, seed=seed, epochs=self.probe_epochs)
        from mmbench.protocols.probe import fit_probe

        return fit_probe(
            vectors, targets, kind=self.target_kind, valid=valid, strength=self.regularisation
        )

    def _answered(self) -> frozenset[str]:
        """Labels of the subsets that hold the answer."""
        return frozenset(
            self.label(subset) for subset in self.subsets() if set(subset) & set(self.answers)
        )

    def _vectors(self, inputs: ScoreInputs, split: str, subset: Subset) -> Any:
        """Vectors [n, D] of one subset of a split's streams, missing ones treated as agreed."""
        if self.strategy != "mean":
            return self._array(inputs, f"{split} {self.label(subset)}")
        import numpy as np

        parts = []
        for stream in self.streams:
            part = self._array(inputs, f"{split} {stream}")
            if stream not in subset:
                learnt = self._array(inputs, f"{self.train} {stream}")
                part = np.broadcast_to(learnt.mean(axis=0), (len(part), learnt.shape[1]))
            parts.append(part)
        return np.concatenate(parts, axis=1)

    def _array(self, inputs: ScoreInputs, name: str) -> NDArray[np.float64]:
        """One request's vectors [n, D] as the probe takes them."""
        from mmbench.metrics.vectors import finite_rows, to_numpy, unit_rows

        prepared = unit_rows if self._scaled(inputs) else finite_rows
        vectors: NDArray[np.float64] = to_numpy(
            prepared(inputs.arrays[name], name=f"vectors of {name}", double=True)
        )
        return vectors

    def _scaled(self, inputs: ScoreInputs) -> bool:
        if self.scaling == "similarity":
            return inputs.similarity == "cosine"
        return self.scaling == "unit"
