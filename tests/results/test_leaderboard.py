from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from record_samples import METRICS, Results, make_record, make_tables, make_task

from mmbench.api import ItemTable, MetricInfo
from mmbench.api.errors import StoreError, UsageError
from mmbench.results.differences import require_rows
from mmbench.results.leaderboard import build_leaderboards, cost_rows
from mmbench.results.record import DroppedItem, ErrorEntry, MetricValue

IDS = [f"i{row:03d}" for row in range(60)]
GOOD = np.where(np.arange(60) % 4 == 0, 3, 1)  # R@1 0.75
FAIR = np.where(np.arange(60) % 8 < 4, 7, 1)  # R@1 0.533, clearly below
CLOSE = np.where(np.arange(60) % 4 == 1, 3, 1)  # R@1 0.75 on other items
POOR = np.full(60, 9)


@pytest.fixture
def results():
    return Results()


def ranked(table):
    return [(r.name, r.rank, r.best) for r in table.rows if r.kind == "measured"]


def test_no_records():
    boards = build_leaderboards([], lambda _: {})
    assert (boards.tables, boards.summaries, boards.not_ranked, boards.costs) == ((), (), (), ())


def test_unknown_coverage():
    with pytest.raises(UsageError, match="unknown coverage 'all'"):
        build_leaderboards([], lambda _: {}, coverage="all")


def test_rows_rank_by_the_primary_metric(results):
    results.add("fair", FAIR)
    results.add("good", GOOD)
    results.add("poor", POOR)
    table = results.table()
    assert ranked(table) == [("good", 1, True), ("fair", 2, False), ("poor", 3, False)]
    row = table.rows[0]
    assert row.cells["R@1"].value == 0.75
    assert row.cells["R@1"].low == results.records[1].metrics["R@1"].low
    assert (row.used, row.total, row.seeds) == (60, 60, 1)
    assert row.keys == (results.records[1].key,)
    assert table.notes == ("paired bootstrap on R@1, p < 0.05",)


def test_lower_can_be_better(results):
    task = make_task(primary="median rank")
    results.add("fair", FAIR, task=task)
    results.add("poor", POOR, task=task)
    assert ranked(results.table()) == [("fair", 1, True), ("poor", 2, False)]


def test_equal_values_share_a_rank_and_the_bold(results):
    results.add("b", CLOSE)
    results.add("a", GOOD)
    results.add("poor", POOR)
    assert ranked(results.table()) == [("a", 1, True), ("b", 1, True), ("poor", 3, False)]


def test_an_insignificant_difference_is_bold_too(results):
    results.add("good", GOOD)
    almost = CLOSE.copy()
    almost[0] = 3
    results.add("almost", almost)
    assert ranked(results.table()) == [("good", 1, True), ("almost", 2, True)]


def test_undefined_rows_come_last_without_a_rank(results):
    record = results.add("undefined", GOOD)
    metrics = {**record.metrics, "R@1": MetricValue(value=None, no_interval="undefined")}
    results.records[0] = replace(record, metrics=metrics)
    results.add("zero", POOR)
    table = results.table()
    assert ranked(table) == [("zero", 1, True), ("undefined", None, False)]


def test_a_diagnostic_never_ranks(results):
    results.add("b", GOOD, task=make_task(primary="gap"))
    results.add("a", FAIR, task=make_task(primary="gap"))
    boards = results.build()
    assert ranked(boards.tables[0]) == [("a", None, False), ("b", None, False)]
    assert boards.summaries == ()


def test_without_per_item_scores_intervals_decide_and_the_row_says_so(results):
    gap = replace(METRICS[3], higher_is_better=True)
    task = make_task(primary="gap", metrics=(*METRICS[:3], gap))
    for label, value, low, high in (
        ("a", 0.9, 0.8, 1.0),
        ("b", 0.7, 0.6, 0.85),
        ("c", 0.1, 0, 0.2),
    ):
        record = results.add(label, GOOD, task=task)
        metric = MetricValue(value=value, low=low, high=high)
        results.records[-1] = replace(record, metrics={**record.metrics, "gap": metric})
    table = results.table()
    assert ranked(table) == [("a", 1, True), ("b", 2, True), ("c", 3, False)]
    note = "no paired test possible: compared with a by overlap of intervals"
    assert [note in row.notes for row in table.rows[:3]] == [False, True, True]
    assert table.notes == ()


def test_seeds_are_one_row_with_mean_spread_and_interval(results):
    rng = np.random.default_rng(0)
    means = []
    for seed in range(3):
        ranks = np.where(rng.random(60) < 0.3 + 0.1 * seed, 1, 6)
        means.append(float((ranks == 1).mean()))
        results.add("random", ranks, seed=seed)
    results.add("good", GOOD)
    row = next(row for row in results.table().rows if row.name == "random")
    cell = row.cells["R@1"]
    assert row.seeds == 3
    assert cell.value == pytest.approx(np.mean(means))
    assert cell.sd == pytest.approx(np.std(means, ddof=1))
    assert cell.low < cell.value < cell.high
    alone = results.records[0].metrics["R@1"]
    assert cell.high - cell.low > 0.8 * (alone.high - alone.low)
    assert row.cells["gap"].value == 0.5
    assert row.cells["gap"].low is None
    assert row.cells["gap"].note == "one value a space"
    assert len(row.keys) == 3


def test_seeds_over_other_items_are_resampled_apart(results):
    results.add("a", GOOD[:40], IDS[:40], seed=0)
    results.add("a", GOOD[20:], IDS[20:], seed=1)
    (row,) = (row for row in results.table().rows if row.kind == "measured")
    assert row.seeds == 2
    assert row.cells["R@1"].low is not None


def test_a_metric_undefined_for_one_seed_is_undefined(results):
    results.add("a", GOOD, seed=0)
    record = results.add("a", GOOD, seed=1)
    metrics = {**record.metrics, "R@1": MetricValue(value=None, no_interval="undefined")}
    results.records[1] = replace(record, metrics=metrics)
    cell = results.table().rows[0].cells["R@1"]
    assert (cell.value, cell.note) == (None, "undefined for some seeds")


def test_seeds_without_items_have_no_interval(results):
    for seed in (0, 1):
        record = results.add("a", GOOD, seed=seed)
        del results.by_key[record.key]
    cell = results.table().rows[0].cells["R@1"]
    assert (cell.value, cell.low, cell.note) == (0.75, None, "no per-item scores")


def test_a_repeated_seed_counts_once_and_the_older_record_is_listed(results):
    results.add("a", GOOD, seed=0)
    later = results.add("a", FAIR, seed=0)
    old, new = results.records
    results.records = [
        replace(old, key="old"),
        replace(new, key="new", created="2026-12-01T00:00:00+00:00"),
    ]
    results.by_key = {"old": make_tables(GOOD), "new": results.by_key[later.key]}
    boards = results.build()
    assert boards.tables[0].rows[0].keys == ("new",)
    assert [(e.status, e.reason) for e in boards.not_ranked] == [
        ("left out", "record new is a later one")
    ]


def test_what_to_do_about_a_failed_cell_is_kept_with_it(results):
    message = "gmc: the loss is NaN at step 3\n  lower the learning rate,\n  or clip"
    error = ErrorEntry(type="DataError", message=message)
    results.records.append(make_record("bad", status="failed", error=error))
    (entry,) = results.build().not_ranked
    assert entry.reason == "DataError: gmc: the loss is NaN at step 3"
    assert entry.fix == "lower the learning rate,\nor clip"


def test_failed_skipped_and_partial_cells_are_listed_not_ranked(results):
    results.add("ok", GOOD)
    results.add("cut", GOOD, partial=True)
    results.records.append(
        make_record("bad", status="failed", error=ErrorEntry(type="ValueError", message="NaN\nat"))
    )
    results.records.append(make_record("odd", status="failed"))
    reason = "no audio\n  make some"
    results.records.append(make_record("deaf", status="skipped", reason=reason, seed=1))
    boards = results.build()
    assert [e.fix for e in boards.not_ranked] == ["", "", "make some", ""]
    assert [(e.representation, e.status, e.reason) for e in boards.not_ranked] == [
        ("bad", "failed", "ValueError: NaN"),
        ("cut", "partial", "run on a part of the data"),
        ("deaf", "skipped", "no audio"),
        ("odd", "failed", "no error recorded"),
    ]
    assert [row.name for row in boards.tables[0].rows if row.rank] == ["ok"]


def test_unreadable_items_leave_the_row_out():
    def broken(_):
        raise StoreError("its items do not match the record's checksum", where="x")

    boards = build_leaderboards([make_record("a")], broken)
    assert [(e.status, e.reason) for e in boards.not_ranked] == [
        ("left out", "its items do not match the record's checksum")
    ]


def uneven(results):
    results.add("all", FAIR)
    results.add("most", POOR)
    ids = [f"i{row:03d}" for row in range(30)]
    results.add("half", np.ones(30), ids, items_total=60)


def test_report_marks_other_items_and_keeps_them_out_of_significance(results):
    uneven(results)
    boards = results.build()
    table = boards.tables[0]
    assert ranked(table) == [("half", 1, False), ("all", 2, True), ("most", 3, False)]
    note = "over other items (30) than the other rows"
    assert table.rows[0].notes == (note,)
    assert (table.rows[0].used, table.rows[0].total) == (30, 60)
    assert {row.name: row.notes for row in boards.summaries[0].rows} == {
        "half": (f"retrieval: {note}",),
        "all": (),
        "most": (),
    }


def test_strict_leaves_other_items_out(results):
    uneven(results)
    boards = results.build(coverage="strict")
    assert ranked(boards.tables[0]) == [("all", 1, True), ("most", 2, False)]
    assert [(e.representation, e.status, e.reason) for e in boards.not_ranked] == [
        ("half", "left out", "over other items (30) than the other rows (coverage: strict)")
    ]


def test_intersect_reduces_all_rows_to_common_items(results):
    uneven(results)
    results.add("seeded", GOOD, seed=0)
    results.add("seeded", CLOSE, seed=1)
    table = results.table(coverage="intersect")
    cells = {row.name: row.cells for row in table.rows if row.kind == "measured"}
    assert cells["all"]["R@1"].value == pytest.approx(float((FAIR[:30] == 1).mean()))
    assert cells["all"]["R@1"].low is not None
    assert cells["seeded"]["R@1"].value == pytest.approx(
        float((GOOD[:30] == 1).mean() + (CLOSE[:30] == 1).mean()) / 2
    )
    assert cells["all"]["gap"].value is None
    assert "no function of per-item scores" in cells["all"]["gap"].note
    assert {row.used for row in table.rows if row.kind == "measured"} == {30}
    assert ranked(table)[0] == ("half", 1, True)
    assert "all rows on the items that they have in common" in table.notes


def test_intersect_without_common_items(results):
    results.add("a", GOOD[:30], IDS[:30])
    results.add("b", GOOD[30:], IDS[30:])
    table = results.table(coverage="intersect")
    assert ranked(table) == [("a", None, False), ("b", None, False)]
    assert table.rows[0].cells["R@1"].note == "no common items"


def test_intersect_leaves_even_rows_as_recorded(results):
    results.add("a", GOOD)
    results.add("b", FAIR)
    assert results.table(coverage="intersect") == results.table()


@pytest.mark.parametrize("coverage", ["report", "strict", "intersect"])
def test_another_version_of_the_data_is_never_compared(results, coverage):
    for label in ("a", "b", "c"):
        record = results.add(label, GOOD)
        if label == "c":
            data = (replace(record.data[0], fingerprint="data-2"),)
            results.records[-1] = replace(record, data=data)
    boards = results.build(coverage=coverage)
    rows = ranked(boards.tables[0])
    if coverage == "report":
        assert rows == [("a", 1, True), ("b", 1, True), ("c", 1, False)]
        assert boards.tables[0].rows[2].notes == ("over another version of the data",)
    else:
        assert rows == [("a", 1, True), ("b", 1, True)]
        assert [e.representation for e in boards.not_ranked] == ["c"]


def test_auxiliary_collections_may_differ(results):
    results.add("a", GOOD)
    record = results.add("b", GOOD)
    prompts = replace(record.data[0], name="prompts", auxiliary=True, fingerprint="p")
    results.records[-1] = replace(record, data=(*record.data, prompts))
    assert ranked(results.table()) == [("a", 1, True), ("b", 1, True)]


def test_without_items_what_was_dropped_tells_rows_apart(results):
    for label, dropped in (("a", "x"), ("b", "x"), ("c", "y")):
        record = results.add(label, GOOD)
        data = (replace(record.data[0], dropped=(DroppedItem(dropped, "broken"),)),)
        results.records[-1] = replace(record, data=data)
        del results.by_key[record.key]
    table = results.table()
    assert [bool(row.notes and "other items" in row.notes[0]) for row in table.rows[:3]] == [
        False,
        False,
        True,
    ]


def test_repeated_ids_are_told_apart(results):
    ids = ["same"] * 60
    results.add("good", GOOD, ids)
    results.add("poor", POOR, ids)
    assert ranked(results.table()) == [("good", 1, True), ("poor", 2, False)]


def test_real_and_generated_are_ranked_apart(results):
    results.add("a", GOOD)
    results.add("b", POOR)
    results.add("b", FAIR, provenance="generated", generated_streams=("audio",), key="g1")
    results.add("a", POOR, provenance="generated", generated_streams=("text",), key="g2")
    boards = results.build()
    assert [(t.title, t.provenance, len(ranked(t))) for t in boards.tables] == [
        ("retrieval", "real", 2),
        ("retrieval", "generated", 2),
    ]
    assert boards.tables[1].generated_streams == ("audio", "text")
    assert [(s.provenance, [r.name for r in s.rows]) for s in boards.summaries] == [
        ("real", ["a", "b"]),
        ("generated", ["b", "a"]),
    ]


def test_other_options_or_versions_are_another_table(results):
    results.add("a", GOOD)
    results.add("b", FAIR, task=make_task(options={"ties": "optimistic"}))
    results.add("c", FAIR, task=make_task(version="2"))
    tables = results.build().tables
    assert len({table.title for table in tables}) == 3
    assert all(table.title.startswith("retrieval [") for table in tables)


def test_a_yardstick_is_shown_with_its_interval_and_never_ranked(results):
    record = results.add("random", GOOD)
    yardstick = replace(record.representation, family="yardstick")
    results.records[-1] = replace(record, representation=yardstick)
    results.add("poor", POOR)
    (table,) = results.build().tables
    assert ranked(table) == [("poor", 1, True)]
    row = next(row for row in table.rows if row.name == "random")
    assert (row.kind, row.rank, row.best) == ("yardstick", None, False)
    assert row.cells["R@1"].low is not None
    assert results.build().summaries == ()
    results.add("fair", FAIR)
    (summary,) = results.build().summaries
    assert [entry.name for entry in summary.rows] == ["fair", "poor"]
    families = {entry.label: entry.family for entry in results.build().representations}
    assert families["random"] == "yardstick"


def test_one_representation_alone_makes_no_summary(results):
    results.add("a", GOOD)
    results.add("a", GOOD, task=make_task("two"))
    assert results.build().summaries == ()


def test_no_minus_zero(results):
    record = results.add("a", POOR)
    zero = MetricValue(value=-0.0, low=-0.0, high=-0.0)
    results.records[-1] = replace(record, metrics={**record.metrics, "R@1": zero})
    cell = results.table().rows[0].cells["R@1"]
    assert [math.copysign(1, each) for each in (cell.value, cell.low, cell.high)] == [1, 1, 1]


def test_references_are_rounded_to_twelve_digits(results):
    results.add("a", GOOD, references={"chance": {"R@1": 0.0024999999999999467}})
    assert references(results.table())["chance"].cells["R@1"].value == 0.0025


def test_summary_over_tasks(results):
    for task in ("one", "two"):
        results.add("steady", FAIR, task=make_task(task))
    results.add("shirker", GOOD, task=make_task("one"))
    (summary,) = results.build().summaries
    assert [(r.name, r.rank, r.points, r.tasks, r.of) for r in summary.rows] == [
        ("shirker", 1, 1.0, 1, 2),
        ("steady", 1, 1.0, 2, 2),
    ]


def references(table):
    return {row.name: row for row in table.rows if row.kind == "reference"}


def test_reference_levels_are_unranked_rows(results):
    results.add("a", GOOD)
    rows = references(results.table())
    assert rows["chance"].cells["R@1"].value == 0.01
    assert rows["ceiling"].rank is None
    assert "R@5" not in rows["ceiling"].cells
    assert rows["chance"].notes == ()


def test_reference_levels_that_disagree_are_averaged(results):
    for seed, chance in enumerate((0.1, 0.2, 0.3)):
        levels = {"random": {"R@1": chance, "R@5": None}}
        results.add("a", GOOD, seed=seed, references=levels)
    row = references(results.table())["random"]
    assert row.cells["R@1"].value == pytest.approx(0.2)
    assert row.cells["R@1"].sd == pytest.approx(0.1)
    assert row.cells["R@5"].value is None
    assert row.notes == ("mean over 3 different levels",)


def published(label="a", value=0.7, **fields):
    record = make_record(label, source="published", verified=True, **fields)
    metric = MetricValue(value=value, no_interval="not published")
    return replace(record, key=f"published-{label}", metrics={"R@1": metric})


def test_published_figures_stand_beside_with_their_distance(results):
    results.add("a", GOOD)
    results.records.append(published())
    table = results.table()
    row = next(row for row in table.rows if row.kind == "published")
    assert (row.name, row.rank, row.best) == ("a", None, False)
    assert row.notes == ("published, verified", "a measured minus published: R@1 +5.0")
    assert ranked(table) == [("a", 1, True)]
    assert all(row.kind != "published" for row in results.table(show_published=False).rows)


def test_published_figures_without_a_run(results):
    results.records.append(published("other"))
    boards = results.build()
    assert [(row.name, row.kind) for row in boards.tables[0].rows] == [("other", "published")]
    assert boards.summaries == ()
    assert boards.costs == ()


def test_a_figure_of_another_protocol_has_no_distance_and_says_why(results):
    results.add("a", GOOD)
    results.records.append(published(task=make_task(options={"ties": "optimistic"})))
    row = next(row for row in results.table().rows if row.kind == "published")
    assert row.notes == ("published, verified", "measured with ties = optimistic")


def test_a_metric_that_papers_alone_have_gets_a_column(results):
    results.add("a", GOOD)
    extra = MetricInfo("paper R@1", no_interval="published without one")
    unused = MetricInfo("paper R@5", no_interval="published without one")
    task = make_task(metrics=(*METRICS, extra, unused))
    value = MetricValue(value=0.3, no_interval="published without one")
    results.records.append(replace(published("p"), task=task, metrics={"paper R@1": value}))
    table = results.table()
    assert [metric.name for metric in table.metrics] == [*(m.name for m in METRICS), "paper R@1"]
    cells = {row.name: row.cells.get("paper R@1") for row in table.rows if row.kind != "reference"}
    assert cells["a"] is None
    assert cells["p"].value == 0.3
    assert all(row.rank is None for row in table.rows if row.kind == "published")


def test_a_table_of_figures_alone_claims_no_options(results):
    for label, ties in (("p", "optimistic"), ("q", "pessimistic")):
        results.records.append(published(label, task=make_task(options={"ties": ties})))
    (table,) = results.build().tables
    assert table.options == {}
    notes = {row.name: row.notes[1:] for row in table.rows}
    assert notes == {
        "p": ("measured with ties = optimistic",),
        "q": ("measured with ties = pessimistic",),
    }


def test_cost_of_measured_cells_only():
    rows = cost_rows([make_record("a", seed=1), make_record("b", status="failed"), published()])
    assert [(row.representation, row.seed, row.seconds["encode"]) for row in rows] == [
        ("a", 1, 1.25)
    ]


def test_a_metric_in_another_table(results):
    metric = MetricInfo("text→image R@1", ("hit@1",), table="text→image")
    task = make_task(metrics=(*METRICS, metric), primary=metric.name)
    for label, ranks in (("a", GOOD), ("b", POOR)):
        record = results.add(label, ranks)
        tables = {**results.by_key[record.key], **make_tables(ranks, name="text→image")}
        value = MetricValue(value=float((ranks == 1).mean()), low=0, high=1)
        results.records[-1] = replace(
            record, task=task, metrics={**record.metrics, metric.name: value}
        )
        results.by_key[record.key] = tables
    assert ranked(results.table()) == [("a", 1, True), ("b", 2, False)]


@settings(max_examples=15, deadline=None)
@given(st.randoms(), st.sampled_from(["report", "strict", "intersect"]))
def test_order_of_records_does_not_matter(random, coverage):
    results = Results()
    uneven(results)
    for seed in (0, 1):
        results.add("seeded", GOOD, seed=seed)
    results.add("twin", GOOD)
    results.records.append(published("all"))
    expected = results.build(coverage=coverage, resamples=50)
    random.shuffle(results.records)
    assert results.build(coverage=coverage, resamples=50) == expected


def test_rows_of_a_table_with_a_missing_metric(results):
    results.add("a", GOOD)
    extra = MetricInfo("extra", ("rank",), "mean", unit="rank", bounds=(1, None))
    record = results.add("b", GOOD)
    task = make_task(metrics=(*METRICS, extra))
    value = MetricValue(value=2.0, low=1.0, high=3.0)
    results.records[-1] = replace(record, task=task, metrics={**record.metrics, "extra": value})
    table = results.table()
    assert [metric.name for metric in table.metrics][-1] == "extra"
    assert "extra" not in table.rows[0].cells
    assert table.rows[1].cells["extra"].value == 2.0
    assert math.isclose(table.rows[1].cells["extra"].low, 1.0)


def test_intersect_with_undefined_common_items(results):
    nan = np.full(30, np.nan)
    for label, count in (("a", 30), ("b", 20)):
        record = results.add(label, np.ones(count), [f"i{i:03d}" for i in range(count)])
        items = results.by_key[record.key]["items"]
        columns = {**items.columns, "hit@5": nan[:count]}
        results.by_key[record.key] = {"items": ItemTable(items.ids, columns)}
    cells = results.table(coverage="intersect").rows[0].cells
    assert cells["R@5"].value is None
    assert cells["R@1"].value == 1.0


def test_one_row_against_all_others(results):
    rng = np.random.default_rng(3)
    ranks = {seed: np.where(rng.random(60) < 0.5, 1, 9) for seed in range(4)}
    for seed in range(3):
        results.add("mine", ranks[seed], seed=seed)
        # Of each four that mine hits, this one loses one.
        results.add("twin", np.where(np.arange(60) % 4 == 0, 9, ranks[seed]), seed=seed)
        results.add("apart", ranks[seed + 1], seed=seed + 1)
    results.add("fixed", GOOD)
    boards = results.build(against=["mine", "nobody"])
    (compared,) = boards.differences
    assert (compared.against, compared.title) == ("mine", boards.tables[0].title)
    mine = next(row for row in boards.tables[0].rows if row.name == "mine")
    assert compared.value == mine.cells["R@1"].value
    assert [row.name for row in compared.rows] == [
        row.name for row in boards.tables[0].rows if row.kind == "measured" and row is not mine
    ]
    found = {row.name: row for row in compared.rows}
    hits = np.stack([ranks[seed] == 1 for seed in range(3)])
    lost = hits[:, np.arange(60) % 4 == 0].sum() / 180
    assert found["twin"].difference == pytest.approx(lost)
    assert 0 <= found["twin"].low <= lost <= found["twin"].high
    assert {name: row.seeds for name, row in found.items()} == {"twin": 3, "apart": 0, "fixed": 3}
    assert found["fixed"].difference == pytest.approx(mine.cells["R@1"].value - 0.75)
    assert found["fixed"].n == 60
    assert results.build().differences == ()


def test_rows_over_other_items_are_compared_on_common_ones(results):
    results.add("mine", GOOD)
    results.add("half", GOOD[30:], IDS[30:])
    results.add("elsewhere", GOOD, [f"other-{name}" for name in IDS])
    (compared,) = results.build(against=["mine"]).differences
    found = {row.name: row for row in compared.rows}
    assert (found["half"].difference, found["half"].n, found["half"].p_value) == (0.0, 30, 1.0)
    assert found["elsewhere"].difference is None
    assert found["elsewhere"].note == "no common items"


def test_without_per_item_scores_there_is_no_difference(results):
    for name in ("mine", "other"):
        results.add(name, GOOD, task=make_task(primary="gap"))
    (compared,) = results.build(against=["mine"]).differences
    (row,) = compared.rows
    assert (row.value, row.difference, row.note) == (0.5, None, "no function of per-item scores")


def test_a_row_that_is_not_there_is_named():
    with pytest.raises(UsageError, match="no row of the leaderboard is called 'nobody'") as caught:
        require_rows(["nobody"], [])
    assert "the rows are: none" in caught.value.fix


def test_seeds_go_together_where_both_rows_have_the_same(results):
    """The bold of a table is decided as its differences are."""
    rng = np.random.default_rng(3)
    hard = rng.random(60)
    for seed, level in enumerate((0.3, 0.5, 0.7)):
        results.add("mine", np.where(hard < level, 1, 9), seed=seed)
        results.add("less", np.where(hard < level - 0.15, 1, 9), seed=seed)
    assert ranked(results.table()) == [("mine", 1, True), ("less", 2, False)]
    for record in results.records:
        if record.representation.label == "less":
            key = record.key
            other = replace(record, seed=record.seed + 3)
            results.records[results.records.index(record)] = other
            assert key in results.by_key
    assert ranked(results.table()) == [("mine", 1, True), ("less", 2, True)]
