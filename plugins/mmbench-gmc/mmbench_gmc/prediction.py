"""What predicts a target from a representation, and what it loses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, l1_loss

from mmbench_gmc.crossmodal import Residual

if TYPE_CHECKING:
    from mmbench_gmc.targets import Target

__all__ = ["Predictor", "target_loss"]


class Predictor(nn.Module):
    """GMC's classifier of sentiment: a residual block, then a linear layer.

    Args:
        dim: Length of the vectors.
        target: What is predicted.
    """

    def __init__(self, dim: int, target: Target) -> None:
        super().__init__()
        self.residual = Residual(dim)
        self.output = nn.Linear(dim, target.outputs)

    def forward(self, vectors: Tensor) -> Tensor:
        """[B, outputs]."""
        found: Tensor = self.output(self.residual(vectors))
        return found


def target_loss(predicted: Tensor, target: Tensor) -> Tensor:
    """The mean distance of values [B, 1], or the cross entropy of class scores [B, C].

    In float32 or better.
    """
    if predicted.dtype in (torch.float16, torch.bfloat16):
        predicted = predicted.float()
    if target.is_floating_point():
        return l1_loss(predicted[:, 0], target)
    return cross_entropy(predicted, target)
