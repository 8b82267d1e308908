"""Random vectors: one draw an item, whatever the batch; the seed and the payload decide it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmbench.api import Context, Image, Stream, Text, UsageError
from mmbench.builtin.representations.random import Random

IMAGE = Stream("image", "image", "Image", (32, 32, 3))
TEXT = Stream("text", "text", "Text")
AUDIO = Stream("audio", "audio", "Audio")


def bound(*streams, seed=0, **options) -> Random:
    model = Random(**options)
    model.bind(streams)
    model.load(Context(seed=seed))
    return model


def texts(words) -> dict:
    return {"text": [Text(word) for word in words]}


@settings(deadline=None)
@given(st.lists(st.sampled_from("abcdef"), min_size=1, max_size=64), st.integers(0, 3))
def test_a_vector_depends_on_the_payload_and_the_seed_alone(words, seed):
    model = bound(TEXT, seed=seed)
    whole = model.encode(texts(words))
    assert whole.shape == (len(words), 64)
    assert whole.dtype == np.float32
    single = np.concatenate([model.encode(texts([word])) for word in words])
    np.testing.assert_array_equal(whole, single)
    distinct = {row.tobytes() for row in whole}
    assert len(distinct) == len(set(words))
    assert not np.array_equal(whole, bound(TEXT, seed=seed + 1).encode(texts(words)))


def test_slots_subsets_and_kinds_of_offer():
    model = bound(IMAGE, TEXT, AUDIO, IMAGE, dim=8, grid=5)
    info = model.info
    assert [slot.name for slot in info.slots] == ["image", "text", "audio"]
    assert info.seeded
    assert len(info.offers) == 7 + 1
    assert info.offer("dense", frozenset({"image"})).dim == 8
    assert info.offer("dense", frozenset({"text"})) is None
    assert info.offer("global", frozenset({"image", "text", "audio"})).dim == 8


def test_a_subset_has_a_vector_of_its_own_in_any_order_of_slots():
    model = bound(IMAGE, TEXT)
    image = [Image(np.full((2, 2, 3), level, np.uint8)) for level in (1, 2)]
    both = model.encode({"image": image, **texts("ab")})
    np.testing.assert_array_equal(both, model.encode({**texts("ab"), "image": image}))
    assert not np.isin(both, model.encode({"image": image})).any()
    swapped = model.encode({"image": image[::-1], **texts("ab")})
    assert not np.isin(both, swapped).any()


def test_dense_maps_are_drawn_apart():
    model = bound(IMAGE, dim=8, grid=5)
    image = [Image(np.full((2, 2, 3), level, np.uint8)) for level in (1, 2)]
    maps = model.encode_dense({"image": image})
    assert maps.shape == (2, 5, 5, 8)
    np.testing.assert_array_equal(maps[1:], model.encode_dense({"image": image[1:]}))
    assert not np.isin(model.encode({"image": image}), maps).any()


def test_vectors_are_standard_normal():
    drawn = bound(TEXT).encode(texts(map(str, range(2000))))
    assert drawn.mean() == pytest.approx(0.0, abs=0.01)
    assert drawn.std() == pytest.approx(1.0, abs=0.01)


def test_slots_take_every_kind_unless_streams_share_a_modality():
    (slot,) = bound(TEXT).info.slots
    assert {"Text", "Sequence", "Array"} <= set(slot.kinds)
    tokens = Stream("tokens", "text", "Tokens")
    assert [slot.kinds for slot in bound(TEXT, tokens).info.slots] == [("Text",), ("Tokens",)]


@pytest.mark.parametrize("options", [{"dim": 0}, {"grid": 0}])
def test_impossible_sizes_are_refused(options):
    with pytest.raises(UsageError, match="at least 1"):
        Random(**options)


def test_a_name_of_two_modalities_is_refused():
    with pytest.raises(UsageError, match="'image' is image in one collection and text"):
        bound(IMAGE, Stream("image", "text", "Text"))


def test_too_many_streams_are_refused():
    with pytest.raises(UsageError, match="at most 12"):
        bound(*(Stream(f"s{i}", f"m{i}", "Array") for i in range(13)))
