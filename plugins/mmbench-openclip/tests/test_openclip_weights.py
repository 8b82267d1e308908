"""Where weights are looked for, what is said where they are not, and what names them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from huggingface_hub import constants
from tiny_clip import write_tiny

from mmbench.api import Context, DataMissing, UsageError
from mmbench_openclip.representation import OpenCLIP


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty hub cache."""
    folder = tmp_path / "hub"
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(folder))
    return folder


def put(cache, repository, name, source):
    """Put a file into the cache, as the hub's client lays it out."""
    revision = "0123456789abcdef0123456789abcdef01234567"
    base = cache / f"models--{repository.replace('/', '--')}"
    (base / "refs").mkdir(parents=True, exist_ok=True)
    (base / "refs" / "main").write_text(revision)
    (base / "snapshots" / revision).mkdir(parents=True, exist_ok=True)
    return Path(shutil.copy(source, base / "snapshots" / revision / name))


def test_missing_weights_of_a_tag(cache):
    with pytest.raises(DataMissing) as missing:
        OpenCLIP(model="ViT-B-32", pretrained="laion2b_s34b_b79k").fingerprint()
    message = str(missing.value)
    assert "'laion2b_s34b_b79k'" in message
    assert "open_clip_model.safetensors or open_clip_pytorch_model.bin" in message
    assert str(cache / "models--laion--CLIP-ViT-B-32-laion2B-s34B-b79K") in message
    assert (
        "hf download laion/CLIP-ViT-B-32-laion2B-s34B-b79K open_clip_model.safetensors" in message
    )
    assert "-o pretrained=PATH" in message


def test_missing_weights_are_missed_by_load_too(cache):
    with pytest.raises(DataMissing, match="'openai'"):
        OpenCLIP().load(Context())


def test_the_presets_weights_are_looked_for_in_the_hub_cache(cache):
    from mmbench_openclip import mmbench_representations

    (preset,) = [spec for spec in mmbench_representations() if spec.name == "clip-vit-b32-hf"]
    with pytest.raises(DataMissing, match="openai/clip-vit-base-patch32"):
        OpenCLIP(**preset.options).fingerprint()


def test_a_tags_file_is_found_in_the_cache(cache, tiny):
    representation = OpenCLIP()
    found = put(
        cache, "timm/vit_base_patch32_clip_224.openai", "open_clip_pytorch_model.bin",
        tiny["pretrained"],
    )  # fmt: skip
    assert representation._weights().path == found
    better = put(
        cache, "timm/vit_base_patch32_clip_224.openai", "open_clip_model.safetensors",
        tiny["pretrained"],
    )  # fmt: skip
    assert representation._weights().path == better
    assert representation._weights().tag == "openai"


def test_a_tags_file_of_another_name_is_found(cache, tiny):
    name = "jienengchen/ViTamin-B"
    representation = OpenCLIP(model="ViTamin-B", pretrained="datacomp1b")
    with pytest.raises(DataMissing, match=r"pytorch_model\.safetensors or pytorch_model\.bin"):
        representation.fingerprint()
    found = put(cache, name, "pytorch_model.bin", tiny["pretrained"])
    assert representation._weights().path == found


def test_a_hub_repository_with_a_tiny_model_runs(cache, tiny, pictures):
    put(cache, "me/tiny-clip", "model.safetensors", tiny["pretrained"])
    made = OpenCLIP(model=tiny["model"], pretrained="hf-hub:me/tiny-clip")
    made.load(Context())
    assert made.encode({"image": pictures}).shape == (9, 24)
    assert made.fingerprint() == OpenCLIP(**tiny).fingerprint()


@pytest.mark.parametrize("name", ["none.safetensors", "sub/none.pt", "/absolute/none"])
def test_a_missing_file(tiny, name):
    with pytest.raises(DataMissing, match="no such weights file"):
        OpenCLIP(model=tiny["model"], pretrained=name).fingerprint()


def test_a_folder_without_weights(tiny, tmp_path):
    with pytest.raises(DataMissing, match=r"open_clip_model\.safetensors"):
        OpenCLIP(model=tiny["model"], pretrained=str(tmp_path)).fingerprint()


def test_an_unknown_tag_lists_the_known_ones():
    with pytest.raises(UsageError, match="laion2b_s34b_b79k"):
        OpenCLIP(model="ViT-B-32", pretrained="laion3b").fingerprint()


def test_a_config_of_ones_own_has_no_tags(tiny):
    with pytest.raises(UsageError, match="has no tags"):
        OpenCLIP(model=tiny["model"], pretrained="openai").fingerprint()


@pytest.mark.parametrize(("model", "tag", "other"), [
    ("ViT-B-32", "openai", "ViT-B-32-quickgelu"),
])  # fmt: skip
def test_the_wrong_activation_is_refused(model, tag, other):
    with pytest.raises(UsageError, match=f"model={other}"):
        OpenCLIP(model=model, pretrained=tag).fingerprint()


@pytest.mark.parametrize("option", ["model", "pretrained"])
def test_empty_options(option):
    with pytest.raises(UsageError, match=option):
        OpenCLIP(**{option: ""})


def test_the_same_bytes_elsewhere_have_the_same_fingerprint(tiny, tmp_path):
    shutil.copy(tiny["pretrained"], tmp_path / "renamed.safetensors")
    moved = OpenCLIP(model=tiny["model"], pretrained=str(tmp_path / "renamed.safetensors"))
    assert moved.fingerprint() == OpenCLIP(**tiny).fingerprint()


def test_other_weights_and_other_configs_have_other_fingerprints(tiny, tmp_path):
    import json

    other = write_tiny(tmp_path, seed=1)
    first = OpenCLIP(**tiny).fingerprint()
    second = OpenCLIP(**other).fingerprint()
    config = json.loads(Path(tiny["model"]).read_text())
    (tmp_path / "other.json").write_text(json.dumps({**config, "quick_gelu": False}))
    third = OpenCLIP(model=str(tmp_path / "other.json"), pretrained=tiny["pretrained"])
    assert len({first, second, third.fingerprint()}) == 3


def test_no_socket_is_opened_where_weights_are_missing(cache, monkeypatch):
    import socket

    def refuse(*_arguments, **_named):
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    for pretrained in ("openai", "hf-hub:openai/clip-vit-base-patch32"):
        with pytest.raises(DataMissing):
            OpenCLIP(pretrained=pretrained).fingerprint()
