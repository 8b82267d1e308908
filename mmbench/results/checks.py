"""Impossible values are refused before a record is written.

One harness found such numbers (recall falling with k, a share above one) in 87 of 220 submissions,
years later.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mmbench.api.task import MetricInfo, TaskInfo
    from mmbench.results.record import MetricValue, TaskEntry

__all__ = ["check_values"]

#: Sums of thousands of floats may pass a bound by this much.
_SLACK = 1e-9


def check_values(
    task: TaskEntry | TaskInfo, metrics: Mapping[str, MetricValue], *, complete: bool = True
) -> list[str]:
    """What is impossible about these values, one line each; empty = nothing.

    Args:
        task: Its metrics' bounds and ladders, and the pairs that must agree.
        metrics: Metric name to value.
        complete: Whether every metric must be there (a paper may publish one of them).
    """
    known = {info.name for info in task.metrics}
    problems = [f"{name}: the task has no such metric" for name in metrics if name not in known]
    for info in task.metrics:
        if info.name in metrics:
            problems += _check_one(info, metrics[info.name])
        elif complete:
            problems.append(f"{info.name}: missing")
    return problems + _check_ladders(task.metrics, metrics) + _check_equal(task.equal, metrics)


def _check_one(info: MetricInfo, metric: MetricValue) -> list[str]:
    if metric.value is None:
        return [] if metric.no_interval else [f"{info.name}: undefined, and no reason given"]
    low, high = info.bounds
    problems = []
    for what, value in (("", metric.value), ("low ", metric.low), ("high ", metric.high)):
        if value is None:
            continue
        if not math.isfinite(value):
            problems.append(f"{info.name}: {what}{value} is not a number")
        elif low is not None and value < low - _SLACK:
            problems.append(f"{info.name}: {what}{value:g} lies below {low:g}")
        elif high is not None and value > high + _SLACK:
            problems.append(f"{info.name}: {what}{value:g} lies above {high:g}")
    if metric.low is not None and metric.high is not None and metric.low > metric.high:
        problems.append(f"{info.name}: interval [{metric.low:g}, {metric.high:g}] is reversed")
    return problems


def _check_ladders(infos: Sequence[MetricInfo], metrics: Mapping[str, MetricValue]) -> list[str]:
    groups: dict[str, list[tuple[float, str, float]]] = {}
    for info in infos:
        value = metrics[info.name].value if info.name in metrics else None
        if info.ladder is not None and value is not None:
            group, k = info.ladder
            groups.setdefault(group, []).append((k, info.name, value))
    return [
        f"{upper}: {higher:g} is less than {lower} = {smaller:g}"
        for steps in groups.values()
        for (_, lower, smaller), (_, upper, higher) in pairwise(sorted(steps))
        if higher < smaller - _SLACK
    ]


def _check_equal(pairs: Sequence[tuple[str, str]], metrics: Mapping[str, MetricValue]) -> list[str]:
    problems = []
    for first, second in pairs:
        if first not in metrics or second not in metrics:
            continue
        a, b = metrics[first].value, metrics[second].value
        if (a is None) != (b is None) or (a is not None and b is not None and abs(a - b) > _SLACK):
            problems.append(f"{first} = {a} and {second} = {b} must agree")
    return problems
