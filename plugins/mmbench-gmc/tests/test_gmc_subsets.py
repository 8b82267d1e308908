"""Subsets: all proper ones, and MVAE's draw of partial ones."""

from __future__ import annotations

from collections import Counter

from generative_cases import generator

from mmbench_gmc.subsets import draw_partial_subsets, draw_proper_subsets, proper_subsets

FOUR = ("image", "sound", "trajectory", "label")


def test_proper_subsets_are_all_but_nothing_and_everything() -> None:
    found = proper_subsets(FOUR)
    assert len(found) == 14 == len(set(found))
    assert proper_subsets(("a",)) == []
    assert proper_subsets(("a", "b")) == [("a",), ("b",)]
    assert {("sound", "label")} < set(found)
    assert FOUR not in found


def test_many_subsets_are_drawn_from() -> None:
    many = tuple("abcdefg")
    assert draw_proper_subsets(FOUR, 14, generator()) == proper_subsets(FOUR)
    one = draw_proper_subsets(many, 62, generator(1))
    assert len(set(one)) == 62
    assert set(one) < set(proper_subsets(many))
    assert one == draw_proper_subsets(many, 62, generator(1))
    assert one != draw_proper_subsets(many, 62, generator(2))


def test_partial_subsets_are_of_each_size_as_often() -> None:
    # Of four streams: six pairs and four triples; a size has one half, whatever its number.
    draws = generator(3)
    found = Counter(draw_partial_subsets(FOUR, 1, draws)[0] for _ in range(4000))
    assert len(found) == 10
    pairs = sum(count for subset, count in found.items() if len(subset) == 2)
    assert abs(pairs - 2000) < 150
    assert all(abs(count - 4000 / 12) < 90 for subset, count in found.items() if len(subset) == 2)


def test_partial_subsets_differ_and_may_run_out() -> None:
    assert len(set(draw_partial_subsets(FOUR, 6, generator()))) == 6
    assert len(draw_partial_subsets(("a", "b", "c"), 9, generator())) == 3
    assert draw_partial_subsets(("a", "b"), 3, generator()) == []
    assert draw_partial_subsets(FOUR, 0, generator()) == []
