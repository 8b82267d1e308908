"""Localization scores against the papers' evaluators, a loop over items, and their properties."""

from __future__ import annotations

import json
import os
import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mmbench.metrics.boxes import GroundTruth, box_set
from mmbench.metrics.localization import (
    auc_items,
    baseline_mask,
    iiou,
    random_maps,
    score_boxes,
    score_maps,
    score_masks,
)
from mmbench.metrics.localization_options import PRESETS, localization_options

ORACLES = Path(__file__).parents[1] / "oracles"
ASSETS = os.environ.get("MMBENCH_TEST_ASSETS")
HEATMAP_PRESETS = sorted(n for n, rules in PRESETS.items() if rules.prediction == "heatmap")

many = settings(deadline=None)
few = st.sampled_from([-1.0, 0.0, 0.25, 0.5, 0.75, 1.0])


def load(name):
    return (
        json.loads((ORACLES / f"{name}.json").read_text()),
        np.load(ORACLES / f"{name}.npz"),
    )


def small(preset, **changes):
    """Rules of a preset on an 8 px frame, for maps of 8 px."""
    return localization_options(preset, size=8, upsampling="none", **changes)


def truth_of(data, n, size=8):
    """Ground-truth maps of boxes with many coincidences, a few of them empty."""
    corner = st.integers(0, size)
    boxes = data.draw(
        st.lists(
            st.lists(st.tuples(corner, corner, corner, corner), max_size=3), min_size=n, max_size=n
        )
    )
    kind = data.draw(st.sampled_from(["union", "consensus"]))
    return GroundTruth(box_set(boxes, box_format="xyxy", extent=size, size=size), kind)


def maps_of(data, n):
    """Maps of few levels: from one, a constant, to all six."""
    levels = data.draw(st.lists(few, min_size=1, max_size=6))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    return rng.choice(np.array(levels, dtype=np.float32), size=(n, 8, 8))


# --- the references ---------------------------------------------------------------------------


@pytest.mark.parametrize("preset", ["lvs", "tie", "ezvsl", "ssla"])
def test_vggss_oracle(preset):
    figures, arrays = load("localization_vggss")
    expected = figures[{"ssla": "sslalignment", "tie": "lvs"}.get(preset, preset)]
    truth = GroundTruth(box_set(figures["boxes"], box_format="xyxy"))
    scores = score_maps(arrays["heat14"], truth, PRESETS[preset])
    # Upsampling differs from the reference by one unit in the last place here and there, which can
    # flip single pixels.
    np.testing.assert_allclose(scores.ciou, expected["ciou"], atol=2e-3)
    means = scores.means()
    assert means["success"] == pytest.approx(expected["ciou_at_05"], abs=1e-12)
    assert means["auc"] == pytest.approx(expected["auc"], abs=1e-12)
    if preset == "ssla":
        np.testing.assert_allclose(scores.ciou_adaptive, expected["ciou_adap"], atol=2e-3)
    assert scores.empty_gt.sum() == 1
    assert scores.ciou[scores.empty_gt] == 0
    assert scores.gt_area.tolist() == figures["gt_area_lvs"]


def test_flickr_oracle():
    figures, arrays = load("localization_flickr")
    boxes = box_set(figures["boxes_256"], box_format="xyxy", extent=256)
    scores = score_maps(arrays["heat7"], GroundTruth(boxes, "consensus"))
    np.testing.assert_allclose(scores.ciou, figures["ezvsl"]["ciou"], atol=2e-3)
    assert scores.means()["success"] == pytest.approx(figures["ezvsl"]["ap50"], abs=1e-12)
    assert scores.means()["auc"] == pytest.approx(figures["ezvsl"]["auc"], abs=1e-12)


def test_music_dsol_oracle():
    figures, arrays = load("localization_music_dsol")
    boxes = box_set(figures["boxes_xywh_normalised"], box_format="xywh")
    scores = score_maps(
        arrays["heat14"], GroundTruth(boxes), localization_options("dsol", empty_gt="skip")
    )
    assert np.isnan(scores.ciou).sum() == 3
    np.testing.assert_allclose(scores.ciou[~scores.empty_gt], figures["ciou"], atol=2e-3)
    assert scores.means()["success"] == pytest.approx(figures["iou_at_05"], abs=1e-12)
    assert scores.means()["auc"] == pytest.approx(figures["auc"], abs=1e-12)


@pytest.mark.skipif(ASSETS is None, reason="MMBENCH_TEST_ASSETS is not set: no vggss.json")
def test_trivial_baselines_on_the_whole_of_vggss():
    items = json.loads((Path(ASSETS or "") / "data/vggss/vggss.json").read_text())
    truth = GroundTruth(box_set([item["bbox"] for item in items], box_format="xyxy"))
    everything = score_masks(baseline_mask("ones", 224), truth)
    square = score_masks(baseline_mask("centre_square", 224), truth)
    assert everything.empty_gt.sum() == 2
    found = [round(100 * s.means()[k], 2) for s in (everything, square) for k in ("success", "auc")]
    assert found == [21.95, 31.25, 31.72, 36.93]
    bins = np.digitize(everything.gt_area, [32**2, 96**2, 144**2])
    assert np.bincount(bins).tolist() == [134, 1796, 1726, 1502]


# --- each rule, worked by hand ----------------------------------------------------------------


def test_a_hand_worked_example():
    # 8 px frame; truth is the left half (32 px), the top half of the scores the top half (32 px):
    # 16 px shared, 16 beyond: 16 / 48.
    truth = GroundTruth(box_set([[[0, 0, 0.5, 1]]], box_format="xyxy", size=8))
    maps = np.repeat(np.arange(8, 0, -1.0)[None, :, None], 8, axis=2)
    scores = score_maps(maps, truth, small("ezvsl"))
    assert scores.ciou[0] == pytest.approx(16 / 48)
    assert scores.ciou_adaptive[0] == pytest.approx(16 / 48)
    assert scores.success[0] == 0
    assert scores.auc[0] == pytest.approx(0.025 + 0.05 * 6)  # x = 0 and .05 .. .30


def test_a_soft_truth_counts_only_where_it_is_zero_as_beyond():
    soft = np.zeros((1, 8, 8))
    soft[0, :4] = 0.5
    mask = np.zeros((1, 8, 8), dtype=bool)
    mask[0, :4] = True
    options = small("boxes")
    assert score_masks(mask, soft, options).ciou[0] == 1
    mask[0, 4:6] = True
    assert score_masks(mask, soft, options).ciou[0] == pytest.approx(16 / (16 + 16))


@pytest.mark.parametrize(
    ("preset", "level", "area"),
    [
        *[(p, 0.25, 64) for p in ("ezvsl", "lvs", "tie", "dsol", "slavc", "slavc_relative")],
        ("ezvsl", -3.0, 64),
        ("slavc", -0.5, 0),
        ("ssla", 0.25, 0),
        ("rvs", 0.25, 0),
        ("rvs", 0.75, 64),
        ("acl", 0.25, 64),
    ],
)
def test_a_constant_map_becomes_all_ones_or_nothing(preset, level, area):
    truth = np.ones((1, 8, 8))
    scores = score_maps(np.full((1, 8, 8), level), truth, small(preset))
    assert scores.ciou[0] == area / 64


def test_lvs_keeps_a_top_plateau_that_a_strict_comparison_loses():
    maps = np.zeros((1, 8, 8))
    maps[0, :6] = 1.0
    truth = maps > 0
    assert score_maps(maps, truth, small("lvs")).ciou[0] == 1
    assert score_maps(maps, truth, small("ssla_lvs")).ciou[0] == 0


def test_rvs_masks_are_never_larger_than_the_fixed_or_the_median_mask():
    # Two maps whose median lies under 0.5, two whose median lies above.
    maps = np.random.default_rng(3).random((4, 8, 8)) ** np.array([3, 3, 0.3, 0.3])[:, None, None]
    truth = np.ones((4, 8, 8))
    rvs = score_maps(maps, truth, small("rvs")).ciou
    fixed = score_maps(maps, truth, small("rvs", threshold="fixed")).ciou
    median = score_maps(maps, truth, small("rvs", threshold="median")).ciou
    assert (rvs == np.minimum(fixed, median)).all()
    assert (rvs < median).tolist() == [True, True, False, False]
    assert (rvs < fixed).tolist() == [False, False, True, True]


def test_the_sweep_takes_the_threshold_with_the_best_auc():
    rng = np.random.default_rng(0)
    truth = rng.random((5, 8, 8)) > 0.6
    maps = 0.3 * truth + 0.1 * rng.random((5, 8, 8))
    scores = score_maps(maps, truth, small("acl"))
    # From 0.10 to 0.30 all is found exactly; the lowest is taken.
    assert scores.threshold == 0.1
    assert scores.means()["ciou"] == scores.means()["auc"] == 1
    fixed = score_maps(maps, truth, small("acl", threshold="fixed", threshold_value=0.5))
    assert fixed.threshold is None
    assert fixed.means()["ciou"] == 0


def test_slavc_scores_scaled_maps_with_their_temperature_alike():
    rng = np.random.default_rng(1)
    cosines = rng.uniform(-0.2, 0.2, size=(6, 7, 7))
    truth = GroundTruth(box_set([[[0.2, 0.2, 0.7, 0.9]]] * 6, box_format="xyxy"))
    plain = score_maps(cosines, truth, PRESETS["slavc"])
    scaled = score_maps(cosines / 0.03, truth, localization_options("slavc", tau=0.03))
    np.testing.assert_allclose(plain.ciou, scaled.ciou, atol=1e-3)


def test_predicted_boxes_are_their_union():
    truth = GroundTruth(box_set([[[0, 0, 0.5, 1]], [[0, 0, 1, 1]], []], box_format="xyxy", size=8))
    predicted = box_set(
        [[[0, 0, 0.5, 0.5], [0, 0.5, 0.5, 1]], [], [[0, 0, 1, 1]]], box_format="xyxy", size=8
    )
    scores = score_boxes(predicted, truth, small("boxes"))
    assert scores.ciou.tolist() == [1, 0, 0]
    assert scores.ciou_adaptive is None
    assert scores.empty_gt.tolist() == [False, False, True]
    assert sorted(scores.means()) == ["auc", "ciou", "success"]


def test_success_may_exclude_equality_and_use_another_bound():
    masks = np.zeros((1, 8, 8))
    masks[0, :4] = 1  # half of the truth: cIoU 0.5 exactly
    truth = np.ones((1, 8, 8))

    def success(**changes):
        return score_masks(masks, truth, small("boxes", **changes)).success[0]

    assert success() == 1
    assert success(success_comparison=">") == 0
    assert success(success_at=0.3) == 1
    assert success(success_at=0.75) == 0


def test_empty_truth_counts_as_zero_or_takes_no_part():
    maps = np.random.default_rng(0).random((2, 8, 8))
    truth = np.zeros((2, 8, 8))
    truth[0] = 1
    zero = score_maps(maps, truth, small("ezvsl"))
    skipped = score_maps(maps, truth, small("ezvsl", empty_gt="skip"))
    assert zero.means()["ciou"] == pytest.approx(zero.ciou[0] / 2)
    assert skipped.means()["ciou"] == pytest.approx(zero.ciou[0])
    for name, column in skipped.columns().items():
        if name not in ("empty_gt", "gt_area"):
            assert np.isnan(column).tolist() == [False, True], name


def test_iiou_is_the_worst_source_of_each_image():
    names, worst = iiou([0.9, 0.2, 0.6, 0.7], ["b", "a", "b", "a"])
    assert names.tolist() == ["a", "b"]
    assert worst.tolist() == [0.2, 0.6]
    with pytest.raises(ValueError, match="holds NaN"):
        iiou([np.nan], ["a"])
    with pytest.raises(ValueError, match=r"must be \[N\] both"):
        iiou([0.5], ["a", "b"])


def test_baselines():
    assert baseline_mask("centre_square", 224).sum() == 158**2
    assert baseline_mask("centre_square", 224)[0, 33:191, 33:191].all()
    assert baseline_mask("ones", 8).all()
    first = random_maps(3, np.random.default_rng(7))
    np.testing.assert_array_equal(first, random_maps(5, np.random.default_rng(7))[:3])
    assert not np.array_equal(first, random_maps(3, np.random.default_rng(8)))
    with pytest.raises(ValueError, match="pass random_maps to score_maps"):
        baseline_mask("random", 8)
    with pytest.raises(ValueError, match="unknown baseline 'corner'"):
        baseline_mask("corner", 8)


# --- properties -------------------------------------------------------------------------------


def naive_ciou(scores, target, rules):
    """One item by the definitions, in float32 as the references compute."""
    x = scores.astype(np.float32).ravel()
    g = target.astype(np.float64).ravel()

    def minmax(v):
        return (v - v.min()) / (v.max() - v.min()) if v.max() > v.min() else v

    x = {
        "minmax": minmax,
        "one_minus_minmax_neg": lambda v: 1 - minmax(-v),
        "fixed_range": lambda v: (v + np.float32(1)) / np.float32(2),
        "none": lambda v: v,
    }[rules.normalisation](x)
    n = int((g > 0).sum()) or len(x) // 2
    value = np.float32(rules.threshold_value)
    median = sorted(x)[len(x) // 2]
    cut = {
        "median": median,
        "fixed": value,
        "fraction_of_max": value * x.max(),
        "gt_size": sorted(x)[len(x) - n],
        "median_then_fixed": max(median, value),
    }[rules.threshold]
    mask = {">=": x >= cut, ">": x > cut, "> or max": (x > cut) | (x == x.max())}[rules.comparison]
    below = g.sum() + (mask & (g == 0)).sum()
    return (mask * g).sum() / below if g.sum() > 0 else 0.0


@many
@given(data=st.data(), n=st.integers(1, 64), preset=st.sampled_from(HEATMAP_PRESETS))
def test_chunks_equal_a_loop_over_items(data, n, preset):
    if preset == "acl":
        preset = "ezvsl"
    maps, truth = maps_of(data, n), truth_of(data, n)
    rules = small(preset)
    drawn = truth.maps(0, n)
    scores = score_maps(maps, truth, rules)
    expected = [naive_ciou(m, g, rules) for m, g in zip(maps, drawn, strict=True)]
    np.testing.assert_allclose(scores.ciou, expected, atol=1e-12)
    fitted = replace(rules, threshold="gt_size")
    expected = [naive_ciou(m, g, fitted) for m, g in zip(maps, drawn, strict=True)]
    np.testing.assert_allclose(scores.ciou_adaptive, expected, atol=1e-12)
    # Dense ground truth gives the same rows as boxes.
    np.testing.assert_array_equal(score_maps(maps, drawn, rules).ciou, scores.ciou)


@many
@given(data=st.data(), n=st.integers(1, 64), preset=st.sampled_from(HEATMAP_PRESETS))
def test_bounds_and_permutation(data, n, preset):
    maps, truth = maps_of(data, n), truth_of(data, n).maps(0, n)
    scores = score_maps(maps, truth, small(preset))
    for name, column in scores.columns().items():
        assert len(column) == n
        if name != "gt_area":
            assert ((column >= 0) & (column <= 1)).all(), name
    assert set(np.unique(scores.success)) <= {0.0, 1.0}
    order = data.draw(st.permutations(range(n)))
    moved = score_maps(maps[order], truth[order], small(preset))
    for name, column in scores.columns().items():
        np.testing.assert_array_equal(moved.columns()[name], column[order], err_msg=name)
    bare = score_maps(maps, truth, small(preset), adaptive=False)
    assert bare.ciou_adaptive is None
    np.testing.assert_array_equal(bare.ciou, scores.ciou)


@many
@given(data=st.data(), n=st.integers(1, 64))
def test_the_truth_itself_scores_one_and_improving_a_mask_never_hurts(data, n):
    truth = truth_of(data, n)
    drawn = truth.maps(0, n)
    seen = ~score_masks(drawn > 0, truth, small("boxes")).empty_gt
    assert (score_masks(drawn > 0, truth, small("boxes")).ciou == seen).all()
    assert (score_boxes(truth.boxes, truth, small("boxes")).ciou == seen).all()
    mask = maps_of(data, n) > 0.5
    before = score_masks(mask, truth, small("boxes"))
    for better in (mask | (drawn > 0), mask & (drawn > 0)):
        after = score_masks(better, truth, small("boxes"))
        assert (after.ciou >= before.ciou - 1e-12).all()
        assert (after.auc >= before.auc - 1e-12).all()


@many
@given(
    ciou=hnp.arrays(
        np.float64,
        st.integers(1, 64),
        elements=st.sampled_from(
            [0.0, 0.05, 0.1, 0.15000000000000002, 0.3, 0.30000000000000004, 0.5, 0.99, 1.0]
        ),
    )
)
def test_auc_is_the_trapezoid_over_21_thresholds(ciou):
    x = np.array([0.05 * i for i in range(21)])
    y = (ciou >= x[:, None]).mean(axis=1)
    expected = ((y[1:] + y[:-1]) / 2 * np.diff(x)).sum()
    assert auc_items(ciou).mean() == pytest.approx(expected, abs=1e-12)
    assert (np.diff(auc_items(np.sort(ciou))) >= 0).all()


def test_a_perfect_map_scores_one_by_the_adaptive_rule():
    boxes = [[[0.1, 0.2, 0.6, 0.7]], [[0, 0, 1, 1]], [[0.5, 0.5, 0.53, 0.9]]]
    truth = GroundTruth(box_set(boxes, box_format="xyxy"))
    # Distinct scores, all of the truth above all of the rest.
    maps = 2 * truth.maps(0, 3) + random_maps(3, np.random.default_rng(0), (224, 224))
    assert score_maps(maps, truth, PRESETS["ezvsl"]).ciou_adaptive.tolist() == [1, 1, 1]


# --- failure paths ----------------------------------------------------------------------------


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e38])
def test_a_map_that_is_not_finite_is_refused_by_number(bad):
    maps = np.zeros((40, 8, 8))
    maps[33, 2, 2] = bad
    with pytest.raises(ValueError, match="heat map 33 holds NaN, infinity or values beyond"):
        score_maps(maps, np.ones((40, 8, 8)), small("ezvsl"))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: score_maps(np.zeros((2, 8)), np.ones((2, 8, 8))), r"must be \[N, h, w\]"),
        (lambda: score_maps(np.zeros((2, 8, 8)), np.ones((3, 8, 8))), "2 predictions but ground"),
        (lambda: score_maps(np.zeros((2, 8, 8)), np.ones((2, 8, 8))), r"must be \[N, 224, 224\]"),
        (
            lambda: score_maps(np.zeros((1, 8, 8)), np.full((1, 8, 8), 2), small("ezvsl")),
            r"items 0..0 is not within 0..1",
        ),
        (
            lambda: score_maps(np.zeros((1, 8, 8)), np.full((1, 8, 8), np.nan), small("ezvsl")),
            "is not within 0..1",
        ),
        (lambda: score_maps(np.zeros((1, 8, 8)), np.ones((1, 8, 8)), small("boxes")), "call score"),
        (
            lambda: score_maps(
                np.zeros((1, 8, 8)), GroundTruth(box_set([[]], box_format="xyxy")), small("ezvsl")
            ),
            "ground truth on 224 px, predictions on 8 px",
        ),
        (
            lambda: score_masks(np.zeros((2, 8, 8)), np.ones((3, 8, 8)), small("boxes")),
            "masks must",
        ),
        (
            lambda: score_masks(np.full((1, 8, 8), np.nan), np.ones((1, 8, 8)), small("boxes")),
            "masks hold NaN",
        ),
        (
            lambda: score_boxes(
                box_set([[]], box_format="xyxy"), np.ones((1, 8, 8)), small("boxes")
            ),
            "frame of 224 px, the options on one of 8 px",
        ),
        (
            lambda: score_masks(
                np.ones((1, 8, 8)), np.zeros((1, 8, 8)), small("boxes", empty_gt="skip")
            ).means(),
            "no item has ground truth",
        ),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_memory_does_not_grow_with_the_number_of_items():
    truth = GroundTruth(box_set([[[0.1, 0.1, 0.5, 0.5]]] * 400, box_format="xyxy"))
    maps = random_maps(400, np.random.default_rng(0))
    tracemalloc.start()
    score_maps(maps, truth)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 40e6  # all maps at 224 px in float32 would be 80 MB
