"""The pooled baseline: means over time, standardised, zero where a stream is missing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mmbench.api import (
    Array,
    BoundCollection,
    Context,
    FitData,
    FitSpec,
    ItemError,
    MemoryCollection,
    PluginError,
    Stream,
    UsageError,
)
from mmbench.api import Sequence as Steps
from mmbench_affect.pooled import Pooled

STREAMS = (
    Stream("audio", "audio", "Sequence", (None, 2)),
    Stream("vision", "vision", "Array", (3,)),
)
RNG = np.random.default_rng(0)
SOUNDS = [RNG.normal(3, 2, (length, 2)).astype(np.float32) for length in (4, 1, 7, 3)]
SIGHTS = [RNG.normal(-1, 5, 3).astype(np.float32) for _ in SOUNDS]


def trained(sights: list[Any] | None = None) -> Pooled:
    found = Pooled()
    found.bind([*STREAMS, Stream("raw_text", "text", "Text")])
    payloads = {
        "audio": [Steps(each) for each in SOUNDS],
        "vision": [None if each is None else Array(each) for each in sights or SIGHTS],
    }
    items = MemoryCollection("train", list("abcd"), {each.name: each for each in STREAMS}, payloads)
    bound = BoundCollection(items, {"audio": "audio", "vision": "vision"})
    found.fit(FitData(bound, None, FitSpec("train")), Context())
    return found


def batch(rows: slice = slice(None)) -> dict[str, list[Any]]:
    return {
        "audio": [Steps(each) for each in SOUNDS[rows]],
        "vision": [Array(each) for each in SIGHTS[rows]],
    }


def test_means_are_standardised_and_stand_side_by_side() -> None:
    means = np.concatenate(
        [np.stack([each.mean(axis=0) for each in SOUNDS]), np.stack(SIGHTS)], axis=1
    )
    wanted = (means - means.mean(axis=0)) / means.std(axis=0)
    found = trained().encode(batch())
    np.testing.assert_allclose(found[:, :5], wanted, atol=1e-5)
    assert (found[:, 5] == 1).all()


def test_a_missing_stream_has_the_training_mean() -> None:
    model = trained()
    whole = model.encode(batch())
    alone = model.encode({"vision": batch()["vision"]})
    assert (alone[:, :2] == 0).all()
    np.testing.assert_array_equal(alone[:, 2:], whole[:, 2:])
    parts = {name: model.encode({name: each}) for name, each in batch().items()}
    np.testing.assert_array_equal(model.fuse(parts), whole)
    assert {len(offer.slots) for offer in model.info.offers} == {1, 2}
    assert [slot.name for slot in model.info.slots] == ["audio", "vision"]


def test_padding_takes_no_part() -> None:
    model = trained()
    padded = Steps(np.concatenate([np.zeros((5, 2), np.float32), SOUNDS[0]]))
    np.testing.assert_allclose(
        model.encode({"audio": [padded]}), model.encode({"audio": [Steps(SOUNDS[0])]}), rtol=1e-6
    )
    silent = model.encode({"audio": [Steps(np.zeros((5, 2), np.float32))]})
    assert np.isfinite(silent).all()


def test_only_complete_items_are_learnt_from() -> None:
    model = trained([*SIGHTS[:3], None])
    sounds = np.stack([each.mean(axis=0) for each in SOUNDS[:3]])
    found = model.encode({"audio": [Steps(each) for each in SOUNDS[:3]]})[:, :2]
    np.testing.assert_allclose(
        found, (sounds - sounds.mean(axis=0)) / sounds.std(axis=0), atol=1e-5
    )
    with pytest.raises(UsageError, match="no training item has all streams"):
        trained([None] * 4)


def test_bad_input() -> None:
    model = trained()
    with pytest.raises(ItemError, match="audio has 3 features, and the training items 2"):
        model.encode({"audio": [Steps(np.ones((2, 3), np.float32))]})
    with pytest.raises(ItemError, match="without steps"):
        model.encode({"audio": [Steps(np.ones((0, 2), np.float32))]})
    with pytest.raises(PluginError, match="is not trained"):
        Pooled().state()
    with pytest.raises(UsageError, match="it binds at most 8"):
        Pooled().bind([Stream(str(n), str(n), "Array", (2,)) for n in range(9)])
