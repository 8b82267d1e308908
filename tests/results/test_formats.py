from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import pytest

from mmbench.api import MetricInfo
from mmbench.results.boards import (
    Cell,
    CostRow,
    DifferenceRow,
    Differences,
    Leaderboards,
    NotRanked,
    RepresentationRow,
    Row,
    Summary,
    SummaryRow,
    Table,
)
from mmbench.results.display import (
    display_cells,
    display_costs,
    display_overview,
    display_summary,
    display_training,
    format_cell,
)
from mmbench.results.formats import (
    TIDY,
    costs_to_csv,
    costs_to_markdown,
    from_json_text,
    tidy_rows,
    to_csv,
    to_json_text,
    to_markdown,
)

R1 = MetricInfo("audio→image R@1", ("hit",), description="share of queries hit at *1*")
RANK = MetricInfo("median rank", ("rank",), "median", unit="rank", higher_is_better=False)
GAP = MetricInfo("gap", unit="1", higher_is_better=None)

TABLE = Table(
    title="digits_retrieval",
    name="numbers-retrieval",
    version="1",
    protocol="retrieval",
    provenance="generated",
    primary=R1.name,
    metrics=(R1, RANK, GAP),
    options={"ties": "expected", "k": [1, 5]},
    generated_streams=("audio",),
    notes=("paired bootstrap on audio→image R@1, p < 0.05",),
    rows=(
        Row(
            name="cca|数",
            representation="cca|数",
            rank=1,
            best=True,
            cells={
                R1.name: Cell(value=0.3174, low=0.29, high=0.344, sd=0.01, n=400),
                "median rank": Cell(value=12.5, low=11, high=14, n=400),
                "gap": Cell(value=-0.00001, note="one value a space"),
            },
            used=4871,
            total=5158,
            seeds=3,
            notes=("over other items (4871) than the other rows",),
            keys=("k1",),
        ),
        Row(
            name="other",
            representation="other",
            rank=2,
            cells={R1.name: Cell(value=None, note="undefined on these items")},
            used=5158,
            total=5158,
            seeds=1,
        ),
        Row(
            name="random",
            kind="yardstick",
            representation="random",
            cells={R1.name: Cell(value=0.0025, low=0.0, high=0.0075, n=5158)},
        ),
        Row(
            name="cca",
            kind="published",
            cells={R1.name: Cell(value=0.33)},
            notes=("published, verified: A. Author, *A Paper*", "cca: R@1 -1.3"),
        ),
        Row(name="random", kind="reference", cells={R1.name: Cell(value=0.0025)}),
    ),
)
BOARDS = Leaderboards(
    coverage="report",
    tables=(TABLE,),
    differences=(
        Differences(
            against="cca|数",
            title="digits_retrieval",
            provenance="generated",
            metric=R1,
            value=0.3174,
            rows=(
                DifferenceRow(
                    name="other",
                    kind="measured",
                    value=None,
                    difference=None,
                    note="no common items",
                ),
                DifferenceRow(
                    name="random",
                    kind="yardstick",
                    value=0.0025,
                    difference=0.3149,
                    low=0.28,
                    high=0.35,
                    p_value=0.0002,
                    n=400,
                    seeds=3,
                ),
                DifferenceRow(
                    name="third",
                    kind="measured",
                    value=0.3175,
                    difference=-0.0001,
                    low=-0.02,
                    high=0.02,
                    p_value=0.9,
                    n=400,
                ),
            ),
        ),
    ),
    summaries=(
        Summary(
            provenance="generated",
            rows=(
                SummaryRow(name="cca|数", rank=1, points=1.5, tasks=1, of=8),
                SummaryRow(name="other", rank=2, points=0.0, tasks=1, of=8),
            ),
        ),
    ),
    representations=(
        RepresentationRow(
            label="cca|数",
            name="cca",
            version="2",
            distribution="some-plugin",
            distribution_version="1.4",
            options={"shrinkage": 0.3, "first": "audio"},
            fingerprint="0123456789abcdef",
            parameters=12345,
        ),
        RepresentationRow(label="random", name="random", version="1", family="yardstick"),
    ),
    not_ranked=(
        NotRanked(
            representation="bad",
            task="t",
            seed=None,
            status="failed",
            reason="E: a|b\n`c` <d>",
            fix="ask",
        ),
    ),
    costs=(
        CostRow(
            representation="cca",
            task="t",
            seed=0,
            seconds={"encode": 1.23456, "score": 0.1},
            items_encoded=400,
            items_reused=3,
            items_per_second=324.05,
            peak_memory_mb=512.7,
            device="cpu",
            dtype="fp32",
        ),
    ),
)

GOLDEN = """\
# Leaderboard

- Shares are in percent; in brackets is the 95 % bootstrap interval over items (and seeds). \
Bold is the best, and what does not differ significantly from it; equal values share a rank.
- Rows in italics are not ranked: yardsticks (random vectors, measured like the others), \
reference levels (chance, trivial baselines, ceilings) and published figures.
- Rows of one table may be over different items, where some could not be read: a row over other \
items than most is ranked, but a note says so and no significance is claimed (coverage: report).
- Generated data: a stream that is evaluated was synthesised. Such tables are ranked apart. \
Synthesised prompts and training data do not make one, but are listed with the others as \
generated streams.

## Overview

| task | best | primary metric | value | items | N | rows ranked |
| --- | --- | --- | --- | --- | --- | --- |
| digits\\_retrieval (generated data) | cca\\|数 | audio→image R@1 ↑ | 31.7 [29.0, 34.4] \
| 4871/5158 | 400 | 2 |

## Summary (generated data)

Borda points: over all tasks, how many other ranked representations it is above; a tie counts \
half. One that skipped a task gets nothing for it, and is below all that did it.

| # | representation | Borda points | tasks |
| --- | --- | --- | --- |
| 1 | **cca\\|数** | 1.5 | 1/8 |
| 2 | other | 0 | 1/8 |

## Representations

| representation | registry name | version | distribution | parameters | options | fingerprint |
| --- | --- | --- | --- | --- | --- | --- |
| cca\\|数 | cca | 2 | some-plugin 1.4 | 12,345 | first = audio, shrinkage = 0.3 | 0123456789 |
| random | random | 1 |  |  |  |  |

## digits\\_retrieval (generated data)

numbers-retrieval 1 (retrieval), ranked by audio→image R@1; k = [1, 5], ties = expected\x20\x20
Generated streams: audio\x20\x20
paired bootstrap on audio→image R@1, p \\< 0.05

| # | representation | audio→image R@1 ↑ | median rank ↓ | gap | items | seeds |
| --- | --- | --- | --- | --- | --- | --- |
| 1 | **cca\\|数 ¹** | **31.7 [29.0, 34.4]** | 12.5 [11.0, 14.0] | 0.000 | 4871/5158 | 3 |
| 2 | other ² | - |  |  | 5158/5158 | 1 |
|  | *random* | 0.25 [0.00, 0.75] |  |  |  |  |
|  | *cca (published) ³ ⁴* | 33.0 |  |  |  |  |
|  | *random* | 0.25 |  |  |  |  |

¹ over other items (4871) than the other rows\x20\x20
² audio→image R@1: undefined on these items\x20\x20
³ published, verified: A. Author, \\*A Paper\\*\x20\x20
⁴ cca: R@1 -1.3

<details><summary>What the metrics are</summary>

- audio→image R@1: share of queries hit at \\*1\\*

</details>

## cca\\|数 minus the others: digits\\_retrieval (generated data)

cca\\|数: audio→image R@1 31.7. Paired bootstrap: one draw of items, and of seeds, serves both rows.

| representation | audio→image R@1 ↑ | difference (points) | 95 % interval | p | items | seeds |
| --- | --- | --- | --- | --- | --- | --- |
| other ¹ | - | - |  |  |  |  |
| random | 0.25 | +31.5 | [+28.0, +35.0] | \\< 0.001 | 400 | 3 |
| third ² | 31.8 | 0.0 | [-2.0, +2.0] | 0.900 | 400 |  |

¹ no common items\x20\x20
² its seeds are others, and were drawn apart

## Not ranked

| representation | task | seed | status | reason |
| --- | --- | --- | --- | --- |
| bad | t |  | failed | E: a\\|b \\`c\\` \\<d> |
"""


def test_golden_markdown():
    assert to_markdown(BOARDS) == GOLDEN


def test_markdown_of_nothing():
    text = to_markdown(Leaderboards(coverage="strict"))
    assert "No cell has been measured yet." in text
    assert "Generated data" not in text
    assert "Overview" not in text


@pytest.mark.parametrize(
    ("coverage", "said"),
    [
        ("report", "no significance is claimed"),
        ("strict", "left out, and listed under Not ranked"),
        ("intersect", "over the items that all rows have in common"),
    ],
)
def test_each_coverage_is_a_sentence(coverage, said):
    line = to_markdown(Leaderboards(coverage=coverage)).splitlines()[4]
    assert said in line
    assert line.endswith(f"(coverage: {coverage}).")


def test_the_overview_names_who_shares_the_best_place():
    row, cell = TABLE.rows[0], TABLE.rows[0].cells
    rows = [replace(row, name=name, cells=cell) for name in "abcde"]
    tables = (
        replace(TABLE, rows=tuple(rows), provenance="real"),
        replace(TABLE, rows=tuple(rows[:2])),
        replace(TABLE, rows=TABLE.rows[3:], primary="gap"),
    )
    display = display_overview(replace(BOARDS, tables=tables))
    assert display.rows[0][:2] == ("digits_retrieval", "a, b, c and 2 more")
    assert display.rows[1][1] == "a, b"
    assert display.rows[2][1:] == ("-", "gap", "", "", "", "0")
    assert len(display.remarks) == 1


def test_display_is_what_markdown_shows():
    display = display_cells(TABLE)
    assert display.title == "digits_retrieval (generated data)"
    assert display.header[:3] == ("#", "representation", "audio→image R@1 ↑")
    assert display.rows[0][2] == "31.7 [29.0, 34.4]"
    assert display.kinds == (
        "measured", "measured", "yardstick", "published", "reference",
    )  # fmt: skip
    assert display.bold == ((1, 2), (), (), (), ())
    assert {len(row) for row in display.rows} == {len(display.header)}


def test_titles_of_real_data_are_plain():
    assert display_cells(replace(TABLE, provenance="real")).title == "digits_retrieval"
    assert display_summary(replace(BOARDS.summaries[0], provenance="real")).title == "Summary"


@pytest.mark.parametrize(
    ("cell", "metric", "text"),
    [
        (None, R1, ""),
        (Cell(value=None, note="x"), R1, "-"),
        (Cell(value=1.0), R1, "100.0"),
        (Cell(value=0.0024999999999999467), R1, "0.25"),
        (Cell(value=0.1), R1, "10.0"),
        (Cell(value=0.0999, low=0.05, high=0.123), R1, "9.99 [5.00, 12.30]"),
        (Cell(value=0.09999), R1, "10.0"),
        (Cell(value=0.102, low=0.0912, high=0.123), R1, "10.2 [9.1, 12.3]"),
        (Cell(value=0.0, low=-0.0, high=0.0), R1, "0.00 [0.00, 0.00]"),
        (Cell(value=-0.00004), R1, "0.00"),
        (Cell(value=-0.0006), R1, "-0.06"),
        (Cell(value=-0.31), R1, "-31.0"),
        (Cell(value=1.0, low=0.99996, high=1.0), R1, "100.0 [100.0, 100.0]"),
        (Cell(value=2.0, low=1.0, high=3.5), RANK, "2.0 [1.0, 3.5]"),
        (Cell(value=0.12345, low=None, high=1.0), GAP, "0.123"),
    ],
)
def test_cells(cell, metric, text):
    assert format_cell(cell, metric) == text


def test_tidy_rows_are_one_a_table_row_and_metric():
    rows = tidy_rows(replace(BOARDS, differences=()))
    assert [(row["row"], row["metric"]) for row in rows] == [
        ("cca|数", "audio→image R@1"),
        ("cca|数", "median rank"),
        ("cca|数", "gap"),
        ("other", "audio→image R@1"),
        ("random", "audio→image R@1"),
        ("cca", "audio→image R@1"),
        ("random", "audio→image R@1"),
    ]
    names = [(row["task"], row["row"], row["kind"], row["metric"]) for row in rows]
    assert len(set(names)) == len(names)
    what = [rows[0][name] for name in ("representation", "version", "options", "fingerprint")]
    assert what == ["cca", "2", '{"first": "audio", "shrinkage": 0.3}', "0123456789abcdef"]
    assert (rows[4]["representation"], rows[4]["options"]) == ("random", "{}")
    assert {rows[number]["representation"] for number in (5, 6)} == {None}
    assert rows[0]["value"] == 0.3174
    assert rows[0]["coverage"] == 4871 / 5158
    assert rows[0]["provenance"] == "generated"
    assert (rows[0]["rank"], rows[0]["best"], rows[0]["primary"]) == (1, True, True)
    assert rows[2]["note"] == "over other items (4871) than the other rows; one value a space"
    assert [row["kind"] for row in rows[3:]] == [
        "measured", "yardstick", "published", "reference",
    ]  # fmt: skip
    for row in rows:
        for name, value in row.items():
            assert value is None or type(value) in {TIDY[name], int}


def test_differences_are_tidy_rows_of_their_own_kind():
    rows = tidy_rows(BOARDS)[7:]
    assert {row["kind"] for row in rows} == {"difference"}
    assert all(list(row) == list(TIDY) for row in rows)
    known = ("task", "against", "row", "metric", "value", "low", "high", "p_value", "n", "seeds")
    assert [rows[1][name] for name in known] == [
        "digits_retrieval", "cca|数", "random", R1.name, 0.3149, 0.28, 0.35, 0.0002, 400, 3,
    ]  # fmt: skip
    assert (rows[1]["rank"], rows[1]["best"], rows[1]["primary"]) == (None, None, True)
    assert (rows[0]["value"], rows[0]["note"]) == (None, "no common items")


def test_training_is_told_by_representation():
    def cost(name, task, seed, **seconds):
        found = {stage.replace("_", " "): value for stage, value in seconds.items()}
        first = BOARDS.costs[0]
        return replace(first, representation=name, task=task, seed=seed, seconds=found)

    boards = replace(
        BOARDS,
        costs=(
            *(
                cost("cca|数", task, s, fit=1.0 + s, fit_of_bases=3.0)
                for s in range(3)
                for task in "tu"
            ),
            cost("joined", "t", None, fit_of_bases=4.5),
            cost("random", "t", 0, encode=1.0),
        ),
    )
    assert display_training(boards).rows == (
        ("cca|数", "12,345", "3", "2.00 [1.00, 3.00]", "3.00 [3.00, 3.00]"),
        ("joined", "", "1", "", "4.50"),
    )
    assert costs_to_markdown(boards).startswith("# Training\n\n| representation | parameters |")


def test_csv_reads_back_in_full_precision():
    rows = list(csv.DictReader(io.StringIO(to_csv(BOARDS))))
    assert list(rows[0]) == list(TIDY)
    assert float(rows[0]["value"]) == 0.3174
    assert (rows[0]["best"], rows[0]["row"]) == ("true", "cca|数")
    assert rows[3]["value"] == ""
    assert rows[2]["higher_is_better"] == ""


def test_json_round_trip_without_cost():
    text = to_json_text(BOARDS)
    assert from_json_text(text) == replace(BOARDS, costs=())
    document = json.loads(text)
    assert "costs" not in document
    older = {name: value for name, value in document.items() if name != "representations"}
    for table in older["tables"]:
        for row in table["rows"]:
            del row["representation"]
    assert from_json_text(json.dumps({**older, "costs": []})).tables[0].title == TABLE.title
    with pytest.raises(ValueError, match="coverage: missing"):
        from_json_text("{}")


def test_costs():
    display = display_costs(BOARDS)
    assert display.rows == (
        ("cca", "t", "0", "cpu", "fp32", "1.235", "0.100", "400", "3", "324.1", "513"),
    )
    assert costs_to_markdown(BOARDS).startswith("# Measured cost\n\n| representation | task |")
    assert costs_to_csv(BOARDS).splitlines()[1] == "cca,t,0,cpu,fp32,1.235,0.100,400,3,324.1,513"
    assert "Nothing here yet." in costs_to_markdown(Leaderboards(coverage="report"))
    bare = replace(BOARDS.costs[0], items_per_second=None, peak_memory_mb=None, seconds={})
    assert display_costs(replace(BOARDS, costs=(bare,))).rows[0][-2:] == ("", "")
