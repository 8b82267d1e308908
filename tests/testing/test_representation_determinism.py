"""Each check of the determinism family has a mutant that fails it and no other."""

from __future__ import annotations

import sys
import time

import pytest
from mutant_runs import (
    Mutant,
    assert_fails_only,
    failed,
    message_of,
    outcomes_of,
    registry_with,
)

from mmbench.testing.catalogue import Target
from mmbench.testing.outcomes import run_check

MUTANTS = [
    Mutant("repeats_agree", "mutants_determinism:FreshNoise"),
    Mutant("repeats_agree", "mutants_determinism:Dropout"),
    Mutant("repeats_agree", "mutants_determinism:RunningMean"),
    Mutant("earlier_calls_leave_no_trace", "mutants_determinism:GrowingVocabulary"),
    Mutant("look_alikes_are_not_mixed_up", "mutants_determinism:CachesByTheBeginning"),
    Mutant("look_alikes_are_not_mixed_up", "mutants_determinism:CachesWithoutTheRate"),
    Mutant("instances_agree", "mutants_determinism:UnseededWeights"),
    Mutant("instances_agree", "mutants_determinism:SeededByTheMillisecond"),
    Mutant("loading_twice_changes_nothing", "mutants_determinism:LoadsOnTop"),
    Mutant("processes_agree", "mutants_determinism:HashesStrings"),
    Mutant("processes_agree", "mutants_determinism:LostAway"),
    Mutant("times_agree", "mutants_determinism:ReadsTheClock"),
    Mutant("times_agree", "mutants_determinism:ReadsTheClockAtEveryCall"),
    Mutant("times_agree", "mutants_determinism:SpellsTheYear"),
    Mutant("times_agree", "mutants_determinism:AsksTheSystemsClock"),
    Mutant("times_agree", "mutants_determinism:AsksNumpysClock"),
    Mutant("seed_matters_if_declared", "mutants_determinism:SeededInName"),
    Mutant("seed_changes_nothing_undeclared", "mutants_determinism:SecretlySeeded"),
]


@pytest.fixture(autouse=True)
def folder_with_weights(tmp_path, monkeypatch):
    (tmp_path / "weights.bin").write_bytes(b"")
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("mutant", MUTANTS, ids=str)
def test_a_mutant_fails_its_check_and_no_other(mutant, tmp_path):
    assert_fails_only(mutant, "representations", tmp_path)


@pytest.mark.skipif(sys.platform == "win32", reason="needs the C library's clock")
def test_a_clock_that_cannot_be_moved_is_found_by_its_seconds(tmp_path):
    path = "mutants_determinism:CountsSeconds"
    registry, name = registry_with("representations", path)
    target = Target("representations", name, registry)
    subject = target.subject(tmp_path)
    time.sleep(1 - time.time() % 1)  # what this process encodes, it encodes in one second
    outcomes = {
        check.name: run_check(check, subject, {})
        for check in target.checks
        if check.name in ("times_agree", "processes_agree")
    }
    assert outcomes["times_agree"].expected.endswith("to be the same a second later")
    assert outcomes["times_agree"].seen.startswith("it reads a clock: they differ by up to ")
    assert "numpy.datetime64('now')" in outcomes["times_agree"].change
    assert outcomes["processes_agree"].status == "blocked"
    assert "see times_agree" in outcomes["processes_agree"].reason


def test_a_year_later_is_a_clock_too(tmp_path):
    path = "mutants_determinism:AsksNumpysClock"
    message = message_of("times_agree", "representations", path, tmp_path)
    assert "to be the same a year later" in message
    assert "seen: it reads a clock: they differ by up to " in message


def test_a_seeded_representation_that_says_so_is_sound(tmp_path):
    outcomes = outcomes_of("representations", "mutants_determinism:Seeded", tmp_path)
    assert failed(outcomes) == {}
    assert outcomes["seed_matters_if_declared"].status == "passed"
    assert outcomes["seed_changes_nothing_undeclared"].reason == "info.seeded is True"


def test_noise_is_named_with_how_far_it_goes_and_what_to_change(tmp_path):
    outcomes = outcomes_of("representations", "mutants_determinism:FreshNoise", tmp_path)
    found = outcomes["repeats_agree"]
    assert found.expected.endswith("to be the same when a batch is encoded twice")
    assert "they differ by up to 0." in found.seen
    assert "payload_digest(payload)" in found.change
    assert outcomes["instances_agree"].status == "blocked"
    assert "repeats_agree" in outcomes["instances_agree"].reason


def test_what_ended_another_process_is_shown(tmp_path):
    outcomes = outcomes_of("representations", "mutants_determinism:LostAway", tmp_path)
    assert outcomes["processes_agree"].seen.startswith("FileNotFoundError: ")
    assert "weights.bin" in outcomes["processes_agree"].seen
    assert outcomes["times_agree"].status == "blocked"


def test_what_is_not_a_number_is_told_by_its_own_check(tmp_path):
    outcomes = outcomes_of("representations", "mutants_output:NaN", tmp_path, processes=False)
    reason = outcomes["earlier_calls_leave_no_trace"].reason
    assert reason == "values are not finite: see output_is_finite"


def test_a_cache_by_digest_is_no_fault(tmp_path):
    path = "mutants_determinism:Caching"
    outcomes = outcomes_of("representations", path, tmp_path, processes=False)
    assert failed(outcomes) == {}
    assert outcomes["look_alikes_are_not_mixed_up"].status == "passed"
    assert outcomes["rate_is_heeded"].status == "passed"
