"""The losses of C-MCR: between the spaces with negatives, within each space without.

SOURCE: Z. Wang et al. (2023), arXiv 2305.14381; the dense alignment of four pairs: Z. Wang et al.
(2023), Extending Multi-modal Contrastive Representations, arXiv 2310.08884.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from torch.nn.functional import cross_entropy

__all__ = ["Alignment", "IntraNorm", "LossTerms", "LossWeights", "Quad", "info_nce", "intra_loss",
           "loss_terms"]  # fmt: skip

#: How far apart two vectors of one space are: their distance, or its square.
IntraNorm = Literal["l2", "l2_squared"]
#: Which pairs of the two spaces are aligned: shared and leaf with their like, or each with each.
Alignment = Literal["c-mcr", "dense"]


class Quad(NamedTuple):
    """The four vectors of each item of a batch, [B, d] each.

    Attributes:
        first_shared: The shared modality in the first space (CLIP's text).
        first_leaf: What the first memory says of it (images).
        second_shared: The shared modality in the second space (CLAP's text).
        second_leaf: What the second memory says of it (sounds).
    """

    first_shared: torch.Tensor
    first_leaf: torch.Tensor
    second_shared: torch.Tensor
    second_leaf: torch.Tensor


@dataclass(frozen=True)
class LossWeights:
    """Temperatures and weights; defaults are the paper's.

    Attributes:
        tau2: Temperature of the shared pairs.
        tau3: Temperature of the leaf pairs, and of the mixed ones of ``dense``.
        intra_norm: ``l2`` or ``l2_squared``.
        intra_weight: The paper's lambda.
        shared_weight: Of the shared pairs' loss.
        leaf_weight: Of the leaf pairs' loss, and of the mixed ones.
        alignment: ``c-mcr``: shared-shared and leaf-leaf. ``dense``: shared-leaf both ways, too.
    """

    tau2: float = 0.02
    tau3: float = 0.02
    intra_norm: IntraNorm = "l2"
    intra_weight: float = 0.1
    shared_weight: float = 1.0
    leaf_weight: float = 1.0
    alignment: Alignment = "c-mcr"


class LossTerms(NamedTuple):
    """The loss of a batch and its terms, unweighted.

    Attributes:
        total: ``shared_weight * shared + leaf_weight * (leaf + mixed) + intra_weight * intra``.
        shared: Between the shared modality in both spaces (text-text).
        leaf: Between the leaves (audio-visual).
        mixed: Between shared and leaf of different spaces; 0 but for ``dense``.
        intra: Within the spaces.
    """

    total: torch.Tensor
    shared: torch.Tensor
    leaf: torch.Tensor
    mixed: torch.Tensor
    intra: torch.Tensor


def info_nce(first: torch.Tensor, second: torch.Tensor, temperature: float) -> torch.Tensor:
    """Symmetric InfoNCE of unit vectors [B, d] whose rows go together."""
    scores = first @ second.T / temperature
    targets = torch.arange(len(scores), device=scores.device)
    return (cross_entropy(scores, targets) + cross_entropy(scores.T, targets)) / 2


def intra_loss(quad: Quad, norm: IntraNorm) -> torch.Tensor:
    """Half the mean distance of shared and leaf within each space; no negatives."""
    total = quad.first_shared.new_zeros(())
    for shared, leaf in ((quad.first_shared, quad.first_leaf),
                         (quad.second_shared, quad.second_leaf)):  # fmt: skip
        apart = shared - leaf
        if norm == "l2":
            total = total + torch.linalg.vector_norm(apart, dim=-1).mean()
        else:
            total = total + apart.square().sum(dim=-1).mean()
    return total / 2


def loss_terms(quad: Quad, weights: LossWeights) -> LossTerms:
    """The loss of projected unit vectors."""
    shared = info_nce(quad.first_shared, quad.second_shared, weights.tau2)
    leaf = info_nce(quad.first_leaf, quad.second_leaf, weights.tau3)
    mixed = shared.new_zeros(())
    if weights.alignment == "dense":
        mixed = info_nce(quad.first_shared, quad.second_leaf, weights.tau3)
        mixed = mixed + info_nce(quad.first_leaf, quad.second_shared, weights.tau3)
    intra = intra_loss(quad, weights.intra_norm)
    total = (
        weights.shared_weight * shared
        + weights.leaf_weight * (leaf + mixed)
        + weights.intra_weight * intra
    )
    return LossTerms(total, shared, leaf, mixed, intra)
