"""The contrastive space: it learns pairs, by CLIP's loss, and repeats itself."""

from __future__ import annotations

import subprocess
import sys
from math import log

import numpy as np
import pytest
import torch
from cmcr_worlds import recall_at_1

from mmbench.api import (
    Array,
    Audio,
    BoundCollection,
    Collection,
    Context,
    FitData,
    FitSpec,
    Image,
    ItemError,
    PluginError,
    Stream,
    Text,
    UsageError,
)
from mmbench_cmcr.contrastive import Contrastive
from mmbench_cmcr.contrastive_training import _DROPOUT, TowerRecipe, _loss, _seed, train_towers
from mmbench_cmcr.inputs import SIZES, inputs_of
from mmbench_cmcr.losses import info_nce

WORDS = ("red", "green", "blue", "black")
COLOURS = ((220, 20, 20), (20, 220, 20), (20, 20, 220), (20, 20, 20))
SHORT = {"epochs": 2, "batch": 16, "dim": 16, "width": 2}


def flag(meaning, rng):
    """Three stripes of noisy colours."""
    stripes = [COLOURS[meaning // 4**place % 4] for place in range(3)]
    pixels = np.repeat(np.array(stripes), 4, axis=0)[None].repeat(6, axis=0)
    return Image(np.clip(pixels + rng.normal(0, 10, pixels.shape), 0, 255).astype(np.uint8))


def tune(meaning, rng):
    """Three tones."""
    time = np.arange(800) / 8000
    tones = [np.sin(2 * np.pi * 500 * (1 + meaning // 4**place % 4) * time) for place in range(3)]
    return Audio((np.concatenate(tones) + rng.normal(0, 0.01, 2400))[None].astype(np.float32), 8000)


def said(meaning, _rng):
    return Text(" ".join(WORDS[meaning // 4**place % 4] for place in range(3)))


MAKERS = {"image": flag, "audio": tune, "text": said,
          "array": lambda meaning, _rng: Array(np.full(3, meaning, np.float32))}  # fmt: skip
KINDS = {"image": "Image", "audio": "Audio", "text": "Text", "array": "Array"}


class Flags(Collection):
    """Flags, tunes and words of the meanings 0..63; row 5 of a gapped one has no words."""

    def __init__(self, meanings, *, gap=False):
        self.name = "flags"
        self.meanings = list(meanings)
        self.ids = [f"{each}" for each in self.meanings]
        self.streams = {name: Stream(name, name, kind) for name, kind in KINDS.items()}
        self.columns = {}
        self.gap = gap

    def content_keys(self, stream):
        return [None if self.gap and stream == "text" and row == 5 else f"{stream}{each}"
                for row, each in enumerate(self.ids)]  # fmt: skip

    def load(self, row, stream):
        meaning = self.meanings[row]
        return MAKERS[stream](meaning, np.random.default_rng([meaning, len(stream)]))


ORDER = np.random.default_rng(0).permutation(64)
SEEN, UNSEEN = ORDER[:48], ORDER[48:]


def data(first, second, collection=None):
    bound = BoundCollection(collection or Flags(SEEN), {first: first, second: second})
    return FitData(bound, None, FitSpec("train"))


def fitted(first="image", second="text", *, collection=None, seed=0, **options):
    made = Contrastive(**{"first": first, "second": second, **SHORT, **options})
    made.load(Context())
    made.fit(data(first, second, collection), Context(seed=seed))
    return made


def unseen(made, slot):
    flags = Flags(UNSEEN)
    return made.encode({slot: [flags.load(row, slot) for row in range(len(UNSEEN))]})


@pytest.mark.parametrize("slots", [("image", "text"), ("audio", "text")])
def test_it_finds_pairs_that_it_has_not_seen(slots):
    made = fitted(*slots, epochs=25)
    first, second = (unseen(made, slot) for slot in slots)
    assert recall_at_1(first, second) >= 0.5  # chance is 1 / 16
    np.testing.assert_allclose(np.linalg.norm(first, axis=1), 1, rtol=1e-5)
    history = made.state().meta["history"]
    assert history[-1] < history[0] / 2


def test_it_repeats_itself_and_follows_the_seed():
    one, same, other = fitted(), fitted(), fitted(seed=1)
    assert one.state().meta == same.state().meta
    assert one.state().meta["history"] != other.state().meta["history"]
    for name, array in one.state().arrays.items():
        np.testing.assert_array_equal(same.state().arrays[name], array, err_msg=name)


def test_the_number_of_threads_changes_no_digit():
    before, found = torch.get_num_threads(), []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        made = fitted(epochs=2)
        assert torch.get_num_threads() == threads
        found.append(unseen(made, "image"))
    torch.set_num_threads(before)
    np.testing.assert_array_equal(*found)


def test_two_spaces_of_one_seed_share_no_beginning():
    one, other = (fitted(first, "text", epochs=1) for first in ("image", "audio"))
    texts = [unseen(made, "text") for made in (one, other)]
    begun = [made.state().arrays["text/net.0.weight"].ravel() for made in (one, other)]
    assert abs(np.corrcoef(begun)[0, 1]) < 0.1
    assert recall_at_1(*texts) < 0.5  # of 16, untrained but for a step or two


def test_a_training_leaves_torchs_generator_alone():
    torch.manual_seed(3)
    wanted = torch.rand(4)
    torch.manual_seed(3)
    fitted(epochs=1)
    torch.testing.assert_close(torch.rand(4), wanted, rtol=0, atol=0)


def test_a_state_is_the_whole_of_it():
    made, again = fitted(), Contrastive(first="image", second="text", **SHORT)
    again.load(Context())
    again.load_state(made.state())
    for slot in ("image", "text"):
        np.testing.assert_array_equal(unseen(again, slot), unseen(made, slot))


def test_the_loss_is_clips():
    towers = [torch.nn.Linear(5, 4), torch.nn.Linear(6, 4)]
    given = [torch.rand(7, 5), torch.rand(7, 6)]
    cold = torch.nn.Parameter(torch.tensor(-log(0.2)))
    first, second = (
        torch.nn.functional.normalize(tower(each), dim=-1)
        for tower, each in zip(towers, given, strict=True)
    )
    seen = _loss(towers, given, cold, _seed(0, _DROPOUT, 0))
    torch.testing.assert_close(seen, info_nce(first, second, 0.2))
    colder = torch.nn.Parameter(torch.tensor(-log(0.001)))
    torch.testing.assert_close(_loss(towers, given, colder, 0), info_nce(first, second, 0.01))
    colder.requires_grad_(False)  # a temperature that is told is taken as it is
    torch.testing.assert_close(_loss(towers, given, colder, 0), info_nce(first, second, 0.001))


@pytest.mark.parametrize("learnt", [True, False])
def test_the_temperature_is_learnt_or_kept(learnt):
    rng = np.random.default_rng(0)
    sides = {"image": rng.random((20, *SIZES["Image"]), np.float32),
             "text": rng.random((20, *SIZES["Text"]), np.float32)}  # fmt: skip
    recipe = TowerRecipe(8, 2, 0.0, 0.07, learnt, 1e-2, 0.0, 3, 10)
    found = train_towers(sides, {"image": "Image", "text": "Text"}, recipe, Context())
    assert (found.temperature == 0.07) is not learnt
    assert len(found.history) == 3


def test_it_is_described_before_it_is_trained():
    info = Contrastive(first="image", second="text").info
    assert (info.name, info.seeded) == ("contrastive-image-text", True)
    assert Contrastive().info.name == "contrastive"
    assert {tuple(sorted(offer.slots)) for offer in info.offers} == {
        ("image",), ("text",), ("image", "text"),
    }  # fmt: skip
    for slots in (("image", "text"), ("audio", "text")):
        made = fitted(*slots, epochs=1)
        counted = sum(p.numel() for tower in made._towers.values() for p in tower.parameters())
        assert Contrastive(first=slots[0], second="text", **SHORT).info.parameters == counted
    assert Contrastive(first="array", second="text").info.parameters is None


def test_both_slots_are_the_mean_of_either():
    made, flags = fitted(), Flags(UNSEEN)
    both = made.encode({s: [flags.load(r, s) for r in range(4)] for s in ("image", "text")})
    wanted = (unseen(made, "image")[:4] + unseen(made, "text")[:4]) / 2
    np.testing.assert_allclose(both, wanted, atol=1e-6)


def test_items_that_lack_a_side_are_passed_over():
    assert fitted(collection=Flags(SEEN, gap=True)).state().meta["pairs"] == 47


def test_inputs_hold_what_a_payload_is():
    words = inputs_of([Text("red green"), Text("green red"), Text("")], "Text", where="x")
    assert not np.array_equal(words[0], words[1])
    assert np.abs(words[2]).sum() == 1  # "^ $"
    flat = inputs_of([Image(np.full((5, 7, 3), 9, np.uint8))], "Image", where="x")
    assert not flat.any()
    quiet = inputs_of([Audio(np.zeros((2, 5), np.float32), 8000)], "Audio", where="x")
    assert np.isfinite(quiet).all()
    loud, soft = (
        inputs_of([Audio(gain * tune(7, np.random.default_rng(0)).samples, 8000)], "Audio",
                  where="x") for gain in (1.0, 0.5)
    )  # fmt: skip
    np.testing.assert_allclose(loud, soft, atol=1e-3)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"second": "image"}, "needs two different modalities, not 'image' twice"),
        ({"first": ""}, "needs two different modalities"),
        ({"temperature": 0.0}, "temperature must be above 0"),
        ({"batch": 1}, "batch must be 2 or more, not 1"),
        ({"dropout": 1.0}, "dropout must be below 1"),
        ({"dim": 0}, "dim must be above 0"),
    ],
)
def test_senseless_options_are_refused(options, said):
    with pytest.raises(UsageError, match=said):
        Contrastive(**{"first": "image", "second": "text", **options})


def test_what_can_not_be_learnt_from_is_refused():
    with pytest.raises(UsageError, match="'flags' has 1 pairs"):
        fitted(collection=Flags([3]))
    with pytest.raises(UsageError, match="has no stream for slot 'text'"):
        Contrastive(first="image", second="text").fit(data("image", "audio"), Context())
    with pytest.raises(UsageError, match="there is no tower for payloads of kind Array"):
        fitted("array", "text")
    made = fitted(epochs=1)
    with pytest.raises(UsageError, match="was trained on Image, and is handed Text"):
        made.encode({"image": [Text("red")]})
    with pytest.raises(ItemError, match="holds NaN or infinity"):
        inputs_of([Audio(np.full((1, 900), np.nan, np.float32), 8000)], "Audio", where="x")
    with pytest.raises(ItemError, match="a picture has no pixels"):
        inputs_of([Image(np.zeros((0, 4, 3), np.uint8))], "Image", where="x")
    with pytest.raises(PluginError, match="is not trained"):
        Contrastive().encode({"image": []})


def test_planning_needs_no_torch():
    code = (
        "import sys\nfrom mmbench_cmcr.contrastive import Contrastive\n"
        "from mmbench_cmcr.paired import Paired\n"
        "from mmbench_cmcr.unconnected import Unconnected\n"
        "Contrastive(first='image', second='text').info.parameters\n"
        "Paired(first='a', second='b', pairs=('a/b',)).needs()\n"
        "Unconnected(first='a', second='b')\n"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.slow
def test_it_learns_the_numbers_world():
    from mmbench.builtin.numbers.dataset import Numbers
    from mmbench.metrics.retrieval import pair_retrieval

    class Source:
        def hash_file(self, _path):
            return "handwriting"

    numbers = Numbers().collections(Source())
    slots = ("image", "text")
    made = Contrastive(first="image", second="text")
    bound = BoundCollection(numbers["train"], {slot: slot for slot in slots})
    made.fit(FitData(bound, None, FitSpec("train")), Context())
    test = numbers["test"]
    vectors = [made.encode({s: [test.load(r, s) for r in range(len(test))]}) for s in slots]
    both = pair_retrieval(*vectors, threads=1)
    assert min(columns["hit@1"].mean() for columns in both) >= 0.7  # cca: 0.79; chance: 0.0025
