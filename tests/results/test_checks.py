from __future__ import annotations

from dataclasses import replace

import pytest
from record_samples import METRICS, make_record, make_task

from mmbench.api import MetricInfo, TaskInfo
from mmbench.results.checks import check_values
from mmbench.results.record import MetricValue

GOOD = make_record().metrics
INFO = TaskInfo("t", "1", "retrieval", "R@1", METRICS)


def changed(name, **fields):
    return {**GOOD, name: replace(GOOD[name], **fields)}


@pytest.mark.parametrize("task", [INFO, make_task()])
def test_possible_values_pass(task):
    assert check_values(task, GOOD) == []
    undefined = changed("gap", value=None, no_interval="undefined on these items")
    assert check_values(task, undefined) == []
    assert check_values(task, changed("R@1", value=1 / 3 + 1e-12, low=None, high=None)) == []
    assert check_values(task, changed("R@5", value=1.0 + 1e-12, high=1.0 + 1e-12)) == []


@pytest.mark.parametrize(
    ("metrics", "problem"),
    [
        (changed("R@5", value=1.01, high=None), "R@5: 1.01 lies above 1"),
        (changed("R@1", value=-0.01), "R@1: -0.01 lies below 0"),
        (changed("R@1", low=-0.5), "R@1: low -0.5 lies below 0"),
        (changed("R@5", high=1.5), "R@5: high 1.5 lies above 1"),
        (changed("median rank", value=0.5), "median rank: 0.5 lies below 1"),
        (changed("gap", value=float("nan")), "gap: nan is not a number"),
        (changed("median rank", value=float("inf")), "median rank: inf is not a number"),
        (changed("R@1", value=None), "R@1: undefined, and no reason given"),
        (changed("R@1", low=0.6, high=0.4), "R@1: interval [0.6, 0.4] is reversed"),
        (changed("R@5", value=0.3, low=0.0), "R@5: 0.3 is less than R@1 = 0.5"),
        ({k: v for k, v in GOOD.items() if k != "gap"}, "gap: missing"),
        ({**GOOD, "mAP": GOOD["gap"]}, "mAP: the task has no such metric"),
    ],
)
def test_impossible_values_are_named(metrics, problem):
    assert check_values(INFO, metrics) == [problem]


def test_ladder_goes_by_k_not_by_order():
    infos = tuple(MetricInfo(f"R@{k}", ("x",), ladder=("g", k)) for k in (10, 1, 5))
    info = replace(INFO, metrics=infos)
    rising = {"R@1": 0.1, "R@5": 0.1, "R@10": 0.3}
    assert check_values(info, {k: MetricValue(value=v) for k, v in rising.items()}) == []
    falling = {**rising, "R@10": 0.05}
    assert check_values(info, {k: MetricValue(value=v) for k, v in falling.items()}) == [
        "R@10: 0.05 is less than R@5 = 0.1"
    ]


def test_pairs_that_must_agree():
    info = replace(INFO, equal=(("R@1", "R@5"), ("R@1", "unknown")))
    assert check_values(info, GOOD) == ["R@1 = 0.5 and R@5 = 0.75 must agree"]
    same = {**GOOD, "R@5": GOOD["R@1"]}
    assert check_values(info, same) == []
    none = {**GOOD, "R@5": replace(GOOD["R@5"], value=None, no_interval="undefined")}
    assert check_values(info, none) == ["R@1 = 0.5 and R@5 = None must agree"]


def test_an_incomplete_publication_passes():
    assert check_values(INFO, {"R@1": GOOD["R@1"]}, complete=False) == []
