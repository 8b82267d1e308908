"""Alignment of two views: references, DCA's oracle, naive forms, options, purity."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmbench.api import ItemTable, Request, ScoreInputs, UsageError
from mmbench.metrics.alignment import modality_gap, uniformity
from mmbench.options import declared_options, resolve_options
from mmbench.protocols.alignment import AlignmentTask, _unpaired_distances
from mmbench.results.checks import check_values
from mmbench.results.summary import evaluate_metrics

ORACLES = Path(__file__).parents[1] / "oracles"
N = 80


class Aligned(AlignmentTask):
    name = "toy"

    def collections(self, datasets):
        raise NotImplementedError


def table_of(n=N):
    return {"pairs": ItemTable([f"item-{row}" for row in range(n)], {})}


def inputs_of(task, level="random", seed=0):
    tables = table_of()
    rng = np.random.default_rng(seed)
    return ScoreInputs(task.reference_arrays(level, ScoreInputs({}, tables), rng), tables)


def given_inputs(image, text, similarity="cosine"):
    return ScoreInputs({"image": image, "text": text}, table_of(len(image)), similarity)


def values_of(task, inputs, resamples=500):
    values = evaluate_metrics(task.info, task.score(inputs), resamples=resamples)
    assert check_values(task.info, values) == []
    return values


def directions(seed, n, width=3):
    rng = np.random.default_rng(seed)
    levels = rng.integers(-1, 2, size=(n, width)).astype(np.float64)  # ties
    levels[:, 0] += 2.0
    levels[0, 0] = 5.0  # never all alike
    return levels


def unit(x):
    return x / np.linalg.norm(x, axis=1, keepdims=True)


@pytest.mark.parametrize("alpha", [1.0, 2.0])
def test_perfect_arrays_reach_the_ceiling(alpha):
    task = Aligned(rays=50, alpha=alpha)
    inputs = inputs_of(task, "perfect")
    found = values_of(task, inputs)
    assert found["alignment"].value == task.reference_levels(inputs)["ceiling"]["alignment"] == 0
    assert found["modality gap"].value == pytest.approx(0, abs=1e-12)
    assert found["unpaired distance"].value > 1


def test_random_arrays_score_chance_within_their_interval():
    task = Aligned(rays=50)
    chance = task.reference_levels(inputs_of(task))["chance"]["alignment"]
    assert chance == 2
    inside = 0
    for seed in range(20):
        found = values_of(task, inputs_of(task, seed=seed))["alignment"]
        inside += found.low <= chance <= found.high
    assert inside >= 16  # 95 % intervals


def test_constant_nan_and_zero_arrays_are_refused():
    task = Aligned(rays=50)
    with pytest.raises(ValueError, match="vectors of image"):
        task.score(inputs_of(task, "constant"))
    for bad in (np.nan, np.inf, 0.0):
        for side in ("image", "text"):
            inputs = inputs_of(task)
            inputs.arrays[side][3, :] = bad
            with pytest.raises(ValueError, match=f"vectors of {side}"):
                task.score(inputs)


def test_sides_of_unequal_width_are_refused():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="dimensions"):
        Aligned().score(given_inputs(rng.normal(size=(9, 3)), rng.normal(size=(9, 4))))


def test_scoring_is_pure():
    inputs = inputs_of(Aligned())
    before = {name: each.copy() for name, each in inputs.arrays.items()}
    first, second = (Aligned(rays=50).score(inputs) for _ in range(2))
    assert first.values == second.values
    assert first.parameters == second.parameters
    for name, column in first.tables["items"].columns.items():
        np.testing.assert_array_equal(column, second.tables["items"][name])
    for name, each in inputs.arrays.items():
        np.testing.assert_array_equal(each, before[name])


def test_the_order_of_items_does_not_matter():
    task = Aligned(graph="exact", min_cluster_size=3)
    rng = np.random.default_rng(0)
    image, order = rng.normal(size=(30, 2)), rng.permutation(30)
    text = image + 0.3 * rng.normal(size=(30, 2))
    before = values_of(task, given_inputs(image, text), resamples=2)
    after = values_of(task, given_inputs(image[order], text[order]), resamples=2)
    for name, value in before.items():
        assert after[name].value == pytest.approx(value.value), name


@settings(deadline=None)
@given(seed=st.integers(0, 10_000), n=st.integers(2, 64), alpha=st.sampled_from([1.0, 2.0, 3.0]))
def test_distances_are_those_of_the_naive_form(seed, n, alpha):
    x, y = unit(directions(seed, n)), unit(directions(seed + 1, n))
    found = _unpaired_distances(x, y, alpha)
    expected = [
        np.mean([np.linalg.norm(x[i] - y[j]) ** alpha for j in range(n) if j != i])
        for i in range(n)
    ]
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_distances_are_the_same_block_by_block(monkeypatch):
    x, y = unit(directions(0, 50)), unit(directions(1, 50))
    whole = _unpaired_distances(x, y, 2.0)
    monkeypatch.setattr("mmbench.protocols.alignment._BLOCK", 7)
    np.testing.assert_allclose(_unpaired_distances(x, y, 2.0), whole, rtol=1e-12)


@pytest.mark.parametrize("alpha", [0.5, 2.0, 50.0])
def test_opposite_sides_stay_within_the_bounds(alpha):
    for seed in range(10):
        rng = np.random.default_rng(seed)
        image = rng.normal(size=7) + 1e-6 * rng.normal(size=(20, 7))
        task = Aligned(alpha=alpha, rays=20)
        found = values_of(task, given_inputs(image, -image), resamples=20)
        assert check_values(task.info, found) == []
        for name in ("alignment", "unpaired distance"):
            assert 2**alpha * (1 - 1e-4) < found[name].value <= 2**alpha
        same = _unpaired_distances(unit(image), unit(image), alpha)
        assert same.min() >= 0


def test_what_dca_says_of_its_points_is_noted():
    rng = np.random.default_rng(0)
    image, text = rng.normal(size=(2, 40, 4))
    text[3] = image[3]
    notes = Aligned(graph="exact", scaling="raw").score(given_inputs(image, text)).notes
    assert len(notes) == 2
    assert "outliers; min_cluster_size=10 may not suit this data" in notes[0]
    assert notes[1].startswith("DCA: 1 of 80 points are copies of others")


def test_an_item_alone_has_no_other():
    with pytest.raises(ValueError, match="two items"):
        _unpaired_distances(np.eye(1), np.eye(1), 2.0)


def test_clouds_are_measured_by_the_metrics():
    rng = np.random.default_rng(0)
    image, text = rng.normal(size=(40, 4)) + 1, rng.normal(size=(40, 4))
    found = values_of(Aligned(rays=50, t=3.0), given_inputs(image, text), resamples=2)
    assert found["modality gap"].value == pytest.approx(modality_gap(image, text))
    assert found["uniformity image"].value == pytest.approx(uniformity(image, t=3.0))
    assert found["uniformity text"].value == pytest.approx(uniformity(text, t=3.0))


def test_pairs_that_are_pairs_lie_closer_than_the_rest():
    rng = np.random.default_rng(0)
    image = rng.normal(size=(40, 4))
    text = image + 0.3 * rng.normal(size=(40, 4))
    task = Aligned(rays=50)
    paired = values_of(task, given_inputs(image, text), resamples=2)
    shuffled = values_of(task, given_inputs(image, np.roll(text, 1, axis=0)), resamples=2)
    assert paired["alignment"].value < 0.3 < shuffled["alignment"].value
    # DCA sees clouds, not pairs: why it is not the primary metric.
    assert paired["DCA precision"].value == pytest.approx(shuffled["DCA precision"].value, abs=0.1)


def test_dca_is_the_original_on_its_official_example():
    figures = json.loads((ORACLES / "dca.json").read_text("utf-8"))["first_example"]
    with np.load(ORACLES / "dca.npz") as stored:
        inputs = given_inputs(stored["first_example_R"], stored["first_example_E"])
    task = Aligned(graph="exact", scaling="raw")
    found = values_of(task, inputs, resamples=2)
    output = figures["output"]
    for ours, theirs in {
        "precision": "precision",
        "recall": "recall",
        "network quality": "network_quality",
        "network consistency": "network_consistency",
        "components": "num_comp",
        "fundamental components": "num_fundcomp",
        "r outliers": "num_R_outliers",
        "e outliers": "num_E_outliers",
    }.items():
        assert found[f"DCA {ours}"].value == pytest.approx(output[theirs], abs=1e-9), ours
    assert found["DCA harmonic"].value == pytest.approx(figures["gmc_dca_score"], abs=1e-9)


def test_everything_that_dca_depends_on_is_in_the_record():
    task = Aligned(rays=70, points=60, min_cluster_size=5, seed=3, sphere_coverage=1.0)
    parameters = task.score(inputs_of(task)).parameters
    json.dumps(parameters)
    said = {"rays": 70, "max_points": 60, "min_cluster_size": 5, "seed": 3, "scaling": "unit"}
    said |= {"sphere_coverage": 1.0, "r_given": N, "r_points": 30, "e_points": 30, "graph": "rays"}
    assert said.items() <= parameters["dca"].items()
    assert (parameters["dca"]["R"], parameters["dca"]["E"]) == ("image", "text")


@pytest.mark.parametrize(
    ("scaling", "similarity", "used"),
    [
        ("similarity", "cosine", "unit"),
        ("similarity", "dot", "raw"),
        ("unit", "dot", "unit"),
        ("raw", "cosine", "raw"),
    ],
)
def test_dca_looks_at_what_the_representation_compares(scaling, similarity, used):
    rng = np.random.default_rng(0)
    image = rng.normal(size=(40, 3))
    text = 5 * (image + 0.1 * rng.normal(size=(40, 3)))  # other lengths, same directions
    task = Aligned(graph="exact", scaling=scaling, min_cluster_size=3)
    evaluation = task.score(given_inputs(image, text, similarity))
    assert evaluation.parameters["dca"]["scaling"] == used
    other = Aligned(graph="exact", scaling="unit" if used == "raw" else "raw", min_cluster_size=3)
    assert (
        other.score(given_inputs(image, text)).values["DCA network quality"]
        != evaluation.values["DCA network quality"]
    )


def test_metrics_say_their_direction_and_why_they_lack_an_interval():
    info = Aligned().info
    assert info.primary == "alignment"
    directions_of = {metric.name: metric.higher_is_better for metric in info.metrics}
    assert directions_of["alignment"] is False
    assert directions_of["DCA harmonic"] is True
    for name in ("modality gap", "uniformity image", "DCA network consistency", "DCA components"):
        assert directions_of[name] is None
    found = values_of(Aligned(rays=50), inputs_of(Aligned()))
    for metric in info.metrics:
        has_interval = metric.name in ("alignment", "unpaired distance")
        assert (found[metric.name].low is not None) == has_interval
        assert bool(found[metric.name].no_interval) != has_interval


def test_a_side_may_be_a_subset():
    task = Aligned(reference="image+audio", candidate="audio")
    assert task.requests(None) == [
        Request("image+audio", "pairs", ("audio", "image")),
        Request("audio", "pairs", ("audio",)),
    ]
    assert set(inputs_of(task).arrays) == {"image+audio", "audio"}


NAMED = {"scaling": ["similarity", "unit", "raw"], "graph": ["rays", "exact"]}


@pytest.mark.parametrize(("option", "value"), [(o, v) for o, each in NAMED.items() for v in each])
def test_a_named_value_is_taken(option, value):
    options = resolve_options(Aligned, {}, {option: value}, where="task x")
    assert getattr(Aligned(**options), option) == value


def test_every_choice_on_offer_is_named_here():
    for option in declared_options(Aligned).values():
        if values := getattr(option.hint, "__args__", ()):
            assert list(values) == NAMED[option.name]


def test_a_named_value_is_refused_with_a_reason():
    with pytest.raises(UsageError, match="declines min_samples=1"):
        resolve_options(Aligned, {}, {"min_samples": 1}, where="task x")
    assert set(Aligned.refused) == {"min_samples=1"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"alpha": 0.0}, "alpha out of range"),
        ({"t": -1.0}, "t out of range"),
        ({"rays": 0, "points": 1}, "rays and points out of range"),
        ({"sphere_coverage": 1.5}, "sphere_coverage out of range"),
        ({"min_cluster_size": 1}, "min_cluster_size out of range"),
        ({"reference": "a+b", "candidate": "b+a"}, "both sides"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, message):
    with pytest.raises(UsageError, match=message):
        Aligned(**options)
