"""MulT's positions, mask and attention."""

from __future__ import annotations

import numpy as np
import torch
from gmc_oracles import read_arrays

from mmbench_gmc.crossmodal import Transformer, positions


def test_positions_are_the_released_ones_and_padding_has_none():
    wanted = read_arrays("mult_posemb.npz")["emb"]
    values = torch.ones(1, 50, 30)
    np.testing.assert_allclose(positions(values)[0].numpy(), wanted[1:], rtol=1e-4, atol=1e-6)
    values[0, 7] = 0.0
    found = positions(values)[0]
    assert not found[7].any()
    np.testing.assert_allclose(found[8].numpy(), wanted[9], rtol=1e-4, atol=1e-6)


def test_a_step_hears_no_later_ones_but_for_the_slack():
    torch.manual_seed(0)
    network = Transformer(10, 5, 2, 0.0).eval()
    values, others = torch.randn(1, 6, 10), torch.randn(1, 8, 10)
    with torch.no_grad():
        usual = network(values, others)
        later = others.clone()
        later[:, 5] += 1.0  # a step of 8 against 6: 2 later ones are heard, here by 3 to 5
        changed = (network(values, later) - usual).abs().amax(dim=2)[0]
    assert (changed[:3] == 0).all()
    assert (changed[3:] > 0).all()


def test_dropout_is_drawn_in_training_only():
    torch.manual_seed(0)
    network = Transformer(10, 5, 1, 0.1)
    values = torch.randn(1, 4, 10)
    assert not torch.equal(network(values), network(values))
    network.eval()
    assert torch.equal(network(values), network(values))
