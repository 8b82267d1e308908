"""DCA of streams against all: what is compared, on how many points, references, purity, options."""

from __future__ import annotations

import numpy as np
import pytest

from mmbench.api import ItemTable, Request, ScoreInputs, UsageError
from mmbench.metrics.dca import DCAParameters, dca
from mmbench.metrics.dca_shortcut import harmonic_score
from mmbench.options import declared_options, resolve_options
from mmbench.protocols.dca import DCATask
from mmbench.results.checks import check_values
from mmbench.results.summary import evaluate_metrics

N = 90


class Clouds(DCATask):
    name = "toy"

    def collections(self, datasets):
        return datasets


class WithLabel(Clouds):
    distinct = ("label",)


def table_of(n=N):
    return {"items": ItemTable([f"i{row}" for row in range(n)], {})}


def inputs_of(task, level="random", seed=0, n=N):
    tables = table_of(n)
    rng = np.random.default_rng(seed)
    return ScoreInputs(task.reference_arrays(level, ScoreInputs({}, tables), rng), tables)


def values_of(task, inputs, resamples=50):
    evaluation = task.score(inputs)
    values = evaluate_metrics(task.info, evaluation, resamples=resamples)
    assert check_values(task.info, values) == []
    return {name: value.value for name, value in values.items()}, evaluation


def groups(seed=0, n=N, width=6, noise=0.2):
    rng = np.random.default_rng(seed)
    which = np.arange(n) % 3
    complete = 3 * rng.standard_normal((3, width))[which] + 0.3 * rng.standard_normal((n, width))
    near = complete + noise * rng.standard_normal((n, width))
    far = rng.standard_normal((n, width)) - 30
    label = np.eye(width)[which]
    arrays = {"complete": complete, "near": near, "far": far, "label": label}
    return {name: each.astype(np.float32) for name, each in arrays.items()}


def test_perfect_arrays_reach_the_ceiling_and_random_ones_are_a_chance_apart():
    task = Clouds(streams=("a", "b"))
    found, _ = values_of(task, inputs_of(task, "perfect"))
    for stream in ("a", "b"):
        assert found[f"{stream} precision"] == found[f"{stream} recall"] == 1.0
        assert found[f"{stream} distance"] == 0.0
    inputs = inputs_of(task, "random")
    found, _ = values_of(task, inputs)
    chance = task.reference_levels(inputs)["chance"]
    assert found["a distance"] == pytest.approx(chance["a distance"], abs=0.15)


@pytest.mark.parametrize("name", ["complete", "a", "b"])
def test_constant_and_nan_arrays_are_refused(name):
    task = Clouds(streams=("a", "b"))
    arrays = dict(inputs_of(task).arrays)
    for value, message in ((1.0, "equal"), (np.nan, "NaN"), (0.0, "zero|equal")):
        broken = {**arrays, name: np.full_like(arrays[name], value)}
        with pytest.raises(ValueError, match=message):
            task.score(ScoreInputs(broken, table_of()))


def test_all_streams_and_each_are_asked_for():
    task = Clouds(streams=("a", "b", "c"))
    assert task.requests(None) == [
        Request("complete", "items", ("a", "b", "c")),
        *(Request(name, "items", (name,)) for name in "abc"),
    ]


def test_scores_are_those_of_the_metrics_on_all_points():
    arrays = groups()
    task = WithLabel(streams=("near", "far", "label"), scaling="raw", rays=40)
    found, evaluation = values_of(task, ScoreInputs(arrays, table_of()))
    for stream in ("near", "far"):
        whole = dca(arrays["complete"], arrays[stream], DCAParameters(rays=40, max_points=None))
        assert found[f"{stream} precision"] == whole.precision
        assert found[f"{stream} recall"] == whole.recall
        assert found[f"{stream} quality"] == pytest.approx(whole.network_quality)
        assert found[f"{stream} DCA"] == pytest.approx(whole.harmonic_score)
        assert found[f"{stream} E outliers"] == whole.e_outliers
    assert found["near DCA"] > 0.6
    assert found["far DCA"] == 0.0
    assert found["mean DCA"] == pytest.approx((found["near DCA"] + found["far DCA"]) / 2)
    assert evaluation.parameters["points"]["label"] == {
        "R": N, "E": 3, "quality R": N, "quality E": 3
    }  # fmt: skip


def test_distinct_rows_are_judged_once_each_and_are_a_diagnostic():
    arrays = groups()
    rng = np.random.default_rng(1)
    arrays["label"] = arrays["label"] + 1e-6 * rng.standard_normal(arrays["label"].shape)
    task = WithLabel(streams=("near", "label"), scaling="raw")
    clouds = task.clouds(ScoreInputs(arrays, table_of()), "label")
    assert np.array_equal(clouds.e, np.unique(clouds.e.round(4), axis=0))
    assert len(clouds.e) == 3
    directions = {each.name: each.higher_is_better for each in task.info.metrics}
    assert directions["label DCA"] is None
    assert directions["near DCA"] is True
    assert directions["halves DCA"] is None


def test_fewer_points_are_the_same_items_on_both_sides():
    arrays = groups(n=400)
    task = Clouds(streams=("near", "far"), scaling="raw", points=120, quality_points=50, rays=20)
    inputs = ScoreInputs(arrays, table_of(400))
    clouds = task.clouds(inputs, "near")
    assert len(clouds.rows) == 120
    assert np.array_equal(clouds.r, arrays["complete"][clouds.rows].astype(np.float64))
    assert np.array_equal(clouds.e, arrays["near"][clouds.rows].astype(np.float64))
    found, evaluation = values_of(task, inputs)
    sizes = {"R": 120, "E": 120, "quality R": 50, "quality E": 50}
    assert evaluation.parameters["points"]["near"] == sizes
    assert evaluation.parameters["points"]["halves"] == sizes
    parts = (found[f"near {name}"] for name in ("precision", "recall", "quality"))
    assert found["near DCA"] == pytest.approx(harmonic_score(*parts))
    other = Clouds(streams=("near", "far"), scaling="raw", points=120, seed=1)
    assert not np.array_equal(other.clouds(inputs, "near").rows, clouds.rows)


def test_the_halves_of_one_cloud_are_the_yardstick():
    arrays = groups(n=400)
    task = Clouds(streams=("near", "far"), scaling="raw", rays=30, quality_points=200)
    found, _ = values_of(task, ScoreInputs(arrays, table_of(400)))
    assert found["halves quality"] == pytest.approx(0.5, abs=0.08)
    assert found["halves DCA"] == pytest.approx(0.75, abs=0.06)


def test_everything_that_it_depends_on_is_in_the_record():
    task = Clouds(streams=("near", "far"), rays=12, min_cluster_size=7, seed=5)
    _, evaluation = values_of(task, ScoreInputs(groups(), table_of()))
    wanted = {"T": 12, "B": 1.0, "mcs": 7, "seed": 5, "eta_quality": 0.0, "scaling": "unit"}
    assert wanted.items() <= evaluation.parameters.items()
    assert evaluation.parameters["points"]["near"]["quality E"] == N


def test_many_outliers_are_noted():
    rng = np.random.default_rng(0)
    arrays = groups(width=20) | {"far": rng.uniform(-9, 9, (N, 20)).astype(np.float32)}
    task = Clouds(streams=("near", "far"), scaling="raw")
    _, evaluation = values_of(task, ScoreInputs(arrays, table_of()))
    assert any(note.startswith("far: ") for note in evaluation.notes)


def test_scoring_is_pure_and_the_cells_seed_changes_nothing():
    task, arrays = Clouds(streams=("near", "far")), groups()
    kept = {name: each.copy() for name, each in arrays.items()}
    first, _ = values_of(task, ScoreInputs(arrays, table_of(), seed=0))
    second, _ = values_of(task, ScoreInputs(arrays, table_of(), seed=9))
    assert first == second
    assert all(np.array_equal(arrays[name], kept[name]) for name in arrays)


@pytest.mark.parametrize(
    ("scaling", "similarity", "used"),
    [
        ("similarity", "cosine", "unit"),
        ("similarity", "dot", "raw"),
        ("unit", "dot", "unit"),
        ("raw", "cosine", "raw"),
    ],
)
def test_it_looks_at_what_the_representation_compares(scaling, similarity, used):
    task = Clouds(streams=("near", "far"), scaling=scaling)
    inputs = ScoreInputs(groups(), table_of(), similarity=similarity)
    lengths = np.linalg.norm(task.clouds(inputs, "near").e, axis=1)
    assert np.allclose(lengths, 1.0) == (used == "unit")
    assert task.score(inputs).parameters["scaling"] == used


def test_metrics_say_why_they_lack_an_interval():
    for metric in Clouds().info.metrics:
        assert bool(metric.no_interval) == (not metric.columns)
        assert metric.description
    assert Clouds().info.primary == "mean DCA"


@pytest.mark.parametrize("said", ["sphere_coverage=0.7", "min_samples=1"])
def test_a_named_value_is_refused_with_a_reason(said):
    option, value = said.split("=")
    with pytest.raises(UsageError, match=f"declines {said}"):
        resolve_options(
            Clouds, {}, {option: float(value) if "." in value else int(value)}, where=""
        )
    assert set(Clouds.refused) == {"sphere_coverage=0.7", "min_samples=1"}
    assert "scaling" in declared_options(Clouds)


@pytest.mark.parametrize(
    ("cls", "options", "message"),
    [
        (Clouds, {"streams": ("a",)}, "two or more"),
        (Clouds, {"streams": ("a", "a")}, "each once"),
        (Clouds, {"points": 1, "rays": 0}, "points and rays out of range"),
        (Clouds, {"min_cluster_size": 1}, "out of range"),
    ],
)
def test_options_that_make_no_sense_are_refused(cls, options, message):
    with pytest.raises(UsageError, match=message):
        cls(**options)


def test_one_stream_at_least_has_a_vector_an_item():
    class Only(Clouds):
        distinct = ("a", "b")

    with pytest.raises(UsageError, match="a vector an item"):
        Only(streams=("a", "b"))
