"""Each check of the output family has a mutant that fails it and no other."""

from __future__ import annotations

import pytest
from mutant_runs import Mutant, assert_fails_only, failed, outcomes_of

HERE = "mutants_output"
RUNS = {
    "it_loads": [
        "LoadRaises",
        "WeightsMissing",
        "WeightsMissingAtOnce",
        "TrainsOnWhatIsMissing",
    ],
    "every_offer_runs": ["LiesAboutSubsets"],
    "output_is_an_array": ["Lists", "WholeNumbers", "Objects"],
    "one_row_an_item": ["Averages", "OneRowTooMany", "FlatMaps"],
    "dim_is_as_declared": ["LiesAboutDim"],
    "output_is_finite": ["NaN", "Overflow", "TooLarge", "InfiniteMaps"],
    "output_is_not_zero": ["Zeros", "ZeroForTrains"],
    "items_are_told_apart": ["Constant", "Parallel", "Twins", "Undecided"],
}
_NO_SLOT = {"every_slot_matters": "what is constant depends on no slot"}
ALSO = {"Constant": _NO_SLOT, "Zeros": _NO_SLOT, "Undecided": _NO_SLOT}
MUTANTS = [
    Mutant(check, f"{HERE}:{name}", also=ALSO.get(name, {}))
    for check, names in RUNS.items()
    for name in names
]


@pytest.mark.parametrize("path", ["sound_representation:Sound", f"{HERE}:Dots"])
def test_a_sound_representation_fails_nothing(path, tmp_path):
    assert failed(outcomes_of("representations", path, tmp_path)) == {}


@pytest.mark.parametrize("mutant", MUTANTS, ids=str)
def test_a_mutant_fails_its_check_and_no_other(mutant, tmp_path):
    assert_fails_only(mutant, "representations", tmp_path, processes=False)


@pytest.mark.parametrize(
    ("name", "check", "seen"),
    [
        ("LiesAboutDim", "dim_is_as_declared", "length 24"),
        ("Zeros", "output_is_not_zero", "6 of 6 generated items have a zero vector"),
        ("Parallel", "items_are_told_apart", "items 1 and 2 have the same direction"),
        ("Overflow", "output_is_finite", "144 of 144 values are NaN or infinite"),
    ],
)
def test_messages_name_what_was_seen(name, check, seen, tmp_path):
    assert (
        outcomes_of("representations", f"{HERE}:{name}", tmp_path, processes=False)[check].seen
        == seen
    )


@pytest.mark.parametrize("name", ["WeightsMissing", "WeightsMissingAtOnce"])
def test_missing_weights_are_told_in_the_words_of_the_error(name, tmp_path):
    found = outcomes_of("representations", f"{HERE}:{name}", tmp_path, processes=False)["it_loads"]
    assert found.seen == "weights.pt: weights are not there"
    assert found.change == "-o weights=FILE"
