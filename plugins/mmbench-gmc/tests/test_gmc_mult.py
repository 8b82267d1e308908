"""MulT's loss of two items by hand: crossmodal attention once more, in numpy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from generative_cases import apply, generator
from scipy.special import log_softmax, softmax

from mmbench_gmc.inputs import Input
from mmbench_gmc.mult import MulT
from mmbench_gmc.targets import Target

DIM, HEADS = 4, 2
#: The second has the body's channels already, and is not projected; they are of unequal lengths.
INPUTS = (Input("text", "Sequence", (3, 2), "text"), Input("audio", "Sequence", (5, DIM), "audio"))


def np_embedded(values):
    """sqrt(dim) x plus sines and cosines of the place, counted from 1; padding has none."""
    found = np.sqrt(DIM) * values
    for row, step in np.ndindex(*values.shape[:2]):
        if values[row, step, 0] != 0.0:
            angles = (step + 1) * np.array([1.0, 1e-4])
            found[row, step] += np.concatenate([np.sin(angles), np.cos(angles)])
    return found


def np_norm(layer, values):
    centred = values - values.mean(axis=-1, keepdims=True)
    scaled = centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-5)
    return scaled * layer.weight.detach().numpy() + layer.bias.detach().numpy()


def np_attention(layer, query, key):
    """Scaled dot products a head; a step hears none that is later by more than the slack."""
    packed, biases = layer.in_proj_weight.detach().numpy(), layer.in_proj_bias.detach().numpy()
    parts = [
        values @ weight.T + bias
        for values, weight, bias in zip(
            (query, key, key), np.split(packed, 3), np.split(biases, 3), strict=True
        )
    ]
    slack = abs(query.shape[1] - key.shape[1])
    later = np.arange(key.shape[1])[None, :] > np.arange(query.shape[1])[:, None] + slack
    heard = []
    for head in range(HEADS):
        at = slice(head * DIM // HEADS, (head + 1) * DIM // HEADS)
        q, k, v = (part[:, :, at] for part in parts)
        scores = q @ k.transpose(0, 2, 1) / np.sqrt(DIM // HEADS)
        heard.append(softmax(np.where(later, -np.inf, scores), axis=-1) @ v)
    return apply(layer.out_proj, np.concatenate(heard, axis=-1))


def np_transformer(network, values, others=None):
    found = np_embedded(values)
    keys = None if others is None else np_embedded(others)
    for layer in network.layers:
        query = np_norm(layer.norms[0], found)
        key = query if keys is None else np_norm(layer.norms[0], keys)
        found = found + np_attention(layer.attention, query, key)
        inner = np.maximum(apply(layer.first, np_norm(layer.norms[1], found)), 0.0)
        found = found + apply(layer.second, inner)
    return np_norm(network.norm, found)


def np_output(network, text, audio):
    """What MulT says of two sequences."""
    body = network.body
    brought = text @ body.projections[0].weight.detach().numpy()[:, :, 0].T
    to_text = np_transformer(body.pairs[0], brought, audio)
    to_audio = np_transformer(body.pairs[1], audio, brought)
    last = [
        np_transformer(memory, heard)[:, -1]
        for memory, heard in zip(body.memories, (to_text, to_audio), strict=True)
    ]
    vectors = np.concatenate(last, axis=1)
    inner = np.maximum(apply(network.residual.first, vectors), 0.0)
    return apply(network.output, apply(network.residual.second, inner) + vectors)


@pytest.mark.parametrize("kind", ["value", "class"])
def test_the_loss_of_two_items_by_hand(kind) -> None:
    torch.manual_seed(2)
    target = Target("mood", kind, () if kind == "value" else ("bad", "good", "odd"))
    network = MulT(dim=DIM, heads=HEADS, layers=2).build(INPUTS, target).double().eval()
    with torch.no_grad():
        for parameter in network.parameters():  # no bias stays zero, no norm the identity
            parameter.add_(0.3 * torch.randn_like(parameter))
    rng = np.random.default_rng(4)
    text, audio = rng.normal(size=(2, 3, 2)), rng.normal(size=(2, 5, DIM))
    text[1, 0], audio[0, :2] = 0.0, 0.0  # padding
    batch = {"text": torch.from_numpy(text), "audio": torch.from_numpy(audio)}
    output = np_output(network, text, audio)
    if kind == "value":
        wanted = torch.tensor([0.5, -2.0], dtype=torch.float64)
        expected = np.abs(output[:, 0] - wanted.numpy()).mean()
    else:
        wanted = torch.tensor([2, 0])
        expected = -log_softmax(output, axis=1)[[0, 1], [2, 0]].mean()
    with torch.no_grad():
        found = network.losses(batch, wanted, generator=generator(), progress=0.0)
    assert float(found["loss"]) == pytest.approx(expected, abs=1e-9)
