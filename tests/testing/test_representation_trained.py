"""Each check of the trained family has a mutant that fails it and no other."""

from __future__ import annotations

import pytest
from mutant_runs import Mutant, assert_fails_only, failed, message_of, outcomes_of

MUTANTS = [
    Mutant("fit_gives_a_state", "mutants_trained:FitRaises"),
    Mutant("fit_gives_a_state", "mutants_trained:EmptyState"),
    Mutant("state_is_plain_data", "mutants_trained:ObjectsInState"),
    Mutant("state_is_plain_data", "mutants_trained:SetInMeta"),
    Mutant("state_gives_the_same_vectors", "mutants_trained:RoundsItsState"),
    Mutant(
        "stored_state_gives_the_same_vectors",
        "mutants_trained:NumbersAsKeys",
        also={"processes_agree": "a state comes to another process by being written and read"},
    ),
    Mutant("fit_repeats_itself", "mutants_trained:FreshNoise"),
    Mutant("fit_repeats_itself", "mutants_trained:NotesTheTime"),
    Mutant("fit_learns_from_its_data", "mutants_trained:LearnsNothing"),
    Mutant("fit_starts_afresh", "mutants_trained:GoesOn"),
    Mutant("load_state_replaces_what_was_learnt", "mutants_trained:KeepsWhatItHas"),
    Mutant("untrained_is_refused", "mutants_trained:EncodesUntrained"),
    Mutant("untrained_is_refused", "mutants_trained:RaisesUntrained"),
    Mutant("fit_leaves_its_data_alone", "mutants_trained:ScalesItsData"),
    Mutant("fit_leaves_random_state_alone", "mutants_trained:SeedsInFit"),
    Mutant("info_stays_when_trained", "mutants_trained:CountsWhatItLearnt"),
    Mutant("predictions_fit_the_target", "mutants_trained:OneColumnTooMany"),
    Mutant("predictions_fit_the_target", "mutants_trained:ValuesInTwoColumns"),
    Mutant("predictions_fit_the_target", "mutants_trained:LearnsNoTarget"),
    Mutant("classes_are_in_sorted_order", "mutants_trained:OrderOfAppearance"),
    Mutant("validation_may_be_missing", "mutants_trained:NeedsValidation"),
    Mutant("few_items_train_or_are_refused", "mutants_trained:NeedsMany"),
    Mutant("gaps_train_or_are_refused", "mutants_trained:LoadsWhatIsMissing"),
]


@pytest.mark.parametrize("mutant", MUTANTS, ids=str)
def test_a_mutant_fails_its_check_and_no_other(mutant, tmp_path):
    # Only where a process is among what it fails: starting one takes most of the time.
    processes = "processes_agree" in mutant.also
    assert_fails_only(mutant, "representations", tmp_path, processes=processes)


@pytest.mark.parametrize(
    "path",
    ["sound_trained:SoundTrained"]
    + [f"mutants_trained:{name}" for name in ("RefusesClearly", "Unsupervised", "Seeded")],
)
def test_a_sound_one_fails_nothing(path, tmp_path):
    outcomes = outcomes_of("representations", path, tmp_path)
    assert failed(outcomes) == {}
    assert all(
        each.status == "passed" for each in outcomes.values() if each.family == "trained"
    ) or (path == "mutants_trained:Unsupervised")


def test_what_is_not_trained_is_not_judged(tmp_path):
    outcomes = outcomes_of("representations", "sound_representation:Sound", tmp_path)
    found = {each.reason for each in outcomes.values() if each.family == "trained"}
    assert "it is not trained by mmbench" in found
    assert {each.status for each in outcomes.values() if each.family == "trained"} == {"skipped"}


def test_the_message_names_the_array_that_differs(tmp_path):
    message = message_of(
        "fit_repeats_itself", "representations", "mutants_trained:FreshNoise", tmp_path
    )
    assert "seen: the array 'scale/image' differs by up to" in message
    assert "numpy.random.default_rng(ctx.seed)" in message


def test_the_message_quotes_the_item_that_lacks_a_stream(tmp_path):
    message = message_of(
        "gaps_train_or_are_refused",
        "representations",
        "mutants_trained:LoadsWhatIsMissing",
        tmp_path,
    )
    assert "seen: ItemError: train[train-" in message
    assert "take the rows whose content_keys are not None" in message
