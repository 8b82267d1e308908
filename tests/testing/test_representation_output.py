"""Each check of the output family has a mutant that fails it and no other."""

from __future__ import annotations

import pytest
from mutant_runs import Mutant, assert_fails_only, failed, outcomes_of

MUTANTS = [
    Mutant("output_is_finite", "mutants_output:NaN"),
]


def test_a_sound_representation_fails_nothing(tmp_path):
    assert failed(outcomes_of("representations", "sound_representation:Sound", tmp_path)) == {}


@pytest.mark.parametrize("mutant", MUTANTS, ids=str)
def test_a_mutant_fails_its_check_and_no_other(mutant, tmp_path):
    assert_fails_only(mutant, "representations", tmp_path)
