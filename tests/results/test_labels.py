"""What rows are called, and what the leaderboards say that they are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from record_samples import Results, make_record, make_task

from mmbench.results.record import MetricValue

GOOD, FAIR, POOR = np.ones(12), np.repeat([1, 3], 6), np.full(12, 9)


@pytest.fixture
def results():
    return Results()


def ranked(table):
    return [row.name for row in table.rows if row.kind == "measured"]


def with_options(results, label, ranks, fingerprint, options, **fields):
    record = results.add(label, ranks, fingerprint=fingerprint, **fields)
    entry = replace(record.representation, options=options)
    results.records[-1] = replace(record, representation=entry)


def test_one_label_two_sets_of_weights_are_two_rows(results):
    results.add("a", GOOD, fingerprint="0123456789")
    results.add("a", FAIR, fingerprint="abcdefghij")
    assert ranked(results.table()) == ["a [01234567]", "a [abcdefgh]"]


def test_one_label_with_several_options_is_named_by_what_differs(results):
    with_options(results, "a", GOOD, "f1", {"dim": 64, "shrinkage": 0.1, "mode": "x"})
    with_options(results, "a", FAIR, "f2", {"dim": 64, "shrinkage": 0.3, "mode": "x"})
    with_options(results, "b", POOR, "f3", {"dim": 64})
    # Elsewhere only one of them was run: its name is the same, so the summary knows it.
    task = make_task("another")
    with_options(results, "a", GOOD, "f2", {"dim": 64, "shrinkage": 0.3, "mode": "x"}, task=task)
    with_options(results, "b", FAIR, "f3", {"dim": 64}, task=task)
    boards = results.build()
    names = ["a (shrinkage = 0.1)", "a (shrinkage = 0.3)", "b"]
    assert [ranked(table) for table in boards.tables] == [
        names[1:],
        names,
    ]
    assert [(e.label, e.fingerprint, e.options["dim"]) for e in boards.representations] == [
        (names[0], "f1", 64),
        (names[1], "f2", 64),
        ("b", "f3", 64),
    ]
    assert boards.tables[1].rows[0].representation == names[0]
    assert sorted({row.name: row.tasks for row in boards.summaries[0].rows}.items()) == [
        (names[0], 1),
        (names[1], 2),
        ("b", 2),
    ]
    assert {row.representation for row in boards.costs} == set(names)


def test_options_that_are_long_or_shared_leave_the_fingerprint(results):
    with_options(results, "a", GOOD, "11111111x", {"note": "n" * 80})
    with_options(results, "a", FAIR, "22222222x", {"note": "short"})
    with_options(results, "b", GOOD, "33333333x", {"k": 1})
    with_options(results, "b", FAIR, "44444444x", {"k": 2})
    with_options(results, "b", POOR, "55555555x", {"k": 2})
    with_options(results, "c", GOOD, "66666666x", {})
    with_options(results, "c", FAIR, "66666666y", {})
    assert set(ranked(results.table())) == {
        "a [11111111]", "a (note = short)", "b (k = 1)", "b [44444444]", "b [55555555]",
        "c [66666666x]", "c [66666666y]",
    }  # fmt: skip


def test_representations_are_those_on_a_table(results):
    record = results.add("a", GOOD)
    other = replace(record.representation, distribution="plugin", distribution_version="1.1")
    results.records.append(
        replace(record, key="k2", seed=1, representation=other, task=make_task("two"))
    )
    results.records.append(make_record("failed", status="failed"))
    results.records.append(make_record("cut", partial=True))
    figure = make_record("paper", source="published", verified=True)
    metric = MetricValue(value=0.7, no_interval="not published")
    results.records.append(replace(figure, metrics={"R@1": metric}))
    (entry,) = results.build().representations
    assert (entry.label, entry.name, entry.version) == ("a", "a", "1")
    assert entry.distribution_version.split(", ")[-1] == "1.1"
    assert entry.options == {"dim": 64}


def test_one_label_on_two_versions_of_the_data_is_two_rows(results):
    results.add("a", GOOD)
    record = results.add("a", FAIR, seed=0)
    data = (replace(record.data[0], fingerprint="data-2"),)
    results.records[-1] = replace(record, data=data)
    names = ranked(results.table())
    assert len(set(names)) == 2
    assert all(name.startswith("a [data ") for name in names)
    assert [entry.label for entry in results.build().representations] == ["a"]
