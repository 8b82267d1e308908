"""Sentiment regression metrics (CMU-MOSI, CMU-MOSEI), with every rule that papers differ in named.

The same predictions have two weighted F1 values (0.469 and 0.143 on one-sided predictions) and two
seven-class accuracies, according to whose code printed them. So each metric's name says its rule:

* zero rule of the two-class accuracy: ``non0`` drops items whose *truth* is zero and calls a
  prediction of exactly zero negative; ``has0_gt`` keeps all, positive is ``> 0`` (MulT, GMC,
  MultiBench); ``has0_ge`` keeps all, positive is ``>= 0`` (MMSA, MISA, the SDK's text);
* argument order of the weighted F1: ``f1_*`` weights classes by the truths (scikit-learn's and
  MMSA's order), ``f1_mult_*`` by the predictions (MulT and GMC call ``f1_score`` swapped);
* classes: ``acc7``, ``acc5``, ``acc3`` clip both sides to 3, 2, 1 and round half to even (2.5 is 2,
  1.5 is 2, 0.5 is 0); ``acc7_sdk`` bins outward as the CMU-MOSEI text has it (-0.3 is -1).

Every metric is a set of per-item columns and the name of an aggregator over them.

SOURCE: yaohungt/Multimodal-Transformer a670936, miguelsvasco/gmc bc4eada, thuiar/MMSA a94e65d,
pliang279/MultiBench 49f9be2, declare-lab/MISA ec42fad, CMU-MultiComp-Lab/CMU-MultimodalSDK 4f2eadc.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from mmbench.metrics.aggregation import aggregate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

ZeroRule = Literal["non0", "has0_gt", "has0_ge"]


@dataclass(frozen=True)
class AffectMetric:
    """One sentiment metric.

    Attributes:
        name: what records and leaderboards call it.
        aggregator: name of the aggregator over its columns.
        direction: which way is better.
        columns: (predictions ``[n]``, truths ``[n]``) -> columns ``[n]``, checked inputs only.
        doc: one line for listings.
    """

    name: str
    aggregator: str
    direction: Literal["higher", "lower"]
    columns: Callable[[Floats, Floats], list[Floats]]
    doc: str


def round_half_even(values: ArrayLike, limit: int) -> Floats:
    """Clip to ``[-limit, limit]``, then round to whole classes, halves to the even one."""
    clipped: Floats = np.clip(np.asarray(values, dtype=np.float64), -limit, limit)
    return np.rint(clipped) + np.float64(0.0)  # -0.5 rounds to -0.0, which is class 0


def sdk_bins(values: ArrayLike) -> Floats:
    """CMU-MOSEI's seven classes: zero is 0, everything else rounds away from zero, 3 at most."""
    clipped: Floats = np.clip(np.asarray(values, dtype=np.float64), -3.0, 3.0)
    binned: Floats = np.sign(clipped) * np.ceil(np.abs(clipped))
    return binned


def _signs(p: Floats, y: Floats, rule: ZeroRule) -> tuple[Floats, Floats]:
    """Classes of predictions and truths, 0.0 or 1.0; NaN on both sides for an item left out."""
    if rule == "has0_ge":
        return (p >= 0).astype(np.float64), (y >= 0).astype(np.float64)
    out = (y == 0) & (rule == "non0")
    return np.where(out, np.nan, p > 0), np.where(out, np.nan, y > 0)


def _acc2(rule: ZeroRule) -> AffectMetric:
    def columns(p: Floats, y: Floats) -> list[Floats]:
        predicted, truth = _signs(p, y, rule)
        return [np.where(np.isnan(truth), np.nan, predicted == truth)]

    return AffectMetric(
        f"acc2_{rule}", "mean", "higher", columns, f"two-class accuracy, {_RULES[rule]}"
    )


def _f1(rule: ZeroRule, *, swapped: bool) -> AffectMetric:
    def columns(p: Floats, y: Floats) -> list[Floats]:
        predicted, truth = _signs(p, y, rule)
        return [predicted, truth] if swapped else [truth, predicted]

    order = (
        "f1(predictions, truths) as MulT and GMC" if swapped else "f1(truths, predictions) as MMSA"
    )
    return AffectMetric(
        f"f1_mult_{rule}" if swapped else f"f1_{rule}",
        "weighted_f1",
        "higher",
        columns,
        f"weighted F1, {order}, {_RULES[rule]}",
    )


def _accuracy(name: str, classes: Callable[[Floats], Floats], doc: str) -> AffectMetric:
    def columns(p: Floats, y: Floats) -> list[Floats]:
        return [(classes(p) == classes(y)).astype(np.float64)]

    return AffectMetric(name, "mean", "higher", columns, doc)


_RULES: Mapping[ZeroRule, str] = MappingProxyType(
    {
        "non0": "truths of zero left out, positive is > 0",
        "has0_gt": "all items, positive is > 0",
        "has0_ge": "all items, positive is >= 0",
    }
)

_METRICS = (
    AffectMetric("mae", "mean", "lower", lambda p, y: [np.abs(p - y)], "mean absolute error"),
    AffectMetric(
        "pearson",
        "pearson",
        "higher",
        lambda p, y: [p, y],
        "Pearson correlation; undefined (NaN) for constant predictions",
    ),
    *(_acc2(rule) for rule in _RULES),
    *(_f1(rule, swapped=False) for rule in _RULES),
    *(_f1(rule, swapped=True) for rule in _RULES),
    _accuracy(
        "acc7",
        lambda v: round_half_even(v, 3),
        "accuracy of the classes -3..3, rounded half to even (MulT, MMSA)",
    ),
    _accuracy(
        "acc5",
        lambda v: round_half_even(v, 2),
        "accuracy of the classes -2..2, rounded half to even (MulT, MMSA)",
    ),
    _accuracy(
        "acc3",
        lambda v: round_half_even(v, 1),
        "accuracy of the classes -1..1, rounded half to even (MMSA)",
    ),
    _accuracy("acc7_sdk", sdk_bins, "accuracy of the classes -3..3 by CMU-MOSEI's outward bins"),
)

AFFECT_METRICS: Mapping[str, AffectMetric] = MappingProxyType(
    {metric.name: metric for metric in _METRICS}
)

REFERENCES: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "mult": {
            "MAE": "mae",
            "Correlation Coefficient": "pearson",
            "mult_acc_7": "acc7",
            "mult_acc_5": "acc5",
            "Accuracy": "acc2_non0",
            "F1 score": "f1_mult_non0",
        },
        "mult_include_zero": {"Accuracy": "acc2_has0_gt", "F1 score": "f1_mult_has0_gt"},
        "gmc": {
            "mae": "mae",
            "correlation": "pearson",
            "accuracy": "acc2_non0",
            "f1_score": "f1_mult_non0",
        },
        "gmc_include_zero": {"accuracy": "acc2_has0_gt", "f1_score": "f1_mult_has0_gt"},
        "mmsa": {
            "MAE": "mae",
            "Corr": "pearson",
            "Mult_acc_7": "acc7",
            "Mult_acc_5": "acc5",
            "Has0_acc_2": "acc2_has0_ge",
            "Has0_F1_score": "f1_has0_ge",
            "Non0_acc_2": "acc2_non0",
            "Non0_F1_score": "f1_non0",
        },
        "misa": {
            "mae": "mae",
            "corr": "pearson",
            "mult_acc": "acc7",
            "non0 report": "f1_non0",
            "has0 report": "f1_has0_ge",
            "returned accuracy": "acc2_has0_ge",
        },
        "multibench": {"acc2_exclude_zero": "acc2_non0", "acc2_include_zero": "acc2_has0_gt"},
        "sdk": {"acc2_non0": "acc2_non0", "acc2_has0": "acc2_has0_ge", "acc7": "acc7_sdk"},
    }
)
"""Which of our metrics each code base prints under which label."""

IMPLEMENTED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "metric": tuple(AFFECT_METRICS),
        "zero_rule": tuple(_RULES),
        "f1_order": ("truths_first", "predictions_first"),
        "classes": ("3", "5", "7"),
        "binning": ("round_half_even", "sdk_bins"),
        "reference": tuple(REFERENCES),
    }
)
"""Named values that are scored, by option."""

REFUSED: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "binning": {
            "round_half_away": "is nobody's: numpy's round, which all the codes call, rounds "
            "halves to even"
        },
        "decimals": {
            "4": "is MMSA's rounding of its printed figures; records keep all digits, round when "
            "you print"
        },
        "empty_subset": {
            "zero": "would report 0 where no truth differs from zero; the value is undefined (NaN)"
        },
        "selection": {
            "gmc": "is a choice of figures to print, not a metric: see REFERENCES['gmc']",
            "misa": "is a choice of figures to print, not a metric: see REFERENCES['misa']",
        },
    }
)
"""Values that references use and we do not score, and why, by option."""


def check_option(option: str, value: str) -> None:
    """Accept a named value, or say why it is refused or what is near it.

    Raises:
        ValueError: unknown option, refused value (with the reason) or unknown value.
    """
    options = sorted({*IMPLEMENTED, *REFUSED})
    if option not in options:
        raise ValueError(f"unknown affect option {option!r}; there are: {', '.join(options)}")
    if value in IMPLEMENTED.get(option, ()):
        return
    if value in REFUSED.get(option, {}):
        raise ValueError(f"affect option {option}={value!r} {REFUSED[option][value]}")
    values = IMPLEMENTED.get(option, ())
    near = difflib.get_close_matches(value, values, n=3) or list(values)
    raise ValueError(f"unknown affect option {option}={value!r}; nearest: {', '.join(near) or '-'}")


def affect_columns(
    predictions: ArrayLike, truths: ArrayLike, metrics: Iterable[str] | None = None
) -> dict[str, list[Floats]]:
    """Per-item columns of sentiment metrics.

    Args:
        predictions: ``[n]``, or ``[n, 1]`` and the like; real numbers.
        truths: the same, sentiment in -3..3.
        metrics: keys of ``AFFECT_METRICS``; all by default.

    Returns:
        Metric name -> columns ``[n]`` for ``AFFECT_METRICS[name].aggregator``. NaN in a first
        column marks an item that takes no part.

    Raises:
        ValueError: unknown metric, no items, unequal lengths, NaN or infinite values.
    """
    p, y = _as_vector(predictions, "predictions"), _as_vector(truths, "truths")
    if len(p) != len(y):
        raise ValueError(f"{len(p)} predictions for {len(y)} truths")
    names = list(AFFECT_METRICS) if metrics is None else list(metrics)
    for name in names:
        check_option("metric", name)
    return {name: AFFECT_METRICS[name].columns(p, y) for name in names}


def affect_scores(
    predictions: ArrayLike, truths: ArrayLike, metrics: Iterable[str] | None = None
) -> dict[str, float]:
    """Score sentiment predictions: metric name -> figure, NaN where it is undefined.

    Undefined are the correlation of constant predictions or truths, and the ``non0`` metrics where
    every truth is zero. Accuracies and F1 are fractions. See :func:`affect_columns` for arguments.
    """
    columns = affect_columns(predictions, truths, metrics)
    return {
        name: aggregate(AFFECT_METRICS[name].aggregator, each) for name, each in columns.items()
    }


def _as_vector(values: Any, what: str) -> Floats:
    array = np.asarray(values)
    if array.ndim == 0 or array.size != len(array):
        raise ValueError(f"{what}: one number an item expected, got shape {array.shape}")
    if array.dtype.kind not in "biuf":
        raise ValueError(f"{what}: numbers expected, got {array.dtype}")
    vector = array.reshape(-1).astype(np.float64)
    if len(vector) == 0:
        raise ValueError(f"{what}: no items")
    if not np.isfinite(vector).all():
        raise ValueError(f"{what}: not finite at item {int(np.argmin(np.isfinite(vector)))}")
    return vector
