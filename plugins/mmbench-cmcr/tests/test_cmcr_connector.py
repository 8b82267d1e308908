"""The connector: what it joins and asks for, what it refuses, and that it connects."""

from __future__ import annotations

import logging
import subprocess
import sys
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
from cmcr_worlds import base, linear_space, meanings, recall_at_1

from mmbench.api import Context, DataError, PluginError, Slot, StoreError, UsageError
from mmbench_cmcr.connector import CMCR

CORPORA = {
    "shared_corpus": ("numbers/train/text",),
    "first_memory": ("numbers/train/image",),
    "second_memory": ("numbers/train/audio",),
}
BASES = {
    "first": base("clip", {"image": 6, "text": 6}, dense=("image",)),
    "second": base("clap", {"audio": 8, "text": 8}),
}
NAMES = {
    "first text": "first text numbers/train/text",
    "second text": "second text numbers/train/text",
    "image": "first image numbers/train/image",
    "audio": "second audio numbers/train/audio",
}


def cmcr(**options):
    return CMCR(**{"first": "clip", "second": "clap", "epochs": 2, **CORPORA, **options})


def arrays(count=30, **changed):
    sizes = {"first text": (count, 6), "second text": (count, 8), "image": (20, 6),
             "audio": (25, 8)}  # fmt: skip
    rng = np.random.default_rng(0)
    made = {name: rng.normal(size=size).astype(np.float32) for name, size in sizes.items()}
    return {NAMES[name]: array for name, array in {**made, **changed}.items()}


def test_it_is_described_by_what_it_joins():
    info = cmcr().describe(BASES)
    assert info.name == "c-mcr(clip, clap; text)"
    assert [slot.name for slot in info.slots] == ["image", "text", "audio"]
    assert {(o.kind, *o.slots, o.dim) for o in info.offers} == {
        ("global", "image", 8), ("global", "text", 8), ("global", "audio", 8),
        ("dense", "image", 8),
    }  # fmt: skip
    assert info.seeded
    assert cmcr().routes == {"image": "first", "text": "first", "audio": "second"}


def test_the_published_sizes_are_counted_before_training():
    wide = {"first": base("clip", {"image": 512, "text": 512}),
            "second": base("clap", {"audio": 512, "text": 512})}  # fmt: skip
    assert cmcr().describe(wide).parameters == 2_106_368
    assert cmcr(projector="mlp-half").describe(wide).parameters == 527_360
    frozen = cmcr(projector="ex-mcr", frozen="first").describe(wide)
    assert frozen.parameters == 2_369_024
    assert frozen.name == "ex-mcr(clip, clap; text)"
    unknown = {name: replace(info, offers=frozenset(replace(o, dim=None) for o in info.offers))
               for name, info in wide.items()}  # fmt: skip
    assert cmcr().describe(unknown).parameters is None


def test_it_asks_for_the_shared_corpus_in_both_spaces_and_for_the_memories():
    asked = {each.name: (each.base, each.slot) for each in cmcr().needs()}
    assert asked == {
        NAMES["first text"]: ("first", "text"), NAMES["second text"]: ("second", "text"),
        NAMES["image"]: ("first", "image"), NAMES["audio"]: ("second", "audio"),
    }  # fmt: skip
    without = cmcr(aggregation="none", first_memory=(), second_memory=())
    assert len(without.needs()) == 2
    named = cmcr(shared="image", first_leaf="text", second_leaf="pointcloud",
                 second_shared="picture").needs()  # fmt: skip
    assert [(each.base, each.slot) for each in named] == [
        ("first", "image"), ("second", "picture"), ("first", "text"), ("second", "pointcloud"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"shared_corpus": ()}, "no corpus is named in the option shared_corpus"),
        ({"second_memory": ()}, "no corpus is named in the option second_memory"),
        ({"first_memory": ("numbers",)}, "'numbers' names no corpus"),
        ({"first_memory": ("a/b/c", "a/b/c")}, "'a/b/c' is named twice"),
    ],
)
def test_corpora_must_be_named(options, said):
    with pytest.raises(UsageError, match=said):
        cmcr(**options).needs()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"tau1": 0.0}, "tau1 must be above 0, not 0.0"),
        ({"batch": 1}, "batch must be 2 or more, not 1"),
        ({"variance": -1.0}, "variance must be 0 or more"),
        ({"dim": 0}, "dim must be above 0"),
        ({"epochs": 0}, "epochs must be above 0"),
        ({"learning_rate": float("nan")}, "learning_rate must be above 0, not nan"),
        ({"second_leaf": "image"}, "are not all different"),
        ({"second_leaf": "text2", "second_shared": "text2"}, "'text2' is the shared slot"),
        ({"shared": ""}, "is empty"),
    ],
)
def test_senseless_options_are_refused(options, said):
    with pytest.raises(UsageError, match=said):
        cmcr(**options)


def test_spaces_that_share_nothing_are_refused():
    alone = {**BASES, "second": base("yamnet", {"audio": 8})}
    with pytest.raises(UsageError) as caught:
        cmcr().describe(alone)
    assert "they share no stream 'text': clip takes image (Image) and text (Text); " in str(
        caught.value
    )
    assert "yamnet takes audio (Audio)" in str(caught.value)
    tokens = replace(BASES["second"], slots=(Slot("audio", "audio", ("Audio",)),
                                             Slot("text", "text", ("Tokens",))))  # fmt: skip
    with pytest.raises(UsageError, match="they share no stream 'text'"):
        cmcr().describe({**BASES, "second": tokens})
    with pytest.raises(UsageError, match="clap has no slot 'pointcloud'"):
        cmcr(second_leaf="pointcloud").describe(BASES)
    with pytest.raises(UsageError, match="clip has no slot 'video'"):
        cmcr(more_slots=("video",)).describe(BASES)


def test_a_frozen_space_decides_the_dim():
    assert {o.dim for o in cmcr(frozen="first").describe(BASES).offers} == {6}
    with pytest.raises(UsageError, match="whose vectors have 6 numbers"):
        cmcr(frozen="first", dim=8).describe(BASES)
    assert {o.dim for o in cmcr(dim=5).describe(BASES).offers} == {5}


@pytest.mark.parametrize(
    ("changed", "error", "said"),
    [
        ({"image": np.ones((20, 7), np.float32)}, DataError,
         "the memory's vectors have 7 numbers, and those that ask it 6"),
        ({"image": np.ones((0, 6), np.float32)}, DataError, "clip, image: the corpus is empty"),
        ({"audio": np.full((9, 8), np.nan, np.float32)}, DataError, "clap, audio: the vector of"),
        ({"second text": np.ones((29, 8), np.float32)}, DataError, "and the second 29"),
        ({"audio": np.ones((9, 8), int)}, PluginError, "should be floats"),
        ({"audio": np.ones(8, np.float32)}, PluginError, "should be floats"),
    ],
)  # fmt: skip
def test_bad_vectors_are_refused(changed, error, said):
    with pytest.raises(error, match=said):
        cmcr().fit_vectors(arrays(**changed), Context())


def test_missing_vectors_are_named():
    some = arrays()
    del some[NAMES["audio"]]
    with pytest.raises(PluginError, match="no vectors of 'second audio numbers/train/audio'"):
        cmcr().fit_vectors(some, Context())


def test_vectors_of_another_width_are_not_projected():
    made = cmcr()
    made.fit_vectors(arrays(), Context())
    with pytest.raises(DataError, match="vectors of audio have 6 numbers, and should have 8"):
        made.project("second", "audio", np.ones((2, 6), np.float32))
    with pytest.raises(PluginError, match="has no space 'clip'"):
        made.project("clip", "image", np.ones((2, 6), np.float32))
    assert made.project("first", "image", np.ones((0, 6), np.float32)).shape == (0, 8)


def test_half_precision_and_mapped_corpora_are_taken_as_they_are(tmp_path):
    halves = {}
    for number, (name, array) in enumerate(arrays().items()):
        np.save(tmp_path / f"{number}.npy", array.astype(np.float16))
        halves[name] = np.load(tmp_path / f"{number}.npy", mmap_mode="r")
    made = cmcr()
    made.fit_vectors(halves, Context())
    assert np.isfinite(made.project("second", "audio", arrays()[NAMES["audio"]])).all()


def test_an_interrupted_fit_goes_on_where_it_was(tmp_path, caplog):
    def stop(_done, _total, what):
        if what.startswith("epoch 2"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cmcr().fit_vectors(arrays(), Context(checkpoint=tmp_path, progress=stop))
    assert (tmp_path / "aggregates-first.npy").exists()
    seen = []
    again = cmcr()
    ctx = Context(checkpoint=tmp_path, progress=lambda *each: seen.append(each))
    again.fit_vectors(arrays(), ctx)
    assert not [each for each in seen if each[2].startswith("aggregating") and each[0] == 0]
    whole = cmcr()
    whole.fit_vectors(arrays(), Context())
    for name, array in whole.state().arrays.items():
        np.testing.assert_array_equal(again.state().arrays[name], array)
    assert again.state().meta == whole.state().meta


def test_trainings_with_other_seeds_share_the_aggregates(tmp_path):
    def told(seed, checkpoint):
        seen = []
        checkpoint.mkdir()
        shared = tmp_path / "shared"
        shared.mkdir(exist_ok=True)
        made = cmcr()
        made.fit_vectors(
            arrays(),
            Context(seed, checkpoint=checkpoint, shared=shared, progress=lambda *e: seen.append(e)),
        )
        return made.state().arrays, [each for each in seen if each[2].startswith("aggregating")]

    first, asked = told(0, tmp_path / "0")
    second, again = told(1, tmp_path / "1")
    assert len(asked) >= 2
    assert again == []
    alone = cmcr()
    alone.fit_vectors(arrays(), Context(1))
    for name, array in alone.state().arrays.items():
        np.testing.assert_array_equal(second[name], array)
    assert any(not np.array_equal(first[name], second[name]) for name in first)


def test_the_number_of_threads_changes_no_digit():
    before = torch.get_num_threads()
    rng = np.random.default_rng(0)
    many = {name: rng.normal(size=(1500, 32)).astype(np.float32) for name in NAMES}
    found = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        made = cmcr(batch=512)
        made.fit_vectors(arrays(**many), Context())
        assert torch.get_num_threads() == threads
        found.append((made.state().arrays, made.project("second", "audio", many["audio"])))
    torch.set_num_threads(before)
    for name, array in found[0][0].items():
        np.testing.assert_array_equal(found[1][0][name], array)
    np.testing.assert_array_equal(found[0][1], found[1][1])


def test_spaces_can_be_trained_on_data_of_their_own():
    made = cmcr(second_fit_on={"dataset": "numbers", "train": "valid"})
    assert made.bases["second"].fit_on == {"dataset": "numbers", "train": "valid"}
    assert made.bases["first"].fit_on == {}


def test_what_was_used_is_logged_and_kept(caplog):
    made = cmcr(intra_norm="l2_squared")
    with caplog.at_level(logging.INFO):
        made.fit_vectors(arrays(), Context())
    assert "intra_norm='l2_squared'" in caplog.text
    assert made.state().meta["intra_norm"] == "l2_squared"
    assert len(made.state().meta["history"]) == 2


def test_a_checkpoint_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "aggregates-first.npy").mkdir()
    with pytest.raises(StoreError, match="can't write aggregates"):
        cmcr().fit_vectors(arrays(), Context(checkpoint=tmp_path))


# --- it connects -----------------------------------------------------------------------------

CLIP = linear_space(100, 20, ("image", "text"))
CLAP = linear_space(200, 24, ("audio", "text"))
ULIP = linear_space(300, 28, ("pointcloud", "image"))
TRAIN = {"epochs": 16, "batch": 256, "learning_rate": 0.004, "tau1": 0.05, "variance": 0.01}


@cache
def connected(**options):
    """Unpaired: texts, pictures and sounds are of different meanings."""
    texts, pictures, sounds = (meanings(seed, 600) for seed in (1, 2, 3))
    made = CMCR(**{"first": "clip", "second": "clap", **CORPORA, **TRAIN, **options})
    vectors = {
        NAMES["first text"]: CLIP("text", texts, 1), NAMES["second text"]: CLAP("text", texts, 2),
        NAMES["image"]: CLIP("image", pictures, 3), NAMES["audio"]: CLAP("audio", sounds, 4),
    }  # fmt: skip
    made.fit_vectors({name: vectors[name] for name in (r.name for r in made.needs())}, Context())
    return made


def audio_to_image(made):
    unseen = meanings(9, 200)
    images = made.project("first", "image", CLIP("image", unseen, 11))
    sounds = made.project("second", "audio", CLAP("audio", unseen, 12))
    return recall_at_1(sounds, images)


@pytest.mark.parametrize(
    "options",
    [{}, {"projector": "ex-mcr", "frozen": "first", "alignment": "dense"},
     {"intra_norm": "l2_squared"}, {"aggregation": "nearest"}],
    ids=str,
)  # fmt: skip
def test_sounds_find_their_pictures_though_no_pair_was_seen(options):
    assert audio_to_image(connected(**options)) > 20 / 200  # chance is 1 / 200


def test_a_connector_is_the_base_of_a_connector():
    inner = connected()
    joined = inner.describe({"first": base("clip", {"image": 20, "text": 20}),
                             "second": base("clap", {"audio": 24, "text": 24})})  # fmt: skip
    outer = CMCR(
        first="c-mcr", second="ulip", shared="image", first_leaf="text", second_leaf="pointcloud",
        more_slots=("audio",), shared_corpus=("d/c/image",), first_memory=("d/c/text",),
        second_memory=("d/c/cloud",), **{**TRAIN, "epochs": 30},
    )  # fmt: skip
    info = outer.describe(
        {"first": joined, "second": base("ulip", {"pointcloud": 28, "image": 28})}
    )
    assert info.name == "c-mcr(c-mcr(clip, clap; text), ulip; image)"
    assert {slot.name for slot in info.slots} == {"audio", "image", "pointcloud", "text"}
    pictures, texts, clouds = (meanings(seed, 600) for seed in (21, 22, 23))
    outer.fit_vectors(
        {
            "first image d/c/image": inner.project("first", "image", CLIP("image", pictures, 31)),
            "second image d/c/image": ULIP("image", pictures, 32),
            "first text d/c/text": inner.project("first", "text", CLIP("text", texts, 33)),
            "second pointcloud d/c/cloud": ULIP("pointcloud", clouds, 34),
        },
        Context(),
    )
    unseen = meanings(29, 200)
    clouds = outer.project("second", "pointcloud", ULIP("pointcloud", unseen, 41))
    inside = inner.project("second", "audio", CLAP("audio", unseen, 42))
    sounds = outer.project("first", "audio", inside)
    texts = outer.project("first", "text", inner.project("first", "text", CLIP("text", unseen, 43)))
    assert recall_at_1(clouds, texts) > 20 / 200
    assert recall_at_1(sounds, clouds) > 10 / 200  # two joints apart, and never paired


def test_planning_needs_no_torch():
    code = (
        "import sys\nfrom mmbench_cmcr.connector import CMCR\n"
        "from mmbench_cmcr.bridge import Bridge\n"
        "c = CMCR(first='a', second='b', shared_corpus=('a/b/c',), first_memory=('a/b/c',),\n"
        "         second_memory=('a/b/c',))\n"
        "c.needs(), Bridge(first='a', second='b', shared_corpus=('a/b/c',)).needs()\n"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
