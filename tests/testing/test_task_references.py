"""Each check of a task's reference arrays has a mutant that fails it and no other."""

from __future__ import annotations

import pytest
from mutant_runs import Mutant, assert_fails_only, failed, outcomes_of

M = "mutants_task_references:"
MUTANTS = [
    Mutant("reference_arrays_fit", M + "NoArrays"),
    Mutant("reference_arrays_fit", M + "OneRowShort"),
    Mutant("reference_arrays_fit", M + "WholeNumbers"),
    Mutant("reference_arrays_follow_the_rng", M + "OneDraw"),
    Mutant("levels_are_stated", M + "AsksForArrays"),
    Mutant("levels_are_stated", M + "NotAMapping"),
    Mutant("levels_name_metrics", M + "OtherNames"),
    Mutant("levels_lie_in_bounds", M + "Impossible"),
    Mutant("levels_lie_in_bounds", M + "Infinite"),
    Mutant("levels_lie_in_bounds", M + "NoNumber"),
    Mutant("chance_lies_below_the_ceiling", M + "BelowChance"),
    Mutant("perfect_arrays_reach_the_ceiling", M + "LowCeiling"),
    Mutant("perfect_arrays_reach_the_ceiling", M + "NoCeiling"),
    Mutant("random_arrays_score_chance", M + "TwiceTheChance"),
    Mutant("constant_arrays_are_refused", M + "TakesConstant"),
    Mutant("zero_arrays_are_refused", M + "TakesZero"),
    Mutant("nan_arrays_are_refused", M + "TakesNaN"),
    Mutant("nan_arrays_are_refused", M + "WrongError"),
    Mutant("infinite_arrays_are_refused", M + "TakesInfinity"),
]


@pytest.mark.parametrize("mutant", MUTANTS, ids=str)
def test_a_mutant_fails_its_check_and_no_other(mutant, tmp_path):
    assert_fails_only(mutant, "tasks", tmp_path, processes=False)


def test_arrays_of_a_generator_of_their_own_are_noticed(tmp_path):
    found = failed(outcomes_of("tasks", M + "OwnGenerator", tmp_path))
    assert "reference_arrays_follow_the_rng" in found


@pytest.mark.parametrize("name", ["DataIsToBlame", "NoLevels", "Predicted"])
def test_what_is_allowed_fails_nothing(name, tmp_path):
    assert failed(outcomes_of("tasks", M + name, tmp_path)) == {}


def test_what_there_is_not_is_skipped(tmp_path):
    found = outcomes_of("tasks", M + "NoLevels", tmp_path)
    assert found["random_arrays_score_chance"].reason == "it states no level 'chance'"
    assert found["perfect_arrays_reach_the_ceiling"].status == "passed"
    assert outcomes_of("tasks", M + "Predicted", tmp_path / "2")["zero_arrays_are_refused"].reason


def test_the_message_says_what_random_arrays_score(tmp_path):
    outcome = outcomes_of("tasks", M + "TwiceTheChance", tmp_path)["random_arrays_score_chance"]
    assert outcome.expected == "random arrays to score the stated chance of 'top-1', 0.75"
    assert outcome.seen.startswith("0.2")
