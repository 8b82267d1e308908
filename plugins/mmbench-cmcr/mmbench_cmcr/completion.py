"""Semantic completion: a vector stands for the ball around it, from which one is drawn.

SOURCE: Z. Wang et al. (2023), arXiv 2305.14381 (intra-modality semantic completion).
"""

from __future__ import annotations

import torch
from torch.nn.functional import normalize

__all__ = ["complete", "completed"]


def complete(vectors: torch.Tensor, *, variance: float, generator: torch.Generator) -> torch.Tensor:
    """Unit vectors after Gaussian noise.

    Args:
        vectors: [B, d].
        variance: Of each coordinate's noise: the paper's sigma squared.
        generator: On the device of the vectors.
    """
    if variance == 0.0:
        return normalize(vectors, dim=-1)
    noise = torch.empty_like(vectors).normal_(0.0, variance**0.5, generator=generator)
    return completed(vectors, noise)


def completed(vectors: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
    """Unit vectors after this noise."""
    return normalize(vectors + noise, dim=-1)
