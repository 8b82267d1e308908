"""Each check of a task's requests has a mutant that fails it and no other."""

from __future__ import annotations

import pytest
from mutant_runs import Mutant, assert_fails_only, failed, outcomes_of

M = "mutants_task_requests:"
MUTANTS = [
    Mutant("requests_are_made", M + "WantsNothing"),
    Mutant("requests_are_made", M + "WantsNames"),
    Mutant("requests_name_what_exists", M + "NoSuchCollection"),
    Mutant("requests_name_what_exists", M + "NoSuchStream"),
    Mutant("requests_have_a_kind", M + "NoSuchKind"),
    Mutant("requests_have_a_kind", M + "NoSuchPartial"),
    Mutant("request_names_are_unique", M + "Twice"),
    Mutant("requests_are_stable", M + "Wavering"),
    Mutant("requests_are_minimal", M + "Greedy"),
    Mutant("few_offers_are_no_error", M + "Presuming"),
    Mutant("fit_spec_names_what_exists", M + "LearnsFromNothing"),
    Mutant("fit_spec_names_what_exists", M + "LearnsNoStream"),
    Mutant("fit_spec_names_what_exists", M + "LearnsNoColumn"),
    Mutant("fit_spec_names_what_exists", M + "NotASpec"),
    Mutant("fit_target_has_a_kind", M + "NoTargetKind"),
]


@pytest.mark.parametrize("mutant", MUTANTS, ids=str)
def test_a_mutant_fails_its_check_and_no_other(mutant, tmp_path):
    assert_fails_only(mutant, "tasks", tmp_path, processes=False)


def test_a_task_may_say_what_it_misses(tmp_path):
    assert failed(outcomes_of("tasks", M + "Choosing", tmp_path)) == {}


def test_the_message_names_what_is_never_read(tmp_path):
    outcome = outcomes_of("tasks", M + "Greedy", tmp_path)["requests_are_minimal"]
    assert outcome.seen == "it never looks at 'caption'"


def test_the_message_names_the_streams_that_there_are(tmp_path):
    outcome = outcomes_of("tasks", M + "NoSuchStream", tmp_path)["requests_name_what_exists"]
    assert "streams of 'test': sound, caption" in outcome.expected
    assert outcome.seen == "('audio',)"
