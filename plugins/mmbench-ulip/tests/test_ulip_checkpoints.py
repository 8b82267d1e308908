"""Checkpoints: the layouts that are read, and those that are refused."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from tiny_ulip import GROUPS, TINY, draw, encoder_shapes, save_as_ulip, tower_shapes

from mmbench.api import Context, DataError, PointCloud
from mmbench_ulip.representation import ULIP

CLOUD = PointCloud(np.random.default_rng(1).normal(size=(60, 3)).astype(np.float32))


@pytest.fixture(scope="module")
def state():
    return draw(encoder_shapes(), 5)


def vector(path, **options):
    made = ULIP(**{"checkpoint": str(path), "towers": "none", **GROUPS, **options})
    made.load(Context())
    return made.encode({"pointcloud": [CLOUD]})


def prefixed(state):
    return {f"module.{name}": value for name, value in state.items()}


def as_numpy_1_wrote_it(path, state):
    """With a NumPy number beside the weights."""
    torch.save({"state_dict": state, "best_acc1": np.float64(60.3)}, path)


LAYOUTS = {
    "as ULIP writes it": save_as_ulip,
    "plain": lambda path, state: torch.save(state, path),
    "plain, prefixed": lambda path, state: torch.save(prefixed(state), path),
    "wrapped": lambda path, state: torch.save({"state_dict": state, "epoch": "last"}, path),
    "wrapped, with a number of numpy": as_numpy_1_wrote_it,
    "before torch 1.6": lambda path, state: torch.save(
        {"state_dict": prefixed(state)}, path, _use_new_zipfile_serialization=False
    ),
    "parameters": lambda path, state: torch.save(
        {name: torch.nn.Parameter(v, requires_grad=v.is_floating_point())
         for name, v in state.items()}, path
    ),
    "half precision": lambda path, state: torch.save(
        {name: v.bfloat16().float() for name, v in state.items()}, path
    ),
}  # fmt: skip


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts(state, tmp_path, layout):
    if layout == "half precision":
        state = {n: v.bfloat16().float() if v.is_floating_point() else v for n, v in state.items()}
    save_file({n: v.contiguous() for n, v in state.items()}, tmp_path / "reference.safetensors")
    LAYOUTS[layout](tmp_path / "made.pt", state)
    found = vector(tmp_path / "made.pt")
    assert torch.equal(found, vector(tmp_path / "reference.safetensors"))
    assert found.shape == (1, TINY["dim"])


def test_counters_may_lack(state, tmp_path):
    counted = {n: v for n, v in state.items() if "num_batches" not in n}
    torch.save(state, tmp_path / "all.pt")
    torch.save(counted, tmp_path / "few.pt")
    assert torch.equal(vector(tmp_path / "all.pt"), vector(tmp_path / "few.pt"))


@pytest.mark.parametrize(("channels", "dim"), [(3, 40), (6, 56)])
def test_sizes_follow_the_checkpoint(tmp_path, channels, dim):
    sizes = TINY | {"dim": dim, "depth": 3, "width": 64, "hidden": 96, "position": 8}
    torch.save(draw(encoder_shapes(sizes, channels), 0), tmp_path / "other.pt")
    assert vector(tmp_path / "other.pt").shape == (1, dim)


def test_with_towers_in_the_file_none_need_be_built(state, tmp_path):
    whole = save_as_ulip(tmp_path / "whole.pt", state | draw(tower_shapes(), 1))
    torch.save(state, tmp_path / "points.pt")
    assert torch.equal(vector(whole), vector(tmp_path / "points.pt"))


def without(name):
    return lambda state: {key: value for key, value in state.items() if key != name}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (without("pc_projection"), r"holds no PointBERT of ULIP's: it lacks 'pc_projection'"),
        (without("point_encoder.cls_token"), "it lacks 'cls_token'"),
        (without("point_encoder.blocks.blocks.1.attn.proj.bias"),
         r"the file lacks blocks\.blocks\.1\.attn\.proj\.bias"),
        (lambda s: s | {"point_encoder.surplus": torch.zeros(2)}, "the model has no surplus"),
        (lambda s: s | {"stranger.weight": torch.zeros(2)},
         r"nothing of ULIP is called stranger\.weight"),
        (lambda s: s | {"point_encoder.norm.bias": torch.zeros(3)},
         r"other shapes: norm\.bias is \[3\], not \[128\]"),
        (lambda s: s | {"pc_projection": torch.zeros(7, 24)},
         r"pc_projection is \[7, 24\], and features have 256"),
        (lambda s: s | {"point_encoder.encoder.first_conv.0.weight": torch.zeros(16, 4, 1)},
         "its points have 4 numbers"),
        (lambda _: {"embedding.net.0.weight": torch.zeros(64, 3, 1)}, "holds no PointBERT"),
    ],
)  # fmt: skip
def test_states_that_do_not_fit(state, tmp_path, change, message):
    torch.save({"state_dict": prefixed(change(state))}, tmp_path / "wrong.pt")
    with pytest.raises(DataError, match=message) as refused:
        vector(tmp_path / "wrong.pt")
    assert str(tmp_path / "wrong.pt") in str(refused.value)


class Harmful:
    def __reduce__(self):
        return print, ("it ran",)


def broken(path):
    path.write_bytes(b"PK\x03\x04 no checkpoint")


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (lambda p: torch.save({"state_dict": {"a": Harmful()}}, p), "is refused.*print"),
        (lambda p: p.write_bytes(pickle.dumps(Harmful(), protocol=2)), "is refused"),
        (broken, "can't be read"),
        (lambda p: p.write_bytes(b""), "can't be read"),
        (lambda p: torch.save([1, 2], p), "holds no weights but a list"),
        (lambda p: torch.save({"epoch": 3}, p), "holds no weights, but epoch"),
    ],
)
def test_files_that_are_refused(tmp_path, capsys, write, message):
    write(tmp_path / "bad.pt")
    with pytest.raises(DataError, match=message):
        vector(tmp_path / "bad.pt")
    assert "it ran" not in capsys.readouterr().out


def test_a_broken_safetensors_file(tmp_path):
    (tmp_path / "bad.safetensors").write_bytes(b"nothing")
    with pytest.raises(DataError, match="is no safetensors file"):
        vector(tmp_path / "bad.safetensors")
