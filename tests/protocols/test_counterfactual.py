"""Counterfactual tasks: both modes, their ceilings and chance, refusals and the oracle."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from mmbench.api import NotApplicable, UsageError
from mmbench.api.task import ItemTable, ScoreInputs
from mmbench.metrics.aggregation import aggregate
from mmbench.metrics.recognition import MODES, REFUSED, average_precision, slavc_ceiling
from mmbench.protocols.counterfactual import CounterfactualTask
from mmbench.protocols.similarity import turned
from mmbench.results.checks import check_values
from mmbench.results.summary import evaluate_metrics

ORACLES = Path(__file__).parents[1] / "oracles"
SLAVC = {"slavc AP", "slavc max-F1", "LocAcc"}
PAIR = {"pair AP", "pair max-F1"}


class Pairs(CounterfactualTask):
    """A task whose arrays are handed over."""

    name = "pairs"

    def collections(self, datasets):
        raise NotImplementedError


class Offers:
    """Offers these kinds for everything."""

    def __init__(self, *kinds):
        self.kinds = kinds

    def streams(self, collection):
        return ("image", "audio")

    def offered(self, collection, streams, kind):
        return kind in self.kinds


def inputs_of(boxes, negatives, arrays=None):
    tables = {
        "positives": ItemTable([f"p{i}" for i in range(len(boxes))], {"boxes": boxes}),
        "negatives": ItemTable([f"p{i}" for i in range(negatives)], {}),
    }
    return ScoreInputs(arrays or {}, tables)


def some_boxes(n, rng):
    corner = rng.uniform(0, 0.4, (n, 1, 2))
    return np.concatenate([corner, corner + rng.uniform(0.3, 0.6, corner.shape)], axis=2).tolist()


def figures(task, inputs):
    evaluation = task.score(inputs)
    metrics = evaluate_metrics(task.info, evaluation, resamples=200)
    assert check_values(task.info, metrics) == []
    return metrics, evaluation


def scored(task, n, level, seed=0):
    boxes = some_boxes(n, np.random.default_rng(2))
    arrays = task.reference_arrays(level, inputs_of(boxes, n), np.random.default_rng(seed))
    inputs = inputs_of(boxes, n, arrays)
    metrics, evaluation = figures(task, inputs)
    return metrics, task.reference_levels(inputs), evaluation


@pytest.mark.parametrize("preset", ["slavc", "slavc_relative", "ezvsl", "lvs", "ssla"])
@pytest.mark.parametrize("confidence", ["top_quarter", "global"])
def test_a_perfect_system_reaches_the_ceiling(preset, confidence):
    task = Pairs(preset=preset, confidence=confidence)
    metrics, levels, _ = scored(task, 25, "perfect")
    for name in PAIR | {"LocAcc"}:
        assert metrics[name].value == pytest.approx(levels["ceiling"][name], abs=1e-9), name
    if levels["ceiling"]["LocAcc"] == 1:
        for name in SLAVC:
            assert metrics[name].value == pytest.approx(levels["ceiling"][name], abs=1e-9), name


def test_the_ceiling_of_slavc_ap_is_that_of_a_perfect_system_at_this_n():
    levels = Pairs().reference_levels(inputs_of([[[0, 0, 1, 1]]] * 50, 50))
    assert levels["ceiling"]["slavc AP"] == pytest.approx(0.96)
    assert levels["ceiling"]["LocAcc"] == 1
    known = slavc_ceiling([1] * 50 + [0] * 50)
    assert levels["ceiling"]["slavc AP"] == pytest.approx(known["ap"])
    assert levels["ceiling"]["slavc max-F1"] == pytest.approx(known["max_f1"])
    # a twentieth of the frame can't be found by a rule that keeps half of the pixels
    small = Pairs(preset="ezvsl").reference_levels(inputs_of([[[0, 0, 0.2, 0.25]]] * 50, 50))
    assert small["ceiling"]["slavc AP"] == 0
    assert small["ceiling"]["pair AP"] == 1


def test_random_vectors_score_like_chance():
    metrics, levels, _ = scored(Pairs(), 150, "random")
    for name, value in levels["chance"].items():
        if name == "pair max-F1":  # the best of all thresholds is at least that of the lowest
            assert value <= metrics[name].value < value + 0.05
        elif name != "LocAcc":
            assert metrics[name].value == pytest.approx(value, abs=0.1), name
    assert levels["chance"]["pair AP"] == pytest.approx(0.5, abs=0.02)
    assert levels["chance"]["pair max-F1"] == pytest.approx(2 / 3)


def test_expected_ap_of_chance_is_the_mean_over_draws():
    labels = np.repeat([1, 0], [3, 4])
    rng = np.random.default_rng(0)
    drawn = np.mean([average_precision(rng.random(7), labels) for _ in range(4000)])
    chance = Pairs(mode="pair").reference_levels(inputs_of([[[0, 0, 1, 1]]] * 3, 4))["chance"]
    assert chance["pair AP"] == pytest.approx(drawn, abs=0.01)


def test_trivial_masks_get_their_location_accuracy():
    levels = Pairs().reference_levels(inputs_of([[[0, 0, 1, 0.6]], [[0, 0, 1, 0.4]]], 2))
    assert levels["all ones"] == {"LocAcc": 0.5}
    assert set(levels["centre square"]) == {"LocAcc"}


@pytest.mark.parametrize(
    ("mode", "names", "kinds"),
    [
        ("both", SLAVC | PAIR, {"sound", "map", "picture"}),
        ("slavc", SLAVC, {"sound", "map"}),
        ("pair", PAIR, {"sound", "picture"}),
    ],
)
def test_modes_stand_side_by_side_or_alone(mode, names, kinds):
    task = Pairs(mode=mode)
    assert {metric.name for metric in task.info.metrics} == names
    requests = task.requests(Offers("global", "dense"))
    assert {r.name.split(":")[1] for r in requests} == kinds
    assert {r.collection for r in requests} == {"positives", "negatives"}
    metrics, levels, _ = scored(task, 8, "random")
    assert set(metrics) == names
    assert {name for found in levels.values() for name in found} == names


def test_one_mode_scores_as_it_does_beside_the_other():
    both, _, _ = scored(Pairs(), 30, "perfect")
    for mode in MODES:
        for name, metric in scored(Pairs(mode=mode), 30, "perfect")[0].items():
            assert metric.value == pytest.approx(both[name].value, abs=1e-9)


def test_global_confidence_needs_pictures_and_is_the_score():
    task = Pairs(mode="slavc", confidence="global")
    assert any(r.name.endswith("picture") for r in task.requests(Offers("global", "dense")))
    _, _, evaluation = scored(task, 6, "random")
    columns = evaluation.tables["items"].columns
    np.testing.assert_array_equal(columns["confidence"], columns["score"])


def test_without_dense_maps_pairs_remain():
    with pytest.raises(NotApplicable, match=r"dense[\s\S]*mode='pair'"):
        Pairs().requests(Offers("global"))
    assert Pairs(mode="pair").requests(Offers("global"))


@pytest.mark.parametrize("mode", [*REFUSED, "no such mode"])
def test_other_modes_are_refused_with_a_reason(mode):
    with pytest.raises(UsageError, match=REFUSED.get(mode, "choose one of").split(":")[0][:25]):
        Pairs(mode=mode)


def test_presets_for_boxes_and_unknown_ones_are_refused():
    with pytest.raises(UsageError, match="for boxes"):
        Pairs(preset="turn")
    with pytest.raises(UsageError, match="choose one of"):
        Pairs(preset="nothing")


@pytest.mark.parametrize("what", ["constant", "nan"])
@pytest.mark.parametrize("mode", MODES)
def test_constant_and_nan_embeddings_are_refused(mode, what):
    task = Pairs(mode=mode)
    boxes = some_boxes(6, np.random.default_rng(2))
    level = "constant" if what == "constant" else "random"
    arrays = dict(task.reference_arrays(level, inputs_of(boxes, 6), np.random.default_rng(0)))
    if what == "nan":
        arrays["negatives:" + ("map" if mode == "slavc" else "picture")][3, 0] = np.nan
    with pytest.raises(ValueError, match=r"NaN|equal"):
        task.score(inputs_of(boxes, 6, arrays))


def test_scoring_is_pure_and_does_not_know_the_order():
    task, rng = Pairs(), np.random.default_rng(4)
    boxes = some_boxes(30, rng)
    arrays = task.reference_arrays("random", inputs_of(boxes, 20), rng)
    first, evaluation = figures(task, inputs_of(boxes, 20, arrays))
    again, _ = figures(task, inputs_of(boxes, 20, arrays))
    assert {n: m.value for n, m in first.items()} == {n: m.value for n, m in again.items()}
    orders = {"positives": rng.permutation(30), "negatives": rng.permutation(20)}
    moved = {name: values[orders[name.split(":")[0]]] for name, values in arrays.items()}
    other, _ = figures(task, inputs_of([boxes[i] for i in orders["positives"]], 20, moved))
    for name, metric in first.items():
        assert other[name].value == pytest.approx(metric.value, abs=1e-12)
    ids = evaluation.tables["items"].ids
    assert len(set(ids)) == 50
    assert ids[0] == "positives/p0"
    assert ids[30] == "negatives/p0"


def test_a_box_that_covers_nothing_is_never_found_and_listed():
    boxes = some_boxes(6, np.random.default_rng(2))
    boxes[1] = [[0.5, 0.5, 0.5, 0.9]]
    task = Pairs()
    arrays = task.reference_arrays("perfect", inputs_of(boxes, 6), np.random.default_rng(0))
    metrics, evaluation = figures(task, inputs_of(boxes, 6, arrays))
    assert metrics["LocAcc"].value == pytest.approx(5 / 6)
    assert metrics["LocAcc"].n == 6
    assert evaluation.notes == ("empty ground truth (1 of 6): p1",)


@pytest.mark.parametrize("case", range(3))
def test_slavc_oracle_through_the_metrics_columns(case):
    expected = json.loads((ORACLES / "extended_slavc.json").read_text())[case]
    columns = [np.array(expected[name]) for name in ("bb", "ciou", "conf")]
    info = {metric.name: metric for metric in Pairs().info.metrics}
    found = aggregate(info["slavc AP"].aggregator, columns)
    assert found == pytest.approx(expected["ap_at_50"], abs=1e-12)
    best = aggregate(info["slavc max-F1"].aggregator, columns)
    assert best == pytest.approx(expected["max_f1_exact"], abs=1e-12)


@pytest.mark.parametrize("case", [0, 1])
def test_slavc_oracle_through_the_protocol(case):
    """Maps, boxes and vectors made so that the task finds the oracle's confidences and cIoU."""
    expected = json.loads((ORACLES / "extended_slavc.json").read_text())[case]
    boxes, ciou, conf = (np.array(expected[name]) for name in ("bb", "ciou", "conf"))
    rows = {"positives": boxes > 0, "negatives": boxes == 0}
    arrays = {}
    for side, of in rows.items():
        # The upper half is predicted, all of it at one level; the figures see only its order.
        level = 0.55 + 0.4 * conf[of]
        cosine = np.where(np.arange(224) < 112, (2 * level - 1)[:, None], -1.0)[..., None]
        sound = np.eye(2, dtype=np.float32)[np.arange(len(level)) % 2]
        cells = turned(sound, cosine.astype(np.float32))
        arrays[f"{side}:sound"] = sound
        arrays[f"{side}:map"] = np.broadcast_to(cells, (len(level), 224, 224, 2))
    # The truth is a share of that half: cIoU to 1 / 224, rounded down, which keeps >= 0.5.
    truth = [
        [[0, 0, max(share, 1 / 200), 0.5]] * count
        for count, share in zip(boxes[boxes > 0], ciou[boxes > 0], strict=True)
    ]
    task = Pairs(mode="slavc", upsampling="none")
    inputs = inputs_of(truth, int((boxes == 0).sum()), arrays)
    evaluation = task.score(inputs)
    columns = evaluation.tables["items"].columns
    order = np.concatenate([np.flatnonzero(each) for each in rows.values()])
    assert columns["boxes_count"].tolist() == boxes[order].tolist()
    np.testing.assert_allclose(columns["confidence"], 0.55 + 0.4 * conf[order], atol=1e-6)
    shares = np.where(boxes > 0, np.maximum(ciou, 1 / 224), 0.0)[order]
    np.testing.assert_allclose(columns["ciou"], shares, atol=1 / 224)
    metrics = evaluate_metrics(task.info, evaluation, resamples=2)
    assert check_values(task.info, metrics) == []
    assert metrics["slavc AP"].value == pytest.approx(expected["ap_at_50"], abs=1e-12)
    assert metrics["slavc max-F1"].value == pytest.approx(expected["max_f1_exact"], abs=1e-12)
    visible = expected["stats"]["Precision-visible@50"]
    assert metrics["LocAcc"].value == pytest.approx(visible, abs=1e-12)
