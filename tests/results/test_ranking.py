from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmbench.metrics.bootstrap import paired_bootstrap
from mmbench.results.boards import Cell
from mmbench.results.ranking import borda, competition_ranks, significant_digits
from mmbench.results.significance import intervals_overlap, paired_p_value

few = st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0])


def test_equal_values_share_a_rank():
    assert competition_ranks([0.5, 0.9, 0.5, 0.1]) == [2, 1, 2, 4]
    assert competition_ranks([3.0, 1.0, None, 1.0], higher_is_better=False) == [3, 1, None, 1]
    assert competition_ranks([]) == []


def test_summation_order_does_not_break_a_tie():
    assert competition_ranks([0.1 + 0.2, 0.3, 0.3 - 1e-6]) == [1, 1, 3]


@settings(deadline=None)
@given(st.lists(st.one_of(st.none(), few), min_size=1, max_size=64), st.booleans(), st.randoms())
def test_ranks_do_not_depend_on_order_and_count_the_better(values, higher, random):
    ranks = competition_ranks(values, higher_is_better=higher)
    for value, rank in zip(values, ranks, strict=True):
        better = [
            v for v in values if v is not None and value is not None and (v > value) == higher
        ]
        better = [v for v in better if v != value]
        assert rank == (None if value is None else 1 + len(better))
    order = list(range(len(values)))
    random.shuffle(order)
    shuffled = competition_ranks([values[i] for i in order], higher_is_better=higher)
    assert shuffled == [ranks[i] for i in order]


def test_borda_by_hand():
    # b leads a on one task, ties with it on the other; c was only run where it is last.
    rows = borda([{"a": 2, "b": 1, "c": 3}, {"a": 1, "b": 1}])
    assert [(row.name, row.points, row.rank, row.tasks, row.of) for row in rows] == [
        ("b", 2 + 1.5, 1, 2, 2),
        ("a", 1 + 1.5, 2, 2, 2),
        ("c", 0.0, 3, 1, 2),
    ]
    assert borda([]) == ()


def test_skipping_the_hard_tasks_cannot_win():
    easy = {"shirker": 1, "worker": 2}
    rows = borda([easy, {"worker": 1}, {"worker": 1}])
    assert [(row.name, row.points, row.tasks) for row in rows] == [
        ("worker", 2.0, 3),
        ("shirker", 1.0, 1),
    ]


def test_ties_share_a_place_in_the_summary():
    rows = borda([{"a": 1, "b": 2, "c": 3}, {"a": 2, "b": 1, "c": 3}])
    assert [(row.name, row.rank) for row in rows] == [("a", 1), ("b", 1), ("c", 3)]


@settings(deadline=None)
@given(
    st.lists(
        st.dictionaries(st.sampled_from("abcde"), few, min_size=1, max_size=5),
        min_size=1,
        max_size=8,
    ),
    st.randoms(),
)
def test_borda_properties(scores, random):
    tasks = []
    for task in scores:
        ranks = competition_ranks(list(task.values()))
        tasks.append({name: rank for name, rank in zip(task, ranks, strict=True) if rank})
    rows = borda(tasks)
    names = {name for task in tasks for name in task}
    assert {row.name for row in rows} == names
    # Each pair of names hands out one point a task, but for pairs that both miss it.
    pairs = sum(
        len(names) * (len(names) - 1) / 2 - (len(names) - len(t)) * (len(names) - len(t) - 1) / 2
        for t in tasks
    )
    assert sum(row.points for row in rows) == pytest.approx(pairs)
    assert all(row.points <= row.tasks * (len(names) - 1) for row in rows)
    for above, below in pairwise(rows):
        assert above.points >= below.points
        assert (above.rank == below.rank) == (above.points == below.points)
    random.shuffle(tasks)
    assert borda(tasks) == rows


def test_significant_digits():
    assert significant_digits(0.1 + 0.2) == 0.3
    assert significant_digits(0.0) == 0.0
    assert significant_digits(123456.7, 3) == 123000.0
    assert significant_digits(float("inf")) == float("inf")


def hits(share: float, n: int, seed: int) -> list[np.ndarray]:
    return [(np.random.default_rng(seed).random(n) < share).astype(np.float64)]


def test_one_seed_a_side_is_the_plain_paired_bootstrap():
    a, b = hits(0.5, 300, 0), hits(0.4, 300, 1)
    expected = paired_bootstrap("mean", a, b, resamples=500, seed=0).p_value
    assert paired_p_value("mean", [a], [b], resamples=500) == expected
    assert paired_p_value("mean", [a], [a], resamples=500) == 1.0


def test_seeds_add_to_the_doubt():
    best = [hits(0.62, 400, 0)]
    steady = [[np.roll(best[0][0], 0) * (np.arange(400) % 8 != 0)]] * 3
    assert paired_p_value("mean", best, steady, resamples=500) < 0.05
    # The same mean over seeds, but one seed is as good as the best.
    erratic = [best[0], [best[0][0] * (np.arange(400) % 16 != 0)], [best[0][0] * 0.7]]
    assert paired_p_value("mean", best, erratic, resamples=500) > 0.05


def test_undefined_comparisons_have_no_p_value():
    nothing = [np.full(4, np.nan)]
    assert paired_p_value("mean", [nothing], [nothing]) is None
    assert paired_p_value("mean", [nothing, nothing], [nothing]) is None
    constant = [np.ones(4), np.arange(4.0)]
    assert paired_p_value("pearson", [constant, constant], [constant], resamples=50) is None


def test_other_items_are_refused():
    a, b = [np.array([1.0, np.nan])], [np.array([1.0, 0.0])]
    with pytest.raises(ValueError, match="takes part only on one side"):
        paired_p_value("mean", [a, a], [b])


def test_overlap():
    a = Cell(value=0.5, low=0.4, high=0.6)
    assert intervals_overlap(a, Cell(value=0.7, low=0.6, high=0.8))
    assert not intervals_overlap(a, Cell(value=0.7, low=0.61, high=0.8))
    assert not intervals_overlap(Cell(value=0.5), Cell(value=0.7))
    assert intervals_overlap(a, Cell(value=0.45))
