"""ULIP and the point encoder of ULIP-2 at their true sizes, seeded weights from files on disk."""

from __future__ import annotations

import time

import numpy as np
import pytest
import torch
from tiny_ulip import TRUE, draw, encoder_shapes, save_as_ulip, tower_shapes

from mmbench.api import Context, Image, PointCloud, Text
from mmbench_ulip import mmbench_representations
from mmbench_ulip.representation import ULIP

pytestmark = pytest.mark.slow

PRESETS = {spec.name: spec.options for spec in mmbench_representations()}


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    state = draw(encoder_shapes(TRUE) | tower_shapes(TRUE), 0)
    return save_as_ulip(tmp_path_factory.mktemp("base") / "checkpoint_pointbert.pt", state)


def cloud(seed, points=10_000):
    rng = np.random.default_rng(seed)
    xyz = rng.normal(size=(points, 3)) * rng.uniform(0.2, 1.0, 3)
    return PointCloud(xyz.astype(np.float32), rng.uniform(size=(points, 3)).astype(np.float32))


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_ulip(weights, precision):
    rng = np.random.default_rng(0)
    made = ULIP(checkpoint=weights)
    made.load(Context(dtype=precision))
    pictures = [Image(rng.integers(0, 256, (480, 640, 3), dtype=np.uint8)) for _ in range(2)]
    for slot, payloads in (
        ("pointcloud", [cloud(0), cloud(1, 3000)]),
        ("image", pictures if precision == "fp32" else []),  # minutes, where the CPU has no bf16
        ("text", [Text("a point cloud model of a chair."), Text("a lamp")]),
    ):
        start = time.perf_counter()
        found = made.encode({slot: payloads})
        if not payloads:
            continue
        rate = len(payloads) / (time.perf_counter() - start)
        print(f"{precision} {slot}: {rate:.2f} a second")  # noqa: T201
        assert found.shape == (2, 512)
        torch.testing.assert_close(found.norm(dim=-1), torch.ones(2))
        assert float(found[0] @ found[1]) < 0.9999


def test_ulip_2_sees_colours_and_gives_1280_numbers(tmp_path):
    sizes = TRUE | {"depth": 18, "dim": 1280}
    state = draw(encoder_shapes(sizes, channels=6), 0)
    checkpoint = save_as_ulip(tmp_path / "colored.pt", state)
    options = PRESETS["ulip2"] | {"checkpoint": checkpoint, "towers": "none", "pretrained": ""}
    made = ULIP(**options)
    made.load(Context())
    coloured = cloud(0)
    found = made.encode({"pointcloud": [coloured, PointCloud(coloured.xyz)]})
    assert found.shape == (2, 1280)
    assert not torch.allclose(found[0], found[1], atol=1e-3)


def test_towers_of_ulip_2_have_the_sizes_of_open_clips_vit_bigg_14():
    """Built without memory: at 10 GB the weights are too many for a test."""
    from open_clip import CLIP

    from mmbench_ulip.architectures import read_architecture

    architecture = read_architecture(PRESETS["ulip2"]["towers"])
    with torch.device("meta"):
        model = CLIP(**architecture.config)
    assert architecture.dim == 1280
    assert model.visual.proj.shape == (1664, 1280)
    assert model.text_projection.shape == (1280, 1280)
    assert model.visual.image_size == (224, 224)
    assert sum(each.numel() for each in model.parameters()) // 10**7 == 253
