"""The check that opening is lazy has a mutant that fails it and no other."""

from __future__ import annotations

import pytest
from mutant_runs import Mutant, assert_fails_only, message_of, outcomes_of

MUTANTS = [Mutant("opening_is_lazy", "mutants_dataset_sample:InMemory")]
LAZY = (
    "sound_dataset:Sound",
    "sound_layouts:Folders",
    "sound_layouts:Archive",
    "mutants_dataset_sample:HasAnnotationsOfItsOwn",
)


@pytest.mark.parametrize("mutant", MUTANTS, ids=str)
def test_a_mutant_fails_its_check_and_no_other(mutant, tmp_path):
    assert_fails_only(mutant, "datasets", tmp_path)


@pytest.mark.parametrize("path", LAZY)
def test_lists_archives_and_annotations_may_be_read(path, tmp_path):
    assert outcomes_of("datasets", path, tmp_path)["opening_is_lazy"].status == "passed"


def test_the_message_says_how_many_files_are_read(tmp_path):
    told = message_of("opening_is_lazy", "datasets", "mutants_dataset_sample:InMemory", tmp_path)
    assert "files are read for 24 items and " in told
    assert "'array' of test[item-001] loads after its folder is gone" in told
    assert "change: keep the path, and decode in load()" in told
