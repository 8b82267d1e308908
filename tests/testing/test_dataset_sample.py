"""Each check of a dataset's sample has a mutant that fails it and no other."""

from __future__ import annotations

import pytest
from mutant_runs import Mutant, assert_fails_only, failed, outcomes_of

HERE = "mutants_dataset_sample"
MUTANTS = [
    Mutant("it_writes_a_sample", f"{HERE}:NoSample"),
    Mutant("it_writes_a_sample", f"{HERE}:WriterRaises"),
    Mutant("sample_is_read_back", f"{HERE}:AnotherLayout"),
    Mutant("smallest_sample_is_read_back", f"{HERE}:NeedsTwoItems"),
    Mutant("sample_follows_items", f"{HERE}:AlwaysSix"),
    Mutant("same_seed_same_sample", f"{HERE}:Stamped"),
    Mutant("same_seed_same_sample", f"{HERE}:HashOrdered"),
    Mutant("another_seed_another_sample", f"{HERE}:OneSeed"),
    Mutant("sample_reads_nothing_of_this_machine", f"{HERE}:CopiesRealData"),
    Mutant("sample_reads_nothing_of_this_machine", f"{HERE}:ListsTheHomeFolder"),
    Mutant("dataset_writes_only_its_sample", f"{HERE}:LeavesALog"),
    Mutant("dataset_writes_only_its_sample", f"{HERE}:Indexes"),
    Mutant("dataset_writes_only_its_sample", f"{HERE}:LogsByAnotherProgram"),
    Mutant("dataset_writes_only_its_sample", f"{HERE}:IndexesByAnotherProgram"),
    Mutant("dataset_reads_only_its_folder", f"{HERE}:ReadsItsAuthorsLabels"),
    Mutant("dataset_reads_only_its_folder", f"{HERE}:HasItsAuthorsCaptions"),
    Mutant("dataset_uses_no_network", f"{HERE}:Downloads"),
    Mutant("dataset_prints_nothing", f"{HERE}:Prints"),
    Mutant("dataset_leaves_random_state", f"{HERE}:Seeds"),
    Mutant("marker_is_ignored", f"{HERE}:TakesEveryFile"),
]
SOUND = [
    f"{HERE}:UsesATemporaryFile",
    f"{HERE}:LacksSome",
    f"{HERE}:HasAnnotationsOfItsOwn",
    f"{HERE}:Plain",
    f"{HERE}:AsksWhereItIs",
    "sound_layouts:Folders",
    "sound_layouts:Archive",
]


@pytest.mark.parametrize("path", SOUND)
def test_what_is_sound_in_another_way_fails_nothing(path, tmp_path):
    assert failed(outcomes_of("datasets", path, tmp_path)) == {}


@pytest.mark.parametrize("mutant", MUTANTS, ids=str)
def test_a_mutant_fails_its_check_and_no_other(mutant, tmp_path):
    assert_fails_only(mutant, "datasets", tmp_path)


def test_the_message_names_what_was_looked_into(tmp_path):
    said = failed(outcomes_of("datasets", f"{HERE}:CopiesRealData", tmp_path))
    seen = said["sample_reads_nothing_of_this_machine"].splitlines()[1]
    assert seen.startswith("    seen: it looked into ")
    assert seen.endswith("/home/data/sound/items.csv")


def test_the_message_names_the_file_that_lies_elsewhere(tmp_path):
    said = failed(outcomes_of("datasets", f"{HERE}:ReadsItsAuthorsLabels", tmp_path))
    told = said["dataset_reads_only_its_folder"]
    assert "seen: they looked into /home/author/labels.csv" in told


def test_the_message_names_what_another_program_wrote(tmp_path):
    said = failed(outcomes_of("datasets", f"{HERE}:LogsByAnotherProgram", tmp_path))
    told = said["dataset_writes_only_its_sample"]
    assert "/home/.sound.log (a process was started: subprocess.Popen 'touch'" in told
