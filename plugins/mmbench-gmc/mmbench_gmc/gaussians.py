"""Diagonal Gaussians in closed form: density, divergences, product and mixture of experts.

Nothing here is trained. Formulas are textbook ones; the product of experts with a prior expert is
that of M. Wu and N. Goodman (2018), Multimodal Generative Models for Scalable Weakly-Supervised
Learning, arXiv 1802.05335; the mixture of experts that of Y. Shi et al. (2019), Variational
Mixture-of-Experts Autoencoders for Multi-Modal Deep Generative Models, arXiv 1911.03393. Their
released codes add 1e-8 to variances; here nothing is added, so that the product is exact.
"""

from __future__ import annotations

from math import log, pi
from typing import TYPE_CHECKING, NamedTuple

import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "Gaussian",
    "divergence",
    "divergence_from_standard",
    "log_density",
    "mixture_log_density",
    "mixture_moments",
    "noise",
    "product",
    "sample",
    "standard",
    "symmetric_divergence",
]

_LOG_2_PI = log(2.0 * pi)


class Gaussian(NamedTuple):
    """Independent Gaussians, one a coordinate.

    Attributes:
        mean: [..., D].
        log_variance: [..., D], natural logarithm.
    """

    mean: torch.Tensor
    log_variance: torch.Tensor


def standard(like: torch.Tensor) -> Gaussian:
    """N(0, 1) in each coordinate, in the shape, type and place of another tensor."""
    return Gaussian(torch.zeros_like(like), torch.zeros_like(like))


def noise(like: torch.Tensor, generator: torch.Generator, *lead: int) -> torch.Tensor:
    """Standard normal numbers [*lead, *like.shape], drawn where the generator lives."""
    drawn = torch.randn(
        (*lead, *like.shape), generator=generator, dtype=like.dtype, device=generator.device
    )
    return drawn.to(like.device)


def sample(gaussian: Gaussian, generator: torch.Generator, *lead: int) -> torch.Tensor:
    """Draws [*lead, ..., D] that gradients flow through: mean + standard deviation x noise."""
    drawn = noise(gaussian.mean, generator, *lead)
    return gaussian.mean + torch.exp(0.5 * gaussian.log_variance) * drawn


def log_density(gaussian: Gaussian, at: torch.Tensor) -> torch.Tensor:
    """``log N(at)`` [...], summed over the last axis."""
    squared = (at - gaussian.mean) ** 2 * torch.exp(-gaussian.log_variance)
    return -0.5 * (squared + gaussian.log_variance + _LOG_2_PI).sum(dim=-1)


def divergence(of: Gaussian, against: Gaussian) -> torch.Tensor:
    """``KL(of || against)`` [...], in nats, summed over the last axis."""
    ratio = of.log_variance - against.log_variance
    squared = (of.mean - against.mean) ** 2 * torch.exp(-against.log_variance)
    return 0.5 * (torch.exp(ratio) + squared - 1.0 - ratio).sum(dim=-1)


def divergence_from_standard(of: Gaussian) -> torch.Tensor:
    """``KL(of || N(0, 1))`` [...], in nats, summed over the last axis."""
    variance = torch.exp(of.log_variance)
    return 0.5 * (variance + of.mean**2 - 1.0 - of.log_variance).sum(dim=-1)


def symmetric_divergence(one: Gaussian, other: Gaussian) -> torch.Tensor:
    """``KL(one || other) + KL(other || one)`` [...], as MUSE's released code has it (no half)."""
    return divergence(one, other) + divergence(other, one)


def product(experts: Sequence[Gaussian], *, prior: bool = True) -> Gaussian:
    """The normalised product of Gaussian densities, itself a Gaussian: precisions add up.

    Args:
        experts: One or more, of one shape.
        prior: Multiply by a further expert, N(0, 1).
    """
    if not experts:
        raise ValueError("a product needs at least one expert")
    precisions = [torch.exp(-expert.log_variance) for expert in experts]
    pairs = zip(experts, precisions, strict=True)
    weighted = torch.stack([expert.mean * precision for expert, precision in pairs]).sum(dim=0)
    total = torch.stack(precisions).sum(dim=0) + (1.0 if prior else 0.0)
    return Gaussian(weighted / total, -torch.log(total))


def mixture_log_density(experts: Sequence[Gaussian], at: torch.Tensor) -> torch.Tensor:
    """``log 1/M sum_m N_m(at)`` [...] of M experts with equal weights."""
    found = torch.stack([log_density(expert, at) for expert in experts])
    return torch.logsumexp(found, dim=0) - log(len(experts))


def mixture_moments(experts: Sequence[Gaussian]) -> Gaussian:
    """Mean and variance of each coordinate of a mixture with equal weights.

    The mixture itself is no Gaussian; its mean is the mean of the experts' means.
    """
    means = torch.stack([expert.mean for expert in experts])
    variances = torch.exp(torch.stack([expert.log_variance for expert in experts]))
    mean = means.mean(dim=0)
    return Gaussian(mean, torch.log((variances + (means - mean) ** 2).mean(dim=0)))
