"""Each check of a task's collections has a mutant that fails it and no other."""

from __future__ import annotations

import pytest
from mutant_runs import Mutant, assert_fails_only, failed, message_of, outcomes_of

M = "mutants_task_collections:"
MUTANTS = [
    Mutant("it_opens", M + "NowhereToOpen"),
    Mutant("collections_are_not_empty", M + "Emptied"),
    Mutant("item_ids_are_unique", M + "SameIds"),
    Mutant("item_ids_are_unique", M + "NumberedIds"),
    Mutant("columns_are_aligned", M + "ShortColumn"),
    Mutant("columns_are_plain", M + "Dates"),
    Mutant("columns_keep_one_type", M + "Mixed"),
    Mutant("streams_are_declared", M + "Renamed"),
    Mutant("streams_are_declared", M + "NoProvenance"),
    Mutant("payloads_are_as_declared", M + "OtherShape"),
    Mutant("payloads_are_as_declared", M + "OtherRate"),
    Mutant("payloads_are_as_declared", M + "OtherType"),
    Mutant("loading_repeats", M + "Noisy"),
    Mutant("every_row_has_a_key", M + "Keyless"),
    Mutant("every_row_has_a_key", M + "ShortKeys"),
    Mutant("keys_tell_payloads_apart", M + "SharedKeys"),
    Mutant("missing_streams_raise", M + "FilledIn"),
    Mutant("missing_streams_raise", M + "WrongError"),
    Mutant("present_streams_load", M + "Corrupt"),
    Mutant("fingerprints_are_stable", M + "Shuffled"),
    Mutant("fingerprints_agree_between_processes", M + "Unsorted"),
    Mutant("fingerprints_agree_between_processes", M + "Yearly"),
    Mutant("it_reads_only_through_datasets", M + "ReadsItsAuthorsList"),
    Mutant("it_reads_only_through_datasets", M + "ReadsItsHome"),
    Mutant("opening_writes_nothing", M + "KeepsAnIndex"),
    Mutant("opening_writes_nothing", M + "KeepsAnIndexUnheard"),
    Mutant("splits_are_disjoint", M + "Leaking"),
    Mutant("judged_items_are_not_for_training", M + "TrainsOnTest"),
    Mutant("splits_are_disjoint", M + "TrainsOnViews"),
    Mutant("splits_are_disjoint", M + "TrainsOnChosen"),
    Mutant("splits_share_no_payload", M + "OtherKeys"),
    Mutant("fit_targets_are_valid", M + "Unlabelled"),
    Mutant("fit_targets_are_valid", M + "Infinite"),
]

WITH_PROCESSES = {
    "fingerprints_agree_between_processes",
    "it_reads_only_through_datasets",
    "opening_writes_nothing",
}


@pytest.mark.parametrize("mutant", MUTANTS, ids=str)
def test_a_mutant_fails_its_check_and_no_other(mutant, tmp_path):
    processes = mutant.check in WITH_PROCESSES
    assert_fails_only(mutant, "tasks", tmp_path, processes=processes)


@pytest.mark.parametrize("name", ["OpenShape", "Unsupervised", "NoTarget", "Silent", "LooksAround"])
def test_what_is_allowed_fails_nothing(name, tmp_path):
    assert failed(outcomes_of("tasks", M + name, tmp_path)) == {}


def test_what_there_is_not_is_skipped(tmp_path):
    found = outcomes_of("tasks", M + "Unsupervised", tmp_path)
    assert found["splits_are_disjoint"].reason == "it names no training items"
    assert found["fit_targets_are_valid"].status == "skipped"


def test_the_message_names_both_items_of_a_leak(tmp_path):
    outcome = outcomes_of("tasks", M + "Leaking", tmp_path)["splits_are_disjoint"]
    assert outcome.seen == "'sound' of train[train-5] and test[test-5] have one key"
    assert "DatasetInfo(leaks=" in outcome.change


def test_the_message_names_the_file_that_lies_elsewhere(tmp_path):
    path = M + "ReadsItsAuthorsList"
    told = message_of("it_reads_only_through_datasets", "tasks", path, tmp_path)
    assert "seen: it looked into /home/author/labels.json" in told
    assert "ship the file inside the package" in told


def test_the_message_names_what_another_program_wrote(tmp_path):
    told = message_of("opening_writes_nothing", "tasks", M + "KeepsAnIndexUnheard", tmp_path)
    assert "/home/.sound-index (a process was started: os.system" in told
