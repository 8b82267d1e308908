"""The bridge's temperature is the one that is best on validation, and no other data's."""

from __future__ import annotations

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
