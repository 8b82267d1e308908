"""SLAVC's detection figures against its evaluator, a loop over thresholds, and their properties."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mmbench.metrics.confidence import slavc_confidence
from mmbench.metrics.localization import random_maps
from mmbench.metrics.localization_options import PRESETS, localization_options
from mmbench.metrics.recognition import (
    location_accuracy,
    slavc_ap,
    slavc_ceiling,
    slavc_f1_at,
    slavc_max_f1,
    slavc_scores,
    slavc_subsets,
)

CASES = json.loads(
    (Path(__file__).parents[1] / "oracles" / "extended_slavc.json").read_text(encoding="utf-8")
)

many = settings(deadline=None)


@st.composite
def lists(draw, least=1):
    """Boxes, cIoU and confidences with many ties, and sometimes no positive or no negative."""
    n = draw(st.integers(least, 64))

    def column(dtype, values):
        return draw(hnp.arrays(dtype, n, elements=st.sampled_from(values)))

    return (
        column(np.int64, draw(st.sampled_from([[0, 1, 3], [1, 2], [0]]))),
        column(np.float64, [0.0, 0.49, 0.5, 0.75, 1.0]),
        column(np.float64, [-0.5, 0.0, 0.1, 0.2, 0.3, 0.7, 0.9]),
    )


def counted(boxes, ciou, confidence, threshold, ciou_at=0.5):
    """Precision and recall by the definition, item by item."""
    true = false = missed = 0
    for b, c, s in zip(boxes, ciou, confidence, strict=True):
        if s >= threshold:
            good = b > 0 and c >= ciou_at
            true, false = true + good, false + (not good)
        elif b > 0:
            missed += 1
    precision = true / (true + false) if true + false else 1.0
    recall = true / (true + missed) if true + missed else 1.0
    return precision, recall


def naive_ap(boxes, ciou, confidence, ciou_at=0.5):
    thresholds = sorted(confidence)[:-1][:: -max(1, len(confidence) // 200)]
    curve = [counted(boxes, ciou, confidence, t, ciou_at) for t in thresholds]
    return sum(
        max(p for p, _ in curve[i:]) * (curve[i + 1][1] - curve[i][1])
        for i in range(len(curve) - 1)
    )


def naive_max_f1(boxes, ciou, confidence, ciou_at=0.5):
    best = 0.0
    for t in sorted(confidence)[:: max(1, len(confidence) // 10)]:
        p, r = counted(boxes, ciou, confidence, t, ciou_at)
        best = max(best, 2 * p * r / (p + r) if p + r else 0.0)
    return best


# --- the reference ----------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES, ids=[f"n={case['n']}" for case in CASES])
@pytest.mark.parametrize("percent", [50, 75])
def test_every_subset_of_the_oracle(case, percent):
    found = slavc_subsets(
        case["bb"], case["ciou"], case["conf"], case["area"], ciou_at=percent / 100
    )
    assert list(found) == ["all", "visible", "small", "medium", "large", "huge"]
    for subset, scores in found.items():
        stats = {
            key: case["stats"][f"{key}-{subset}@{percent}"]
            for key in ("Precision", "AP", "AUC", "F1")
        }
        if scores is None:
            assert set(stats.values()) == {None}
            continue
        assert scores.precision == pytest.approx(stats["Precision"], abs=1e-12)
        assert scores.ap == pytest.approx(stats["AP"], abs=1e-12)
        assert scores.auc == pytest.approx(stats["AUC"], abs=1e-12)
        assert " ".join(f"{100 * f:.1f}" for f in scores.f1) == stats["F1"]


@pytest.mark.parametrize("case", CASES, ids=[f"n={case['n']}" for case in CASES])
def test_headline_figures_of_the_oracle(case):
    columns = case["bb"], case["ciou"], case["conf"]
    scores = slavc_scores(*columns)
    assert scores.items == case["n"]
    assert scores.thresholds.tolist() == pytest.approx(case["f1_thresholds"], abs=1e-12)
    assert slavc_max_f1(*columns) == scores.max_f1
    assert scores.max_f1 == pytest.approx(case["max_f1_exact"], abs=1e-12)
    assert round(100 * scores.max_f1, 1) == case["max_f1_percent_1dp"]
    assert slavc_ap(*columns) == pytest.approx(case["ap_at_50"], abs=1e-12)
    assert slavc_f1_at(*columns, 0.5) == pytest.approx(case["f1_at_conf_0.5"], abs=1e-12)
    accuracy = location_accuracy(*columns[:2], strict=True)
    assert accuracy == pytest.approx(case["precision_at_50_strict_gt"], abs=1e-12)
    visible = case["stats"]["Precision-visible@50"]
    assert location_accuracy(*columns[:2]) == pytest.approx(visible, abs=1e-12)


@pytest.mark.parametrize(("n", "expected"), [(100, 0.96), (500, 0.992), (10316, 0.9996)])
def test_what_a_perfect_system_gets(n, expected):
    ceiling = slavc_ceiling(np.repeat([0, 1], n // 2))
    assert round(ceiling["ap"], 4) == expected
    # The grid of 10 steps meets the border between positives and negatives where n is a
    # multiple of 20 only.
    assert ceiling["max_f1"] == 1 if n % 20 == 0 else 0.999 < ceiling["max_f1"] < 1


def test_perfect_confidence_with_half_of_the_positives_mislocalised():
    boxes = np.repeat([0, 1], 1000)
    ciou = np.tile([0.0, 1.0], 1000)
    confidence = np.random.default_rng(0).random(2000) + boxes
    assert slavc_ap(boxes, ciou, confidence) == pytest.approx(0.51, abs=0.02)
    assert slavc_max_f1(boxes, ciou, confidence) == pytest.approx(2 / 3, abs=0.005)


# --- properties -------------------------------------------------------------------------------


@many
@given(columns=lists(), ciou_at=st.sampled_from([0.5, 0.75]))
def test_equal_to_a_loop_over_thresholds(columns, ciou_at):
    found = slavc_ap(*columns, ciou_at=ciou_at)
    assert found == pytest.approx(naive_ap(*columns, ciou_at), abs=1e-12)
    found = slavc_max_f1(*columns, ciou_at=ciou_at)
    assert found == pytest.approx(naive_max_f1(*columns, ciou_at), abs=1e-12)


@pytest.mark.parametrize("n", [199, 200, 399, 400, 1031])
def test_strides_of_long_lists(n):
    rng = np.random.default_rng(n)
    columns = rng.integers(0, 3, n), rng.random(n), rng.random(n).round(2)
    assert slavc_ap(*columns) == pytest.approx(naive_ap(*columns), abs=1e-12)
    assert slavc_max_f1(*columns) == pytest.approx(naive_max_f1(*columns), abs=1e-12)


@many
@given(columns=lists(), data=st.data())
def test_weights_are_repetitions(columns, data):
    n = len(columns[0])
    counts = data.draw(hnp.arrays(np.int64, (2, 3, n), elements=st.integers(0, 4)))
    for figure in (slavc_ap, slavc_max_f1):
        found = figure(*columns, counts)
        assert found.shape == (2, 3)
        for at in np.ndindex(2, 3):
            repeated = [np.repeat(column, counts[at]) for column in columns]
            if counts[at].sum() == 0:
                assert np.isnan(found[at])
            else:
                assert found[at] == pytest.approx(figure(*repeated), abs=1e-12)


@many
@given(columns=lists(), data=st.data())
def test_bounds_permutation_and_better_boxes(columns, data):
    order = data.draw(st.permutations(range(len(columns[0]))))
    moved = [column[order] for column in columns]
    boxes, ciou, confidence = columns
    for figure in (slavc_ap, slavc_max_f1):
        value = figure(*columns)
        assert 0 <= value <= 1 + 1e-12
        assert figure(*moved) == pytest.approx(value, abs=1e-12)
    # Finding every source can't lower the F1, which has one grid whatever the cIoU.
    assert slavc_max_f1(boxes, np.ones(len(ciou)), confidence) >= slavc_max_f1(*columns) - 1e-12
    # Only the order of confidences matters.
    assert slavc_ap(boxes, ciou, np.exp(confidence)) == slavc_ap(*columns)


# --- confidence -------------------------------------------------------------------------------


def test_confidence_is_the_mean_of_the_top_quarter():
    maps = np.zeros((2, 8, 8))
    maps[0, :2] = 0.5  # exactly a quarter
    maps[1, 0] = 1.0  # an eighth: half of the top quarter
    options = localization_options("slavc", size=8, upsampling="none")
    np.testing.assert_allclose(slavc_confidence(maps, options), [0.75, 0.75])
    plain = localization_options("slavc", size=8, upsampling="none", normalisation="none")
    np.testing.assert_allclose(slavc_confidence(maps[:, None], plain), [0.5, 0.5])
    np.testing.assert_allclose(slavc_confidence(maps, plain, share=1.0), [0.125, 0.125])


def test_confidence_equals_a_sort_of_each_map():
    maps = random_maps(37, np.random.default_rng(0), (9, 7))
    options = localization_options("slavc", size=9, tau=0.5)
    from mmbench.metrics.masks import scaled_maps

    flat = np.sort(scaled_maps(maps, options), axis=1)[:, -81 // 4 :].mean(axis=1)
    np.testing.assert_allclose(slavc_confidence(maps, options), flat, rtol=1e-6)


def test_confidence_refuses_maps_made_relative():
    with pytest.raises(ValueError, match="makes every map peak at 1"):
        slavc_confidence(np.zeros((1, 7, 7)), PRESETS["ezvsl"])
    with pytest.raises(ValueError, match=r"share in \(0, 1\]"):
        slavc_confidence(np.zeros((1, 7, 7)), share=0.0)
    with pytest.raises(ValueError, match="heat map 0 holds NaN"):
        slavc_confidence(np.full((1, 7, 7), np.nan))


# --- failure paths ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (([1], [0.5], [np.nan]), "1 of 1 confidences are NaN or infinite, the first at item 0"),
        (([1, 0], [0.5, 0], [0.1, np.inf]), "the first at item 1"),
        (([1], [np.nan], [0.5]), "cIoU of an item with boxes must be within 0..1"),
        (([1], [1.5], [0.5]), "must be within 0..1"),
        (([1, 1], [0.5], [0.5]), r"must be \[n\]"),
        (([], [], []), "no item to score"),
    ],
)
def test_bad_columns_are_refused(columns, message):
    for figure in (slavc_ap, slavc_max_f1, slavc_scores, slavc_f1_at):
        with pytest.raises(ValueError, match=message):
            figure(*columns)


def test_ciou_where_there_is_no_box_does_not_matter():
    assert slavc_ap([0, 1, 1], [np.nan, 1, 1], [0, 1, 2]) == slavc_ap(
        [0, 1, 1], [0, 1, 1], [0, 1, 2]
    )


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([0.5, 1.0], "must be whole numbers"),
        ([1.0], r"must be \[..., 2\]"),
        ([-1.0, 2.0], "at least 0"),
        ([np.nan, 1.0], "must be finite"),
    ],
)
def test_bad_weights_are_refused(weights, message):
    with pytest.raises(ValueError, match=message):
        slavc_ap([0, 1], [0.0, 1.0], [0.0, 1.0], weights)


def test_location_accuracy_and_subsets_refuse_what_does_not_exist():
    with pytest.raises(ValueError, match="no item has a box"):
        location_accuracy([0, 0], [0.0, 0.0])
    with pytest.raises(ValueError, match="area"):
        slavc_subsets([1], [0.5], [0.5], [np.nan])
    assert slavc_scores([0], [0.0], [0.5]).auc is None
