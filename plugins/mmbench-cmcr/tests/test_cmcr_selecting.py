"""The bridge's temperature is the one that is best on validation, and no other data's."""

from __future__ import annotations

import logging

import numpy as np
import pytest
from cmcr_worlds import linear_space, meanings, rn

from mmbench.api import Context, DataError, UsageError
from mmbench_cmcr.bridge import Bridge
from mmbench_cmcr.selecting import Score, best_of

CLIP = linear_space(100, 20, ("image", "text"))
CLAP = linear_space(200, 24, ("audio", "text"))
TEXTS, VALID = meanings(1, 300), meanings(5, 80)
SHARED = {"first text d/c/text": CLIP("text", TEXTS, 1),
          "second text d/c/text": CLAP("text", TEXTS, 2)}  # fmt: skip
PAIRS = {"first image d/valid": CLIP("image", VALID, 3),
         "second audio d/valid": CLAP("audio", VALID, 4)}  # fmt: skip
CANDIDATES = (0.001, 0.05, 5.0)


def bridge(**options):
    return Bridge(**{"first": "clip", "second": "clap", "shared_corpus": ("d/c/text",), **options})


def fitted(arrays, **options):
    made = bridge(**options)
    made.fit_vectors(arrays, Context())
    return made


def chosen(pairs=PAIRS, temperatures=CANDIDATES):
    return fitted({**SHARED, **pairs}, temperatures=temperatures, validation="d/valid")


def recall(made):
    """The mean of both directions' R@1 on the validation pairs."""
    images = made.project("first", "image", PAIRS["first image d/valid"])
    sounds = made.project("second", "audio", PAIRS["second audio d/valid"])
    scores = sounds @ images.T
    rows = np.arange(len(scores))
    return ((scores.argmax(1) == rows).mean() + (scores.argmax(0) == rows).mean()) / 2


def test_the_best_of_the_candidates_is_taken_and_all_are_told():
    made = chosen()
    meta = made.state().meta
    alone = {t: fitted(SHARED, temperature=t) for t in CANDIDATES}
    assert [each["temperature"] for each in meta["candidates"]] == list(CANDIDATES)
    for each in meta["candidates"]:  # a cold bridge makes ties, which are no hits
        assert each["recall_at_1"] == pytest.approx(recall(alone[each["temperature"]]), abs=0.03)
    assert meta["temperature"] == max(CANDIDATES, key=lambda t: recall(alone[t])) == 0.05
    assert (meta["validation"], meta["pairs"]) == ("d/valid", 80)
    sounds = CLAP("audio", meanings(9, 7), 8)
    wanted = alone[0.05].project("second", "audio", sounds)
    np.testing.assert_array_equal(made.project("second", "audio", sounds), wanted)
    again = bridge()
    again.load_state(made.state())
    np.testing.assert_array_equal(again.project("second", "audio", sounds), wanted)


def test_one_temperature_projects_the_same_bits_however_it_was_named():
    sounds = CLAP("audio", meanings(9, 50), 8)
    for temperature in (0.05, 0.3):
        made = chosen(temperatures=(temperature,))
        wanted = fitted(SHARED, temperature=temperature)
        for base, slot, vectors in (
            ("second", "audio", sounds), ("first", "image", PAIRS["first image d/valid"]),
        ):  # fmt: skip
            found = made.project(base, slot, vectors)
            np.testing.assert_array_equal(found, wanted.project(base, slot, vectors))
    assert not np.array_equal(wanted.project("second", "audio", sounds),
                              chosen().project("second", "audio", sounds))  # fmt: skip


#: Two texts; three pairs. The first two sounds are their texts, and the third lies between, nearer
#: to the first. Pictures lie at 0, 90 and 45 degrees.
HALF = 0.5**0.5
HAND = {
    "first text d/c/text": np.eye(2, dtype=np.float32),
    "second text d/c/text": np.eye(2, dtype=np.float32),
    "first image d/valid": np.array([[1, 0], [0, 1], [HALF, HALF]], np.float32),
    "second audio d/valid": np.array([[1, 0], [0, 1], [0.8, 0.6]], np.float32),
}


def test_the_scores_are_those_that_a_hand_finds():
    made = fitted(HAND, temperatures=(1.0, 0.05), validation="d/valid")
    # At 1.0 weights differ by a factor of e at most: sounds lie at 20, 70 and 39 degrees. The first
    # two are nearest to their pictures, the third too; each picture to its own sound.
    warm = {"temperature": 1.0, "recall_at_1": 1.0, "reciprocal_rank": 1.0}
    # At 0.05 the third sound lies at 1 degree, and is nearest to the first picture; its own is
    # second. The third picture's nearest is its own sound still; so are all others'.
    cold = {"temperature": 0.05, "recall_at_1": (2 / 3 + 1) / 2,
            "reciprocal_rank": ((1 + 1 + 1 / 2) / 3 + 1) / 2}  # fmt: skip
    found = made.state().meta["candidates"]
    for each, wanted in zip(found, (warm, cold), strict=True):
        assert each == pytest.approx(wanted)
    assert made.state().meta["temperature"] == 1.0
    assert made.state().meta["pairs"] == 3


def test_the_choice_is_logged_with_all_scores(caplog):
    with caplog.at_level(logging.INFO):
        fitted(HAND, temperatures=(1.0, 0.05), validation="d/valid")
    assert "temperature 1 of 2 candidates, by 3 pairs of d/valid: " in caplog.text
    assert "1: R@1 1.0000, MRR 1.0000; 0.05: R@1 0.8333, MRR 0.9167" in caplog.text


def test_ties_go_to_the_higher_rank_and_then_to_the_first():
    scores = [Score(1.0, 0.5, 0.6), Score(2.0, 0.5, 0.7), Score(3.0, 0.5, 0.7), Score(4.0, 0.4, 1)]
    assert best_of(scores).temperature == 2.0


def test_without_candidates_nothing_is_chosen():
    assert len(bridge().needs()) == 2
    state = fitted(SHARED, temperature=0.2).state()
    assert dict(state.meta) == {}
    again = chosen()
    again.fit_vectors({**SHARED, **PAIRS}, Context())
    assert again.state().meta == chosen().state().meta


def test_it_asks_for_the_validation_pairs():
    asked = bridge(temperatures=(0.1,), validation="d/valid").needs()[2:]
    assert [(each.name, each.base, each.paired) for each in asked] == [
        ("first image d/valid", "first", True), ("second audio d/valid", "second", True),
    ]  # fmt: skip


def test_what_does_not_fit_is_refused():
    for half in ({"temperatures": (0.1,)}, {"validation": "d/valid"}):
        with pytest.raises(UsageError, match="temperatures and validation go together"):
            bridge(**half)
    with pytest.raises(UsageError, match="temperature must be above 0, not -1"):
        bridge(temperatures=(0.1, -1.0), validation="d/valid")
    with pytest.raises(UsageError, match="'valid' names no paired collection"):
        bridge(temperatures=(0.1,), validation="valid").needs()
    with pytest.raises(DataError, match="d/valid are not pairs: there are 80 vectors of image"):
        chosen({**PAIRS, "second audio d/valid": rn(1, (79, 24))})
    with pytest.raises(DataError, match="has a value that is NaN"):
        chosen({**PAIRS, "second audio d/valid": rn(1, (80, 24)) * np.nan})
    with pytest.raises(DataError, match="vectors of audio have 9 numbers, and should have 24"):
        chosen({**PAIRS, "second audio d/valid": rn(1, (80, 9))})
    with pytest.raises(DataError, match="can't be scored at the temperature 0"):
        chosen({name: np.repeat(array[:1], 5, 0) for name, array in PAIRS.items()}, (0.1,))
