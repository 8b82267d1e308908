"""Projectors give what the published modules give, under the names of their checkpoints."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from cmcr_worlds import read_json, rn, unit

from mmbench_cmcr.layouts import Layout, parameter_count
from mmbench_cmcr.projectors import build_projector

ORACLE = read_json("cmcr_projector_oracle.json")


def filled(kind, layout, seed):
    """Heads with the oracle's weights; their names in the order of the file."""
    heads = {space: build_projector(kind, 512, 512, seed=0) for space in layout.spaces}
    number, names = 0, []
    for space in layout.spaces:
        state = heads[space].state_dict()
        for name, value in state.items():
            if name.endswith("num_batches_tracked"):
                continue
            w = rn(seed + number, tuple(value.shape))
            if name.endswith("running_var"):
                w = 0.5 + 0.1 * np.abs(w)
            elif w.ndim >= 2:
                w = 1.4 * w / np.sqrt(np.prod(w.shape[1:]))
            else:
                w = 1 + 0.1 * w if name.endswith("weight") else 0.1 * w
            state[name] = torch.from_numpy(w.astype(np.float32))
            names.append(f"{layout.prefix(space)}{name}")
            number += 1
        heads[space].load_state_dict(state)
    return heads, names


def assert_oracle(found, name):
    wanted, found = ORACLE[name], np.atleast_2d(found.detach().numpy())
    assert list(found.shape)[-1] == wanted["shape"][-1]
    close = {"rtol": 1e-4, "atol": 1e-5}
    np.testing.assert_allclose(found[:2, :24], wanted["head"], err_msg=name, **close)
    np.testing.assert_allclose((found.astype(float) ** 2).sum(1), wanted["squares"], **close)


@pytest.mark.parametrize(
    ("kind", "label", "seed", "head_a", "first_net"),
    [("mlp", "clapclip", 6000, "second", "net1"), ("mlp-half", "ulipclip", 6100, "first", "net")],
)
def test_the_heads_of_cmcr_are_the_oracles(kind, label, seed, head_a, first_net):
    layout = Layout(kind)
    assert layout.spaces[0] == head_a
    assert layout.prefix(head_a) == "Head_A."
    heads, names = filled(kind, layout, seed)
    assert names[0] == f"Head_A.{first_net}.0.weight"
    for letter, space, number in zip("AB", layout.spaces, (50, 51), strict=True):
        vectors = torch.from_numpy(unit(rn(seed + number, (8, 512))).astype(np.float32))
        head = heads[space].eval()
        with torch.no_grad():
            found = head(vectors)
            assert_oracle(found, f"{label}_eval_{letter}")
            assert_oracle(
                torch.nn.functional.normalize(found, dim=-1), f"{label}_eval_{letter}_norm"
            )
            assert_oracle(head.train()(vectors), f"{label}_train_{letter}")
        if letter == "A":
            norm = getattr(head, first_net)[1]
            assert_oracle(norm.running_mean, f"{label}_A_running_mean_after")
            assert_oracle(norm.running_var, f"{label}_A_running_var_after")


def test_the_head_of_exmcr_is_the_oracles():
    heads, names = filled("ex-mcr", Layout("ex-mcr", frozen=True), 6300)
    assert (names[0], names[2], names[-1]) == (
        "Head1.weight", "Head2.mlp1.net1.0.weight", "Head2.mlp2.net2.1.running_var",
    )  # fmt: skip
    assert len(names) == 26
    vectors = torch.from_numpy(unit(rn(6350, (8, 512))).astype(np.float32))
    with torch.no_grad():
        head = heads["second"].eval()
        assert_oracle(head.Head1(vectors), "exmcr_head1")
        assert_oracle(head(vectors), "exmcr_out")


def test_exmcrs_first_map_begins_as_the_identity():
    head = build_projector("ex-mcr", 6, 8, seed=1)
    np.testing.assert_array_equal(head.Head1.weight.detach().numpy(), np.eye(8, 6))


@pytest.mark.parametrize(
    ("kind", "published"), [("mlp", 2106368 // 2), ("mlp-half", 527360 // 2), ("ex-mcr", 2369024)]
)
@pytest.mark.parametrize("width", [512, 24])
def test_parameters_are_counted_without_torch(kind, width, published):
    head = build_projector(kind, width, 512, seed=0)
    counted = sum(p.numel() for p in head.parameters())
    assert parameter_count(kind, width, 512) == counted
    assert width != 512 or counted == published


def test_weights_follow_the_seed_alone():
    before = torch.get_rng_state()
    one, same, other = (build_projector("mlp", 5, 5, seed=seed) for seed in (1, 1, 2))
    assert torch.equal(one.net1[0].weight, same.net1[0].weight)
    assert not torch.equal(one.net1[0].weight, other.net1[0].weight)
    assert torch.equal(before, torch.get_rng_state())
