"""Each check of a task's interaction has a mutant that fails it and no other."""

from __future__ import annotations

import pytest
from mutant_runs import Mutant, assert_fails_only, failed, outcomes_of

M = "mutants_task_interaction:"
CHECKS = (
    "interaction_returns_plain_arrays",
    "interaction_repeats",
    "interaction_follows_the_seed",
    "interaction_leaves_the_random_state",
    "interaction_resumes",
    "interaction_prints_nothing",
    "interactions_are_scored",
    "reference_arrays_are_like_an_interaction",
)
NOISE = "noise on every call is no function of anything"
MUTANTS = [
    Mutant("interaction_returns_plain_arrays", M + "ReturnsAList"),
    Mutant("interaction_returns_plain_arrays", M + "ReturnsNaN"),
    Mutant("interaction_returns_plain_arrays", M + "EncodesMore"),
    Mutant("interaction_repeats", M + "Noisy", also={"interaction_resumes": NOISE}),
    Mutant("interaction_follows_the_seed", M + "SaysSeeded"),
    Mutant("interaction_follows_the_seed", M + "SaysUnseeded"),
    Mutant("interaction_leaves_the_random_state", M + "Seeding"),
    Mutant("interaction_leaves_the_random_state", M + "Shuffling"),
    Mutant("interaction_resumes", M + "Forgetting"),
    Mutant("interaction_resumes", M + "Stumbling"),
    Mutant("interaction_prints_nothing", M + "Printing"),
    Mutant("interactions_are_scored", M + "Narrow"),
    Mutant("reference_arrays_are_like_an_interaction", M + "UnlikeItsReferences"),
]


@pytest.mark.parametrize("mutant", MUTANTS, ids=str)
def test_a_mutant_fails_its_check_and_no_other(mutant, tmp_path):
    assert_fails_only(mutant, "tasks", tmp_path, processes=False)


def test_a_task_that_interacts_fails_nothing(tmp_path):
    found = outcomes_of("tasks", M + "Sound", tmp_path)
    assert failed(found) == {}
    assert {found[check].status for check in CHECKS} == {"passed"}
    assert found["requests_are_minimal"].status == "skipped"


def test_one_that_draws_nothing_fails_nothing(tmp_path):
    found = outcomes_of("tasks", M + "Unseeded", tmp_path, processes=False)
    assert failed(found) == {}
    assert found["interaction_follows_the_seed"].status == "passed"


def test_one_that_reports_nothing_is_not_stopped(tmp_path):
    found = outcomes_of("tasks", M + "Silent", tmp_path, processes=False)
    assert failed(found) == {}
    assert found["interaction_resumes"].status == "skipped"


def test_the_message_names_the_subset(tmp_path):
    found = outcomes_of("tasks", M + "EncodesMore", tmp_path, processes=False)
    seen = found["interaction_returns_plain_arrays"].seen
    assert seen == "interact() encodes ear, and its requests are of ear + eye, eye"


def test_other_tasks_do_not_interact(tmp_path):
    found = outcomes_of("tasks", "sound_task:Sound", tmp_path, processes=False)
    assert {found[check].status for check in CHECKS} == {"skipped"}
