"""Each check of the dense family has a mutant that fails it and no other."""

from __future__ import annotations

import pytest
from mutant_runs import Mutant, assert_fails_only, failed, message_of, outcomes_of

RIGHT_WAY = "dense_maps_are_the_right_way_round"
NOT_TURNED = "dense_maps_of_wide_frames_are_not_turned"
COVER = "dense_maps_cover_the_whole_frame"
MUTANTS = [
    Mutant("dense_maps_have_cells", "mutants_dense:NoCells"),
    Mutant("dense_grid_follows_the_size", "mutants_dense:GridFollowsContent"),
    Mutant(RIGHT_WAY, "mutants_dense:FlipsRows"),
    Mutant(RIGHT_WAY, "mutants_dense:FlipsColumns"),
    Mutant(RIGHT_WAY, "mutants_dense:Transposes"),
    Mutant(RIGHT_WAY, "mutants_dense:LooksAtOneCorner"),
    Mutant(NOT_TURNED, "mutants_dense:TurnsWideFrames"),
    Mutant(COVER, "mutants_dense:CropsTheCentre"),
    Mutant(COVER, "mutants_dense:CropsTheBorder"),
]
PLACES = (RIGHT_WAY, NOT_TURNED, COVER)


@pytest.mark.parametrize("mutant", MUTANTS, ids=str)
def test_a_mutant_fails_its_check_and_no_other(mutant, tmp_path):
    assert_fails_only(mutant, "representations", tmp_path, processes=False)


def statuses(outcomes, names=PLACES):
    return [outcomes[name].status for name in names]


@pytest.mark.parametrize("name", ["TellsNoPlaces", "OneCell"])
def test_what_tells_no_places_apart_is_not_judged(name, tmp_path):
    outcomes = outcomes_of("representations", f"mutants_dense:{name}", tmp_path)
    assert failed(outcomes) == {}
    assert statuses(outcomes, (RIGHT_WAY, NOT_TURNED)) == ["skipped", "skipped"]


def test_a_fixed_square_has_no_wide_frames(tmp_path):
    outcomes = outcomes_of("representations", "mutants_dense:FixedSquares", tmp_path)
    assert failed(outcomes) == {}
    assert statuses(outcomes) == ["passed", "skipped", "passed"]
    assert outcomes[NOT_TURNED].reason == "slot 'image' takes squares of 32 x 32 pixels only"


def test_cells_may_attend_to_all_of_the_frame(tmp_path):
    outcomes = outcomes_of("representations", "mutants_dense:AttendsEverywhere", tmp_path)
    assert failed(outcomes) == {}
    assert statuses(outcomes) == ["passed"] * 3


def test_the_message_says_where_it_was_planted_and_found(tmp_path):
    message = message_of(RIGHT_WAY, "representations", "mutants_dense:FlipsRows", tmp_path)
    assert "a square in the top left corner of a frame of 96 x 96 pixels" in message
    assert "seen: the bottom left changes most" in message


def test_random_vectors_are_not_judged_by_place(tmp_path):
    path = "mmbench.builtin.representations.random:Random"
    outcomes = outcomes_of("representations", path, tmp_path, spec={"name": "random-places"})
    assert statuses(outcomes) == ["skipped", "skipped", "passed"]
