"""Linear probes: what a plain linear model reads out of embeddings, fitted while scoring.

The classifier is scikit-learn's logistic regression (L2, lbfgs), the regressor its ridge
regression. Vectors are standardised by the training items' mean and deviation. The strength of the
regularisation is chosen from a fixed grid on validation items, or given. Nothing is random: the
same arrays give the same probe.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["LOGISTIC_C", "RIDGE_ALPHA", "Probe", "TargetKind", "fit_probe"]

TargetKind = Literal["class", "value"]

#: Strengths tried, from most to least regularised; among equals the first is taken.
LOGISTIC_C = (0.01, 0.1, 1.0, 10.0)
#: The same for ridge regression, whose alpha grows with the regularisation.
RIDGE_ALPHA = (10_000.0, 1_000.0, 100.0, 10.0, 1.0, 0.1, 0.01)
_MOST_STEPS = 1_000


@dataclass(frozen=True)
class Probe:
    """A fitted probe.

    Attributes:
        kind: ``class`` or ``value``.
        mean: [D] of the training vectors.
        scale: [D] their standard deviation; 1 where it is zero.
        model: The fitted scikit-learn estimator.
        parameters: What a reader needs to fit it again; plain data.
    """

    kind: TargetKind
    mean: Floats
    scale: Floats
    model: Any
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def predict(self, vectors: Any, *, name: str = "vectors") -> NDArray[Any]:
        """Classes (of the training targets' type) or values, [n], of vectors [n, D].

        Raises:
            ValueError: Vectors that are not finite, all equal, or of another width.
        """
        from mmbench.metrics.vectors import finite_rows, to_numpy

        rows = to_numpy(finite_rows(vectors, name=name, double=True))
        if rows.shape[1] != len(self.mean):
            raise ValueError(
                f"{name}: {rows.shape[1]} dimensions, and the probe was trained on "
                f"{len(self.mean)}: complete and missing embeddings must share one space"
            )
        predicted: NDArray[Any] = self.model.predict((rows - self.mean) / self.scale)
        return predicted


def fit_probe(
    vectors: Any,
    targets: Any,
    *,
    kind: TargetKind,
    valid: tuple[Any, Any] | None = None,
    strength: float | None = None,
) -> Probe:
    """Fit a probe on training vectors.

    Args:
        vectors: [n, D].
        targets: [n] classes (whole numbers or text) or values.
        kind: Which of the two the targets are.
        valid: Vectors and targets to choose the strength on: by accuracy, or by mean absolute
            error. Among equal strengths the most regularised wins.
        strength: ``C`` of the logistic, ``alpha`` of the ridge regression. None: chosen on
            ``valid``, or 1 where there is none.

    Returns:
        The probe, fitted on the training items alone.

    Raises:
        ValueError: Vectors that are not finite or all equal, targets of another number or kind,
            fewer than two classes, a strength that is not above 0.
    """
    import numpy as np

    from mmbench.metrics.vectors import finite_rows, to_numpy

    if strength is not None and not (strength > 0 and np.isfinite(strength)):
        raise ValueError(f"regularisation must be a finite number above 0, got {strength}")
    rows = to_numpy(finite_rows(vectors, name="training vectors", double=True))
    truths = checked_targets(targets, len(rows), kind)
    if kind == "class" and len(np.unique(truths)) < 2:
        raise ValueError(f"a probe needs two classes to tell apart, there is only {truths[0]!r}")
    mean, scale = rows.mean(axis=0), rows.std(axis=0)
    scale[scale <= 1e-12 * np.abs(mean) + np.finfo(np.float64).tiny] = 1.0
    standard = (rows - mean) / scale
    grid, chosen_on = _strengths(kind, strength, chosen=valid is not None)
    probes = [Probe(kind, mean, scale, _fitted(kind, standard, truths, each)) for each in grid]
    scores: list[float] = []
    if len(grid) > 1 and valid is not None:
        expected = checked_targets(valid[1], len(valid[0]), kind)
        scores = [_score(probe, valid[0], expected) for probe in probes]
    best = int(np.argmax(scores)) if scores else 0
    parameters: dict[str, Any] = {
        "estimator": "LogisticRegression" if kind == "class" else "Ridge",
        "strength": "C" if kind == "class" else "alpha",
        "value": grid[best],
        "grid": list(grid),
        "chosen_on": chosen_on,
        "standardised": True,
        "training_items": len(rows),
        "dimensions": rows.shape[1],
    }
    if scores:
        measure = "accuracy" if kind == "class" else "negative mean absolute error"
        parameters["validation"] = {"measure": measure, "scores": scores}
    if kind == "class":
        steps = int(np.max(probes[best].model.n_iter_))
        parameters |= {"steps": steps, "converged": steps < _MOST_STEPS}
    return Probe(kind, mean, scale, probes[best].model, parameters)


def checked_targets(targets: Any, count: int, kind: TargetKind) -> NDArray[Any]:
    """Targets as an array [count]: float64 values, or classes as they are.

    Raises:
        ValueError: Another number of them, values that are no finite numbers, classes that are
            neither whole numbers nor text.
    """
    import numpy as np

    truths = np.asarray(targets)
    if truths.shape != (count,):
        raise ValueError(f"targets: expected one for each of {count} items, got {truths.shape}")
    if kind == "value":
        if truths.dtype.kind not in "biuf" or not np.isfinite(truths.astype(np.float64)).all():
            raise ValueError("targets: values must be finite numbers")
        return truths.astype(np.float64)
    if truths.dtype.kind not in "biuUS":
        raise ValueError(f"targets: classes must be whole numbers or text, got {truths.dtype}")
    return truths


def _strengths(
    kind: TargetKind, strength: float | None, *, chosen: bool
) -> tuple[tuple[float, ...], str]:
    """What is tried, and where the choice comes from."""
    if strength is not None:
        return (strength,), "option"
    if not chosen:
        return (1.0,), "default"
    return (LOGISTIC_C if kind == "class" else RIDGE_ALPHA), "validation items"


def _fitted(kind: TargetKind, standard: Floats, truths: NDArray[Any], strength: float) -> Any:
    """One fitted estimator."""
    import warnings

    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression, Ridge

    if kind == "value":
        return Ridge(alpha=strength, solver="svd").fit(standard, truths)
    with warnings.catch_warnings():
        # Whether it converged is in the probe's parameters.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return LogisticRegression(C=strength, max_iter=_MOST_STEPS).fit(standard, truths)


def _score(probe: Probe, vectors: Any, truths: NDArray[Any]) -> float:
    """How well a probe does on validation items; higher is better."""
    import numpy as np

    predicted = probe.predict(vectors, name="validation vectors")
    if probe.kind == "class":
        return float(np.mean(predicted == truths))
    return -float(np.mean(np.abs(predicted - truths)))
