"""The paired upper bound: true pairs, the same heads, and clear words for what are no pairs."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from cmcr_worlds import base, linear_space, meanings, recall_at_1, rn, unit

from mmbench.api import Context, DataError, PluginError, UsageError
from mmbench_cmcr.completion import complete
from mmbench_cmcr.connector import CMCR
from mmbench_cmcr.corpora import Rows
from mmbench_cmcr.head_training import _NOISE, _seed
from mmbench_cmcr.layouts import Layout
from mmbench_cmcr.losses import info_nce
from mmbench_cmcr.pair_training import PairRecipe, Pairs, PairTraining
from mmbench_cmcr.paired import Paired

FIRST, SECOND = "first image d/c", "second audio d/c"
BASES = {"first": base("clip", {"image": 6, "text": 6}, dense=("image",)),
         "second": base("clap", {"audio": 8, "text": 8})}  # fmt: skip
CLIP = linear_space(100, 20, ("image", "text"))
CLAP = linear_space(200, 24, ("audio", "text"))


def paired(**options):
    return Paired(**{"first": "clip", "second": "clap", "epochs": 2, "pairs": ("d/c",), **options})


def arrays(**changed):
    made = {FIRST: rn(1, (30, 6)).astype(np.float32), SECOND: rn(2, (30, 8)).astype(np.float32)}
    return {**made, **changed}


def fitted(vectors=None, *, ctx=None, **options):
    made = paired(**options)
    made.fit_vectors(vectors or arrays(), ctx or Context())
    return made


def test_it_is_described_as_cmcr_is():
    info, other = (
        each.describe(BASES)
        for each in (paired(), CMCR(first="clip", second="clap", shared_corpus=("a/b/c",)))
    )
    assert info.name == "paired(clip, clap; text)"
    assert (info.slots, info.offers, info.parameters) == (
        other.slots, other.offers, other.parameters,
    )  # fmt: skip
    assert info.seeded
    alone = {**BASES, "second": base("yamnet", {"audio": 8})}
    assert paired().describe(alone).parameters == info.parameters  # they need share nothing


def test_it_asks_for_both_leaves_of_the_same_items():
    def asked(*pairs):
        return [(r.base, r.slot, r.dataset, r.collection, r.stream, r.paired)
                for r in paired(pairs=pairs).needs()]  # fmt: skip

    assert asked("d/c") == [("first", "image", "d", "c", "image", True),
                            ("second", "audio", "d", "c", "audio", True)]  # fmt: skip
    assert asked("d/c/frame/sound")[0][4:] == ("frame", True)
    assert asked("d/c/frame/sound")[1][4:] == ("sound", True)
    assert len(asked("d/c", "d/e")) == 4


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"pairs": ()}, "no pairs are named in the option pairs"),
        ({"pairs": ("d/c/image",)}, "'d/c/image' names no paired collection"),
        ({"pairs": ("d/c", "d/c")}, "'d/c' is named twice"),
        ({"temperature": 0.0}, "temperature must be above 0, not 0.0"),
        ({"variance": -1.0}, "variance must be 0 or more"),
    ],
)
def test_senseless_options_are_refused(options, said):
    with pytest.raises(UsageError, match=said):
        paired(**options).needs()


@pytest.mark.parametrize(
    ("changed", "error", "said"),
    [
        ({SECOND: rn(2, (29, 8))}, DataError, "d/c are not pairs: there are 30 vectors of image"),
        ({FIRST: rn(1, (30, 6)) * np.nan}, DataError, "clip, image: the vector of row 0 has a"),
        ({FIRST: rn(1, (0, 6)), SECOND: rn(1, (0, 8))}, DataError, "the corpus is empty"),
        ({FIRST: rn(1, (1, 6)), SECOND: rn(1, (1, 8))}, UsageError, "one item is too few"),
        ({SECOND: np.ones((30, 8), int)}, PluginError, "should be floats"),
    ],
)
def test_what_are_no_pairs_is_refused(changed, error, said):
    with pytest.raises(error, match=said):
        fitted(arrays(**changed))


def test_each_collection_must_be_of_pairs():
    # In all there are as many of both, but row 20 of one is not of the item of the other's.
    vectors = {FIRST: rn(1, (20, 6)), SECOND: rn(2, (25, 8)),
               "first image d/e": rn(3, (25, 6)), "second audio d/e": rn(4, (20, 8))}  # fmt: skip
    with pytest.raises(DataError, match="the pairs of d/c are not pairs"):
        fitted(vectors, pairs=("d/c", "d/e"))


def test_a_step_is_infonce_of_the_heads_outputs():
    rows = [Rows("rows", (unit(rn(seed, (40, 6))).astype(np.float32),)) for seed in (1, 2)]
    recipe = PairRecipe(Layout(), 6, temperature=0.1, epochs=1)
    training, copy = (
        PairTraining(Pairs(*rows), recipe, Context(seed=2), key="k") for _ in range(2)
    )
    (seen,) = training.train_step(training.gather(np.arange(20)))
    generator = torch.Generator().manual_seed(_seed(2, _NOISE, 0))
    sides = [torch.from_numpy(each.take(np.arange(20))) for each in rows]
    noisy = [complete(side, variance=0.004, generator=generator) for side in sides]
    spaces = dict(zip(("first", "second"), noisy, strict=True))
    hats = [copy.heads[space].train()(vectors) for space, vectors in spaces.items()]
    wanted = info_nce(*(torch.nn.functional.normalize(hat, dim=-1) for hat in hats), 0.1)
    torch.testing.assert_close(seen, wanted.detach())


def test_an_interrupted_fit_goes_on_where_it_was(tmp_path):
    def stop(_done, _total, what):
        if what.startswith("epoch 2"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fitted(ctx=Context(checkpoint=tmp_path, progress=stop))
    again, whole = fitted(ctx=Context(checkpoint=tmp_path)), fitted()
    for name, array in whole.state().arrays.items():
        np.testing.assert_array_equal(again.state().arrays[name], array)
    assert whole.state().meta["pairs"] == 30


@pytest.mark.parametrize("options", [{}, {"projector": "ex-mcr", "frozen": "first"}], ids=str)
def test_pairs_connect(options):
    seen, unseen = meanings(1, 600), meanings(9, 200)
    made = fitted({FIRST: CLIP("image", seen, 1), SECOND: CLAP("audio", seen, 2)},
                  **{"epochs": 16, "batch": 256, "learning_rate": 0.004, "variance": 0.01,
                     **options})  # fmt: skip
    images = made.project("first", "image", CLIP("image", unseen, 11))
    sounds = made.project("second", "audio", CLAP("audio", unseen, 12))
    assert recall_at_1(sounds, images) > 40 / 200  # chance is 1 / 200
