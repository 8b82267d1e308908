"""Tiny two-level models in float64, and the formulas of their parts once more in numpy."""

from __future__ import annotations

import numpy as np
import torch
from generative_cases import (
    BATCH,
    LIKELIHOODS,
    WIDTHS,
    apply,
    generator,
    linear,
    np_divergence,
    np_encode,
    np_log_likelihood,
)
from scipy.special import expit
from torch import nn

from mmbench_gmc.hierarchy import Bottom

SLOTS = ("picture", "sound", "label")
SIZES = {"picture": 2, "sound": 3, "label": 1}
GAMMAS = {"picture": 1.0, "sound": 10.0, "label": 0.5}


def bottom(slots=SLOTS, likelihoods=LIKELIHOODS) -> Bottom:
    """Linear VAEs of these slots."""
    return Bottom(
        {slot: linear(WIDTHS[slot], 2 * SIZES[slot], 30 + row) for row, slot in enumerate(slots)},
        {slot: linear(SIZES[slot], WIDTHS[slot], 40 + row) for row, slot in enumerate(slots)},
        {slot: likelihoods[slot] for slot in slots},
    )


def seeded(model: nn.Module, seed: int = 7) -> nn.Module:
    """Parameters of order one half, in float64; the bottom's stay as they are."""
    model = model.double()
    rng = np.random.default_rng(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if not name.startswith("bottom"):
                parameter.copy_(torch.from_numpy(rng.normal(scale=0.5, size=parameter.shape)))
    return model


def np_layers(layers: nn.Sequential, x, activation: str):
    """A multi-layer perceptron."""
    linears = [layer for layer in layers if isinstance(layer, nn.Linear)]
    for number, layer in enumerate(linears):
        x = apply(layer, x)
        if number < len(linears) - 1:
            x = np.maximum(x, 0.0) if activation == "relu" else x * expit(x)
    return x


def np_bottom(model, noise, batch=BATCH, likelihoods=LIKELIHOODS):
    """Drawn codes by slot, reconstruction and divergence [B] of the lower level."""
    codes, reconstruction, divergence = {}, 0.0, 0.0
    for slot, draw in zip(model.slots, noise, strict=True):
        mean, variance = np_encode(model.encoders[slot].body, batch[slot])
        codes[slot] = mean + np.sqrt(variance) * draw
        output = apply(model.generation.decoders[slot], codes[slot])
        found = likelihoods[slot]
        likelihood = np_log_likelihood(found.kind, output, batch[slot].numpy())
        reconstruction = reconstruction - found.weight * likelihood
        divergence = divergence + np_divergence(mean, variance)
    return codes, reconstruction, divergence


def np_code_likelihood(codes, decoded, gammas=GAMMAS):
    """sum_m log N(z_m; decoded_m, 1 / (2 gamma_m)) [B]."""
    total = 0.0
    for slot, code in codes.items():
        variance = 1.0 / (2.0 * gammas[slot])
        density = -((code - decoded[slot]) ** 2) / (2 * variance)
        total = total + (density - 0.5 * np.log(2 * np.pi * variance)).sum(axis=1)
    return total


def noise_of(draws: torch.Generator, *sizes: int, items: int = 2):
    """Draws of these widths, one after the other."""
    return [
        torch.randn(items, size, generator=draws, dtype=torch.float64).numpy() for size in sizes
    ]


__all__ = ["BATCH", "GAMMAS", "LIKELIHOODS", "SIZES", "SLOTS", "bottom", "generator", "noise_of"]
__all__ += ["np_bottom", "np_code_likelihood", "np_layers", "seeded"]
