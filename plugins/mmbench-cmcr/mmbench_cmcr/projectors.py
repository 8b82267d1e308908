"""The projectors of C-MCR and Ex-MCR, with the parameter names of their published checkpoints.

SOURCE: Z. Wang et al. (2023), arXiv 2305.14381 and arXiv 2310.08884; the shapes are those of the
published weights.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn.functional import normalize

if TYPE_CHECKING:
    from mmbench_cmcr.layouts import Projector

__all__ = ["MLP", "DecoupledHead", "HalfMLP", "Head", "build_projector"]


class Head(nn.Module):
    """Projects a space's vectors.

    Attributes:
        width: Of the space.
        dim: Of the joined space.
    """

    def __init__(self, width: int, dim: int) -> None:
        super().__init__()
        self.width = width
        self.dim = dim


class MLP(Head):
    """Linear, BatchNorm, ReLU, Linear, BatchNorm: the heads of CLAP-CLIP.

    Args:
        width: Of the space.
        dim: Of the joined space.
    """

    def __init__(self, width: int, dim: int) -> None:
        super().__init__(width, dim)
        self.net1 = nn.Sequential(
            nn.Linear(width, 2 * width), nn.BatchNorm1d(2 * width), nn.ReLU()
        )  # fmt: skip
        self.net2 = nn.Sequential(nn.Linear(2 * width, dim), nn.BatchNorm1d(dim))

    def forward(self, vectors: torch.Tensor) -> torch.Tensor:
        """[B, width] to [B, dim]."""
        projected: torch.Tensor = self.net2(self.net1(vectors))
        return projected


class HalfMLP(Head):
    """Linear, BatchNorm, ReLU: the heads of ULIP-CLIP; no coordinate is negative.

    Args:
        width: Of the space.
        dim: Of the joined space.
    """

    def __init__(self, width: int, dim: int) -> None:
        super().__init__(width, dim)
        self.net = nn.Sequential(nn.Linear(width, dim), nn.BatchNorm1d(dim), nn.ReLU())

    def forward(self, vectors: torch.Tensor) -> torch.Tensor:
        """[B, width] to [B, dim]."""
        projected: torch.Tensor = self.net(vectors)
        return projected


class _TwoMLPs(nn.Module):
    """The second half of Ex-MCR's head; gives unit vectors."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.mlp1 = MLP(dim, dim)
        self.mlp2 = MLP(dim, dim)
        for parameter in self.parameters():
            if parameter.ndim > 1:
                nn.init.xavier_uniform_(parameter)

    def forward(self, vectors: torch.Tensor) -> torch.Tensor:
        """[B, dim] to [B, dim]."""
        return normalize(self.mlp2(self.mlp1(vectors)), dim=-1)


class DecoupledHead(Head):
    """Ex-MCR's head: a linear map that begins as the identity, then two MLPs.

    Args:
        width: Of the space.
        dim: Of the joined space.
    """

    def __init__(self, width: int, dim: int) -> None:
        super().__init__(width, dim)
        self.Head1 = nn.Linear(width, dim)
        nn.init.eye_(self.Head1.weight)
        self.Head2 = _TwoMLPs(dim)

    def forward(self, vectors: torch.Tensor) -> torch.Tensor:
        """[B, width] to unit vectors [B, dim]."""
        projected: torch.Tensor = self.Head2(self.Head1(vectors))
        return projected


_CLASSES: dict[Projector, type[Head]] = {
    "mlp": MLP,
    "mlp-half": HalfMLP,
    "ex-mcr": DecoupledHead,
}


def build_projector(kind: Projector, width: int, dim: int, *, seed: int) -> Head:
    """A new projector on the CPU, its weights drawn from the seed alone."""
    with torch.random.fork_rng(devices=[]):
        # Not torch.manual_seed, which would seed the other devices for good.
        torch.default_generator.manual_seed(seed)
        return _CLASSES[kind](width, dim)
