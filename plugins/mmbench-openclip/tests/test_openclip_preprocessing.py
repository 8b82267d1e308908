"""Preprocessing: to the last bit what open_clip's transform makes of a Pillow picture."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import open_clip
import PIL.Image
import pytest
import torch

from mmbench.api import Context, Image, UsageError
from mmbench_openclip.preprocessing import Preprocessing
from mmbench_openclip.representation import OpenCLIP

CPU = torch.device("cpu")
INCEPTION = {"mean": (0.5, 0.5, 0.5), "std": (0.5, 0.5, 0.5)}


@pytest.mark.parametrize("named", [
    {},
    {"interpolation": "bilinear", "resize_mode": "squash", **INCEPTION},
    {"resize_mode": "longest", "fill_color": 7},
    {"mean": 0.5, "std": 0.25},
])  # fmt: skip
@pytest.mark.parametrize("size", [(32, 32), (224, 224)])
def test_it_is_open_clips_transform(pictures, named, size):
    transform = open_clip.image_transform(size, is_train=False, **named)
    expected = torch.stack([transform(PIL.Image.fromarray(each.pixels)) for each in pictures])
    found = Preprocessing.of(size, named)(pictures, CPU)
    assert found.is_contiguous()
    torch.testing.assert_close(found, expected, rtol=0, atol=0)


def test_one_picture_or_many_in_threads(pictures):
    preprocess = Preprocessing.of((32, 32), {})
    many = [each for each in pictures for _ in range(9)]
    together = preprocess(many, CPU)
    alone = torch.cat([preprocess([each], CPU) for each in many])
    torch.testing.assert_close(together, alone, rtol=0, atol=0)


def test_pixels_are_left_alone(pictures):
    before = [each.pixels.copy() for each in pictures]
    Preprocessing.of((32, 32), {})(pictures, CPU)
    assert all(np.array_equal(a, b.pixels) for a, b in zip(before, pictures, strict=True))


def test_pixels_may_be_a_view(pictures):
    whole = pictures[4].pixels
    preprocess = Preprocessing.of((32, 32), {})
    view, copy = Image(whole[::-2, ::3]), Image(whole[::-2, ::3].copy())
    torch.testing.assert_close(preprocess([view], CPU), preprocess([copy], CPU), rtol=0, atol=0)


def seen(made):
    """Mean, deviation, way to resize and filter of a loaded representation."""
    made.load(Context())
    whole = made._ready.whole
    return whole.mean[0], whole.std[0], whole.resize_mode, whole.interpolation


def test_the_sources_of_a_files_preprocessing(tiny, tmp_path):
    weights = tmp_path / "w.safetensors"
    shutil.copy(tiny["pretrained"], weights)
    made = OpenCLIP(model=tiny["model"], pretrained=str(weights))
    openai = pytest.approx(0.48145466), pytest.approx(0.26862954), "shortest", "bicubic"
    assert seen(made) == openai
    plain = made.fingerprint()

    processor = {"image_mean": [0.1] * 3, "image_std": [0.2] * 3, "resample": 2}
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(processor))
    assert seen(made) == (0.1, 0.2, "shortest", "bilinear")
    assert made.fingerprint() != plain

    beside = {"mean": [0.3] * 3, "std": [0.4] * 3, "resize_mode": "squash"}
    (tmp_path / "open_clip_config.json").write_text(json.dumps({"preprocess_cfg": beside}))
    assert seen(made) == (0.3, 0.4, "squash", "bicubic")


def test_a_config_of_ones_own_may_name_it(tiny, tmp_path):
    config = json.loads(Path(tiny["model"]).read_text())
    both = {"model_cfg": config, "preprocess_cfg": {"mean": [0.3] * 3}}
    (tmp_path / "both.json").write_text(json.dumps(both))
    made = OpenCLIP(model=str(tmp_path / "both.json"), pretrained=tiny["pretrained"])
    assert seen(made)[0] == 0.3
    assert made.fingerprint() != OpenCLIP(**tiny).fingerprint()


def named_by(model, tag, tiny):
    made = OpenCLIP(model=model, pretrained=tiny["pretrained"], preprocessing=tag)
    return made._preprocessing_of(made._weights())


def test_a_file_follows_the_tags_of_its_model(tiny):
    assert named_by("ViT-B-16-SigLIP", "", tiny)["mean"] == (0.5, 0.5, 0.5)
    assert named_by("ViT-B-16-SigLIP", "", tiny)["resize_mode"] == "squash"
    assert named_by("ViT-B-32", "", tiny)["resize_mode"] == "shortest"


def test_where_tags_differ_one_must_be_named(tiny):
    with pytest.raises(UsageError, match="trained with different preprocessing"):
        named_by("ViT-L-14", "", tiny)
    assert named_by("ViT-L-14", "laion2b_s32b_b82k", tiny)["mean"] == (0.5, 0.5, 0.5)
    assert named_by("ViT-L-14", "openai", tiny)["mean"][0] == pytest.approx(0.48145466)
    with pytest.raises(UsageError, match="has no tag 'mine'"):
        named_by("ViT-L-14", "mine", tiny)
