"""Each check of a task's purity has a mutant that fails it and no other."""

from __future__ import annotations

import pytest
from mutant_runs import Mutant, assert_fails_only, failed, message_of, outcomes_of

M = "mutants_task_purity:"
NOISE = "noise on every call is no function of anything"
MUTANTS = [
    Mutant(
        "scoring_repeats",
        M + "Noisy",
        also=dict.fromkeys(
            (
                "scoring_remembers_nothing",
                "scoring_takes_stored_tables",
                "only_seeded_scoring_uses_the_seed",
            ),
            NOISE,
        ),
    ),
    Mutant("scoring_remembers_nothing", M + "Remembering"),
    Mutant("scoring_takes_stored_tables", M + "TuplesOnly"),
    Mutant("scoring_opens_no_file", M + "Reading"),
    Mutant("scoring_opens_no_file", M + "Touching"),
    Mutant("scoring_opens_no_file", M + "Compiled"),
    Mutant("scoring_asks_no_network", M + "Calling"),
    Mutant("scoring_repeats_in_a_new_process", M + "ByTheClock"),
    Mutant("scoring_repeats_in_a_new_process", M + "ByTheDate"),
    Mutant("scoring_repeats_in_a_new_process", M + "ByHash"),
    Mutant("scoring_repeats_in_a_new_process", M + "OnTheClass"),
    Mutant("scoring_reads_no_environment", M + "Asking"),
    Mutant("scoring_starts_no_process", M + "Starting"),
    Mutant("scoring_starts_no_process", M + "Forking"),
    Mutant("scoring_leaves_its_inputs", M + "Scaling"),
    Mutant("scoring_leaves_its_inputs", M + "Sorting"),
    Mutant("scoring_leaves_the_random_state", M + "Seeding"),
    Mutant("scoring_leaves_the_random_state", M + "Shuffling"),
    Mutant("scoring_prints_nothing", M + "Printing"),
    Mutant("only_seeded_scoring_uses_the_seed", M + "Drawing"),
    Mutant("seeded_scoring_uses_the_seed", M + "SaysSeeded"),
]


@pytest.mark.parametrize("mutant", MUTANTS, ids=str)
def test_a_mutant_fails_its_check_and_no_other(mutant, tmp_path):
    assert_fails_only(mutant, "tasks", tmp_path)


def test_a_seeded_task_fails_nothing(tmp_path):
    found = outcomes_of("tasks", M + "Seeded", tmp_path)
    assert failed(found) == {}
    assert found["seeded_scoring_uses_the_seed"].status == "passed"


def test_the_message_names_the_file_and_the_address(tmp_path):
    opened = outcomes_of("tasks", M + "Reading", tmp_path / "1")["scoring_opens_no_file"]
    assert opened.seen.endswith("LICENSE")
    called = outcomes_of("tasks", M + "Calling", tmp_path / "2")["scoring_asks_no_network"]
    assert called.seen == "connect ('127.0.0.1', 1)"


def test_the_message_names_what_is_missing_in_a_new_process(tmp_path):
    told = message_of("scoring_repeats_in_a_new_process", "tasks", M + "OnTheClass", tmp_path / "1")
    assert "seen: it raised KeyError: 'test-0'" in told
    told = message_of("scoring_reads_no_environment", "tasks", M + "Asking", tmp_path / "2")
    assert "seen: os.environ['SOUND_TIES']" in told
