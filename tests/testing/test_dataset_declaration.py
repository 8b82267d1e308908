"""Each check of what a dataset declares has a mutant that fails it and no other."""

from __future__ import annotations

import pytest
from mutant_runs import Mutant, assert_fails_only, failed, outcomes_of

HERE = "mutants_dataset_declaration"
MUTANTS = [
    Mutant("dataset_info_is_typed", f"{HERE}:LeaksText"),
    Mutant("dataset_info_is_typed", f"{HERE}:NeedsDataForInfo"),
    Mutant("dataset_info_is_complete", f"{HERE}:NoLicence"),
    Mutant("dataset_info_is_stable", f"{HERE}:InfoFromFiles"),
    Mutant("dataset_is_named_as_registered", f"{HERE}:OtherName"),
    Mutant("missing_folder_is_told", f"{HERE}:AlwaysPresent"),
    Mutant("missing_files_are_named", f"{HERE}:NamesNoPath"),
    Mutant("missing_files_are_named", f"{HERE}:NamesAnotherFolder"),
    Mutant("advice_is_given", f"{HERE}:NoAdvice"),
    Mutant("strange_folder_is_told", f"{HERE}:TakesAnyFolder"),
    Mutant("strange_folder_is_told", f"{HERE}:TripsOverAFile"),
    Mutant("sample_is_present", f"{HERE}:FindsNothing"),
    Mutant("status_is_cheap", f"{HERE}:DecodesInStatus"),
    Mutant("missing_folder_is_data_missing", f"{HERE}:OpensNothing"),
    Mutant("missing_folder_is_data_missing", f"{HERE}:NamesNoFolder"),
    Mutant("empty_folder_is_reported", f"{HERE}:EmptyIsEmpty"),
    Mutant(
        "bundled_data_needs_no_folder",
        f"{HERE}:BundledElsewhere",
        also={"sample_is_read_back": "what does not open is not read either"},
    ),
]


def test_a_sound_dataset_fails_nothing(tmp_path):
    outcomes = outcomes_of("datasets", "sound_dataset:Sound", tmp_path)
    assert failed(outcomes) == {}
    assert {each.status for each in outcomes.values()} == {"passed", "skipped"}


def test_a_bundled_dataset_is_asked_for_no_folder(tmp_path):
    outcomes = outcomes_of("datasets", f"{HERE}:Bundled", tmp_path)
    assert failed(outcomes) == {}
    assert outcomes["it_writes_a_sample"].status == "skipped"
    assert outcomes["missing_folder_is_told"].status == "skipped"
    assert outcomes["bundled_data_needs_no_folder"].status == "passed"
    assert outcomes["dataset_fingerprint_is_stable"].status == "passed"


def test_a_preset_may_keep_the_name_of_its_class(tmp_path):
    spec = {"name": "sound-loud", "options": {"scale": 2.0}}
    outcomes = outcomes_of("datasets", "sound_dataset:Sound", tmp_path, spec=spec)
    assert failed(outcomes) == {}


@pytest.mark.parametrize("mutant", MUTANTS, ids=str)
def test_a_mutant_fails_its_check_and_no_other(mutant, tmp_path):
    processes = mutant.check == "status_is_cheap"
    assert_fails_only(mutant, "datasets", tmp_path, processes=processes)


def test_the_message_says_what_to_type(tmp_path):
    said = failed(outcomes_of("datasets", f"{HERE}:OtherName", tmp_path))
    assert said["dataset_is_named_as_registered"].splitlines() == [
        "expected: info.name to be 'othername', as in DatasetSpec",
        "    seen: 'sound'",
        "  change: DatasetInfo(name='othername', ...), or rename it in the hook",
    ]
