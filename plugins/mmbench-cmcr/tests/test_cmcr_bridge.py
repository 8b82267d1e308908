"""The bridge: the first space as it is, and the second looked up in it."""

from __future__ import annotations

import logging

import numpy as np
import pytest
from cmcr_worlds import base, linear_space, meanings, recall_at_1, rn, unit

from mmbench.api import Context, DataError, PluginError, UsageError
from mmbench_cmcr import bridge as bridge_module
from mmbench_cmcr.bridge import Bridge

FIRST, SECOND = "first text d/c/text", "second text d/c/text"


def bridge(**options):
    return Bridge(**{"first": "clip", "second": "clap", "shared_corpus": ("d/c/text",), **options})


def fitted(first, second, **options):
    made = bridge(**options)
    made.fit_vectors({FIRST: first, SECOND: second}, Context())
    return made


def test_a_sound_becomes_the_weighted_mean_of_its_texts(monkeypatch):
    monkeypatch.setattr(bridge_module, "_CHUNK", 4)
    first, second = rn(1, (40, 5)).astype(np.float32), rn(2, (40, 7)).astype(np.float32)
    sounds = rn(3, (9, 7)).astype(np.float32)
    weights = np.exp(unit(sounds) @ unit(second).T / 0.2)
    wanted = unit(weights @ unit(first))
    made = fitted(first, second, temperature=0.2)
    np.testing.assert_allclose(made.project("second", "audio", sounds), wanted, atol=1e-5)
    pictures = rn(4, (6, 5)).astype(np.float32)
    np.testing.assert_allclose(made.project("first", "image", pictures), unit(pictures), atol=1e-6)


def test_a_cold_bridge_takes_the_nearest_text():
    first, second = unit(rn(1, (40, 5))), unit(rn(2, (40, 7)))
    sounds = unit(rn(3, (9, 7)))
    found = fitted(first, second, temperature=1e-4).project("second", "audio", sounds)
    np.testing.assert_allclose(found, first[(sounds @ second.T).argmax(axis=1)], atol=1e-4)


def test_it_connects_without_training():
    clip = linear_space(100, 20, ("image", "text"))
    clap = linear_space(200, 24, ("audio", "text"))
    texts, unseen = meanings(1, 600), meanings(9, 200)
    made = fitted(clip("text", texts, 1), clap("text", texts, 2), temperature=0.05)
    sounds = made.project("second", "audio", clap("audio", unseen, 12))
    images = made.project("first", "image", clip("image", unseen, 11))
    assert recall_at_1(sounds, images) > 20 / 200


def test_it_is_described_as_a_bridge():
    info = bridge().describe(
        {"first": base("clip", {"image": 5, "text": 5}),
         "second": base("clap", {"audio": 7, "text": 7})}
    )  # fmt: skip
    assert info.name == "bridge(clip, clap; text)"
    assert (info.parameters, info.seeded) == (0, False)
    assert {offer.dim for offer in info.offers} == {5}


def test_a_limit_keeps_evenly_spaced_items(caplog):
    with caplog.at_level(logging.INFO):
        made = fitted(rn(1, (40, 5)), rn(2, (40, 7)), limit=4)
    assert "keeps 4 of 40 shared items" in caplog.text
    np.testing.assert_array_equal(
        made.state().arrays["first"], rn(1, (40, 5))[[0, 13, 26, 39]].astype(np.float32)
    )


def test_what_does_not_fit_is_refused():
    with pytest.raises(UsageError, match="no corpus is named"):
        bridge(shared_corpus=()).needs()
    with pytest.raises(UsageError, match="temperature must be above 0"):
        bridge(temperature=0.0)
    with pytest.raises(UsageError, match="limit must be 1 or more"):
        bridge(limit=0)
    with pytest.raises(UsageError, match="they share no stream 'text'"):
        bridge().describe({"first": base("clip", {"image": 5, "text": 5}),
                           "second": base("yamnet", {"audio": 7})})  # fmt: skip
    with pytest.raises(DataError, match="the second 39"):
        fitted(rn(1, (40, 5)), rn(2, (39, 7)))
    with pytest.raises(DataError, match="the corpus is empty"):
        fitted(rn(1, (0, 5)), rn(2, (0, 7)))
    with pytest.raises(DataError, match="row 0 has a value that is NaN"):
        fitted(rn(1, (40, 5)), rn(2, (40, 7)) * np.nan)
    made = fitted(rn(1, (40, 5)), rn(2, (40, 7)))
    with pytest.raises(DataError, match="vectors of audio have 5 numbers, and should have 7"):
        made.project("second", "audio", rn(1, (2, 5)))
    with pytest.raises(PluginError, match="has no space 'third'"):
        made.project("third", "audio", rn(1, (2, 5)))
