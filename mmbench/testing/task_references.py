"""Checks: a task's own arrays reach ceiling and chance, and what says nothing is refused."""

from __future__ import annotations

import math
from dataclasses import replace
from numbers import Real
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from mmbench.api import Level, MmbenchError
from mmbench.testing.checks import Blocked, NotRelevant, blocking, conformance, described, fail

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from mmbench.api import MetricInfo, ScoreInputs
    from mmbench.testing.tasks import TaskSubject

    Arrays = Mapping[str, NDArray[Any]]

#: The ceiling is reached within this share of a metric's range: probes shrink, float32 rounds.
_NEAR = 0.01
#: Draws of random arrays: at least, and at most where the first ones leave it open.
_DRAWS = (6, 24)
#: Standard errors of the mean over draws that the stated chance may lie away.
_ERRORS = 4.0


@conformance("references", "tasks")
def reference_arrays_fit(subject: TaskSubject) -> None:
    """``reference_arrays`` gives a float array for every request, with one row an item.

    The kit scores them, as it would a representation's: ``perfect`` ones that know the answer,
    ``random`` ones that know nothing, ``constant`` ones that are all alike. ``inputs`` brings the
    tables; its arrays are empty. A task that derives from a protocol inherits them; one that
    interacts gives plain arrays such as its interaction would.
    """
    for level in get_args(Level):
        seen = ""
        try:
            found = subject.new().reference_arrays(
                level, subject.inputs({}), np.random.default_rng(0)
            )
        except Blocked:
            raise
        except Exception as error:  # noqa: BLE001 - whatever a task raises is what was seen
            seen = f"it raised {described(error)}"
        else:
            seen = subject.misfit(found)
        if seen:
            fail(
                expected=f"reference_arrays({level!r}) to give a float array a request, a row an "
                "item",
                seen=seen,
                change="return {request name: float32 [items, ...]} for every request",
            )


@conformance("references", "tasks")
def reference_arrays_follow_the_rng(subject: TaskSubject) -> None:
    """Reference arrays depend on the generator that is handed in, and on no other.

    Equal generators give equal arrays, and two different ones give different random arrays. Draw
    from ``rng``, never from ``np.random`` or a generator with a seed of its own.
    """
    first, again, other = (subject.reference("random", seed=seed).arrays for seed in (0, 0, 1))
    for name in first:
        if not np.array_equal(first[name], again[name], equal_nan=True):
            fail(
                expected=f"the random array {name!r} to be the same for equal generators",
                seen="another one",
                change="draw from the rng that reference_arrays is handed",
            )
    if all(np.array_equal(first[name], other[name]) for name in first):
        fail(
            expected="random arrays to differ for different generators",
            seen="the same arrays",
            change="draw from the rng that reference_arrays is handed",
        )


@conformance("references", "tasks")
def levels_are_stated(subject: TaskSubject) -> None:
    """``reference_levels`` works from the tables alone.

    Chance and ceiling stand on the board beside every row. They are computed with no arrays at
    hand: ``inputs.arrays`` may be empty.
    """
    found: Any = subject.new().reference_levels(subject.inputs({}))
    if not found:
        raise NotRelevant("it states no reference levels")
    for level, values in found.items():
        if not hasattr(values, "items"):
            fail(
                expected="reference_levels() to map each level to metrics and values",
                seen=f"{level!r} is a {type(values).__name__}",
                change='return {"chance": {"accuracy": 0.25}, "ceiling": {"accuracy": 1.0}}',
            )


@conformance("references", "tasks")
def levels_name_metrics(subject: TaskSubject) -> None:
    """Reference levels give values of this task's metrics.

    A value under another name would stand in no column. Spell metrics as ``info`` spells them.
    """
    names = {metric.name for metric in subject.info.metrics}
    for level, values in subject.levels.items():
        for name in values:
            if name not in names:
                fail(
                    expected=f"the level {level!r} to name metrics: {', '.join(sorted(names))}",
                    seen=repr(name),
                    change="spell it as in info.metrics, or leave it out",
                )


@conformance("references", "tasks")
def levels_lie_in_bounds(subject: TaskSubject) -> None:
    """Reference levels are possible values of their metrics; NaN where there is none.

    A chance level beyond the metric's bounds is a slip in its formula, or in the bounds.
    """
    for level, values in subject.levels.items():
        for name, value in values.items():
            low, high = _metric(subject, name).bounds
            least, most = -math.inf if low is None else low, math.inf if high is None else high
            said: Any = value
            number = float(said) if isinstance(said, Real) else math.inf
            if math.isnan(number) or least > most:
                continue
            if math.isfinite(number) and least - 1e-9 <= number <= most + 1e-9:
                continue
            fail(
                expected=f"the {level} of {name!r} to lie in {least:g}..{most:g}, or to be NaN",
                seen=repr(value),
                change="mend reference_levels(), or the metric's bounds",
            )


@conformance("references", "tasks")
def chance_lies_below_the_ceiling(subject: TaskSubject) -> None:
    """In no metric is the stated chance better than the stated ceiling.

    Better goes by the metric's direction: of a rank or an error, lower.
    """
    chance, ceiling = subject.level("chance", "random"), subject.level("ceiling")
    for name in set(chance) & set(ceiling):
        metric = _metric(subject, name)
        if metric.higher_is_better is None:
            continue
        above = (chance[name] - ceiling[name]) * (1 if metric.higher_is_better else -1)
        if above > 1e-9:
            fail(
                expected=f"the chance of {name!r} to be no better than its ceiling",
                seen=f"chance {chance[name]:g}, ceiling {ceiling[name]:g}",
                change="mend reference_levels(), or the metric's higher_is_better",
            )


@conformance("references", "tasks")
def perfect_arrays_reach_the_ceiling(subject: TaskSubject) -> None:
    """Perfect arrays score the stated ceiling, in every metric that has one.

    Within a hundredth of the metric's range. Where no ceiling is stated, the primary metric's best
    bound counts. If perfect vectors fall short, the scoring loses something (a tie, an item, an
    off-by-one), or the ceiling is not attainable: state the one that is.
    """
    primary, values = subject.primary, subject.measured("perfect")
    ceiling: dict[str, float] = {}
    try:
        ceiling = dict(subject.level("ceiling"))
    except NotRelevant:
        best = primary.bounds[1 if primary.higher_is_better else 0]
        if best is None:
            raise NotRelevant("it states no ceiling, and its primary metric is unbounded") from None
        ceiling[primary.name] = best
    for name, stated in ceiling.items():
        reached = values[_metric(subject, name).name].value
        if _is_nan(stated) or reached is None:
            continue
        if abs(reached - stated) > _NEAR * _range(_metric(subject, name), stated):
            fail(
                expected=f"perfect arrays to score {stated:g} in {name!r}",
                seen=f"{reached:g}",
                change="mend score(), reference_arrays('perfect'), or the stated ceiling",
            )


@conformance("references", "tasks")
def random_arrays_score_chance(subject: TaskSubject) -> None:
    """Random arrays score the stated chance of the primary metric.

    They are drawn several times. The mean has to lie within four standard errors, of the draws or
    of the items, of what is stated. If it does not, the chance is computed for another number of
    candidates or classes, or scoring leaks the answer.
    """
    name = subject.primary.name
    chance = subject.level("chance", "random").get(name, math.nan)
    if _is_nan(chance):
        raise NotRelevant("it states no chance of its primary metric")
    if any(_agrees(subject, name, chance, draws) for draws in _DRAWS):
        return
    mean = float(np.mean(_random_values(subject, name, _DRAWS[1])))
    fail(
        expected=f"random arrays to score the stated chance of {name!r}, {chance:g}",
        seen=f"{mean:g}, the mean over {_DRAWS[1]} draws",
        change="mend the chance in reference_levels(), or look for a leak of the answer in score()",
    )


@conformance("references", "tasks")
def constant_arrays_are_refused(subject: TaskSubject) -> None:
    """Vectors that are all alike are refused, not scored.

    They come from an encoder that was not loaded; ties would make them look like chance, or better.
    Raise a ``ValueError``; the metrics of ``mmbench.metrics`` do.
    """
    subject.require_items()
    _refused(subject, subject.reference("constant"), "arrays that are all alike")


@conformance("references", "tasks")
def zero_arrays_are_refused(subject: TaskSubject) -> None:
    """Vectors that are all zero are refused, whichever request they are for.

    A zero vector has no direction. Raise a ``ValueError``, as ``mmbench.metrics.vectors.unit_rows``
    does.
    """
    subject.require_items()
    read = [request for request in subject.requests if request.name in subject.read]
    vectors = [request for request in read if request.kind != "prediction"]
    if not vectors:
        raise NotRelevant("it scores predictions, which may be zero")
    for request in vectors:
        inputs = _working(subject)
        arrays = {**inputs.arrays, request.name: np.zeros_like(inputs.arrays[request.name])}
        _refused(subject, replace(inputs, arrays=arrays), f"{request.name!r} of zeros")


@conformance("references", "tasks")
def nan_arrays_are_refused(subject: TaskSubject) -> None:
    """NaN is refused, whichever request it comes in.

    A comparison with NaN is false, so that a rank comes out as the best one. Raise a ``ValueError``
    where values are not finite.
    """
    _refuse_values(subject, np.nan, "NaN")


@conformance("references", "tasks")
def infinite_arrays_are_refused(subject: TaskSubject) -> None:
    """Infinite values are refused, whichever request they come in.

    They are what half precision makes of large numbers. Raise a ``ValueError`` where values are
    not finite.
    """
    _refuse_values(subject, np.inf, "infinity")


def _refuse_values(subject: TaskSubject, value: float, what: str) -> None:
    """Put a value into every second row of one array after the other."""
    floats = [name for name, each in _working(subject).arrays.items() if each.dtype.kind == "f"]
    for name in (each for each in floats if each in subject.read):
        inputs = _working(subject)
        spoilt = np.array(inputs.arrays[name])
        spoilt.reshape(len(spoilt), -1)[::2, 0] = value
        arrays = {**inputs.arrays, name: spoilt}
        _refused(subject, replace(inputs, arrays=arrays), f"{what} in {name!r}")


def _working(subject: TaskSubject) -> ScoreInputs:
    """Random arrays that can be scored as they are."""
    subject.evaluation("random")
    return subject.reference("random")


def _refused(subject: TaskSubject, inputs: ScoreInputs, what: str) -> None:
    """Fail unless scoring refuses these inputs."""
    seen = "it returned scores"
    try:
        with np.errstate(all="ignore"):
            subject.run(subject.new(), inputs)
    except (ValueError, MmbenchError):
        return
    except Exception as error:  # noqa: BLE001 - whatever a task raises is what was seen
        seen = f"it raised {described(error)}"
    fail(
        expected=f"score() to refuse {what} with a ValueError",
        seen=seen,
        change="check them first: mmbench.metrics.vectors.unit_rows(array, name=...)",
    )


def _agrees(subject: TaskSubject, name: str, stated: float, draws: int) -> bool:
    """Whether the mean over draws is the stated one, as far as can be told.

    A 95 % interval is four standard errors wide.
    """
    values = _random_values(subject, name, draws)
    error = _ERRORS * float(np.std(values, ddof=1)) / math.sqrt(draws)
    drawn = [subject.measured("random", seed=seed)[name] for seed in range(draws)]
    ends = [(each.low, each.high) for each in drawn]
    widths = [high - low for low, high in ends if low is not None and high is not None]
    away = abs(float(np.mean(values)) - stated)
    return away <= max(error, float(np.mean(widths)) if widths else 0.0) + 1e-9


def _random_values(subject: TaskSubject, name: str, draws: int) -> list[float]:
    """A metric of random arrays, draw by draw."""
    values = [subject.measured("random", seed=seed)[name].value for seed in range(draws)]
    if any(value is None for value in values):
        raise NotRelevant(f"{name!r} is undefined for some random arrays")
    return [float(value) for value in values if value is not None]


def _metric(subject: TaskSubject, name: str) -> MetricInfo:
    with blocking(f"looking for the metric {name!r}", "levels_name_metrics"):
        return next(metric for metric in subject.info.metrics if metric.name == name)


def _range(metric: MetricInfo, value: float) -> float:
    """How far a metric's values may lie from each other; of an unbounded one, about its value."""
    low, high = metric.bounds
    return max(1.0, abs(value)) if low is None or high is None else abs(high - low)


def _is_nan(value: float | None) -> bool:
    return value is None or math.isnan(value)
