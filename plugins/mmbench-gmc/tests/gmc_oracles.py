"""What the tests share: inputs and weights of the oracles, by their published recipe."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch

HERE = Path(__file__).parent


def read_json(name):
    return json.loads((HERE / name).read_text())


def read_arrays(name):
    with np.load(HERE / name) as found:
        return {key: found[key] for key in found}


def rn(seed, shape):
    return np.random.RandomState(seed).standard_normal(shape)


def uniform(seed, shape):
    return np.random.RandomState(seed).uniform(0, 1, shape)


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def fill(network, order, base):
    """Give the k-th entry of ``order``, names of the network's state, the oracle's weights."""
    state = network.state_dict()
    assert sorted(order) == sorted(k for k in state if not k.endswith("num_batches_tracked"))
    with torch.no_grad():
        for number, name in enumerate(order):
            drawn = rn(base + number, tuple(state[name].shape))
            if name.endswith("running_var"):
                drawn = 0.5 + 0.1 * np.abs(drawn)
            elif drawn.ndim >= 2:
                drawn = 1.4 * drawn / np.sqrt(np.prod(drawn.shape[1:]))
            elif name.endswith("weight"):
                drawn = 1.0 + 0.1 * drawn
            else:
                drawn = 0.1 * drawn
            state[name].copy_(torch.from_numpy(drawn))
    return network.eval()


def tensors(arrays):
    return {slot: torch.from_numpy(np.asarray(array, np.float32)) for slot, array in arrays.items()}


def agree(found, wanted):
    np.testing.assert_allclose(found.detach().numpy(), wanted, rtol=1e-4, atol=1e-5)


def entries(network, prefix):
    """Names of the state below a prefix, in their order."""
    return [
        name
        for name in network.state_dict()
        if name.startswith(f"{prefix}.") and not name.endswith("num_batches_tracked")
    ]
