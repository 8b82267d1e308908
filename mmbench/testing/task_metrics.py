"""Checks: what scoring returns makes the declared metrics, and they behave as metrics should."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from mmbench.api import ItemTable, Level
from mmbench.results.checks import check_values
from mmbench.results.items import read_tables, tables_to_parquet
from mmbench.results.summary import evaluate_metrics
from mmbench.testing.checks import Blocked, conformance, described, fail
from mmbench.testing.evaluations import changed_metric, malformed
from mmbench.testing.rows import shuffled

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from mmbench.api import MetricInfo, TaskInfo
    from mmbench.results.record import MetricValue
    from mmbench.testing.tasks import TaskSubject

#: What most checks score: arrays that know everything, and arrays that know nothing.
_LEVELS: tuple[Level, ...] = ("perfect", "random")
_RESAMPLES = 200


@conformance("metrics", "tasks")
def it_scores(subject: TaskSubject) -> None:
    """``score`` returns an ``Evaluation`` of perfect and of random arrays.

    Both are finite and of the right shape: see ``reference_arrays_fit``. Tables are ``ItemTable``
    with one value an id in every column.
    """
    for level in _LEVELS:
        found: Any = subject.kept(level) or subject.run(subject.new(), subject.reference(level))
        seen = malformed(found)
        if seen:
            fail(
                expected=f"score() to return an Evaluation of {level} arrays",
                seen=seen,
                change='return Evaluation({"items": ItemTable(ids, columns)})',
            )


@conformance("metrics", "tasks")
def metrics_are_computed(subject: TaskSubject) -> None:
    """Every declared metric can be computed from what ``score`` returns.

    The table and columns that a metric names must be there, as numbers; a metric without columns
    needs its value in ``Evaluation.values``. NaN in a metric's first column leaves the item out; in
    any other column it is an error.
    """
    if subject.misdeclared:
        raise Blocked(subject.misdeclared)
    for level in _LEVELS:
        evaluation = subject.evaluation(level)
        for metric in subject.info.metrics:
            alone = replace(subject.info, metrics=(metric,))
            try:
                evaluate_metrics(alone, evaluation, resamples=_RESAMPLES)
            except Exception as error:  # noqa: BLE001 - whatever is raised is what was seen
                fail(
                    expected=f"{metric.name!r} to be computed from what score() returns",
                    seen=described(error),
                    change="return the table, column or value that the metric names",
                )


@conformance("metrics", "tasks")
def metrics_lie_in_bounds(subject: TaskSubject) -> None:
    """No metric leaves its bounds.

    Impossible values are refused before a record is written, and the cell fails.
    """
    metrics = tuple(
        _unbounded(each) if _reversed(each) else each for each in _unladdered(subject.info)
    )
    _impossible(subject, replace(subject.info, equal=(), metrics=metrics))


@conformance("metrics", "tasks")
def ladders_do_not_fall(subject: TaskSubject) -> None:
    """A metric on a ladder does not fall as k grows.

    Recall at 5 is no less than recall at 1. Otherwise two columns are swapped.
    """
    metrics = tuple(map(_unbounded, subject.info.metrics))
    _impossible(subject, replace(subject.info, equal=(), metrics=metrics))


@conformance("metrics", "tasks")
def equal_metrics_agree(subject: TaskSubject) -> None:
    """Metrics that must agree do.

    ``TaskInfo.equal`` names pairs that are one figure by two ways.
    """
    metrics = tuple(map(_unbounded, _unladdered(subject.info)))
    _impossible(subject, replace(subject.info, metrics=metrics))


@conformance("metrics", "tasks")
def every_metric_has_a_value(subject: TaskSubject) -> None:
    """No metric over columns is undefined for perfect and for random arrays alike.

    A column of nothing but NaN leaves all items out, and the board an empty column. Leave the
    metric out where these options can't define it.
    """
    both = [subject.measured(level) for level in _LEVELS]
    for name in (metric.name for metric in subject.info.metrics if metric.columns):
        if all(values[name].value is None for values in both):
            fail(
                expected=f"{name!r} to have a value for perfect or for random arrays",
                seen=f"none: {both[1][name].no_interval}",
                change="mend its columns, or leave the metric out of info",
            )


@conformance("metrics", "tasks")
def better_arrays_score_better(subject: TaskSubject) -> None:
    """Perfect arrays score no worse than half spoilt ones, and these no worse than random ones.

    In the primary metric, by its direction, within its interval. Half of the rows of every array
    are replaced by noise. Where the order is wrong, the direction is, or the scores are not what
    the metric says.
    """
    subject.require_items()
    name, sign = subject.primary.name, 1 if subject.primary.higher_is_better else -1
    inputs = subject.reference("perfect")
    rng = np.random.default_rng(0)
    spoilt = {key: _half_noise(values, rng) for key, values in inputs.arrays.items()}
    steps = {
        "perfect": subject.measured("perfect")[name],
        "half spoilt": subject.metrics(subject.score(replace(inputs, arrays=spoilt)))[name],
        "random": subject.measured("random")[name],
    }
    for (better, above), (worse, below) in zip(
        list(steps.items())[:-1], list(steps.items())[1:], strict=True
    ):
        if above.value is None or below.value is None:
            raise Blocked("the primary metric is undefined: see every_metric_has_a_value")
        if sign * (below.value - above.value) > max(map(_half_width, (above, below))) + 1e-9:
            fail(
                expected=f"{better} arrays to score no worse than {worse} ones in {name!r}",
                seen=f"{above.value:g} and {below.value:g}",
                change="mend higher_is_better, score(), or reference_arrays('perfect')",
            )


@conformance("metrics", "tasks")
def item_order_does_not_matter(subject: TaskSubject) -> None:
    """The order of the items changes no metric that is made of per-item columns.

    All collections are shuffled, rows of arrays and tables together, children as their parents.
    Metrics that ``score`` returns whole are left out: DCA, for one, draws by position.
    """
    subject.require_items()
    found = subject.metrics(subject.score(shuffled(subject)))
    columns = [metric.name for metric in subject.info.metrics if metric.columns]
    _unchanged(
        subject.measured("random"), {name: found[name] for name in columns},
        "with its items in another order",
        "look rows up by id or class, and break ties by something other than position",
    )  # fmt: skip


@conformance("metrics", "tasks")
def columns_make_the_metrics_again(subject: TaskSubject) -> None:
    """Per-item columns, written to a file and read back, give the same metrics.

    They are kept beside every record as Parquet, for significance tests and new metrics. Columns
    hold numbers, text, or lists of them, of one type a column.
    """
    for level in _LEVELS:
        evaluation = subject.evaluation(level)
        before = subject.measured(level)
        try:
            tables = read_tables(tables_to_parquet(evaluation.tables))
            after = evaluate_metrics(subject.info, replace(evaluation, tables=tables), resamples=1)
        except Exception as error:  # noqa: BLE001 - whatever is raised is what was seen
            fail(
                expected="the per-item columns to be written and read back",
                seen=described(error),
                change="give columns of one type: numbers, text, or lists of them",
            )
        _unchanged(
            before, after, "made from the columns that were written and read back",
            "give columns of one type: numbers, text, or lists of them",
        )  # fmt: skip


@conformance("metrics", "tasks")
def scored_ids_are_unique(subject: TaskSubject) -> None:
    """No id occurs twice in a table of scores.

    Two representations are compared item by item, by id. Where an item is scored twice (as query
    and in the gallery), use two tables.
    """
    for name, table in subject.evaluation("random").tables.items():
        ids = list(table.ids)
        if len(set(ids)) < len(ids):
            twice = next(each for each in ids if ids.count(each) > 1)
            fail(
                expected=f"the ids of the table {name!r} to be unique",
                seen=f"{twice!r} more than once",
                change="return one row an item, or two tables",
            )


@conformance("metrics", "tasks")
def scored_ids_are_the_collections(subject: TaskSubject) -> None:
    """Scores stand under the ids of the items.

    So that an error can be looked up. Where a table joins two collections, ids may be
    ``<collection>/<id>``.
    """
    subject.require_items()
    known = {
        name
        for key, each in subject.collections.items()
        for item in each.ids
        for name in (item, f"{key}/{item}")
    }
    for name, table in subject.evaluation("random").tables.items():
        strange = [each for each in table.ids if each not in known]
        if strange:
            fail(
                expected=f"the ids of the table {name!r} to be ids of the collections",
                seen=repr(strange[0]),
                change="take them from inputs.tables[...].ids",
            )


@conformance("metrics", "tasks")
def what_is_not_scored_is_auxiliary(subject: TaskSubject) -> None:
    """Of what is encoded, exactly the collections that are not judged are auxiliary.

    Prompts, proposals and corpora are auxiliary: they count neither as items nor as evaluated data,
    so that generated prompts don't make a record ``generated``. Set ``auxiliary=True`` on them.
    """
    subject.require_items()
    spec = subject.fit_spec
    learnt = (spec.train, spec.valid) if spec else ()
    tables = subject.evaluation("random").tables
    everywhere = {item for table in tables.values() for item in table.ids}
    ranked = tables.get(subject.primary.table, ItemTable([], {})).ids
    for key in dict.fromkeys(request.collection for request in subject.requests):
        collection = subject.collections[key]
        if key in learnt:
            continue
        ids = {name for item in collection.ids for name in (item, f"{key}/{item}")}
        if collection.auxiliary and not ids.isdisjoint(ranked):
            seen = "it is, and its items are what the primary metric is made of"
        elif not collection.auxiliary and ids.isdisjoint(everywhere):
            seen = "it is not, and none of its items has a score"
        else:
            continue
        fail(
            expected=f"{key!r} to be auxiliary exactly if it is not what is judged",
            seen=seen,
            change=f"set auxiliary={not collection.auxiliary} on it",
        )


@conformance("metrics", "tasks")
def parameters_are_plain(subject: TaskSubject) -> None:
    """Parameters can be written as JSON, and notes are text.

    They stand in the record: what was chosen while scoring, such as a probe's regularisation.
    """
    for level in _LEVELS:
        evaluation = subject.evaluation(level)
        try:
            json.dumps(dict(evaluation.parameters))
        except (TypeError, ValueError) as error:
            fail(
                expected="Evaluation.parameters to be plain data",
                seen=described(error),
                change="turn arrays into lists and numpy numbers into int or float",
            )
        wrong = [note for note in evaluation.notes if not isinstance(note, str)]
        if wrong:
            fail(
                expected="Evaluation.notes to be a tuple of texts",
                seen=repr(wrong[0]),
                change="return notes=('one note',)",
            )


def _impossible(subject: TaskSubject, info: TaskInfo) -> None:
    """Fail where values are impossible by this much of the info."""
    for level in _LEVELS:
        problems = check_values(info, subject.measured(level))
        if problems:
            fail(
                expected=f"possible values of {level} arrays",
                seen=problems[0],
                change="mend score(), or what info says of the metric",
            )


def _reversed(metric: MetricInfo) -> bool:
    """Whether its bounds exclude everything, which bounds_are_in_order reports."""
    low, high = metric.bounds
    return low is not None and high is not None and low >= high


def _unbounded(metric: MetricInfo) -> MetricInfo:
    return replace(metric, bounds=(None, None))


def _unladdered(info: TaskInfo) -> tuple[MetricInfo, ...]:
    return tuple(replace(metric, ladder=None) for metric in info.metrics)


def _half_noise(values: NDArray[Any], rng: np.random.Generator) -> NDArray[Any]:
    """An array with every second of its rows, in a random order, replaced by noise of its size."""
    found = np.array(values)
    rows = rng.permutation(len(found))[::2]
    noise = rng.standard_normal((len(rows), *found.shape[1:]), dtype=np.float32)
    found[rows] = noise * (float(found.std()) or 1.0)
    return found


def _unchanged(
    before: Mapping[str, MetricValue], after: Mapping[str, MetricValue], how: str, change: str
) -> None:
    """Fail where a metric changed by more than rounding."""
    changed = changed_metric(before, after)
    if changed:
        name, first, second = changed
        fail(expected=f"{name!r} to stay {first} {how}", seen=f"{second}", change=change)


def _half_width(value: MetricValue) -> float:
    return 0.0 if value.low is None or value.high is None else (value.high - value.low) / 2
