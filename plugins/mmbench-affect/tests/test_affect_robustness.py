"""Robustness curves: what is lost at each rate, the area under the curve, and what has none."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from mmbench.api import Array, ItemTable, MemoryCollection, ScoreInputs, Stream, UsageError
from mmbench.api import Sequence as Steps
from mmbench.metrics.affect import affect_scores
from mmbench.metrics.aggregation import aggregate
from mmbench_affect.robustness import RobustnessTask

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mmbench.api import Collection, Datasets

RNG = np.random.default_rng(0)
COUNTS = {"train": 30, "valid": 10, "test": 20}
VALUES = {name: RNG.uniform(-3, 3, count) for name, count in COUNTS.items()}


def collection(name: str, kind: str = "Sequence") -> MemoryCollection:
    rng = np.random.default_rng(COUNTS[name])
    make: Any = Steps if kind == "Sequence" else Array
    shape = (40, 3) if kind == "Sequence" else (3,)
    payloads = {
        stream: [make(rng.normal(1.0, 0.1, shape).astype(np.float32)) for _ in VALUES[name]]
        for stream in ("text", "audio")
    }
    return MemoryCollection(
        name,
        [f"{name}{row}" for row in range(COUNTS[name])],
        {stream: Stream(stream, stream, kind, shape) for stream in payloads},
        payloads,
        {"sentiment": VALUES[name].tolist()},
    )


class Curve(RobustnessTask):
    """A curve of what lies above."""

    name = "curve"
    kind = "Sequence"

    def splits(self, datasets: Datasets) -> Mapping[str, Collection]:
        return {name: collection(name, self.kind) for name in COUNTS}


def curve(**options: Any) -> Curve:
    return Curve(**{"streams": ("text", "audio"), **options})


def opened(task: Curve) -> Mapping[str, Collection]:
    return task.collections(None)  # type: ignore[arg-type]


def inputs(task: Curve, arrays: Mapping[str, Any]) -> ScoreInputs:
    tables = {key: ItemTable(each.ids, each.columns) for key, each in opened(task).items()}
    return ScoreInputs(arrays, tables, "dot")


def test_frames_are_dropped_at_their_rate_and_from_their_seed() -> None:
    task = curve(rates=(0.0, 0.3, 0.9))
    found = opened(task)
    assert list(found) == ["train", "valid", "test", "test/frames 0.3", "test/frames 0.9"]
    for rate in (0.3, 0.9):
        seen = found[f"test/frames {rate}"]
        zero = [
            (seen.load(row, stream).values == 0).all(axis=1)  # type: ignore[union-attr]
            for row in range(len(seen))
            for stream in ("text", "audio")
        ]
        assert np.mean(zero) == pytest.approx(rate, abs=0.04)
        kept = ~zero[0]
        before = found["test"].load(0, "text").values  # type: ignore[union-attr]
        np.testing.assert_array_equal(seen.load(0, "text").values[kept], before[kept])  # type: ignore[union-attr]
    keys = found["test/frames 0.3"].content_keys("text")
    assert list(opened(curve(rates=(0.0, 0.3)))["test/frames 0.3"].content_keys("text")) == list(
        keys
    )
    other = opened(curve(rates=(0.0, 0.3), view_seed=1))["test/frames 0.3"]
    assert not set(other.content_keys("text")) & set(keys)


def test_only_the_named_streams_lose_something() -> None:
    found = opened(curve(degradation="noise", degraded=("audio",), rates=(0.0, 0.5)))
    seen, clean = found["test/noise 0.5"], found["test"]
    assert list(seen.content_keys("text")) == list(clean.content_keys("text"))
    added = [
        seen.load(row, "audio").values - clean.load(row, "audio").values  # type: ignore[union-attr]
        for row in range(len(seen))
    ]
    assert np.std(added) == pytest.approx(0.5, rel=0.05)


def test_a_vector_has_no_frames_but_may_have_noise() -> None:
    class Vectors(Curve):
        kind = "Array"

    with pytest.raises(UsageError, match="'text' is one Array, without frames"):
        Vectors(streams=("text", "audio")).collections(None)  # type: ignore[arg-type]
    assert len(Vectors(streams=("text",), degradation="noise").collections(None)) == 12  # type: ignore[arg-type]


def test_the_area_is_the_trapezoid_rules_mean_height() -> None:
    rates = (0.0, 0.2, 0.8)
    task = curve(rates=rates, head="predict")
    truths = VALUES["test"]
    said = {0.0: truths + 0.1, 0.2: truths + 0.5, 0.8: -truths}
    scored = task.score(inputs(task, {f"test {rate:g}": each for rate, each in said.items()}))
    table = scored.tables["items"]
    found = {
        metric.name: aggregate(metric.aggregator, [table[name] for name in metric.columns])
        for metric in task.info.metrics
    }
    heights = {rate: affect_scores(each, truths) for rate, each in said.items()}
    for rate, scores in heights.items():
        for name in task.curve:
            assert found[f"{rate:g} {name}"] == pytest.approx(scores[name], nan_ok=True)
    for name in ("mae", "acc2_non0", "acc7"):
        first, second, third = (heights[rate][name] for rate in rates)
        area = 0.2 * (first + second) / 2 + 0.6 * (second + third) / 2
        assert found[f"area {name}"] == pytest.approx(area / 0.8)
    assert "area pearson" not in found
    assert task.info.primary == "area mae"
    assert scored.parameters["view_seed"] == 1111


def test_ten_equal_steps_sum_as_multibench_does() -> None:
    task = curve(head="predict")
    heights = np.linspace(0.1, 1.0, 10)
    arrays = {
        f"test {rate:g}": VALUES["test"] + height
        for rate, height in zip(task.rates, heights, strict=True)
    }
    table = task.score(inputs(task, arrays)).tables["items"]
    summed = sum((low + high) * 0.1 / 2 for low, high in pairwise(heights))
    assert np.mean(table["area mae"]) * 0.9 == pytest.approx(summed)


def test_a_probe_learns_clean_items_once() -> None:
    task = curve(rates=(0.0, 0.5))
    wanted = [request.name for request in task.requests(None)]  # type: ignore[arg-type]
    assert wanted == ["train", "valid", "test 0", "test 0.5"]
    rng = np.random.default_rng(1)
    vectors = {
        name: np.stack([values, rng.normal(size=len(values))], axis=1)
        for name, values in VALUES.items()
    }
    noisy = vectors["test"] + rng.normal(size=vectors["test"].shape)
    arrays = {
        **{name: vectors[name] for name in ("train", "valid")},
        "test 0": vectors["test"],
        "test 0.5": noisy,
    }
    table = task.score(inputs(task, arrays)).tables["items"]
    assert np.mean(table["0 mae"]) < 0.01
    assert np.mean(table["0.5 mae"]) > 0.3
    assert task.fit_spec().target is None
    assert curve(head="predict").fit_spec().target == "sentiment"
    assert [each.name for each in curve(regularisation=1.0).requests(None)][0:2] == [
        "train",
        "test 0",
    ]  # type: ignore[arg-type]


def test_a_single_rate_is_its_own_area() -> None:
    task = curve(rates=(0.4,), head="predict")
    table = task.score(inputs(task, {"test 0.4": VALUES["test"] + 1})).tables["items"]
    assert np.mean(table["area mae"]) == pytest.approx(1.0)


def test_constant_predictions_are_noted_under_loss_and_refused_when_clean() -> None:
    task = curve(rates=(0.0, 1.0), head="predict")
    zeros = np.zeros(20)
    scored = task.score(inputs(task, {"test 0": VALUES["test"], "test 1": zeros}))
    assert scored.notes == ("predicts the same for every item at: 1",)
    with pytest.raises(ValueError, match="predictions at 0"):
        task.score(inputs(task, {"test 0": zeros, "test 1": zeros}))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"rates": (0.0, 0.5, 0.3)}, "rates must rise"),
        ({"rates": ()}, "rates must rise"),
        ({"rates": (-0.1, 0.5)}, "rates must rise"),
        ({"rates": (0.0, 1.5)}, "rates must rise, from 0 on to 1"),
        ({"degraded": ("vision",)}, "degraded names 'vision'"),
        ({"curve": ("mae", "acc9")}, "curve names 'acc9'; there are: mae"),
        ({"curve": ("pearson", "mae")}, "curve must begin with a mean"),
        ({"streams": ("text", "text")}, "each once"),
        ({"view_seed": -1}, "seeds begin at 0"),
        ({"regularisation": 0.0}, "regularisation must be above 0"),
    ],
)
def test_what_has_no_curve_is_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        curve(**options)
    assert curve(degradation="noise", rates=(0.0, 1.5)).rates[-1] == 1.5


def test_items_that_fell_at_one_rate_are_an_error() -> None:
    task = curve(rates=(0.0, 0.5), head="predict")
    given = inputs(task, {"test 0": VALUES["test"], "test 0.5": VALUES["test"]})
    cut = given.tables["test/frames 0.5"]
    columns = {name: list(each)[1:] for name, each in cut.columns.items()}
    tables = {**given.tables, "test/frames 0.5": ItemTable(list(cut.ids)[1:], columns)}
    with pytest.raises(ValueError, match="are not the test items"):
        task.score(ScoreInputs(given.arrays, tables, "dot"))
