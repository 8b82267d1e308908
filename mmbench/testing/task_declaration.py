"""Checks: what a task says of itself is complete, and holds together."""

from __future__ import annotations

from collections import Counter
from itertools import chain
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

from mmbench.api import MetricInfo, TaskInfo, UsageError
from mmbench.options import declared_options, parse_assignment, resolve_options
from mmbench.testing.checks import Blocked, NotRelevant, conformance, described, fail

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mmbench.testing.tasks import TaskSubject

_TEXTS = ("name", "version", "protocol", "primary", "description")


@conformance("declaration", "tasks")
def task_info_is_complete(subject: TaskSubject) -> None:
    """``info`` is a ``TaskInfo`` with a name, version, protocol, primary metric and description.

    They stand in every record and on the board. Give all of them as text, and ``metrics`` as a
    tuple of ``MetricInfo``, at least one. A task that derives from a protocol sets the class
    attributes ``name`` and ``description``.
    """
    info = subject.new().info
    wrong = ""
    if not isinstance(info, TaskInfo):
        fail(
            expected="info to be a TaskInfo",
            seen=f"a {type(info).__name__}",
            change="return mmbench.api.TaskInfo(...)",
        )
    for name in _TEXTS:
        value = getattr(info, name)
        if not isinstance(value, str) or not value.strip():
            wrong = f"{name} is {value!r}"
    metrics: object = info.metrics
    typed = isinstance(metrics, tuple) and all(isinstance(each, MetricInfo) for each in metrics)
    if not typed or not info.metrics:
        wrong = f"metrics is {info.metrics!r:.80}"
    if wrong:
        fail(
            expected="info to be complete: " + ", ".join((*_TEXTS, "metrics")),
            seen=wrong,
            change=f"give {wrong.partition(' ')[0]} in TaskInfo(...), or as the class's attribute",
        )


@conformance("declaration", "tasks")
def task_info_is_stable(subject: TaskSubject) -> None:
    """``info`` is the same of every instance with the same options.

    It is part of every record's key. Let nothing but the options enter it: no clock, no counter,
    no random number.
    """
    first, second = subject.info, subject.new().info
    if first != second:
        fail(
            expected="two instances with the same options to have equal info",
            seen=_difference(first, second),
            change="make info from the options alone",
        )


@conformance("declaration", "tasks")
def primary_is_a_metric(subject: TaskSubject) -> None:
    """The primary metric is one of the metrics.

    It ranks the leaderboard. Spell ``primary`` as the metric is spelt.
    """
    names = [metric.name for metric in subject.info.metrics]
    if subject.info.primary not in names:
        fail(
            expected=f"primary to be one of {', '.join(names)}",
            seen=repr(subject.info.primary),
            change="name one of them: TaskInfo(primary=...)",
        )


@conformance("declaration", "tasks")
def primary_has_a_direction(subject: TaskSubject) -> None:
    """The primary metric says whether higher is better.

    A board can't be ranked by a diagnostic (``higher_is_better=None``). Say True or False, or take
    another metric as the primary one.
    """
    for metric in subject.info.metrics:
        if metric.name == subject.info.primary and metric.higher_is_better is None:
            fail(
                expected=f"{metric.name!r}, which ranks, to have a direction",
                seen="higher_is_better=None",
                change="give MetricInfo(higher_is_better=True or False)",
            )


@conformance("declaration", "tasks")
def metric_names_are_unique(subject: TaskSubject) -> None:
    """No two metrics have one name.

    A record holds values by name: of two with one name, one would be lost.
    """
    counts = Counter(metric.name for metric in subject.info.metrics)
    name, count = counts.most_common(1)[0]
    if count > 1:
        fail(
            expected="every metric to have a name of its own",
            seen=f"{name!r} {count} times",
            change="tell them apart by name, as in 'image→text R@1' and 'text→image R@1'",
        )


@conformance("declaration", "tasks")
def metrics_are_described(subject: TaskSubject) -> None:
    """Every metric has a unit, and its formula in a line.

    The same name means different things in different papers. Say in ``description`` what is
    summed and divided, and whose rule it is.
    """
    for metric in subject.info.metrics:
        for name in ("unit", "description"):
            if not getattr(metric, name).strip():
                fail(
                    expected=f"{metric.name!r} to have a {name}",
                    seen="none",
                    change=f"give MetricInfo(..., {name}=...)",
                )


@conformance("declaration", "tasks")
def bounds_are_in_order(subject: TaskSubject) -> None:
    """A metric's lower bound lies below its upper bound.

    Values outside of the bounds are refused before a record is written: wrong bounds refuse
    everything. Write ``(lowest, highest)``; None leaves a side open.
    """
    for metric in subject.info.metrics:
        low, high = metric.bounds
        if low is not None and high is not None and not low < high:
            fail(
                expected=f"the bounds of {metric.name!r} to be (lowest, highest)",
                seen=repr(metric.bounds),
                change="swap them, or leave a side open with None",
            )


@conformance("declaration", "tasks")
def shares_lie_between_zero_and_one(subject: TaskSubject) -> None:
    """A metric whose unit is ``share`` has bounds within 0..1.

    Boards show shares as percent: 50 would be 5000 %. Give the share itself, or another unit.
    """
    for metric in subject.info.metrics:
        low, high = metric.bounds
        if metric.unit == "share" and (low is None or high is None or low < 0 or high > 1):
            fail(
                expected=f"the bounds of {metric.name!r}, a share, to lie within 0..1",
                seen=f"{metric.bounds!r}",
                change="return shares of one, or give it another unit: MetricInfo(..., unit='1')",
            )


@conformance("declaration", "tasks")
def aggregators_exist(subject: TaskSubject) -> None:
    """Every metric over columns names an aggregator that there is.

    Estimate, interval and significance come from one function, which ``aggregator`` names:
    see ``mmbench.metrics.aggregation.AGGREGATORS``. For any other formula return the value itself
    in ``Evaluation.values``, leave ``columns`` empty and say why in ``no_interval``.
    """
    from mmbench.metrics.aggregation import AGGREGATORS

    for metric in subject.info.metrics:
        if metric.columns and metric.aggregator not in AGGREGATORS:
            fail(
                expected=f"{metric.name!r} to name one of {', '.join(AGGREGATORS)}",
                seen=repr(metric.aggregator),
                change="name one of them, or return the value in Evaluation.values",
            )


@conformance("declaration", "tasks")
def columns_fit_their_aggregator(subject: TaskSubject) -> None:
    """A metric has as many columns as its aggregator takes.

    A mean takes one, a ratio two (numerator, denominator), in this order.
    """
    from mmbench.metrics.aggregation import AGGREGATORS

    for metric in subject.info.metrics:
        known = AGGREGATORS.get(metric.aggregator)
        if metric.columns and known and len(metric.columns) != len(known.columns):
            fail(
                expected=f"{metric.name!r} to name the columns {', '.join(known.columns)} of the "
                f"aggregator {known.name!r}",
                seen=f"{len(metric.columns)}: {', '.join(metric.columns)}",
                change=f"give MetricInfo(columns=...) with {len(known.columns)} names",
            )


@conformance("declaration", "tasks")
def missing_intervals_have_a_reason(subject: TaskSubject) -> None:
    """A metric without columns says why it has no interval.

    Only what is made of per-item columns can be resampled. Readers see the reason in the record:
    ``no_interval="DCA judges one graph over all points"``.
    """
    for metric in subject.info.metrics:
        if not metric.columns and not metric.no_interval.strip():
            fail(
                expected=f"{metric.name!r}, which has no columns, to say why it has no interval",
                seen="an empty no_interval",
                change="give MetricInfo(columns=...), or no_interval='why'",
            )


@conformance("declaration", "tasks")
def ladders_have_steps(subject: TaskSubject) -> None:
    """Metrics on one ladder have steps of their own.

    A ladder ``(group, k)`` says that the value must not fall as k grows, as recall@k. Two metrics
    of one group with one k are no ladder: name the groups apart, or mend a k.
    """
    for metric in subject.info.metrics:
        if metric.ladder is not None and not _is_step(metric.ladder):
            fail(
                expected=f"the ladder of {metric.name!r} to be (group, k)",
                seen=repr(metric.ladder),
                change="give MetricInfo(ladder=('recall', 5))",
            )
    steps = Counter(metric.ladder for metric in subject.info.metrics if metric.ladder is not None)
    for step, count in steps.items():
        if count > 1:
            fail(
                expected="every metric of a ladder to have a k of its own",
                seen=f"{step!r} {count} times",
                change="name the groups apart, or mend a k",
            )


@conformance("declaration", "tasks")
def equal_names_metrics(subject: TaskSubject) -> None:
    """``equal`` pairs names of two different metrics.

    Such pairs are compared in every record. Spell both as the metrics are spelt.
    """
    names = {metric.name for metric in subject.info.metrics}
    for pair in subject.info.equal:
        if len(pair) != 2 or len(set(pair)) != 2 or not set(pair) <= names:
            fail(
                expected="equal to hold pairs of two metrics' names",
                seen=repr(pair),
                change=f"name two of {', '.join(sorted(names))}",
            )


@conformance("declaration", "tasks")
def protocol_is_as_listed(subject: TaskSubject) -> None:
    """The spec's protocol is the task's.

    ``mmbench list`` groups tasks by the spec's, without importing them; records hold the task's.
    """
    listed = subject.entry.spec.protocol
    if listed != subject.info.protocol:
        fail(
            expected=f"the spec's protocol to be {subject.info.protocol!r}, as info says",
            seen=repr(listed),
            change=f"give TaskSpec(..., protocol={subject.info.protocol!r})",
        )


@conformance("declaration", "tasks")
def refused_options_are_refused(subject: TaskSubject) -> None:
    """What ``refused`` names is refused, with the reason.

    Its keys are compared with ``f"{option}={value}"``: write ``"own_pair=False"``, as Python says
    it, and never a value that the class takes by default.
    """
    if not subject.cls.refused:
        raise NotRelevant("it refuses no option by name")
    for assignment, reason in subject.cls.refused.items():
        seen = "no '=' in it"
        if "=" in assignment:
            name, value = parse_assignment(assignment)
            seen = "it is accepted"
            try:
                resolve_options(subject.cls, subject.entry.spec.options, {name: value}, where="")
            except UsageError as error:
                if reason.strip() and reason in str(error):
                    continue
                seen = f"refused for another reason: {described(error)}"
        fail(
            expected=f"the option {assignment!r} to be refused, because: {reason or 'say why'}",
            seen=seen,
            change="spell the key of refused as 'option=value', the value as Python writes it",
        )


@conformance("declaration", "tasks")
def listed_options_are_taken(subject: TaskSubject) -> None:
    """Every value that a ``Literal`` option lists is accepted, or refused by a ``UsageError``.

    The type hint is what ``mmbench show`` prints. A value that contradicts another option is
    refused in ``__init__`` with a ``UsageError`` that says which and why.
    """
    tried = False
    for name, value in _listed_values(subject.cls):
        tried = True
        try:
            _ = subject.cls(**{**subject.options, name: value}).info
        except UsageError:
            continue
        except Exception as error:
            if name in subject.options and subject.options[name] == value:
                raise Blocked(
                    "it can't be built as configured: see task_info_is_complete"
                ) from error
            fail(
                expected=f"{name}={value!r}, which its type hint lists, to be taken or refused by "
                "a UsageError",
                seen=f"it raised {described(error)}",
                change=f"mend __init__ for it, or take {value!r} out of the Literal",
            )
    if not tried:
        raise NotRelevant("it has no option that lists its values")


def _listed_values(cls: type) -> Iterator[tuple[str, Any]]:
    """Every value of every option whose type hint is a ``Literal``, alone or in a union."""
    for option in declared_options(cls).values():
        hints = [option.hint, *get_args(option.hint)]
        listed = [get_args(hint) for hint in hints if get_origin(hint) is Literal]
        yield from ((option.name, value) for value in chain.from_iterable(listed))


def _is_step(ladder: object) -> bool:
    """Whether this is a ladder's group and k."""
    if not isinstance(ladder, tuple) or len(ladder) != 2:
        return False
    return isinstance(ladder[0], str) and isinstance(ladder[1], (int, float))


def _difference(first: TaskInfo, second: TaskInfo) -> str:
    """The first attribute that differs."""
    name = next(each for each in vars(first) if getattr(first, each) != getattr(second, each))
    return f"{name} is {getattr(first, name)!r:.60} and {getattr(second, name)!r:.60}"
