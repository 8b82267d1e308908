"""The representation: vectors in every precision, backend and batch; seeds; what is declared."""

from __future__ import annotations

import copy
import logging
import os
import pickle
import random
import subprocess
import sys

import numpy as np
import pytest
import torch
from tiny_clap import sweep

from mmbench.api import Audio, Context, ItemError, PluginError, Text, UsageError
from mmbench.registry import load_registry
from mmbench_clap.representation import CLAP

TEXTS = [Text(each) for each in ("a dog barks", "", "  ", "x", "zażółć 音楽 🎻", "word " * 99)]
#: Shorter than a clip of the small model (5 s), longer, stereo, of another rate, of one sample.
SOUNDS = [
    sweep(1, rate=16_000),
    sweep(7, rate=16_000, seed=1),
    sweep(2, rate=44_100, channels=2, seed=2),
    sweep(5, rate=16_000, seed=3, start=900.0),
    sweep(6, rate=8_000, seed=4),
    Audio(np.full((1, 1), 0.25, np.float32), 16_000),
]
BACKENDS = ("laion", "transformers")


@pytest.fixture(params=["plain", "fused"])
def options(request):
    return request.getfixturevalue(request.param)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("batch", [{"audio": SOUNDS}, {"text": TEXTS}], ids=["audio", "text"])
def test_a_batch_changes_nothing(loaded, options, backend, batch):
    representation = loaded(options, backend=backend)
    ((slot, items),) = batch.items()
    together = representation.encode({slot: list(items)})
    alone = torch.cat([representation.encode({slot: [item]}) for item in items])
    assert together.shape == (len(items), 512)
    np.testing.assert_allclose(together, alone, atol=2e-6)
    np.testing.assert_allclose(together.norm(dim=-1), 1.0, atol=1e-6)
    far = torch.cdist(together, together) + torch.eye(len(items))
    assert far.min() > 1e-3


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("precision", "least"), [("bf16", 0.99), ("fp16", 0.9999)])
def test_half_precision_agrees(loaded, options, backend, precision, least):
    full, half = (loaded(options, each, backend=backend) for each in ("fp32", precision))
    for batch in ({"audio": SOUNDS}, {"text": TEXTS}):
        expected, found = full.encode(batch), half.encode(batch)
        assert found.dtype == torch.float32
        assert (expected * found).sum(dim=-1).min() > least
        assert not torch.equal(expected, found)  # it did compute in another precision
    assert not torch.is_autocast_enabled("cpu")
    assert torch.is_grad_enabled()


def test_two_seeds_differ_in_longer_clips_only(loaded, options):
    seen = [loaded(options, seed=seed).encode({"audio": SOUNDS}) for seed in (0, 1, 0)]
    assert torch.equal(seen[0], seen[2])
    moved = (seen[0] - seen[1]).abs().amax(dim=1)
    assert (moved > 1e-4).tolist() == [False, True, False, False, True, False]


def test_global_random_state_neither_matters_nor_changes(loaded, options):
    expected = loaded(options).encode({"audio": SOUNDS[:2]})
    random.seed(3)
    np.random.seed(3)  # noqa: NPY002 - the global generator is what must not matter
    torch.manual_seed(3)
    before = (random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state())  # noqa: NPY002
    found = loaded(options).encode({"audio": SOUNDS[:2]})
    after = (random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state())  # noqa: NPY002
    assert torch.equal(found, expected)
    assert before[:2] == after[:2]
    assert torch.equal(before[2], after[2])


def test_seeded_is_declared_where_chunks_are_random(options):
    assert CLAP(**options).info.seeded
    assert not CLAP(**options, chunks="middle").info.seeded


def test_middle_chunks_follow_no_seed(loaded, options):
    seen = [loaded(options, seed=seed, chunks="middle") for seed in (0, 1)]
    first, second = (each.encode({"audio": SOUNDS[:2]}) for each in seen)
    assert torch.equal(first, second)


def test_copies_use_their_own_weights(loaded, fused):
    first = loaded(fused, "bf16")
    second = copy.deepcopy(first)
    for parameter in first._loaded.towers.parameters():
        parameter.zero_()
    expected = loaded(fused, "bf16").encode({"audio": SOUNDS[:2]})
    assert torch.equal(second.encode({"audio": SOUNDS[:2]}), expected)


def test_it_pickles_before_loading(loaded, plain):
    there = pickle.loads(pickle.dumps(CLAP(**plain)))
    there.load(Context())
    assert torch.equal(there.encode({"text": TEXTS}), loaded(plain).encode({"text": TEXTS}))


def test_empty_batches(loaded, plain):
    representation = loaded(plain)
    assert representation.encode({"audio": []}).shape == (0, 512)
    assert representation.encode({"text": []}).shape == (0, 512)


def test_empty_sounds_are_refused(loaded, plain):
    with pytest.raises(ItemError, match="empty"):
        loaded(plain).encode({"audio": [Audio(np.zeros((1, 0), np.float32), 16_000)]})


def test_sounds_and_texts_are_not_encoded_together(loaded, plain):
    with pytest.raises(UsageError, match="audio and text together"):
        loaded(plain).encode({"audio": SOUNDS[:1], "text": TEXTS[:1]})


def test_texts_are_padded_to_77_tokens_and_cut_there(loaded, plain, caplog):
    representation = loaded(plain)
    tokenizer = representation._loaded.tokenizer
    ids, mask = tokenizer([Text("ab"), Text("")])
    assert ids.shape == mask.shape == (2, 77)
    assert ids[0, :5].tolist() == [0, 4 + ord("a"), 4 + ord("b"), 2, 1]
    assert mask.sum(dim=1).tolist() == [4, 2]
    with caplog.at_level(logging.WARNING, logger="mmbench"):
        representation.encode({"text": [Text("x" * 75)]})
        assert not caplog.records
        cut = representation.encode({"text": [Text("a"), Text("x" * 76)]})[1]
        representation.encode({"text": [Text("x" * 90)]})
    (record,) = caplog.records
    assert "more than 77 tokens" in record.getMessage()
    whole = representation.encode({"text": [Text("x" * 75)]})[0]
    np.testing.assert_allclose(cut, whole, atol=1e-6)


def test_a_lone_surrogate_is_no_error(loaded, plain):
    assert loaded(plain).encode({"text": [Text("caf\udce9")]}).isfinite().all()


def test_encoding_without_loading_says_so(plain):
    with pytest.raises(PluginError, match="before it was loaded"):
        CLAP(**plain).encode({"text": TEXTS})


def test_devices_and_precisions_that_there_are_not(plain):
    with pytest.raises(UsageError, match="can't compute on"):
        CLAP(**plain).load(Context(device="cuda:63"))
    with pytest.raises(UsageError, match="fp8"):
        CLAP(**plain).load(Context(dtype="fp8"))


def test_info_and_fingerprint_need_no_torch(plain):
    code = (
        "import sys; from mmbench_clap.representation import CLAP; "
        f"r = CLAP(**{plain!r}); r.info; r.fingerprint(); "
        "assert not {'torch', 'transformers', 'laion_clap', 'librosa'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_loading_leaves_the_process_as_it_was(loaded, plain, capfd):
    before = (dict(os.environ), list(sys.path), list(sys.argv), torch.get_default_dtype())
    loaded(plain).encode({"text": TEXTS[:1]})
    assert before == (dict(os.environ), list(sys.path), list(sys.argv), torch.get_default_dtype())
    assert not any(name.split(".")[0] in ("laion_clap", "clap_module") for name in sys.modules)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", ["clap", "clap-fusion", "clap-htsat-unfused"])
def test_presets_can_be_built(name):
    made = load_registry().configure("representations", name, {}, CLAP)
    assert {offer.dim for offer in made.object.info.offers} == {512}
