"""Each check of damaged folders has a mutant that fails it and no other."""

from __future__ import annotations

import pytest
from mutant_runs import Mutant, assert_fails_only, failed, outcomes_of

HERE = "mutants_dataset_damage"
MUTANTS = [
    Mutant("moving_the_folder_changes_nothing", f"{HERE}:KeysHavePaths"),
    Mutant("moving_the_folder_changes_nothing", f"{HERE}:KeysHaveTimes"),
    Mutant("moving_the_folder_changes_nothing", f"{HERE}:ColumnsHavePaths"),
    Mutant("other_files_change_nothing", f"{HERE}:Globs"),
    Mutant("other_files_change_nothing", f"{HERE}:TripsOverReadme"),
    Mutant("other_files_change_nothing", f"{HERE}:TakesCopies"),
    Mutant("altered_content_changes_its_key", f"{HERE}:KeysHaveSizes"),
    Mutant("altered_content_changes_its_key", f"{HERE}:CaptionsHaveNoKey"),
    Mutant("altered_annotations_change_the_fingerprint", f"{HERE}:FingerprintOfFilesOnly"),
    Mutant("altered_annotations_change_the_fingerprint", f"{HERE}:FingerprintWithoutColumns"),
    Mutant("missing_files_are_reported", f"{HERE}:FillsIn"),
    Mutant("missing_files_are_reported", f"{HERE}:StatsEveryFile"),
    Mutant("empty_files_are_reported", f"{HERE}:TakesAnEmptyList"),
    Mutant("empty_files_are_reported", f"{HERE}:FillsInForEmpty"),
    Mutant("truncated_files_are_reported", f"{HERE}:Trusting"),
    Mutant("truncated_files_are_reported", f"{HERE}:ShortensItems"),
    Mutant("no_item_is_passed_over", f"{HERE}:PassesOver"),
    Mutant("garbage_is_a_data_error", f"{HERE}:Undecoded"),
    Mutant("broken_items_raise_item_errors", f"{HERE}:OwnErrors"),
    Mutant("errors_name_the_file", f"{HERE}:NamesNoFile"),
    Mutant("errors_name_the_file", f"{HERE}:NamelessList"),
    Mutant("check_lists_what_is_broken", f"{HERE}:LooksAtNames"),
    Mutant("check_lists_what_is_broken", f"{HERE}:StopsAtTheFirst"),
    Mutant("status_knows_what_opens", f"{HERE}:LooksAtFolders"),
    Mutant("broken_lists_are_data_errors", f"{HERE}:SaysMissing"),
]


@pytest.mark.parametrize("mutant", MUTANTS, ids=str)
def test_a_mutant_fails_its_check_and_no_other(mutant, tmp_path):
    assert_fails_only(mutant, "datasets", tmp_path, processes=False)


def test_the_message_names_the_file_and_the_item(tmp_path):
    said = failed(outcomes_of("datasets", f"{HERE}:KeysHaveSizes", tmp_path, processes=False))
    expected = said["altered_content_changes_its_key"].splitlines()[0]
    assert "'array' of test[item-003] when arrays/item-003.npy changes" in expected


def test_what_status_tells_of_may_be_passed_over(tmp_path):
    path = f"{HERE}:TellsWhatItPassesOver"
    assert failed(outcomes_of("datasets", path, tmp_path, processes=False)) == {}
