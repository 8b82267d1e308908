"""Each check of the extremes family has a mutant that fails it and no other."""

from __future__ import annotations

from functools import partial

import pytest
from mutant_runs import Mutant, assert_fails_only, failed
from mutant_runs import outcomes_of as outcomes_with

#: What these families are about is seen in one process.
outcomes_of = partial(outcomes_with, processes=False)

MUTANTS = [
    Mutant("picture_of_any_size_works", "mutants_extremes:HalvesItsPictures"),
    Mutant("picture_of_any_size_works", "mutants_extremes:MapsFollowThePicture"),
    Mutant("plain_picture_works", "mutants_extremes:DividesByContrast"),
    Mutant("sound_of_any_length_works", "mutants_extremes:NeedsAWindow"),
    Mutant("silence_works", "mutants_extremes:LogOfSilence"),
    Mutant("silence_works", "mutants_extremes:ZeroForSilence"),
    Mutant("loud_sound_works", "mutants_extremes:IntegersOverflow"),
    Mutant("any_channels_work", "mutants_extremes:MonoOnly"),
    Mutant("any_rate_works", "mutants_extremes:OneRateOnly"),
    Mutant("rate_is_heeded", "mutants_extremes:TakesSamplesAsTheyAre"),
    Mutant("empty_text_works", "mutants_extremes:MeanOfNoWords"),
    Mutant("long_text_works", "mutants_extremes:ShortContext"),
    Mutant("text_in_any_script_works", "mutants_extremes:AsciiOnly"),
    Mutant("cloud_of_any_size_works", "mutants_extremes:NeedsNeighbours"),
    Mutant("cloud_in_one_place_works", "mutants_extremes:DividesByTheRadius"),
    Mutant("cloud_with_or_without_colours_works", "mutants_extremes:NeedsColours"),
    Mutant("sequence_of_any_length_works", "mutants_extremes:NeedsDifferences"),
    Mutant("zeros_work", "mutants_extremes:DividesByTheLength"),
    Mutant("video_of_one_frame_works", "mutants_extremes:NeedsTwoFrames"),
    Mutant("table_with_holes_works", "mutants_extremes:NeedsFullTables"),
    Mutant("table_of_other_columns_works", "mutants_extremes:KnowsItsColumns"),
    Mutant("single_token_works", "mutants_extremes:NeedsPairs"),
]


@pytest.mark.parametrize("mutant", MUTANTS, ids=str)
def test_a_mutant_fails_its_check_and_no_other(mutant, tmp_path):
    assert_fails_only(mutant, "representations", tmp_path, processes=False)


def test_a_sound_representation_of_the_other_kinds_fails_nothing(tmp_path):
    outcomes = outcomes_of("representations", "sound_kinds:Kinds", tmp_path)
    assert failed(outcomes) == {}
    assert outcomes["zeros_work"].status == "passed"
    assert outcomes["silence_works"].reason == "no slot takes such payloads"


def test_an_item_may_be_refused_by_name(tmp_path):
    assert failed(outcomes_of("representations", "mutants_extremes:Refuses", tmp_path)) == {}


def test_what_a_slot_does_not_take_is_not_sent(tmp_path):
    outcomes = outcomes_of("representations", "mutants_extremes:FixedShapes", tmp_path)
    assert failed(outcomes) == {}
    assert outcomes["picture_of_any_size_works"].reason == "slot image asks for shape (32, 32, 3)"
    assert outcomes["any_channels_work"].status == "passed"
    assert outcomes["plain_picture_works"].status == "passed"


def test_tokens_of_a_vocabulary_are_not_made_up(tmp_path):
    outcomes = outcomes_of("representations", "mutants_extremes:OwnTokens", tmp_path)
    assert failed(outcomes) == {}
    assert outcomes["single_token_works"].reason == "symbols takes its own examples only"


def test_the_extreme_is_named_with_what_it_raised(tmp_path):
    found = outcomes_of("representations", "mutants_extremes:NeedsAWindow", tmp_path)
    assert found["sound_of_any_length_works"].message == (
        "expected: global:audio to encode a sound of one sample in slot audio, or to raise "
        "ItemError\n"
        "    seen: it raised RuntimeError: Kernel size can't be greater than actual input size\n"
        "  change: pad short sounds to a window; cut or average long ones; or raise "
        'ItemError("..."), which drops this item only'
    )
