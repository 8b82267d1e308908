"""Each check of a task's items has a mutant that fails it and no other."""

from __future__ import annotations

import pytest
from mutant_runs import Mutant, assert_fails_only, failed, message_of, outcomes_of

M = "mutants_task_items:"
MUTANTS = [
    Mutant("scores_stand_under_their_items", M + "SortedIds"),
    Mutant("the_same_items_are_judged", M + "Abstaining"),
    Mutant("no_metric_is_better_for_random_arrays", M + "ErrorsPraised"),
    Mutant("dropped_items_are_no_error", M + "Partners"),
]


@pytest.mark.parametrize("mutant", MUTANTS, ids=str)
def test_a_mutant_fails_its_check_and_no_other(mutant, tmp_path):
    assert_fails_only(mutant, "tasks", tmp_path, processes=False)


@pytest.mark.parametrize("name", ["SomeLeftOut", "ErrorsUndirected", "CarefulPartners"])
def test_what_is_allowed_fails_nothing(name, tmp_path):
    assert failed(outcomes_of("tasks", M + name, tmp_path, processes=False)) == {}


def test_a_seeded_task_may_draw_by_position(tmp_path):
    found = outcomes_of("tasks", M + "Seeded", tmp_path, processes=False)
    assert found["scores_stand_under_their_items"].status == "skipped"


def test_the_messages_name_the_item(tmp_path):
    told = message_of("the_same_items_are_judged", "tasks", M + "Abstaining", tmp_path / "1")
    assert "has one for perfect arrays, and none for random ones" in told
    told = message_of("dropped_items_are_no_error", "tasks", M + "Partners", tmp_path / "2")
    assert "seen: it raised KeyError: 'test-5'" in told
