"""Each check of the manners family has a mutant that fails it and no other."""

from __future__ import annotations

import pytest
from mutant_runs import Mutant, assert_fails_only, failed, message_of, outcomes_of

MUTANTS = [
    Mutant("inputs_are_left_alone", "mutants_manners:ScalesInPlace"),
    Mutant("inputs_are_left_alone", "mutants_manners:EmptiesTheBatch"),
    Mutant("inputs_are_left_alone", "mutants_manners:ReversesTheList"),
    Mutant("results_are_left_alone", "mutants_manners:ReusesItsBuffer"),
    Mutant("random_state_is_left_alone", "mutants_manners:SeedsNumpy"),
    Mutant("random_state_is_left_alone", "mutants_manners:DrawsFromPython"),
    Mutant("random_state_is_left_alone", "mutant_seeding_at_import:SeedsAtImport"),
    Mutant("surroundings_are_left_alone", "mutants_manners:SetsAVariable"),
    Mutant("surroundings_are_left_alone", "mutants_manners:ChangesFolder"),
    Mutant("surroundings_are_left_alone", "mutants_manners:SilencesNumpy"),
    Mutant("surroundings_are_left_alone", "mutants_manners:TakesTheRootLogger"),
    Mutant("surroundings_are_left_alone", "mutants_manners:StopsTheCollector"),
    Mutant("surroundings_are_left_alone", "mutants_manners:IgnoresAlarms"),
    Mutant("surroundings_are_left_alone", "mutants_manners:OpensItsFiles"),
    Mutant("surroundings_are_left_alone", "mutants_manners:SilencesLogging"),
    Mutant("network_is_left_alone", "mutants_manners:AsksTheNetwork"),
    Mutant("network_is_left_alone", "mutant_online_at_import:OnlineAtImport"),
    Mutant("files_are_left_alone", "mutants_manners:WritesBesideItsCache"),
    Mutant("files_are_left_alone", "mutants_manners:WritesUnseen"),
    Mutant("files_are_left_alone", "mutants_manners:TouchesItsHome"),
    Mutant("files_are_left_alone", "mutants_manners:TouchesTheFolderAbove"),
    Mutant("it_prints_nothing", "mutants_manners:Prints"),
    Mutant("it_prints_nothing", "mutants_manners:PrintsUnseen"),
    Mutant("nothing_is_left_running", "mutants_manners:LeavesAThread"),
    Mutant("nothing_is_left_running", "mutants_manners:LeavesAProcess"),
    Mutant("nothing_is_left_running", "mutants_manners:LeavesADaemon"),
]


@pytest.mark.parametrize("mutant", MUTANTS, ids=str)
def test_a_mutant_fails_its_check_and_no_other(mutant, tmp_path, monkeypatch):
    # A machine that is slow to end what is sound does not matter: that is what these fail.
    if mutant.check == "nothing_is_left_running":
        monkeypatch.setattr("mmbench.testing.processes._TO_END", 2.0)
    processes = mutant.check not in ("inputs_are_left_alone", "results_are_left_alone")
    assert_fails_only(mutant, "representations", tmp_path, processes=processes)


@pytest.mark.parametrize("name", ["WellBehaved", "TouchesItsCaches"])
def test_what_is_put_back_logged_cached_or_ended_is_no_bad_manners(name, tmp_path):
    outcomes = outcomes_of("representations", f"mutants_manners:{name}", tmp_path)
    assert failed(outcomes) == {}


def test_the_message_names_the_file_that_another_program_wrote(tmp_path):
    path = "mutants_manners:TouchesItsHome"
    message = message_of("files_are_left_alone", "representations", path, tmp_path)
    assert "/home/.sound-license (a process was started: " in message
    assert "'touch'" in message


def test_the_message_names_variable_and_mend(tmp_path):
    message = message_of(
        "surroundings_are_left_alone", "representations", "mutants_manners:SetsAVariable", tmp_path
    )
    assert "seen: changed: os.environ['SOUND_IS_LOADED']" in message
    assert "put it back in a with block" in message


def test_the_message_says_who_was_asked_and_when(tmp_path):
    message = message_of(
        "network_is_left_alone",
        "representations",
        "mutant_online_at_import:OnlineAtImport",
        tmp_path,
    )
    assert "connect '192.0.2.1' while it is imported" in message
