"""Tasks whose description of themselves is broken, in one thing each."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from typing import ClassVar, Literal

from sound_task import SAID, Sound

from mmbench.api import MetricInfo, TaskInfo

COUNTER = count()


class Said(Sound):
    """A sound task whose info is changed."""

    said: ClassVar[dict] = {}

    @property
    def info(self) -> TaskInfo:
        return replace(super().info, **self.said)


class Metrics(Sound):
    """A sound task whose metric of this name is changed."""

    metric = "top-2"
    said: ClassVar[dict] = {}

    def metrics(self):
        return tuple(
            replace(each, **self.said) if each.name == self.metric else each
            for each in super().metrics()
        )


class Undescribed(Said):
    said: ClassVar[dict] = {"description": ""}


class NoVersion(Said):
    said: ClassVar[dict] = {"version": ""}


class NoMetrics(Sound):
    def metrics(self):
        return ()


class ListOfMetrics(Sound):
    def metrics(self):
        return list(super().metrics())


class Counting(Sound):
    @property
    def info(self) -> TaskInfo:
        return replace(super().info, citation=f"draft {next(COUNTER)}")


class NoSuchPrimary(Said):
    said: ClassVar[dict] = {"primary": "top1"}


class Undirected(Metrics):
    metric = "top-1"
    said: ClassVar[dict] = {"higher_is_better": None}


class Twice(Sound):
    def metrics(self):
        return (*super().metrics(), MetricInfo("top-2", ("top2",), description=SAID))


class NoFormula(Metrics):
    said: ClassVar[dict] = {"description": " "}


class NoUnit(Metrics):
    said: ClassVar[dict] = {"unit": ""}


class Backwards(Metrics):
    said: ClassVar[dict] = {"bounds": (1.0, 0.0)}


class Percent(Metrics):
    said: ClassVar[dict] = {"bounds": (0.0, 100.0), "ladder": None}


class NoSuchAggregator(Metrics):
    said: ClassVar[dict] = {"aggregator": "average"}


class OneColumnShort(Metrics):
    said: ClassVar[dict] = {"aggregator": "ratio"}


class NoReason(Metrics):
    metric = "mean class accuracy"
    said: ClassVar[dict] = {"no_interval": ""}


class OneStep(Metrics):
    said: ClassVar[dict] = {"ladder": ("top", 1)}


class EqualToNothing(Said):
    said: ClassVar[dict] = {"equal": (("top-1", "hit@1"),)}


class LowerCase(Sound):
    refused: ClassVar[dict[str, str]] = {"strict=false": "a lax variant would hide ties"}


class NoAssignment(Sound):
    refused: ClassVar[dict[str, str]] = {"topk": "ties are arbitrary"}


class Unfinished(Sound):
    def __init__(self, *, ties: Literal["expected", "pessimistic", "optimistic"] = "expected"):
        super().__init__(ties={"expected": "expected", "pessimistic": "pessimistic"}[ties])
