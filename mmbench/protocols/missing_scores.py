"""Per-item scores of predictions from subsets of streams, and the metrics over them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mmbench.api import MetricInfo

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from mmbench.api import ItemTable, Request

__all__ = [
    "check_rows",
    "class_columns",
    "class_levels",
    "class_metrics",
    "perfect_array",
    "read_predictions",
    "value_columns",
    "value_levels",
    "value_metrics",
]

_MISSING = "mean over the proper subsets of the streams"


def class_metrics(
    labels: Sequence[str], said: str, *, batched: bool, answered: Collection[str] = ()
) -> list[MetricInfo]:
    """Accuracy of the mean over proper subsets and of every subset.

    Args:
        labels: The subsets' labels, the complete one last.
        said: What became of missing streams, in words.
        batched: Average batch by batch, GMC's rule.
        answered: Labels of subsets that hold the answer; the mean leaves them out.
    """
    aggregator = "macro_mean" if batched else "mean"
    rule = "GMC's mean of the batches' accuracies" if batched else "share of items classified right"

    def metric(label: str, description: str) -> MetricInfo:
        columns = (f"{label} correct", "batch") if batched else (f"{label} correct",)
        return MetricInfo(
            f"{label} accuracy", columns, aggregator=aggregator, description=description
        )

    averaged = f"{_MISSING} that do not hold the answer" if answered else _MISSING
    return [
        metric("missing", f"{rule}, {averaged}, {said}"),
        *(
            metric(
                label,
                f"{rule} from {_from(label, said)}"
                + ("; HOLDS THE ANSWER" if label in answered else ""),
            )
            for label in labels
        ),
    ]


def value_metrics(labels: Sequence[str], said: str) -> list[MetricInfo]:
    """The sentiment metrics of every subset; their mean over proper subsets where it has one."""
    from mmbench.metrics.affect import AFFECT_METRICS

    averaged = [
        _value_metric("missing", name, f"{metric.doc}; {_MISSING}, {said}")
        for name, metric in AFFECT_METRICS.items()
        if metric.aggregator == "mean"
    ]
    single = [
        _value_metric(label, name, f"{metric.doc}; from {_from(label, said)}")
        for label in labels
        for name, metric in AFFECT_METRICS.items()
    ]
    return averaged + single


def _value_metric(label: str, name: str, description: str) -> MetricInfo:
    from mmbench.metrics.affect import AFFECT_METRICS

    metric = AFFECT_METRICS[name]
    bounds: tuple[float | None, float | None] = (0.0, 1.0)
    if name in ("mae", "pearson"):
        bounds = (0.0, None) if name == "mae" else (-1.0, 1.0)
    return MetricInfo(
        f"{label} {name}",
        _column_names(label, name),
        aggregator=metric.aggregator,
        unit="1" if name in ("mae", "pearson") else "share",
        higher_is_better=metric.direction == "higher",
        bounds=bounds,
        description=description,
    )


def _column_names(label: str, name: str) -> tuple[str, ...]:
    """Where the columns of one sentiment metric lie; F1 in both orders shares two."""
    if name == "pearson":
        return f"{label} prediction", "truth"
    if name.startswith("f1_"):
        rule = name.removeprefix("f1_").removeprefix("mult_")
        pair = f"positive {rule}", f"{label} positive {rule}"
        return pair[::-1] if name.startswith("f1_mult_") else pair
    return (f"{label} {name}",)


def _from(label: str, said: str) -> str:
    return "all streams" if label == "complete" else f"{label}, {said}"


def class_columns(
    predictions: Mapping[str, NDArray[Any]],
    truths: NDArray[Any],
    *,
    batch_size: int | None,
    answered: Collection[str] = (),
) -> dict[str, Any]:
    """Truths, predictions and hits, row by row.

    Args:
        predictions: Subset label to classes [n], the complete one last.
        truths: [n] classes.
        batch_size: Number consecutive items into batches of this size; None: no batches.
        answered: Labels of subsets that hold the answer; the mean leaves them out.
    """
    import numpy as np

    columns: dict[str, Any] = {"truth": truths}
    hits = {label: (each == truths).astype(np.float64) for label, each in predictions.items()}
    for label, each in predictions.items():
        columns[f"{label} prediction"] = each
        columns[f"{label} correct"] = hits[label]
    proper = [label for label in list(hits)[:-1] if label not in answered]
    columns["missing correct"] = np.mean([hits[label] for label in proper], axis=0)
    if batch_size is not None:
        columns["batch"] = np.arange(len(truths)) // batch_size
    return columns


def value_columns(
    predictions: Mapping[str, NDArray[Any]], truths: NDArray[np.float64]
) -> dict[str, Any]:
    """Truths, predictions, and the columns of every sentiment metric, row by row."""
    import numpy as np

    from mmbench.metrics.affect import AFFECT_METRICS, affect_columns

    columns: dict[str, Any] = {"truth": truths}
    for label, each in predictions.items():
        columns[f"{label} prediction"] = each
        for name, values in affect_columns(each, truths).items():
            columns.update(zip(_column_names(label, name), values, strict=True))
    proper = list(predictions)[:-1]
    for name, metric in AFFECT_METRICS.items():
        if metric.aggregator == "mean":
            each_subset = [columns[f"{label} {name}"] for label in proper]
            columns[f"missing {name}"] = np.mean(each_subset, axis=0)
    return columns


def class_levels(
    metrics: Sequence[MetricInfo],
    truths: NDArray[Any],
    learnt: NDArray[Any],
    *,
    batch_size: int | None,
) -> dict[str, dict[str, float]]:
    """Guessing by the training items' shares, saying their commonest class, the best possible.

    ``chance`` is the expected score of guesses drawn with the training classes' frequencies, which
    is what unrelated vectors come to. ``majority`` says the commonest class of every item (the
    first in order among equals). The ceiling is below 1 where a test item's class is no training
    item's.
    """
    import numpy as np

    from mmbench.metrics.aggregation import aggregate

    classes, counts = np.unique(learnt, return_counts=True)
    places = np.minimum(np.searchsorted(classes, truths), len(classes) - 1)
    known = classes[places] == truths
    said = {
        "chance": np.where(known, counts[places] / len(learnt), 0.0),
        "majority": truths == classes[np.argmax(counts)],
        "ceiling": known,
    }
    levels = {}
    for level, right in said.items():
        columns = [right.astype(np.float64)]
        if batch_size is not None:
            columns.append(np.arange(len(truths)) // batch_size)
        value = aggregate(metrics[0].aggregator, columns)
        levels[level] = {metric.name: value for metric in metrics}
    return levels


def value_levels(
    metrics: Sequence[MetricInfo], truths: NDArray[np.float64], learnt: NDArray[np.float64]
) -> dict[str, dict[str, float]]:
    """Always saying the training items' mean value, and saying the truth."""
    import numpy as np

    from mmbench.metrics.affect import affect_scores

    said = {"chance": np.full(len(truths), learnt.mean()), "ceiling": truths}
    levels = {}
    for level, predicted in said.items():
        scores = affect_scores(predicted, truths)
        levels[level] = {
            metric.name: scores[metric.name.rsplit(" ", maxsplit=1)[1]] for metric in metrics
        }
    return levels


def read_predictions(
    array: Any, learnt: NDArray[Any] | None, *, name: str, allow_constant: bool
) -> NDArray[Any]:
    """A representation's own predictions as classes or values, [n].

    Args:
        array: [n, C] scores of the sorted training classes (the first of equal ones wins), or
            [n] or [n, 1] values.
        learnt: Training targets whose classes the columns are; None: these are values.
        name: Named in errors.
        allow_constant: Accept the same prediction for every item.

    Raises:
        ValueError: Another shape, numbers that are not finite, or all the same.
    """
    import numpy as np

    from mmbench.metrics.vectors import as_array, finite_rows, to_numpy

    array = as_array(array)
    if learnt is None and array.ndim == 1:
        array = array[:, None]
    classes = None if learnt is None else np.unique(learnt)
    width = 1 if classes is None else len(classes)
    if array.ndim != 2 or array.shape[1] != width:
        wanted = "one value" if classes is None else f"{width} scores, one a training class,"
        raise ValueError(f"{name}: expected {wanted} an item, got shape {tuple(array.shape)}")
    rows = finite_rows(array, name=name, double=True, allow_constant=allow_constant)
    rows = to_numpy(rows)
    if classes is None:
        values: NDArray[Any] = rows[:, 0]
        return values
    return np.asarray(classes[rows.argmax(axis=1)])


def perfect_array(
    truths: NDArray[Any], learnt: NDArray[Any], target_kind: str, head: str
) -> NDArray[np.float32]:
    """Vectors or predictions, [n, D], from which the target can be read off.

    Vectors have length 1: one axis a class (one more for classes that training lacks), or the
    value along one axis of a half-circle.
    """
    import numpy as np

    if target_kind == "class":
        classes = np.unique(learnt)
        scores = truths[:, None] == classes[None, :]
        if head == "probe":
            scores = np.concatenate([scores, ~scores.any(axis=1, keepdims=True)], axis=1)
        return np.asarray(scores, dtype=np.float32)
    if head == "predict":
        return np.asarray(truths[:, None], dtype=np.float32)
    largest = float(np.abs(learnt).max()) or 1.0
    along = np.clip(truths / (2.0 * largest), -1.0, 1.0)
    return np.asarray(np.stack([along, np.sqrt(1.0 - along**2)], axis=1), dtype=np.float32)


def check_rows(wanted: Sequence[Request], tables: Mapping[str, ItemTable], test: str) -> None:
    """Zero-filled items must be the test items, row by row.

    Raises:
        ValueError: They are not.
    """
    ids = list(tables[test].ids)
    for request in wanted:
        if request.collection.startswith(f"{test}/"):
            others = list(tables[request.collection]["parent"])
            if others != ids:
                raise ValueError(
                    f"the zero-filled items of {request.collection} are not the test items: "
                    f"{len(others)} and {len(ids)} were kept"
                )
