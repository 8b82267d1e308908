"""Checks: scores stand under their items, the same ones are judged, and some may be gone."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from mmbench.testing.checks import Blocked, NotRelevant, conformance, described, fail
from mmbench.testing.rows import shuffled, taken

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from mmbench.api import Evaluation, ItemTable, Level, MetricInfo, ScoreInputs
    from mmbench.results.record import MetricValue
    from mmbench.testing.tasks import TaskSubject

#: Values that differ by less, relative to the largest, differ by rounding.
_ROUNDING = 1e-6
#: Of so many items one is dropped.
_DROPPED = 10


@conformance("metrics", "tasks")
def scores_stand_under_their_items(subject: TaskSubject) -> None:
    """In another order of the items, each id has the score that it had before.

    Metrics are means, which don't show it when scores stand under the wrong ids; significance tests
    and error analyses go by id. Take the ids of a table from the same rows as its values.
    """
    if subject.info.seeded:
        raise NotRelevant("it is seeded, and may draw by position")
    subject.require_items()
    first = subject.evaluation("random")
    second = subject.score(shuffled(subject))
    before, after = subject.measured("random"), subject.metrics(second)
    for name in (each.name for each in subject.info.metrics if each.columns):
        if not _near(before[name].value, after[name].value):
            raise Blocked("a metric changes: see item_order_does_not_matter")
    for metric in subject.info.metrics:
        for column in metric.columns:
            ours, theirs = (_by_id(each, metric, column) for each in (first, second))
            numbers = [abs(v) for v in ours.values() if isinstance(v, float) and np.isfinite(v)]
            for item, value in ours.items():
                other = theirs.get(item)
                if item not in theirs or not _near(value, other, max(numbers, default=1.0)):
                    fail(
                        expected=f"{item!r} to keep its {column!r}, {value!r:.30}, when the "
                        "items are in another order",
                        seen="no score" if item not in theirs else f"{other!r:.30}",
                        change="give ItemTable(ids, columns) ids and values of the same rows",
                    )


@conformance("metrics", "tasks")
def the_same_items_are_judged(subject: TaskSubject) -> None:
    """Which items have a score does not depend on the vectors.

    Else two representations are compared on different items, and one that abstains where it is
    unsure looks better. Give NaN only where the tables say that an item has no answer; an item that
    is not found is wrong.
    """
    levels: tuple[tuple[Level, int], ...] = (("perfect", 0), ("random", 0), ("random", 1))
    found = [(level, subject.evaluation(level, seed=seed)) for level, seed in levels]
    first = found[0][1]
    for metric in (each for each in subject.info.metrics if each.columns):
        column = metric.columns[0]
        judged = _scored(_by_id(first, metric, column))
        for level, evaluation in found[1:]:
            others = _scored(_by_id(evaluation, metric, column))
            for item in sorted(judged ^ others):
                fail(
                    expected=f"the same items to have a value of {column!r}, whatever the vectors",
                    seen=f"{item!r} has one for {'perfect' if item in judged else level} arrays, "
                    f"and none for {level if item in judged else 'perfect'} ones",
                    change="leave items out by their tables alone, not by their vectors",
                )


@conformance("metrics", "tasks")
def no_metric_is_better_for_random_arrays(subject: TaskSubject) -> None:
    """In every metric with a direction, perfect arrays are no worse than random ones.

    Within its interval. Boards mark the best value of each column, so that an error that is called
    an accuracy praises the worst. ``higher_is_better=None`` is for what is neither good nor bad.
    """
    twins = {name for pair in subject.info.equal if subject.info.primary in pair for name in pair}
    perfect, random = subject.measured("perfect"), subject.measured("random")
    for metric in subject.info.metrics:
        name, sign = metric.name, 1 if metric.higher_is_better else -1
        above, below = perfect[name], random[name]
        if metric.higher_is_better is None or name == subject.primary.name or name in twins:
            continue  # better_arrays_score_better is about the primary one
        if above.value is None or below.value is None:
            continue
        wide = max(map(_half_width, (above, below)))
        if sign * (below.value - above.value) > wide + 1e-9:
            fail(
                expected=f"perfect arrays to score no worse than random ones in {name!r}, where "
                f"{'higher' if sign > 0 else 'lower'} is better",
                seen=f"{above.value:g} and {below.value:g}",
                change="mend its higher_is_better (None = neither good nor bad), or its column",
            )


@conformance("metrics", "tasks")
def dropped_items_are_no_error(subject: TaskSubject) -> None:
    """Where a tenth of the items is gone, the others are scored.

    The runner drops items that can't be decoded, and children with their parents. Look others up
    with care: a partner, a crop, a negative may not be there. Leave such a pair out.
    """
    subject.require_items()
    subject.evaluation("random")
    inputs = _with_fewer(subject)
    try:
        subject.run(subject.new(), inputs)
    except Exception as error:  # noqa: BLE001 - whatever a task raises is what was seen
        fail(
            expected="scores of the other items, where one of ten was dropped",
            seen=f"it raised {described(error)}",
            change="look ids up in the tables that score() is handed, and leave out what is gone",
        )


def _with_fewer(subject: TaskSubject) -> ScoreInputs:
    """Scoring's inputs without a tenth of the rows of what is requested, and their children."""
    inputs = subject.reference("random")
    wanted = {request.name: request.collection for request in subject.requests}
    scored = {i for table in subject.evaluation("random").tables.values() for i in table.ids}
    spec = subject.fit_spec
    thinner = {
        key
        for key in wanted.values()
        if not subject.collections[key].auxiliary  # its rows are all there, or the cell fails
        and (
            (spec is not None and key in (spec.train, spec.valid))
            or not scored.isdisjoint((*inputs.tables[key].ids, *_named(key, inputs.tables[key])))
        )  # else what_is_not_scored_is_auxiliary says so
    }
    kept: dict[str, NDArray[np.int64]] = {}
    for key in inputs.tables:
        _kept(subject, key, inputs.tables, thinner, kept)
    arrays = {name: each[kept[wanted[name]]] for name, each in inputs.arrays.items()}
    tables = {key: taken(table, kept[key]) for key, table in inputs.tables.items()}
    return replace(inputs, arrays=arrays, tables=tables)


def _kept(
    subject: TaskSubject,
    key: str,
    tables: Mapping[str, ItemTable],
    thinner: set[str],
    kept: dict[str, NDArray[np.int64]],
) -> NDArray[np.int64]:
    """The rows of a collection that are kept."""
    if key not in kept:
        collection, rows = subject.collections[key], np.arange(len(tables[key]))
        above = getattr(collection, "parent", None)
        parent = next((k for k, each in subject.collections.items() if each is above), None)
        if parent is not None and "parent" in tables[key].columns:
            alive = {
                tables[parent].ids[row] for row in _kept(subject, parent, tables, thinner, kept)
            }
            rows = rows[[each in alive for each in tables[key]["parent"]]]
        elif key in thinner and len(rows) > 1:
            rows = np.delete(rows, rows[min(_DROPPED // 2, len(rows) - 1) :: _DROPPED])
        kept[key] = rows
    return kept[key]


def _named(key: str, table: ItemTable) -> list[str]:
    return [f"{key}/{item}" for item in table.ids]


def _by_id(evaluation: Evaluation, metric: MetricInfo, column: str) -> dict[str, Any]:
    """A column's values by id."""
    table = evaluation.tables.get(metric.table)
    if table is None or column not in table.columns:
        raise Blocked("a column is missing: see metrics_are_computed")
    if len(set(table.ids)) < len(table.ids):
        raise Blocked("an id occurs twice: see scored_ids_are_unique")
    return dict(zip(table.ids, np.asarray(table.columns[column]).tolist(), strict=True))


def _scored(values: Mapping[str, Any]) -> set[str]:
    return {item for item, value in values.items() if not _is_missing(value)}


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and np.isnan(value))


def _near(first: Any, second: Any, scale: float = 1.0) -> bool:
    """Whether two values differ by no more than rounding; NaN and None are missing alike."""
    if _is_missing(first) or _is_missing(second):
        return _is_missing(first) and _is_missing(second)
    if isinstance(first, float) and isinstance(second, float):
        return abs(first - second) <= _ROUNDING * max(scale, abs(first))
    return bool(first == second)


def _half_width(value: MetricValue) -> float:
    return 0.0 if value.low is None or value.high is None else (value.high - value.low) / 2
