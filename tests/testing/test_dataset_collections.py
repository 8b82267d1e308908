"""Each check of a dataset's collections has a mutant that fails it and no other."""

from __future__ import annotations

import pytest
from mutant_runs import Mutant, assert_fails_only, failed, outcomes_of

HERE = "mutants_dataset_collections"
MUTANTS = [
    Mutant("every_item_loads", f"{HERE}:LastFails"),
    Mutant("check_finds_nothing_broken", f"{HERE}:CriesWolf"),
    Mutant("collections_are_named_by_their_key", f"{HERE}:NamedOtherwise"),
    Mutant("streams_are_named_by_their_key", f"{HERE}:StreamNamedOtherwise"),
    Mutant("ids_are_unique", f"{HERE}:RepeatsAnId"),
    Mutant("ids_are_unique", f"{HERE}:IdsAreNumbers"),
    Mutant("columns_are_row_aligned", f"{HERE}:ColumnOfClasses"),
    Mutant("dataset_columns_are_plain", f"{HERE}:ColumnOfPaths"),
    Mutant("content_keys_are_row_aligned", f"{HERE}:KeyTooFew"),
    Mutant("content_keys_are_row_aligned", f"{HERE}:KeysAreNumbers"),
    Mutant("content_keys_are_row_aligned", f"{HERE}:KeysRaise"),
    Mutant("dataset_payloads_are_as_declared", f"{HERE}:OfDoubles"),
    Mutant("dataset_payloads_are_as_declared", f"{HERE}:OfAnotherShape"),
    Mutant("dataset_payloads_are_as_declared", f"{HERE}:NotAPayload"),
    Mutant("loading_twice_is_equal", f"{HERE}:Augments"),
    Mutant("threads_load_the_same", f"{HERE}:SharesAFile"),
    Mutant("dataset_keys_tell_payloads_apart", f"{HERE}:KeysByFile"),
    Mutant("options_are_in_the_keys", f"{HERE}:ForgetsAnOption"),
    Mutant("options_are_in_the_keys", f"{HERE}:ForgetsAChoice"),
    Mutant("options_are_in_the_keys", f"{HERE}:ForgetsAText"),
    Mutant("options_are_in_the_keys", f"{HERE}:ForgetsAWord", options={"by": "1e3"}),
    Mutant("samples_are_in_range", f"{HERE}:TooLoud"),
    Mutant("listing_order_changes_nothing", f"{HERE}:AsListed"),
    Mutant("listing_order_changes_nothing", f"{HERE}:AsScanned"),
    Mutant("dataset_fingerprint_is_stable", f"{HERE}:HashesTexts"),
    Mutant("dataset_fingerprint_is_stable", f"{HERE}:CountsItsOpenings"),
]


@pytest.mark.parametrize("mutant", MUTANTS, ids=str)
def test_a_mutant_fails_its_check_and_no_other(mutant, tmp_path):
    processes = mutant.check == "dataset_fingerprint_is_stable"
    assert_fails_only(mutant, "datasets", tmp_path, processes=processes)


def test_the_message_names_both_items_of_one_key(tmp_path):
    said = failed(outcomes_of("datasets", f"{HERE}:KeysByFile", tmp_path, processes=False))
    expected = said["dataset_keys_tell_payloads_apart"].splitlines()[0]
    assert "'text' of test[item-001] and 'text' of test[item-003]" in expected
