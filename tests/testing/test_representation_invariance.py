"""Each check of the invariance family has a mutant that fails it and no other."""

from __future__ import annotations

from functools import partial

import pytest
from mutant_runs import Mutant, assert_fails_only, failed
from mutant_runs import outcomes_of as outcomes_with

#: What these families are about is seen in one process.
outcomes_of = partial(outcomes_with, processes=False)

MUTANTS = [
    Mutant("single_item_works", "mutants_invariance:Squeezes"),
    Mutant("single_item_works", "mutants_invariance:NeedsTwo"),
    Mutant("empty_batch_gives_no_rows", "mutants_invariance:NeedsOne"),
    Mutant("empty_batch_gives_no_rows", "mutants_invariance:EmptyWithoutAxes"),
    Mutant("order_does_not_matter", "mutants_invariance:SortsItsBatch"),
    Mutant("order_does_not_matter", "mutants_invariance:CountsPlaces"),
    Mutant("order_does_not_matter", "mutants_invariance:ComparesWithTheFirst"),
    Mutant("batch_size_does_not_matter", "mutants_invariance:SubtractsTheMean"),
    Mutant("batch_size_does_not_matter", "mutants_invariance:BatchNorm"),
    Mutant("full_batch_does_not_matter", "mutants_invariance:SubtractsTheMeanOfMany"),
    Mutant("full_batch_does_not_matter", "mutants_invariance:TakesForty"),
    Mutant("neighbours_do_not_matter", "mutants_invariance:ClipGuard"),
    Mutant("neighbours_do_not_matter", "mutants_invariance:PadsToTheLongest"),
    Mutant("neighbours_do_not_matter", "mutants_invariance:StacksItsPictures"),
    Mutant("equal_items_get_equal_vectors", "mutants_invariance:EncodesOnce"),
    Mutant("equal_items_get_equal_vectors", "mutants_invariance:DropsRepeats"),
]


@pytest.mark.parametrize("mutant", MUTANTS, ids=str)
def test_a_mutant_fails_its_check_and_no_other(mutant, tmp_path):
    assert_fails_only(mutant, "representations", tmp_path, processes=False)


def test_one_that_sorts_is_told_from_one_that_counts_places(tmp_path):
    sorts = outcomes_of("representations", "mutants_invariance:SortsItsBatch", tmp_path / "a")
    counts = outcomes_of("representations", "mutants_invariance:CountsPlaces", tmp_path / "b")
    assert "it sorts its batch" in sorts["order_does_not_matter"].seen
    assert "in another order an item's vector differs" in counts["order_does_not_matter"].seen
    assert sorts["batch_size_does_not_matter"].status == "blocked"


def test_the_extreme_neighbour_is_named(tmp_path):
    found = outcomes_of("representations", "mutants_invariance:ClipGuard", tmp_path)
    assert "clipped at full scale" in found["neighbours_do_not_matter"].expected
    assert found["neighbours_do_not_matter"].expected.startswith("global:audio")


def test_a_class_of_small_batches_is_not_given_large_ones(tmp_path):
    found = outcomes_of("representations", "mutants_invariance:OneAtATime", tmp_path)
    assert failed(found) == {}
    assert found["full_batch_does_not_matter"].status == "skipped"


def test_a_grid_that_follows_the_frame_is_no_fault(tmp_path):
    found = outcomes_of("representations", "mutants_invariance:GridOfTheFrame", tmp_path)
    assert failed(found) == {}
    assert found["picture_of_any_size_works"].status == "passed"
    assert found["empty_batch_gives_no_rows"].status == "passed"


def test_the_full_batch_is_named(tmp_path):
    found = outcomes_of("representations", "mutants_invariance:SubtractsTheMeanOfMany", tmp_path)
    expected = found["full_batch_does_not_matter"].expected
    assert expected.endswith("to be the same in a batch of 64 as in a batch of 6")
