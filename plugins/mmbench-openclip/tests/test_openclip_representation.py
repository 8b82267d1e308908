"""The representation: vectors as open_clip gives them, in every precision and batch."""

from __future__ import annotations

import logging
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_clip import CONFIG

from mmbench.api import Context, DataMissing, Image, ItemError, PluginError, Text, UsageError
from mmbench_openclip.representation import OpenCLIP

TEXTS = [Text(each) for each in ("a dog barks", "", "  ", "x", "zażółć 音楽 🎻", "word " * 99)]


@pytest.fixture(scope="session")
def folder(tiny, tmp_path_factory):
    """The tiny model as a folder that open_clip itself reads."""
    import json

    made = tmp_path_factory.mktemp("folder")
    (made / "open_clip_config.json").write_text(json.dumps({"model_cfg": CONFIG}))
    shutil.copy(tiny["pretrained"], made / "open_clip_model.safetensors")
    return made


@pytest.fixture(scope="session")
def theirs(folder):
    """open_clip's own model, transform and tokenizer."""
    import open_clip

    model, _, transform = open_clip.create_model_and_transforms(f"local-dir:{folder}")
    return model.eval(), transform, open_clip.get_tokenizer(f"local-dir:{folder}")


def test_pictures_are_encoded_as_open_clip_does_it(theirs, loaded, pictures):
    import PIL.Image

    model, transform, _ = theirs
    seen = torch.stack([transform(PIL.Image.fromarray(each.pixels)) for each in pictures])
    with torch.no_grad():
        expected = model.encode_image(seen, normalize=True)
    found = loaded().encode({"image": pictures})
    assert found.shape == (9, CONFIG["embed_dim"])
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_texts_are_encoded_as_open_clip_does_it(theirs, loaded):
    model, _, tokenizer = theirs
    words = [text.text for text in TEXTS]
    with torch.no_grad():
        expected = model.encode_text(tokenizer(words), normalize=True)
    np.testing.assert_allclose(loaded().encode({"text": TEXTS}), expected, atol=1e-6)


def test_a_folder_names_config_and_weights(folder, loaded, pictures):
    from_folder = loaded(model=str(folder), pretrained=str(folder))
    np.testing.assert_array_equal(
        from_folder.encode({"image": pictures}), loaded().encode({"image": pictures})
    )


def test_vectors_have_length_one_unless_that_is_switched_off(loaded, pictures):
    unit = loaded().encode({"image": pictures})
    plain = loaded(normalise=False).encode({"image": pictures})
    lengths = plain.norm(dim=-1, keepdim=True)
    np.testing.assert_allclose(unit.norm(dim=-1), 1.0, atol=1e-6)
    assert (lengths - 1.0).abs().min() > 1e-3
    np.testing.assert_allclose(plain / lengths, unit, atol=1e-6)


@pytest.mark.parametrize(("slot", "method"), [("image", "encode"), ("text", "encode"),
                                              ("image", "encode_dense")])  # fmt: skip
def test_a_batch_changes_nothing(loaded, pictures, slot, method):
    representation = loaded()
    items = pictures if slot == "image" else TEXTS
    encode = getattr(representation, method)
    together = encode({slot: list(items)})
    alone = torch.cat([encode({slot: [item]}) for item in items])
    np.testing.assert_allclose(together, alone, atol=2e-6)


@pytest.mark.parametrize(("precision", "least"), [("bf16", 0.99), ("fp16", 0.9999)])
def test_half_precision_agrees(loaded, pictures, precision, least):
    full, half = loaded(), loaded(precision)
    for batch, method in (
        ({"image": pictures}, "encode"),
        ({"text": TEXTS}, "encode"),
        ({"image": pictures}, "encode_dense"),
    ):
        expected, found = getattr(full, method)(batch), getattr(half, method)(batch)
        assert found.dtype == torch.float32
        cosines = (expected * found).sum(dim=-1)
        assert cosines.min() > least
        assert not torch.equal(expected, found)  # it did compute in another precision


def test_half_precision_is_over_when_encoding_is(loaded, pictures):
    loaded("bf16").encode({"image": pictures})
    assert not torch.is_autocast_enabled("cpu")
    assert torch.is_grad_enabled()


def test_empty_batches(loaded):
    representation = loaded(dense_size=48)
    assert representation.encode({"image": []}).shape == (0, 24)
    assert representation.encode({"text": []}).shape == (0, 24)
    assert representation.encode_dense({"image": []}).shape == (0, 6, 6, 24)


@pytest.mark.parametrize("size", [(1, 1), (1, 400), (400, 1)])
def test_pictures_of_any_shape(loaded, size):
    grey = Image(np.full((*size, 3), 119, dtype=np.uint8))
    assert np.isfinite(loaded().encode({"image": [grey]})).all()
    assert np.isfinite(loaded().encode_dense({"image": [grey]})).all()


@pytest.mark.parametrize("size", [(0, 5), (1, 501), (5010, 10)])
def test_pictures_that_can_not_be_resized_are_refused_one_by_one(loaded, size):
    odd = Image(np.zeros((*size, 3), dtype=np.uint8))
    with pytest.raises(ItemError, match=f"{size[0]} x {size[1]}"):
        loaded().encode({"image": [odd]})


def test_texts_that_are_cut_are_logged_once(loaded, caplog):
    representation = loaded()
    with caplog.at_level(logging.WARNING, logger="mmbench"):
        representation.encode({"text": [Text("a dog"), Text(" ".join("abcdefghijklmn"))]})
        assert not caplog.records  # 14 letters, and the two marks
        representation.encode({"text": [Text("a dog"), Text(" ".join("abcdefghijklmno"))]})
        representation.encode({"text": [Text("word " * 99)]})
    (record,) = caplog.records
    assert "more than 16 tokens" in record.getMessage()
    assert "a b c d" in record.getMessage()


def test_a_lone_surrogate_is_no_error(loaded):
    assert np.isfinite(loaded().encode({"text": [Text("caf\udce9")]})).all()


def test_pictures_and_texts_at_once_are_refused(loaded, pictures):
    with pytest.raises(UsageError, match="image \\+ text"):
        loaded().encode({"image": pictures[:2], "text": TEXTS[:2]})


def test_it_pickles_before_loading(tiny, loaded, pictures):
    there = pickle.loads(pickle.dumps(OpenCLIP(**tiny)))
    there.load(Context())
    np.testing.assert_array_equal(
        there.encode({"image": pictures}), loaded().encode({"image": pictures})
    )


def test_encoding_without_loading_says_so(tiny):
    with pytest.raises(PluginError, match="before it was loaded"):
        OpenCLIP(**tiny).encode({"text": TEXTS})


@pytest.mark.parametrize("device", ["cuda:63", "gpu", "meta:x"])
def test_a_device_that_is_not_there(tiny, device):
    with pytest.raises(UsageError, match="can't compute on"):
        OpenCLIP(**tiny).load(Context(device=device))


def test_a_precision_that_is_none(tiny):
    with pytest.raises(UsageError, match="fp8"):
        OpenCLIP(**tiny).load(Context(dtype="fp8"))


def test_image_size_gives_what_open_clip_gives_with_that_size(folder, loaded, pictures):
    import open_clip
    import PIL.Image

    model, _, transform = open_clip.create_model_and_transforms(
        f"local-dir:{folder}", force_image_size=48
    )
    seen = torch.stack([transform(PIL.Image.fromarray(each.pixels)) for each in pictures])
    with torch.no_grad():
        expected = model.eval().encode_image(seen, normalize=True)
    found = loaded(image_size=48)
    np.testing.assert_allclose(found.encode({"image": pictures}), expected, atol=1e-6)
    assert found.encode_dense({"image": pictures}).shape == (9, 6, 6, 24)


@pytest.mark.parametrize("option", ["image_size", "dense_size"])
@pytest.mark.parametrize("side", [33, 0, -8])
def test_an_input_that_is_no_whole_number_of_patches(tiny, option, side):
    with pytest.raises(UsageError, match=option):
        _ = OpenCLIP(**tiny, **{option: side}).info


@pytest.mark.parametrize(
    ("model", "dim", "dense", "value"),
    [
        ("ViT-B-32", 512, True, True),
        ("ViT-L/14", 768, True, True),
        ("ViT-H-14-CLIPA", 1024, True, True),
        ("RN50", 1024, False, False),
        ("coca_ViT-B-32", 512, False, False),
        ("ViT-B-16-SigLIP", 768, False, False),
        ("convnext_base", 512, False, False),
        ("roberta-ViT-B-32", 512, True, True),
    ],
)
def test_offers_follow_the_config(model, dim, dense, value):
    for method, expected in (("tokens", dense), ("value", value)):
        representation = OpenCLIP(model=model, dense=method)
        info = representation.info
        assert {offer.dim for offer in info.offers} == {dim}
        assert bool(info.offer("dense", frozenset({"image"}))) is expected
        assert info.offer("global", frozenset({"image"}))
        assert info.offer("global", frozenset({"text"}))
        assert not info.offer("global", frozenset({"image", "text"}))
        assert "ViT-B-32" in representation.missing_offer("dense", frozenset({"image"}))


def test_every_config_that_open_clip_ships_has_offers():
    import open_clip

    names = open_clip.list_models()
    assert len(names) > 100
    assert all(OpenCLIP(model=name).info.offers for name in names)


def test_info_and_listing_need_no_torch(tiny):
    import subprocess
    import sys

    code = (
        "import sys; from mmbench_openclip.representation import OpenCLIP; "
        f"r = OpenCLIP(**{tiny!r}); r.info; r.fingerprint(); OpenCLIP(model='ViT-B-32').info; "
        "assert not {'torch', 'open_clip', 'torchvision'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("size_option", ["image_size", "dense_size"])
def test_other_towers_have_one_size(size_option):
    with pytest.raises(UsageError, match="one size only"):
        _ = OpenCLIP(model="RN50", **{size_option: 320}).info


def test_an_unknown_model_names_near_ones():
    with pytest.raises(UsageError, match="did you mean ViT-B-32"):
        _ = OpenCLIP(model="ViT-B32").info


def test_a_text_tower_from_the_hub_that_is_not_here(tiny, tmp_path, monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    representation = OpenCLIP(model="roberta-ViT-B-32", pretrained=tiny["pretrained"])
    with pytest.raises(
        DataMissing, match=r"text tower roberta-base(?s:.*)hf download roberta-base"
    ):
        representation.load(Context())


def test_a_resnet_encodes_and_has_no_maps(tmp_path, pictures):
    import json

    import open_clip
    from safetensors.torch import save_file

    config = {
        "embed_dim": 16,
        "vision_cfg": {"image_size": 64, "layers": [1, 1, 1, 1], "width": 8, "patch_size": None},
        "text_cfg": CONFIG["text_cfg"],
    }
    (tmp_path / "resnet.json").write_text(json.dumps(config))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = open_clip.CLIP(**json.loads(json.dumps(config)))
    save_file(model.state_dict(), Path(tmp_path / "weights.safetensors"))
    representation = OpenCLIP(
        model=str(tmp_path / "resnet.json"), pretrained=str(tmp_path / "weights.safetensors")
    )
    representation.load(Context())
    assert representation.encode({"image": pictures}).shape == (9, 16)
    with pytest.raises(UsageError, match="gives no dense vectors of image"):
        representation.encode_dense({"image": pictures})
