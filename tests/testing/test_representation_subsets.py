"""Each check of the subsets family has a mutant that fails it and no other."""

from __future__ import annotations

from functools import partial

import pytest
from mutant_runs import Mutant, assert_fails_only, failed
from mutant_runs import outcomes_of as outcomes_with

#: What these families are about is seen in one process.
outcomes_of = partial(outcomes_with, processes=False)

MUTANTS = [
    Mutant("other_subsets_are_refused", "mutants_subsets:EncodesAnything"),
    Mutant("other_subsets_are_refused", "mutants_subsets:MapsAnything"),
    Mutant("every_slot_matters", "mutants_subsets:PassesOverSounds"),
    Mutant("order_of_slots_does_not_matter", "mutants_subsets:WeighsByPlace"),
    Mutant("zeros_are_not_missing", "mutants_subsets:ZerosAreMissing"),
    Mutant("declared_zeros_are_imputed", "mutants_subsets:ImputesInName"),
    Mutant("imputer_has_gaps_to_fill", "mutants_subsets:ImputesNothing"),
    Mutant("fuse_agrees_with_encode", "mutants_subsets:FusesByMean"),
    Mutant("fuse_goes_row_by_row", "mutants_subsets:FusesAndSqueezes"),
    Mutant("fuse_goes_row_by_row", "mutants_subsets:FusesWhatIsThere"),
    Mutant("fuse_leaves_its_parts_alone", "mutants_subsets:FusesInPlace"),
    Mutant("missing_offer_returns_text", "mutants_subsets:SaysNothing"),
]
SOUND = ["ImputesZeros", "ImputesTheMean", "Fuses", "FusesNothing", "JointOnly"]


@pytest.mark.parametrize("mutant", MUTANTS, ids=str)
def test_a_mutant_fails_its_check_and_no_other(mutant, tmp_path):
    assert_fails_only(mutant, "representations", tmp_path, processes=False)


@pytest.mark.parametrize("name", SOUND)
def test_a_sound_representation_fails_nothing(name, tmp_path):
    assert failed(outcomes_of("representations", f"mutants_subsets:{name}", tmp_path)) == {}


def test_what_says_nothing_of_a_representation_is_skipped(tmp_path):
    fuses = outcomes_of("representations", "mutants_subsets:Fuses", tmp_path / "a")
    joint = outcomes_of("representations", "mutants_subsets:JointOnly", tmp_path / "b")
    assert fuses["fuse_agrees_with_encode"].status == "passed"
    assert fuses["zeros_are_not_missing"].reason == "it says that it imputes zeros"
    assert joint["fuse_agrees_with_encode"].reason == "it does not fuse"
    assert joint["zeros_are_not_missing"].reason.startswith("no offer lacks a slot")
    assert joint["other_subsets_are_refused"].status == "passed"


def test_the_subset_that_was_not_refused_is_named(tmp_path):
    found = outcomes_of("representations", "mutants_subsets:EncodesAnything", tmp_path)
    assert found["other_subsets_are_refused"].expected == (
        "encode() to refuse audio + image + text, as it offers only global:audio, "
        "global:audio+image, global:image, global:text"
    )
    assert (
        'self.info.offer("global", frozenset(batch))' in found["other_subsets_are_refused"].change
    )
