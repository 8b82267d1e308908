from __future__ import annotations

import numpy as np
import pytest
from record_samples import METRICS, make_tables

from mmbench.api import Evaluation, ItemTable, MetricInfo, TaskInfo
from mmbench.api.errors import PluginError
from mmbench.metrics.bootstrap import bootstrap_interval
from mmbench.results.summary import evaluate_metrics

INFO = TaskInfo("t", "1", "retrieval", "R@1", METRICS)
RANKS = np.array([1, 2, 1, 7, 3, 1])


def test_values_and_intervals():
    tables = make_tables(RANKS)
    values = evaluate_metrics(INFO, Evaluation(tables, {"gap": 0.25}), resamples=500, seed=3)
    assert list(values) == ["R@1", "R@5", "median rank", "gap"]
    assert [value.value for value in values.values()] == [0.5, 5 / 6, 1.5, 0.25]
    interval = bootstrap_interval("mean", [tables["items"]["hit@1"]], resamples=500, seed=3)
    r1 = values["R@1"]
    assert (r1.low, r1.high, r1.resamples) == (interval.low, interval.high, interval.resamples)
    assert (r1.method, r1.level, r1.n) == (interval.method, 0.95, 6)
    assert values["median rank"].unit == "rank"
    assert values["median rank"].higher_is_better is False
    assert values["gap"].low is None
    assert values["gap"].no_interval == "one value a space"
    assert values["gap"].n == 6


def one(metric: MetricInfo, columns: dict, values: dict | None = None):
    info = TaskInfo("t", "1", "p", metric.name, (metric,))
    ids = [str(row) for row in range(len(next(iter(columns.values()), [])))]
    evaluation = Evaluation({"items": ItemTable(ids, columns)}, values or {})
    return evaluate_metrics(info, evaluation, resamples=100)[metric.name]


def test_undefined_values_are_none_with_a_reason():
    nan = np.full(3, np.nan)
    value = one(MetricInfo("m", ("x",)), {"x": nan})
    assert (value.value, value.n, value.no_interval) == (None, 0, "undefined on these items")
    value = one(MetricInfo("r", ("p", "y"), "pearson"), {"p": np.ones(3), "y": np.arange(3.0)})
    assert (value.value, value.no_interval) == (None, "undefined on these items")
    value = one(MetricInfo("v"), {}, {"v": float("nan")})
    assert (value.value, value.no_interval) == (None, "undefined on these items")
    value = one(MetricInfo("m", ("x",)), {"x": np.array([])})
    assert (value.value, value.no_interval) == (None, "there are no items")


def test_items_that_take_no_part_are_not_counted():
    value = one(MetricInfo("m", ("x",)), {"x": np.array([1.0, np.nan, 0.0])})
    assert (value.value, value.n) == (0.5, 2)


def test_metrics_without_interval_say_why():
    value = one(MetricInfo("m", ("x",), no_interval="two anchors"), {"x": np.array([1.0, 0.0])})
    assert (value.value, value.low, value.no_interval) == (0.5, None, "two anchors")
    value = one(MetricInfo("v"), {}, {"v": 1})
    assert (value.value, value.no_interval) == (1.0, "no function of per-item scores")


@pytest.mark.parametrize(
    ("metric", "message"),
    [
        (MetricInfo("m", ("z",)), "lacks 'z'"),
        (MetricInfo("m", ("x",), table="queries"), "lacks 'queries'"),
        (MetricInfo("m", ("x",), "maen"), "unknown aggregator 'maen'"),
        (MetricInfo("m"), "lacks 'm'"),
        (MetricInfo("m", ("bad",)), "not finite at row 1"),
    ],
)
def test_what_scoring_left_out_is_named(metric, message):
    with pytest.raises(PluginError, match=message) as caught:
        one(metric, {"x": np.ones(2), "bad": np.array([0.0, np.inf])})
    assert caught.value.where == "task t, metric 'm'"
