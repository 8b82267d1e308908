"""Each check of a task's metrics has a mutant that fails it and no other."""

from __future__ import annotations

import pytest
from mutant_runs import Mutant, assert_fails_only, failed, message_of, outcomes_of

M = "mutants_task_metrics:"
MUTANTS = [
    Mutant("it_scores", M + "ReturnsANumber"),
    Mutant("it_scores", M + "ReturnsColumns"),
    Mutant("it_scores", M + "ShortColumn"),
    Mutant("it_scores", M + "Raises"),
    Mutant("metrics_are_computed", M + "NoColumn"),
    Mutant("metrics_are_computed", M + "NoValue"),
    Mutant("metrics_are_computed", M + "NaNBehind"),
    Mutant("metrics_lie_in_bounds", M + "InPercent"),
    Mutant("ladders_do_not_fall", M + "Swapped"),
    Mutant("equal_metrics_agree", M + "Disagreeing"),
    Mutant("every_metric_has_a_value", M + "Undefined"),
    Mutant(
        "better_arrays_score_better",
        M + "Backwards",
        also={"no_metric_is_better_for_random_arrays": "the mean of the classes is of one column"},
    ),
    Mutant("item_order_does_not_matter", M + "ByPosition"),
    Mutant("vector_length_does_not_matter", M + "ByDot"),
    Mutant("dot_products_are_taken", M + "AlwaysByCosine"),
    Mutant("columns_make_the_metrics_again", M + "Objects"),
    Mutant("scored_ids_are_unique", M + "Twice"),
    Mutant("scored_ids_are_the_collections", M + "Numbered"),
    Mutant("what_is_not_scored_is_auxiliary", M + "UnmarkedPrompts"),
    Mutant("what_is_not_scored_is_auxiliary", M + "MarkedItems"),
    Mutant("parameters_are_plain", M + "ArrayParameters"),
    Mutant("parameters_are_plain", M + "NumberedNotes"),
]


@pytest.mark.parametrize("mutant", MUTANTS, ids=str)
def test_a_mutant_fails_its_check_and_no_other(mutant, tmp_path):
    assert_fails_only(mutant, "tasks", tmp_path, processes=False)


def test_what_is_allowed_fails_nothing(tmp_path):
    assert failed(outcomes_of("tasks", M + "Prefixed", tmp_path)) == {}


def test_the_message_names_the_metric_and_the_direction(tmp_path):
    outcome = outcomes_of("tasks", M + "Backwards", tmp_path)["better_arrays_score_better"]
    assert outcome.expected == ("perfect arrays to score no worse than half spoilt ones in 'top-1'")
    assert "higher_is_better" in outcome.change


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("ByCosineAndSaysSo", "its metrics are of cosines by definition"),
        ("ByCosineIfChosen", "an option says that lengths don't count"),
        ("RefusesDotProducts", "it refuses dot products: UsageError: "),
        ("ByDot", "the lengths of vectors count under cosine similarity, too"),
    ],
)
def test_who_may_compare_otherwise(name, reason, tmp_path):
    outcome = outcomes_of("tasks", M + name, tmp_path, processes=False)["dot_products_are_taken"]
    assert outcome.status == "skipped"
    assert outcome.reason.startswith(reason)


def test_the_message_says_what_cosines_are_seen_by(tmp_path):
    told = message_of("dot_products_are_taken", "tasks", M + "AlwaysByCosine", tmp_path)
    assert "seen: the scores of cosines, for vectors of very different lengths" in told
    assert "change: scale rows to length 1 only if inputs.similarity == 'cosine'" in told
