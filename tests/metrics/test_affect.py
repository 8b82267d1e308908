"""Sentiment metrics against MulT, GMC, MMSA and MultiBench, scikit-learn, and their own rules."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.metrics import accuracy_score, f1_score

from mmbench.metrics.affect import (
    AFFECT_METRICS,
    IMPLEMENTED,
    REFERENCES,
    REFUSED,
    affect_columns,
    affect_scores,
    check_option,
    round_half_even,
    sdk_bins,
)
from mmbench.metrics.aggregation import AGGREGATORS
from mmbench.metrics.bootstrap import bootstrap_interval

ORACLE = json.loads(
    (Path(__file__).parents[1] / "oracles" / "affect_regression.json").read_text("utf-8")
)
SCORED = [case for case, content in ORACLE.items() if "expected" in content]
FULL = {
    "mae": "mae",
    "corr": "pearson",
    "acc2_non0": "acc2_non0",
    "f1w_non0_true_pred": "f1_non0",
    "f1w_non0_pred_true": "f1_mult_non0",
    "acc2_has0_ge": "acc2_has0_ge",
    "f1w_has0_ge_true_pred": "f1_has0_ge",
    "f1w_has0_ge_pred_true": "f1_mult_has0_ge",
    "acc2_has0_gt": "acc2_has0_gt",
    "acc7_round": "acc7",
    "acc5_round": "acc5",
    "acc3_round": "acc3",
    "acc7_sdk_rule": "acc7_sdk",
}
many = settings(deadline=None)
sentiments = st.sampled_from(
    [-3.5, -2.5, -1.5, -1.0, -0.5, -0.3, 0.0, 0.0, 0.3, 0.5, 1.5, 2.5, 3.2]
)


@st.composite
def pairs(draw):
    n = draw(st.integers(1, 64))
    return tuple(draw(hnp.arrays(np.float64, n, elements=sentiments)) for _ in range(2))


def arrays(case):
    return (np.array(ORACLE[case][side], dtype=np.float32) for side in ("preds", "truths"))


@pytest.mark.parametrize("case", SCORED)
@pytest.mark.parametrize(
    ("code", "labels"),
    [
        ("mult_exclude_zero", REFERENCES["mult"]),
        ("mult_include_zero", {**REFERENCES["mult"], **REFERENCES["mult_include_zero"]}),
        ("gmc_exclude_zero", REFERENCES["gmc"]),
        ("gmc_include_zero", {**REFERENCES["gmc"], **REFERENCES["gmc_include_zero"]}),
        ("mmsa", REFERENCES["mmsa"]),
        ("full_precision", FULL),
    ],
)
def test_each_code_base_is_reproduced(case, code, labels):
    scores = affect_scores(*arrays(case))
    expected = ORACLE[case]["expected"][code]
    sizes = {"n", "n_nonzero"}
    assert set(expected) - sizes == set(labels)
    tolerance = 5.1e-5 if code == "mmsa" else 1e-6  # MMSA rounds to four decimals
    for label, name in labels.items():
        assert scores[name] == pytest.approx(expected[label], abs=tolerance), label


@pytest.mark.parametrize("case", SCORED)
def test_multibench_is_reproduced(case):
    scores = affect_scores(*arrays(case))
    for label, name in REFERENCES["multibench"].items():
        expected = ORACLE[case]["expected"][f"multibench_{label}"]
        assert scores[name] == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("case", SCORED)
def test_the_counts_of_items_are_the_codes(case):
    columns = affect_columns(*arrays(case), ["mae", "acc2_non0"])
    expected = ORACLE[case]["expected"]["full_precision"]
    assert len(columns["mae"][0]) == expected["n"]
    assert np.isfinite(columns["acc2_non0"][0]).sum() == expected["n_nonzero"]


def test_every_case_of_the_oracle_is_scored():
    assert len(SCORED) == 4
    assert set(ORACLE) - set(SCORED) == {"constant_preds"}


def test_constant_predictions_have_no_correlation():
    p, y = arrays("constant_preds")
    scores = affect_scores(p, y)
    assert np.isnan(scores["pearson"])
    assert np.isfinite(scores["mae"])
    assert np.isnan(affect_scores(np.full(20, 0.1), y, ["pearson"])["pearson"])


@many
@given(pairs())
def test_scikit_learn_agrees_on_accuracy_and_both_f1_orders(pair):
    p, y = pair
    scores = affect_scores(p, y)
    rules = {
        "non0": (p[y != 0] > 0, y[y != 0] > 0),
        "has0_gt": (p > 0, y > 0),
        "has0_ge": (p >= 0, y >= 0),
    }
    for rule, (predicted, truth) in rules.items():
        if len(truth) == 0:
            assert np.isnan(scores[f"acc2_{rule}"])
            assert np.isnan(scores[f"f1_{rule}"])
            assert np.isnan(scores[f"f1_mult_{rule}"])
            continue
        assert scores[f"acc2_{rule}"] == pytest.approx(accuracy_score(truth, predicted))
        one = f1_score(truth, predicted, average="weighted", zero_division=0)
        other = f1_score(predicted, truth, average="weighted", zero_division=0)
        assert scores[f"f1_{rule}"] == pytest.approx(one)
        assert scores[f"f1_mult_{rule}"] == pytest.approx(other)


@many
@given(pairs(), st.randoms(use_true_random=False))
def test_items_may_come_in_any_order_and_scores_keep_their_bounds(pair, random):
    p, y = pair
    order = list(range(len(p)))
    random.shuffle(order)
    scores = affect_scores(p, y)
    assert affect_scores(p[order], y[order]) == pytest.approx(scores, nan_ok=True)
    for name, value in scores.items():
        if name == "mae":
            assert value >= 0
        elif name == "pearson":
            assert np.isnan(value) or -1 <= value <= 1
        else:
            assert np.isnan(value) or 0 <= value <= 1


@many
@given(pairs())
def test_perfect_predictions_are_best(pair):
    _, y = pair
    scores = affect_scores(y, y)
    for name, metric in AFFECT_METRICS.items():
        if not np.isnan(scores[name]):
            best = 0.0 if metric.direction == "lower" else 1.0
            assert scores[name] == pytest.approx(best, abs=1e-12), name


@many
@given(pairs(), st.integers(0, 63))
def test_mending_one_prediction_never_hurts_an_accuracy_or_the_error(pair, where):
    p, y = pair
    where %= len(p)
    mended = p.copy()
    mended[where] = y[where]
    before, after = affect_scores(p, y), affect_scores(mended, y)
    assert after["mae"] <= before["mae"] + 1e-12
    for name in before:
        if name.startswith("acc") and not np.isnan(before[name]):
            assert after[name] >= before[name] - 1e-12, name


@many
@given(hnp.arrays(np.float64, st.integers(1, 64), elements=st.floats(-5, 5)))
def test_bins_as_the_two_texts_define_them(values):
    intervals = [(-3, -2, -3), (-2, -1, -2), (-1, 0, -1)]
    for value, binned in zip(values, sdk_bins(values), strict=True):
        clipped = max(-3.0, min(3.0, value))
        expected = 0
        for low, high, label in intervals:
            if low <= clipped < high:
                expected = label
            if low <= -clipped < high:
                expected = -label
        assert binned == expected
    for limit in (1, 2, 3):
        expected = [round(max(-limit, min(limit, value))) for value in values]  # half to even
        assert round_half_even(values, limit).tolist() == expected


def test_halves_and_zeros():
    assert round_half_even([2.5, 1.5, 0.5, -0.5, -1.5], 3).tolist() == [2, 2, 0, 0, -2]
    assert not np.signbit(round_half_even([-0.5], 3)).any()
    assert sdk_bins([-0.3, 0.3, -1.0, 0.0, 2.0001, 9.0]).tolist() == [-1, 1, -1, 0, 3, 3]
    # A prediction of exactly zero counts as negative where truths of zero are dropped.
    assert affect_scores([0.0, 0.0], [1.0, -1.0], ["acc2_non0"]) == {"acc2_non0": 0.5}


def test_columns_feed_the_bootstrap_under_the_same_name():
    rng = np.random.default_rng(0)
    y = rng.normal(size=300).round(1)
    p = y + rng.normal(size=300)
    for name, columns in affect_columns(p, y).items():
        aggregator = AFFECT_METRICS[name].aggregator
        assert len(columns) == len(AGGREGATORS[aggregator].columns)
        interval = bootstrap_interval(aggregator, columns, resamples=500)
        assert interval.low < affect_scores(p, y, [name])[name] < interval.high


def test_label_arrays_of_the_pickles_are_taken_as_they_are():
    y = np.array([1.0, -1.0, 2.0], dtype=np.float32)
    assert affect_scores(y[:, None, None], y[:, None]) == affect_scores(y, y)


@pytest.mark.parametrize(
    ("p", "y", "message"),
    [
        ([1.0, np.nan], [1.0, 2.0], "predictions: not finite at item 1"),
        ([1.0], [np.inf], "truths: not finite at item 0"),
        ([1.0], [1.0, 2.0], "1 predictions for 2 truths"),
        ([], [], "no items"),
        ([[1.0, 2.0]], [1.0], r"got shape \(1, 2\)"),
        (["a"], [1.0], "numbers expected"),
    ],
)
def test_bad_input_is_refused(p, y, message):
    with pytest.raises(ValueError, match=message):
        affect_scores(p, y)


def test_an_unknown_metric_gets_the_nearest():
    with pytest.raises(ValueError, match=r"nearest: .*acc2_has0_g[te]"):
        affect_scores([1.0], [1.0], ["acc2_has0"])


# Every option value that the protocol's table of references names.
NAMED = [
    *(("zero_rule", value) for value in ("non0", "has0_gt", "has0_ge")),
    *(("f1_order", value) for value in ("truths_first", "predictions_first")),
    *(("classes", value) for value in ("7", "5", "3")),
    *(("binning", value) for value in ("round_half_even", "sdk_bins", "round_half_away")),
    *(("reference", value) for value in ("mult", "gmc", "misa", "mmsa", "multibench", "sdk")),
    *(("selection", value) for value in ("gmc", "misa")),
    ("decimals", "4"),
]


@pytest.mark.parametrize(("option", "value"), NAMED)
def test_every_named_value_is_implemented_or_refused_by_name(option, value):
    implemented = value in IMPLEMENTED.get(option, ())
    refused = value in REFUSED.get(option, {})
    assert implemented != refused
    if implemented:
        check_option(option, value)
    else:
        with pytest.raises(ValueError, match=f"{option}='{value}' is "):
            check_option(option, value)


def test_implemented_values_lead_to_metrics():
    for labels in REFERENCES.values():
        assert set(labels.values()) <= set(AFFECT_METRICS)
    for rule in IMPLEMENTED["zero_rule"]:
        assert {f"acc2_{rule}", f"f1_{rule}", f"f1_mult_{rule}"} <= set(AFFECT_METRICS)
    for classes in IMPLEMENTED["classes"]:
        assert f"acc{classes}" in AFFECT_METRICS
    with pytest.raises(ValueError, match="unknown affect option 'zero'"):
        check_option("zero", "non0")
