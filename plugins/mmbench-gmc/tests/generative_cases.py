"""Tiny generative models in float64, and their formulas once more in numpy and scipy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from scipy.special import expit, log_softmax
from scipy.stats import multivariate_normal, norm
from torch import nn

from mmbench_gmc.likelihoods import Likelihood

if TYPE_CHECKING:
    from numpy.typing import NDArray

LATENT = 2
#: Slot to numbers of a value.
WIDTHS = {"picture": 3, "sound": 2, "label": 3}
LIKELIHOODS = {
    "picture": Likelihood("bernoulli", 1.5),
    "sound": Likelihood("gaussian", 2.0),
    "label": Likelihood("categorical", 50.0),
}
#: With weights 1, for bounds.
PLAIN = {slot: Likelihood(found.kind) for slot, found in LIKELIHOODS.items()}
GAUSSIAN = {"sound": Likelihood("gaussian"), "motion": Likelihood("gaussian")}

#: Two items.
BATCH = {
    "picture": torch.tensor([[0.0, 0.25, 1.0], [0.9, 0.5, 0.1]], dtype=torch.float64),
    "sound": torch.tensor([[0.3, -1.2], [2.0, 0.4]], dtype=torch.float64),
    "label": torch.tensor([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]], dtype=torch.float64),
}


def generator(seed: int = 0) -> torch.Generator:
    """A seeded generator."""
    return torch.Generator().manual_seed(seed)


def linear(inputs: int, outputs: int, seed: int) -> nn.Linear:
    """A float64 layer of seeded numbers of order 1."""
    layer = nn.Linear(inputs, outputs).double()
    rng = np.random.default_rng(seed)
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(rng.normal(size=(outputs, inputs))))
        layer.bias.copy_(torch.from_numpy(rng.normal(scale=0.5, size=outputs)))
    return layer


def encoders(slots, code: int = 2 * LATENT) -> dict[str, nn.Module]:
    """Linear encoders of these slots."""
    return {slot: linear(WIDTHS[slot], code, 10 + row) for row, slot in enumerate(slots)}


def decoders(slots, code: int = LATENT) -> dict[str, nn.Module]:
    """Linear decoders of these slots."""
    return {slot: linear(code, WIDTHS[slot], 20 + row) for row, slot in enumerate(slots)}


def has_gradient(parameter: nn.Parameter) -> bool:
    """Whether a gradient that is not zero reached it."""
    return parameter.grad is not None and bool(parameter.grad.abs().sum() > 0)


def repeated(batch, times: int):
    """Each item so often: the mean over a batch is then a mean over draws."""
    return {slot: value.repeat_interleave(times, dim=0) for slot, value in batch.items()}


def tightened(model, objective, *, steps: int = 100, moving=("encode", "node", "message")):
    """Bring a model's encoders near the best ones for its decoders, which stay as they are.

    A bound is checked where it is tight: a wrong factor in it would show.

    Args:
        model: Whose parameters move.
        objective: A scalar of a generator, to minimise.
        steps: Of Adam.
        moving: Parts of the names of the parameters that do.
    """
    moved = [
        parameter for name, parameter in model.named_parameters()
        if any(part in name for part in moving)
    ]  # fmt: skip
    optimiser, draws = torch.optim.Adam(moved, lr=0.05), generator(99)
    for _ in range(steps):
        optimiser.zero_grad()
        objective(draws).backward()
        optimiser.step()
    return model


# The formulas once more.
def apply(layer: nn.Linear, x: NDArray[np.float64]) -> NDArray[np.float64]:
    """W x + b."""
    return x @ layer.weight.detach().numpy().T + layer.bias.detach().numpy()


def np_encode(layer: nn.Linear, x: torch.Tensor) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and variance [B, d] of an encoder."""
    found = apply(layer, x.numpy())
    half = found.shape[-1] // 2
    return found[:, :half], np.exp(found[:, half:])


def np_product(experts, *, prior: bool = True):
    """Mean and variance of a product of Gaussians, with N(0, 1) if asked."""
    if prior:
        experts = [*experts, (np.zeros_like(experts[0][0]), np.ones_like(experts[0][1]))]
    precision = sum(1.0 / variance for _, variance in experts)
    return sum(mean / variance for mean, variance in experts) / precision, 1.0 / precision


def np_divergence(mean, variance, other_mean=0.0, other_variance=1.0):
    """KL [B] of Gaussians by its definition E_q[log q - log p]."""
    entropy = norm.entropy(loc=mean, scale=np.sqrt(variance))
    cross = 0.5 * np.log(2 * np.pi * other_variance) + (variance + (mean - other_mean) ** 2) / (
        2 * other_variance
    )
    return (cross - entropy).sum(axis=-1)


def np_log_likelihood(kind: str, output, value):
    """log p(value | output) [...] of one stream."""
    if kind == "bernoulli":
        share = expit(output)
        return (value * np.log(share) + (1 - value) * np.log(1 - share)).sum(axis=-1)
    if kind == "categorical":
        return (value * log_softmax(output, axis=-1)).sum(axis=-1)
    return norm.logpdf(value, loc=output, scale=np.sqrt(0.5)).sum(axis=-1)


def np_evidence(decode, likelihoods, batch, *, draws: int, seed: int = 0, spread: float = 1.0):
    """log p(x) [B] by importance sampling from N(0, spread^2), and its standard error [B].

    Args:
        decode: Slot to a function of codes [draws, latent].
        likelihoods: Slot to kind and weight.
        batch: The items.
        draws: How many.
        seed: Of the draws.
        spread: Of the proposal.
    """
    rng = np.random.default_rng(seed)
    codes = rng.normal(scale=spread, size=(draws, LATENT))
    base = norm.logpdf(codes).sum(axis=1) - norm.logpdf(codes, scale=spread).sum(axis=1)
    logs = []
    for row in range(len(next(iter(batch.values())))):
        found = base.copy()
        for slot, values in batch.items():
            output = decode[slot](codes)
            found += np_log_likelihood(likelihoods[slot].kind, output, values.numpy()[row])
        logs.append(found)
    weights = np.array(logs)
    top = weights.max(axis=1, keepdims=True)
    shares = np.exp(weights - top)
    mean = shares.mean(axis=1)
    error = shares.std(axis=1) / np.sqrt(draws) / mean
    return np.log(mean) + top[:, 0], error


def np_gaussian_evidence(layers, batch):
    """log p(x) [B] of linear Gaussian streams in closed form."""
    weight = np.vstack([layer.weight.detach().numpy() for layer in layers.values()])
    bias = np.concatenate([layer.bias.detach().numpy() for layer in layers.values()])
    covariance = weight @ weight.T + 0.5 * np.eye(len(bias))
    values = np.hstack([batch[slot].numpy() for slot in layers])
    return np.atleast_1d(multivariate_normal.logpdf(values, bias, covariance))
