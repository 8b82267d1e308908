"""ViT-B/32 at its true size, with seeded weights from a checkpoint on disk."""

from __future__ import annotations

import time

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from mmbench.api import Context, Image, Text
from mmbench_openclip.architectures import read_architecture
from mmbench_openclip.building import build_model
from mmbench_openclip.representation import OpenCLIP

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    import open_clip

    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = open_clip.create_model("ViT-B-32-quickgelu")
    path = tmp_path_factory.mktemp("base") / "weights.safetensors"
    save_file({name: value.contiguous() for name, value in model.state_dict().items()}, path)
    return str(path)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_vit_b_32(weights, precision):
    rng = np.random.default_rng(0)
    pictures = [Image(rng.integers(0, 256, (480, 640, 3), dtype=np.uint8)) for _ in range(16)]
    texts = [Text(f"a photo of thing {number}") for number in range(16)]
    made = OpenCLIP(pretrained=weights)
    made.load(Context(dtype=precision))
    for name, method, batch, shape in (
        ("image", made.encode, {"image": pictures}, (16, 512)),
        ("text", made.encode, {"text": texts}, (16, 512)),
        ("dense", made.encode_dense, {"image": pictures}, (16, 7, 7, 512)),
    ):
        method({slot: items[:2] for slot, items in batch.items()})
        start = time.perf_counter()
        found = method(batch)
        rate = 16 / (time.perf_counter() - start)
        print(f"{precision} {name}: {rate:.1f} a second")  # noqa: T201
        assert found.shape == shape
        assert torch.isfinite(found).all()
        torch.testing.assert_close(found.norm(dim=-1), torch.ones(shape[:-1]))


def test_building_leaves_the_global_random_state_alone():
    before = torch.random.get_rng_state()
    build_model(read_architecture("ViT-B-32"))
    assert torch.equal(before, torch.random.get_rng_state())
