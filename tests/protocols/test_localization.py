"""Localization tasks: ceilings, chance, trivial baselines, proposals, refusals and the oracles."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmbench.api import DataError, ItemTable, UsageError
from mmbench.api.task import ScoreInputs
from mmbench.metrics.boxes import GroundTruth, box_set
from mmbench.metrics.localization import score_maps
from mmbench.metrics.localization_options import IMPLEMENTED, PRESETS, REFUSED, check_option
from mmbench.protocols import localization_levels as trivial
from mmbench.protocols.localization import LocalizationTask
from mmbench.protocols.proposals import BoxGrid
from mmbench.protocols.similarity import pair_similarity, similarity_maps, turned
from mmbench.results.checks import check_values
from mmbench.results.summary import evaluate_metrics

ORACLES = Path(__file__).parents[1] / "oracles"
HEATMAP_PRESETS = sorted(n for n, rules in PRESETS.items() if rules.prediction == "heatmap")
many = settings(deadline=None)


class Scenes(LocalizationTask):
    """A task whose arrays are handed over."""

    name = "scenes"


def some_boxes(n, rng, *, soft=False):
    """Boxes of 5 to 60 % of the frame, one item without any."""
    corner = rng.uniform(0, 0.5, (n, 1 + soft, 2))
    boxes = np.concatenate([corner, corner + rng.uniform(0.2, 0.5, corner.shape)], axis=2).tolist()
    boxes[n // 2] = []
    return boxes


def inputs_of(boxes, arrays=None, crops=None):
    tables = {"scenes": ItemTable([f"s{i}" for i in range(len(boxes))], {"boxes": boxes})}
    if crops is not None:
        tables["crops"] = crops
    return ScoreInputs(arrays or {}, tables)


def proposed(boxes, grid=None):
    """The table of crops that the grid gives."""
    parents, found = [], []
    for i in range(len(boxes)):
        for box in (grid or BoxGrid()).boxes(f"s{i}"):
            parents.append(f"s{i}")
            found.append(list(box))
    ids = [str(i) for i in range(len(found))]
    return ItemTable(ids, {"parent": parents, "box": found})


def figures(task, inputs):
    evaluation = task.score(inputs)
    metrics = evaluate_metrics(task.info, evaluation, resamples=300)
    assert check_values(task.info, metrics) == []
    return {name: metric.value for name, metric in metrics.items()}, metrics, evaluation


def scored(task, boxes, level, seed=0, crops=None):
    """The figures that reference arrays of this level get, and the task's reference levels."""
    bare = inputs_of(boxes, crops=crops)
    arrays = task.reference_arrays(level, bare, np.random.default_rng(seed))
    full = inputs_of(boxes, arrays, crops)
    return figures(task, full)[0], task.reference_levels(full)


# --- ceilings and chance ----------------------------------------------------------------------


@pytest.mark.parametrize("preset", HEATMAP_PRESETS)
@pytest.mark.parametrize("kind", ["union", "consensus"])
def test_perfect_maps_reach_the_ceiling(preset, kind):
    boxes = some_boxes(12, np.random.default_rng(3), soft=kind == "consensus")
    task = Scenes(preset=preset, ground_truth=kind, skip_empty_gt=True)
    found, levels = scored(task, boxes, "perfect")
    assert levels["ceiling"].keys() == found.keys()
    for name, value in levels["ceiling"].items():
        assert found[name] == pytest.approx(value, abs=1e-3), name


def test_perfect_crops_reach_the_ceiling():
    boxes = some_boxes(12, np.random.default_rng(3))
    task = Scenes(prediction="boxes")
    found, levels = scored(task, boxes, "perfect", crops=proposed(boxes))
    assert found == pytest.approx(levels["ceiling"], abs=1e-12)
    assert 0.3 < found["mean cIoU"] < 1


def test_the_median_bounds_small_objects_and_the_ceiling_says_so():
    # a quarter of the frame: at best half of the pixels, so 0.25 / 0.5
    levels = Scenes().reference_levels(inputs_of([[[0, 0, 0.5, 0.5]]]))
    assert levels["ceiling"]["mean cIoU"] == pytest.approx(0.5)
    assert levels["ceiling"]["adaptive AUC"] == 1


@pytest.mark.parametrize("preset", ["ezvsl", "lvs", "slavc", "ssla", "rvs"])
def test_random_maps_score_like_the_random_level(preset):
    boxes = some_boxes(150, np.random.default_rng(5))
    task = Scenes(preset=preset)
    found, levels = scored(task, boxes, "random")
    assert found["mean cIoU"] == pytest.approx(levels["random maps"]["mean cIoU"], abs=0.05)


def test_random_crops_score_like_the_random_level():
    boxes = some_boxes(300, np.random.default_rng(5))
    task = Scenes(prediction="boxes", proposal_scales=(0.6, 0.4))
    crops = proposed(boxes, task.grid)
    bare = inputs_of(boxes, crops=crops)
    rng = np.random.default_rng(0)
    arrays = task.reference_arrays("random", bare, rng)
    full = inputs_of(boxes, arrays, crops)
    _, metrics, _ = figures(task, full)
    chance = task.reference_levels(full)["random boxes"]
    for name in ("cIoU@0.5", "mean cIoU", "AUC"):
        assert metrics[name].low <= chance[name] <= metrics[name].high


@pytest.mark.parametrize("prediction", ["heatmap", "boxes"])
def test_every_task_has_its_trivial_baselines(prediction):
    boxes = some_boxes(8, np.random.default_rng(1))
    task = Scenes(prediction=prediction)
    crops = proposed(boxes) if prediction == "boxes" else None
    levels = task.reference_levels(inputs_of(boxes, crops=crops))
    random = "random maps" if task.prediction == "heatmap" else "random boxes"
    assert set(levels) == {"all ones", "centre square", random, "ceiling"}
    names = {metric.name for metric in task.info.metrics}
    for found in levels.values():
        assert set(found) <= names
        assert {"cIoU@0.5", "AUC", "mean cIoU"} <= set(found)
        assert all(0 <= value <= 1 for value in found.values())


def test_trivial_baselines_by_hand():
    # left half: all ones shares half; the centre square (158 px) shares half of itself
    levels = Scenes().reference_levels(inputs_of([[[0, 0, 0.5, 1]]]))
    assert levels["all ones"]["mean cIoU"] == pytest.approx(0.5)
    assert levels["all ones"]["cIoU@0.5"] == 1
    square, half = 158**2, 224 * 112
    expected = (square / 2) / (half + square / 2)
    assert levels["centre square"]["mean cIoU"] == pytest.approx(expected)
    assert levels["centre square"]["adaptive AUC"] == pytest.approx(0.025 + 0.05 * 6)


def test_where_a_constant_map_is_an_empty_mask_all_ones_has_no_adaptive_figure():
    inputs = inputs_of([[[0, 0, 0.5, 1]]])
    assert "adaptive AUC" in Scenes(preset="ezvsl").reference_levels(inputs)["all ones"]
    assert "adaptive AUC" not in Scenes(preset="ssla").reference_levels(inputs)["all ones"]


@many
@given(st.data())
def test_the_ceiling_is_what_the_best_perfect_map_scores(data):
    n = data.draw(st.integers(1, 4))
    corner = st.integers(0, 8)
    box = st.tuples(corner, corner, corner, corner)
    lists = st.lists(st.lists(box, max_size=3), min_size=n, max_size=n)
    kind = data.draw(st.sampled_from(["union", "consensus"]))
    preset = data.draw(st.sampled_from(HEATMAP_PRESETS))
    value = PRESETS[preset].threshold_value
    if PRESETS[preset].threshold == "median":
        value = data.draw(st.sampled_from([0.25, 0.5, 0.9]))
    task = Scenes(preset=preset, threshold_value=value)
    truth = GroundTruth(
        box_set(data.draw(lists), box_format="xyxy", extent=8, size=task.options.size), kind
    )
    best, adapted = trivial.attainable_ciou(truth, task.options)
    found = score_maps(trivial.perfect_maps(truth, task.options), truth, task.options)
    np.testing.assert_allclose(best, found.ciou, atol=1e-3)
    np.testing.assert_allclose(adapted, found.ciou_adaptive, atol=1e-3)


# --- refusals ---------------------------------------------------------------------------------


@pytest.mark.parametrize("prediction", ["heatmap", "boxes"])
@pytest.mark.parametrize("what", ["constant", "nan", "zero"])
def test_constant_nan_and_zero_embeddings_are_refused(prediction, what):
    boxes = some_boxes(6, np.random.default_rng(1))
    task = Scenes(prediction=prediction)
    crops = proposed(boxes) if prediction == "boxes" else None
    rng = np.random.default_rng(0)
    level = "constant" if what == "constant" else "random"
    arrays = dict(task.reference_arrays(level, inputs_of(boxes, crops=crops), rng))
    if what == "nan":
        arrays["map" if prediction == "heatmap" else "crop"][0, 0] = np.nan
    if what == "zero":
        arrays["sound"][1] = 0
    with pytest.raises(ValueError, match=r"NaN|equal|length zero"):
        task.score(inputs_of(boxes, arrays, crops))


def test_dense_maps_all_alike_are_refused():
    sounds = np.eye(3, dtype=np.float32)
    with pytest.raises(ValueError, match="constant"):
        similarity_maps(np.ones((3, 2, 2, 3)), sounds)
    with pytest.raises(ValueError, match="must be"):
        similarity_maps(np.ones((3, 2, 2, 4)), sounds)


def _named_options():
    fields = ("upsampling", "normalisation", "threshold", "comparison", "success_comparison")
    for name in ("preset", *fields):
        for value in (*IMPLEMENTED[name], *REFUSED.get(name, {}), "no such value"):
            yield name, value
    for name in sorted(set(REFUSED) - {"preset", *fields}):
        yield from ((name, value) for value in REFUSED[name])


@pytest.mark.parametrize(("name", "value"), list(_named_options()))
def test_every_named_value_is_scored_or_refused_with_a_reason(name, value):
    if value in REFUSED.get(name, {}):
        with pytest.raises(ValueError, match=r"[a-z]{3}") as caught:
            check_option(name, value)
        assert REFUSED[name][value] in str(caught.value)
        if name in ("preset", "threshold"):
            with pytest.raises(UsageError, match="scenes"):
                Scenes(**{name: value})
        return
    if value == "no such value":
        with pytest.raises(UsageError, match="choose one of"):
            Scenes(**{name: value})
        return
    options = {name: value}
    if name == "preset" and PRESETS[value].prediction == "boxes":
        options["prediction"] = "boxes"
    task = Scenes(**options)
    boxes = some_boxes(4, np.random.default_rng(2))
    crops = proposed(boxes) if task.prediction == "boxes" else None
    found, _ = scored(task, boxes, "perfect", crops=crops)
    assert 0 <= found[task.info.primary] <= 1
    assert (
        task.score(
            inputs_of(
                boxes,
                task.reference_arrays(
                    "perfect", inputs_of(boxes, crops=crops), np.random.default_rng(0)
                ),
                crops,
            )
        ).parameters[name]
        == value
    )


def test_a_preset_of_the_other_kind_is_refused():
    with pytest.raises(UsageError, match="prediction='boxes'"):
        Scenes(preset="turn")
    with pytest.raises(UsageError, match="prediction='heatmap'"):
        Scenes(prediction="boxes", preset="lvs")


def test_boxes_that_cannot_be_read_are_the_datas_fault():
    for boxes in ([[[0, 0, 1]]], [[[0, 0, np.nan, 1]]]):
        with pytest.raises(DataError, match="can't be read"):
            Scenes().reference_levels(inputs_of(boxes))
    with pytest.raises(DataError, match="no column 'boxes'"):
        Scenes().score(ScoreInputs({}, {"scenes": ItemTable(["a"], {})}))


# --- behaviour of scoring ---------------------------------------------------------------------


@pytest.mark.parametrize("prediction", ["heatmap", "boxes"])
def test_scoring_is_pure_and_does_not_know_the_order(prediction):
    rng = np.random.default_rng(7)
    boxes = some_boxes(20, rng)
    task = Scenes(prediction=prediction)
    crops = proposed(boxes) if prediction == "boxes" else None
    arrays = dict(task.reference_arrays("random", inputs_of(boxes, crops=crops), rng))
    kept = {name: values.copy() for name, values in arrays.items()}
    first = task.score(inputs_of(boxes, arrays, crops))
    again = task.score(inputs_of(boxes, arrays, crops))
    for name, values in first.tables["items"].columns.items():
        assert list(values) == list(again.tables["items"].columns[name])
    assert all((arrays[name] == kept[name]).all() for name in arrays)
    order = rng.permutation(20)
    moved = {
        name: values[order] if len(values) == 20 else values for name, values in arrays.items()
    }
    tables = {"scenes": ItemTable([f"s{i}" for i in order], {"boxes": [boxes[i] for i in order]})}
    if crops is not None:
        mixed = rng.permutation(len(crops))
        moved["crop"] = arrays["crop"][mixed]
        picked = {n: [values[i] for i in mixed] for n, values in crops.columns.items()}
        tables["crops"] = ItemTable([crops.ids[i] for i in mixed], picked)
    other = task.score(ScoreInputs(moved, tables))
    for name in ("ciou", "success", "auc"):
        expected = np.asarray(first.tables["items"].columns[name])[order]
        np.testing.assert_array_equal(other.tables["items"].columns[name], expected)


def test_empty_ground_truth_is_listed_and_scored_zero_or_left_out():
    boxes = some_boxes(5, np.random.default_rng(1))
    for skip, n in ((False, 5), (True, 4)):
        task = Scenes(skip_empty_gt=skip)
        arrays = task.reference_arrays("random", inputs_of(boxes), np.random.default_rng(0))
        _, metrics, evaluation = figures(task, inputs_of(boxes, arrays))
        assert evaluation.notes == ("empty ground truth (1 of 5): s2",)
        assert {metric.n for metric in metrics.values()} == {n}


def test_an_image_without_crops_is_left_out_and_listed():
    boxes = some_boxes(5, np.random.default_rng(1))
    task = Scenes(prediction="boxes")
    crops = proposed(boxes)
    stay = [i for i, parent in enumerate(crops["parent"]) if parent != "s1" and i % 7]
    left = ItemTable(
        [crops.ids[i] for i in stay],
        {name: [values[i] for i in stay] for name, values in crops.columns.items()},
    )
    arrays = task.reference_arrays("random", inputs_of(boxes, crops=left), np.random.default_rng(0))
    _, metrics, evaluation = figures(task, inputs_of(boxes, arrays, left))
    assert metrics["cIoU@0.5"].n == 4
    assert evaluation.notes[0].endswith("(1 of 5): s1")
    assert set(task.reference_levels(inputs_of(boxes, crops=left))) >= {"random boxes", "ceiling"}


def test_a_sweep_says_which_threshold_it_chose():
    boxes = some_boxes(3, np.random.default_rng(1))
    task = Scenes(preset="acl")
    arrays = task.reference_arrays("perfect", inputs_of(boxes), np.random.default_rng(0))
    assert 0 < task.score(inputs_of(boxes, arrays)).parameters["swept_threshold"] < 1


def test_cosines_of_cells_and_zero_cells():
    sounds = np.array([[2.0, 0.0], [0.0, 3.0]], dtype=np.float32)
    cells = np.array([[[[1, 1], [0, 0]]], [[[1, 1], [0, -5]]]], dtype=np.float32)
    expected = [[[0.5**0.5, 0]], [[0.5**0.5, -1]]]
    np.testing.assert_allclose(similarity_maps(cells, sounds), expected, atol=1e-7)
    dots = similarity_maps(cells, sounds, similarity="dot")
    np.testing.assert_allclose(dots, [[[2, 0]], [[3, -15]]])
    pairs = pair_similarity(np.array([[1, 1], [0, 2.0]]), sounds, np.array([1, 0]))
    np.testing.assert_allclose(pairs, [0.5**0.5, 0], atol=1e-7)


# --- the references' figures through the task -------------------------------------------------


def oracle(name):
    text = (ORACLES / f"{name}.json").read_text()
    return json.loads(text), np.load(ORACLES / f"{name}.npz")


def through_vectors(maps):
    """Dense maps and sounds whose cosines are these maps, up to scale."""
    maps = maps.reshape(len(maps), *maps.shape[-2:])
    scale = np.abs(maps).max() * 1.01
    sounds = np.random.default_rng(0).standard_normal((len(maps), 2)).astype(np.float32)
    return {"map": turned(sounds, (maps / scale).astype(np.float32)), "sound": sounds}


@pytest.mark.parametrize("preset", ["ezvsl", "lvs", "ssla"])
def test_vggss_oracle_through_the_task(preset):
    figures_of, arrays = oracle("localization_vggss")
    expected = figures_of[{"ssla": "sslalignment"}.get(preset, preset)]
    inputs = inputs_of(figures_of["boxes"], through_vectors(arrays["heat14"]))
    found, _, evaluation = figures(Scenes(preset=preset), inputs)
    ciou = evaluation.tables["items"].columns["ciou"]
    np.testing.assert_allclose(ciou, expected["ciou"], atol=5e-3)
    assert found["cIoU@0.5"] == pytest.approx(expected["ciou_at_05"], abs=1e-12)
    assert found["AUC"] == pytest.approx(expected["auc"], abs=2e-3)


def test_flickr_oracle_through_the_task():
    figures_of, arrays = oracle("localization_flickr")
    task = Scenes(ground_truth="consensus", box_extent=256.0)
    found, _, _ = figures(
        task, inputs_of(figures_of["boxes_256"], through_vectors(arrays["heat7"]))
    )
    assert found["cIoU@0.5"] == pytest.approx(figures_of["ezvsl"]["ap50"], abs=1e-12)
    assert found["AUC"] == pytest.approx(figures_of["ezvsl"]["auc"], abs=2e-3)


def test_music_oracle_through_the_task():
    figures_of, arrays = oracle("localization_music_dsol")
    task = Scenes(preset="dsol", box_format="xywh", skip_empty_gt=True)
    boxes = figures_of["boxes_xywh_normalised"]
    found, _, _ = figures(task, inputs_of(boxes, through_vectors(arrays["heat14"])))
    assert found["cIoU@0.5"] == pytest.approx(figures_of["iou_at_05"], abs=1e-12)
    assert found["AUC"] == pytest.approx(figures_of["auc"], abs=2e-3)
