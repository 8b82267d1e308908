"""Each check of a task's declaration has a mutant that fails it and no other."""

from __future__ import annotations

import pytest
from mutant_runs import Mutant, assert_fails_only, failed, outcomes_of

from mmbench.testing.catalogue import checks_for

MUTANTS = [
    Mutant("task_info_is_complete", "mutants_task_declaration:Undescribed"),
    Mutant("task_info_is_complete", "mutants_task_declaration:NoVersion"),
    Mutant("task_info_is_complete", "mutants_task_declaration:NoMetrics"),
    Mutant("task_info_is_complete", "mutants_task_declaration:ListOfMetrics"),
    Mutant("task_info_is_stable", "mutants_task_declaration:Counting"),
    Mutant("primary_is_a_metric", "mutants_task_declaration:NoSuchPrimary"),
    Mutant("primary_has_a_direction", "mutants_task_declaration:Undirected"),
    Mutant("metric_names_are_unique", "mutants_task_declaration:Twice"),
    Mutant("metrics_are_described", "mutants_task_declaration:NoFormula"),
    Mutant("metrics_are_described", "mutants_task_declaration:NoUnit"),
    Mutant("bounds_are_in_order", "mutants_task_declaration:Backwards"),
    Mutant("shares_lie_between_zero_and_one", "mutants_task_declaration:Percent"),
    Mutant("aggregators_exist", "mutants_task_declaration:NoSuchAggregator"),
    Mutant("columns_fit_their_aggregator", "mutants_task_declaration:OneColumnShort"),
    Mutant("missing_intervals_have_a_reason", "mutants_task_declaration:NoReason"),
    Mutant("ladders_have_steps", "mutants_task_declaration:OneStep"),
    Mutant("equal_names_metrics", "mutants_task_declaration:EqualToNothing"),
    Mutant("protocol_is_as_listed", "sound_task:Sound", spec={"protocol": "retrieval"}),
    Mutant("refused_options_are_refused", "mutants_task_declaration:LowerCase"),
    Mutant("refused_options_are_refused", "mutants_task_declaration:NoAssignment"),
    Mutant("listed_options_are_taken", "mutants_task_declaration:Unfinished"),
]


@pytest.mark.parametrize("mutant", MUTANTS, ids=str)
def test_a_mutant_fails_its_check_and_no_other(mutant, tmp_path):
    assert_fails_only(mutant, "tasks", tmp_path, processes=False)


def test_a_sound_task_passes_every_check(tmp_path):
    found = outcomes_of("tasks", "sound_task:Sound", tmp_path)
    assert failed(found) == {}
    own = {"declaration", "collections", "requests", "references", "metrics", "purity"}
    others = [name for name, each in found.items() if each.status != "passed"]
    assert [name for name in others if found[name].family in own] == [
        "seeded_scoring_uses_the_seed"
    ]


def test_there_are_many_checks_of_tasks():
    assert len(checks_for("tasks")) >= 30
    assert len({check.name for check in checks_for("tasks")}) == len(checks_for("tasks"))


def test_the_message_says_how_a_refused_option_is_spelt(tmp_path):
    found = outcomes_of("tasks", "mutants_task_declaration:LowerCase", tmp_path)
    outcome = found["refused_options_are_refused"]
    assert outcome.seen == "it is accepted"
    assert "'option=value', the value as Python writes it" in outcome.change
