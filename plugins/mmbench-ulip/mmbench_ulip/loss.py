"""ULIP's loss, clouds against texts and against pictures, as salesforce/ULIP f194ddb has it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

__all__ = ["Contrast", "ulip_loss"]


@dataclass(frozen=True)
class Contrast:
    """The loss of a batch, and how often a cloud finds its own.

    Attributes:
        loss: To be minimised.
        text_accuracy: Share of clouds that are nearest to their own text.
        image_accuracy: Share of clouds that are nearest to their own picture.
    """

    loss: torch.Tensor
    text_accuracy: torch.Tensor
    image_accuracy: torch.Tensor


def ulip_loss(
    clouds: torch.Tensor, texts: torch.Tensor, images: torch.Tensor, logit_scale: torch.Tensor
) -> Contrast:
    """InfoNCE both ways, of clouds and texts plus of clouds and pictures; rows belong together.

    Args:
        clouds: [B, D], of any length: all are scaled to length 1 here.
        texts: [B, D].
        images: [B, D].
        logit_scale: What cosines are multiplied by (ULIP learns its logarithm, up to 4.6052).
    """
    import torch
    from torch.nn.functional import cross_entropy, normalize

    clouds = normalize(clouds, dim=-1)
    own = torch.arange(len(clouds), device=clouds.device)
    loss = clouds.new_zeros(())
    accuracies = []
    for others in (texts, images):
        logits = logit_scale * clouds @ normalize(others, dim=-1).T
        loss = loss + (cross_entropy(logits, own) + cross_entropy(logits.T, own)) / 2
        accuracies.append((logits.argmax(dim=1) == own).double().mean())
    return Contrast(loss, *accuracies)
