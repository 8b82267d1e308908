"""The unconnected: both spaces as they are, at one length."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from cmcr_worlds import base, linear_space, meanings, recall_at_1, rn, unit

from mmbench.api import Context, DataError, PluginError, UsageError
from mmbench_cmcr.unconnected import Unconnected

BASES = {"first": base("clip", {"image": 5, "text": 5}, dense=("image",)),
         "second": base("clap", {"audio": 7, "text": 7})}  # fmt: skip


def unconnected(bases=BASES, **options):
    made = Unconnected(first="clip", second="clap", **options)
    made.describe(bases)
    made.fit_vectors({}, Context())
    return made


def test_it_is_described_as_what_it_is():
    info = unconnected().describe(BASES)
    assert info.name == "unconnected(clip, clap; text)"
    assert (info.parameters, info.seeded) == (0, False)
    assert {(o.kind, *o.slots, o.dim) for o in info.offers} == {
        ("global", "image", 7), ("global", "text", 7), ("global", "audio", 7),
        ("dense", "image", 7),
    }  # fmt: skip
    assert unconnected().needs() == []


def test_vectors_are_unit_and_filled_up_with_zeros():
    pictures, sounds = 3 * rn(1, (6, 5)), 2 * rn(2, (2, 3, 3, 7))
    found = unconnected().project("first", "image", pictures)
    np.testing.assert_allclose(found[:, :5], unit(pictures), rtol=1e-6)
    assert found.dtype == np.float32
    assert not found[:, 5:].any()
    np.testing.assert_allclose(
        unconnected().project("second", "audio", sounds), unit(sounds), rtol=1e-5
    )


def test_it_connects_nothing():
    clip = linear_space(100, 20, ("image", "text"))
    clap = linear_space(200, 24, ("audio", "text"))
    made = unconnected({"first": base("clip", {"image": 20, "text": 20}),
                        "second": base("clap", {"audio": 24, "text": 24})})  # fmt: skip
    unseen = meanings(9, 200)
    images = made.project("first", "image", clip("image", unseen, 11))
    sounds = made.project("second", "audio", clap("audio", unseen, 12))
    assert recall_at_1(sounds, images) < 5 / 200


def test_another_length_is_not_the_last_ones():
    made = unconnected()
    small = {"first": base("clip", {"image": 3, "text": 3}),
             "second": base("clap", {"audio": 2, "text": 2})}  # fmt: skip
    assert {offer.dim for offer in made.describe(small).offers} == {3}


def test_an_unknown_length_has_to_be_said():
    unknown = {
        **BASES,
        "second": replace(
            BASES["second"],
            offers=frozenset(replace(o, dim=None) for o in BASES["second"].offers),
        ),
    }
    with pytest.raises(UsageError, match="clap does not say how long its vectors are"):
        unconnected(unknown)
    made = unconnected(unknown, dim=7)
    assert made.project("second", "audio", rn(1, (2, 7))).shape == (2, 7)


def test_what_does_not_fit_is_refused():
    with pytest.raises(UsageError, match="dim is 6, and there are vectors of 7 numbers"):
        unconnected(dim=6)
    with pytest.raises(UsageError, match="dim must be above 0"):
        unconnected(dim=0)
    with pytest.raises(UsageError, match="clap has no slot 'pointcloud'"):
        unconnected(second_leaf="pointcloud")
    with pytest.raises(DataError, match="vectors of audio have 8 numbers"):
        unconnected().project("second", "audio", rn(1, (2, 8)))
    with pytest.raises(PluginError, match="has no space 'third'"):
        unconnected().project("third", "audio", rn(1, (2, 7)))
    with pytest.raises(PluginError, match="is not trained"):
        Unconnected(first="clip", second="clap").project("first", "image", rn(1, (2, 5)))
