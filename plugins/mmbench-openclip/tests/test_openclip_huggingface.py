"""The weights of transformers' CLIPModel give the same vectors here as there."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_clip import CONFIG
from torch.nn.functional import normalize

from mmbench.api import Context, DataError, Text
from mmbench_openclip.huggingface import is_huggingface_clip, to_open_clip
from mmbench_openclip.representation import OpenCLIP

transformers = pytest.importorskip("transformers")

TEXTS = [Text(each) for each in ("a photo of a dog", "", "zażółć 音楽", "word " * 99)]
TINY = {"image": 32, "patch": 8, "dim": 24, "context": 16,
        "vision": (64, 3, 2), "text": (32, 2, 2)}  # fmt: skip
BASE = {"image": 224, "patch": 32, "dim": 512, "context": 77,
        "vision": (768, 12, 12), "text": (512, 12, 8)}  # fmt: skip


def make_clip(size, seed=0):
    """A CLIPModel with random weights, whose norms and biases are not what they start as."""
    names = ("hidden_size", "num_hidden_layers", "num_attention_heads")
    vision, text = (dict(zip(names, size[of], strict=True)) for of in ("vision", "text"))
    for part in (vision, text):
        part["intermediate_size"] = 4 * part["hidden_size"]
    config = transformers.CLIPConfig(
        vision_config={**vision, "image_size": size["image"], "patch_size": size["patch"]},
        text_config={**text, "max_position_embeddings": size["context"]},
        projection_dim=size["dim"],
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = transformers.CLIPModel(config).eval()
        with torch.no_grad():
            for parameter in model.parameters():
                if parameter.ndim == 1:
                    parameter.add_(0.1 * torch.randn_like(parameter))
                else:
                    parameter.mul_(1.5)
    return model


def features(of):
    """A tensor, of transformers 4 and 5."""
    return of if isinstance(of, torch.Tensor) else of.pooler_output


def largest_difference(model, made, pictures):
    """Between what both give for the same pixels and tokens, at length 1."""
    pixels = made._ready.whole(pictures, torch.device("cpu"))
    tokens = made._ready.tokens(TEXTS)
    with torch.no_grad():
        theirs = (
            features(model.get_image_features(pixel_values=pixels)),
            features(model.get_text_features(input_ids=tokens)),
        )
    ours = made.encode({"image": pictures}), made.encode({"text": TEXTS})
    theirs = tuple(normalize(each, dim=-1) for each in theirs)
    assert theirs[0].std(dim=0).mean() > 1e-3  # weights that let signals through
    return max(float((a - b).abs().max()) for a, b in zip(ours, theirs, strict=True))


@pytest.fixture(scope="module")
def clip():
    return make_clip(TINY)


@pytest.mark.parametrize("form", ["folder", "safetensors", "pt"])
def test_the_same_vectors_as_transformers(clip, tiny, pictures, tmp_path, form):
    if form == "pt":
        path = tmp_path / "pytorch_model.bin"
        torch.save(clip.state_dict(), path)
    else:
        clip.save_pretrained(tmp_path)
        path = tmp_path if form == "folder" else tmp_path / "model.safetensors"
    made = OpenCLIP(model=tiny["model"], pretrained=str(path))
    made.load(Context())
    assert largest_difference(clip, made, pictures) <= 1e-5


def test_dense_maps_are_transformers_hidden_states(clip, tiny, pictures, tmp_path):
    clip.save_pretrained(tmp_path)
    made = OpenCLIP(model=tiny["model"], pretrained=str(tmp_path), normalise=False)
    made.load(Context())
    pixels = made._ready.squashed(pictures, torch.device("cpu"))
    with torch.no_grad():
        hidden = clip.vision_model(pixel_values=pixels).last_hidden_state[:, 1:]
        expected = clip.visual_projection(clip.vision_model.post_layernorm(hidden))
    found = made.encode_dense({"image": pictures})
    np.testing.assert_allclose(found, expected.reshape(9, 4, 4, -1), atol=1e-5)


def test_every_tensor_finds_its_place_once(clip):
    converted = to_open_clip(clip.state_dict())
    counted = sum(value.numel() for value in converted.values())
    assert counted == sum(parameter.numel() for parameter in clip.parameters())
    assert is_huggingface_clip(clip.state_dict())
    assert not is_huggingface_clip(converted)


def test_what_has_no_place_is_named(clip, tiny, tmp_path):
    state = {**clip.state_dict(), "text_model.encoder.layers.0.adapter.weight": torch.zeros(2)}
    del state["vision_model.encoder.layers.1.self_attn.k_proj.bias"]
    save_file(state, tmp_path / "odd.safetensors")
    made = OpenCLIP(model=tiny["model"], pretrained=str(tmp_path / "odd.safetensors"))
    with pytest.raises(DataError, match="the model has no text_model") as refused:
        made.load(Context())
    assert "layers.0.adapter.weight" in str(refused.value)
    assert "the file lacks visual.transformer.resblocks.1.attn.in_proj_bias" in str(refused.value)


def test_tokens_are_those_of_transformers(tmp_path):
    """CLIP's tokenizer of transformers, from open_clip's own vocabulary, gives the same tokens."""
    from open_clip import SimpleTokenizer

    ours = SimpleTokenizer()
    marks = {"<start_of_text>": "<|startoftext|>", "<end_of_text>": "<|endoftext|>"}
    names = {marks.get(name, name): number for name, number in ours.encoder.items()}
    (tmp_path / "vocab.json").write_text(json.dumps(names))
    merges = [" ".join(pair) for pair in ours.bpe_ranks]
    (tmp_path / "merges.txt").write_text("#version: 0.2\n" + "\n".join(merges) + "\n")
    theirs = transformers.CLIPTokenizer.from_pretrained(tmp_path)
    for words in ("a photo of a dog.", "", "It's 3 o'clock, isn't it?", "Zażółć gęślą", "ABC 123"):
        found = theirs(words).input_ids
        assert ours([words])[0, : len(found)].tolist() == found


@pytest.mark.slow
def test_the_same_vectors_at_the_size_of_vit_b_32(pictures, tmp_path):
    model = make_clip(BASE)
    model.save_pretrained(tmp_path)
    made = OpenCLIP(pretrained=str(tmp_path))
    made.load(Context())
    difference = largest_difference(model, made, pictures)
    print(f"largest difference to transformers: {difference:.1e}")  # noqa: T201
    assert difference <= 1e-5
    assert made.encode({"image": pictures}).shape == (9, 512)


def test_config_and_fixture_agree():
    assert CONFIG["embed_dim"] == TINY["dim"]


def test_saved_names_are_recognised(clip, tmp_path):
    clip.save_pretrained(tmp_path)
    assert is_huggingface_clip(load_file(tmp_path / "model.safetensors"))
