"""Every option value that the protocol survey names is scored, or refused by name with a reason."""

from __future__ import annotations

from dataclasses import fields
from typing import get_args

import numpy as np
import pytest

from mmbench.metrics.boxes import GroundTruth, box_set
from mmbench.metrics.localization import (
    baseline_mask,
    iiou,
    random_maps,
    score_boxes,
    score_maps,
    score_masks,
)
from mmbench.metrics.localization_options import (
    IMPLEMENTED,
    PRESETS,
    REFUSED,
    SWEEP,
    LocalizationOptions,
    Preset,
    check_option,
    localization_options,
)

TRUTH = GroundTruth(box_set([[[0.1, 0.1, 0.5, 0.9]], [[0.3, 0.3, 1, 1]]], box_format="xyxy"))
MAPS = random_maps(2, np.random.default_rng(0), (224, 224))

# What sections 1 to 3 of the protocol survey name, spelt as options; section 4's are recognition.
NAMED = [
    *[
        ("preset", name)
        for name in ["ezvsl", "lvs", "slavc", "slavc_relative", "ssla", "dsol", "boxes"]
    ],
    *[("preset", name) for name in ["tie", "avgn", "rvs", "acl", "turn", "cmcr"]],
    *[("preset", name) for name in ["ezvsl_ogl", "slavc_ogl", "senocak", "sspl", "fnac"]],
    *[("prediction", name) for name in ("heatmap", "boxes")],
    ("upsampling", "cv2_bilinear"),
    ("upsampling", "torch_bilinear_align_corners"),
    ("upsampling", "torch_bicubic_align_corners"),
    ("upsampling", "none"),
    *[("normalisation", v) for v in ("minmax", "one_minus_minmax_neg", "fixed_range", "none")],
    *[("threshold", v) for v in ("median", "fixed", "fraction_of_max", "gt_size", "none")],
    *[("threshold", v) for v in ("median_then_fixed", "sweep", "acl_first_median")],
    *[("comparison", v) for v in (">=", ">")],
    *[("success_comparison", v) for v in (">=", ">")],
    *[("empty_gt", v) for v in ("zero", "skip", "nan")],
    *[("ground_truth", v) for v in ("union", "consensus", "avgn_misread")],
    *[("box_format", v) for v in ("xyxy", "xywh")],
    *[("baseline", v) for v in ("ones", "centre_square", "random")],
    *[("metric", v) for v in ("ciou", "auc", "mean_ciou", "ciou_adaptive", "iiou")],
    *[("metric", v) for v in ("cap", "piap")],
    *[("frame", v) for v in ("squash", "crop")],
    *[("frame_time", v) for v in ("frame_125", "centre")],
    *[("frame_policy", v) for v in ("one_box", "one_per_second")],
    *[("audio", v) for v in ("centre_3s", "first_10s", "segment_1s", "tile", "zero_pad")],
    *[("item_list", v) for v in ("249", "250", "4692", "4911", "5158", "heard", "unheard")],
]


RULES = {field.name for field in fields(LocalizationOptions)}


def score_by_rules(rules):
    if rules.prediction == "boxes":
        return score_boxes(TRUTH.boxes, TRUTH, rules).ciou
    return score_maps(MAPS, TRUTH, rules).ciou


def score_metric(name):
    scores = score_maps(MAPS, TRUTH)
    if name == "iiou":
        return iiou(scores.ciou, ["one", "one"])[1]
    return scores.means()[{"ciou": "success", "mean_ciou": "ciou"}.get(name, name)]


def score_baseline(name):
    if name == "random":
        return score_maps(random_maps(2, np.random.default_rng(0)), TRUTH).ciou
    return score_masks(baseline_mask(name, 224), TRUTH).ciou


SCORE = {
    "preset": lambda value: score_by_rules(localization_options(value)),
    **{
        name: lambda value, name=name: score_by_rules(localization_options(**{name: value}))
        for name in RULES
    },
    "ground_truth": lambda value: score_maps(MAPS, GroundTruth(TRUTH.boxes, value)).ciou,
    "box_format": lambda value: (
        score_boxes(box_set([[[0, 0, 1, 1]]] * 2, box_format=value), TRUTH).ciou
    ),
    "baseline": score_baseline,
    "metric": score_metric,
}


@pytest.mark.parametrize(("name", "value"), NAMED, ids=[f"{n}={v}" for n, v in NAMED])
def test_each_named_value_is_scored_or_refused_by_name(name, value):
    if value in IMPLEMENTED.get(name, ()):
        check_option(name, value)
        found = np.atleast_1d(SCORE[name](value))
        assert ((found >= 0) & (found <= 1)).all()
        return
    with pytest.raises(ValueError, match=f"^{name}='{value}' ") as refusal:
        check_option(name, value)
    assert len(str(refusal.value)) > len(f"{name}='{value}' ") + 20


@pytest.mark.parametrize(("name", "value"), [pair for pair in NAMED if pair[0] != "metric"])
def test_a_preset_with_a_named_value_scores_or_says_why_not(name, value):
    changes = {} if name == "preset" else {name: value}
    preset = value if name == "preset" else "ezvsl"
    if value in REFUSED.get(name, {}):
        with pytest.raises(ValueError, match=f"^{name}='{value}' "):
            localization_options(preset, **changes)
    elif name in ("ground_truth", "box_format", "baseline"):
        with pytest.raises(ValueError, match="not a rule of the score itself"):
            localization_options(preset, **changes)
    else:
        assert isinstance(localization_options(preset, **changes), LocalizationOptions)


def test_tables_agree_with_each_other():
    assert set(PRESETS) == set(get_args(Preset)) == set(IMPLEMENTED["preset"])
    for name, refused in REFUSED.items():
        assert not set(refused) & set(IMPLEMENTED.get(name, ()))
    np.testing.assert_allclose(SWEEP, np.arange(1, 20) / 20)


def test_a_changed_preset_keeps_the_rest():
    rules = localization_options("slavc", threshold_value=0.6)
    assert rules.threshold_value == 0.6
    assert rules.upsampling == "torch_bicubic_align_corners"
    assert localization_options() == PRESETS["ezvsl"]


@pytest.mark.parametrize(
    ("preset", "changes", "message"),
    [
        ("ezvls", {}, "unknown preset 'ezvls': choose one of ezvsl, lvs"),
        ("ezvsl", {"upsampling": "nearest"}, "unknown upsampling 'nearest': choose one of torch"),
        ("ezvsl", {"threshhold": "median"}, "unknown localization option 'threshhold'"),
        ("ezvsl", {"success_comparison": "<"}, "unknown success_comparison '<'"),
        ("ezvsl", {"tau": 0.0}, "must be positive"),
        ("ezvsl", {"success_at": 1.5}, r"success_at in \(0, 1\]"),
        ("ezvsl", {"threshold_value": 1.0}, r"must be in \[0, 1\)"),
    ],
)
def test_bad_options_are_refused(preset, changes, message):
    with pytest.raises(ValueError, match=message):
        localization_options(preset, **changes)
