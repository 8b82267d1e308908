"""The towers of a contrastive space: one small network a payload kind."""

from __future__ import annotations

import torch
from torch import nn

from mmbench_cmcr.inputs import SIZES

__all__ = ["Tower", "build_tower"]


class Tower(nn.Module):
    """A network from inputs [B, *sizes] to vectors [B, dim].

    Two convolutions for pictures and spectra, none for text, then one linear map of what is where.
    There is no hidden layer behind it: parts of an item add up, so that combinations that were
    never seen have their place, which a few hundred pairs could not teach otherwise.

    Args:
        kind: Of the payloads, out of ``SIZES``.
        dim: Length of its vectors.
        width: Channels of its first convolution; the second has twice as many.
        dropout: Share of the linear map's inputs that a step leaves out; not of text's.
    """

    def __init__(self, kind: str, dim: int, width: int, dropout: float) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        flat = SIZES[kind][0]
        if kind != "Text":
            channels, rows, columns = SIZES[kind]
            flat = 2 * width * (rows // 4) * (columns // 4)
            layers = [
                *_convolution(channels, width), *_convolution(width, 2 * width),
                nn.Flatten(), nn.Dropout(dropout),
            ]  # fmt: skip
        self.net = nn.Sequential(*layers, nn.Linear(flat, dim))

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """[B, *sizes] to [B, dim]."""
        vectors: torch.Tensor = self.net(inputs)
        return vectors


def build_tower(kind: str, dim: int, *, width: int, dropout: float = 0.0, seed: int = 0) -> Tower:
    """A new tower on the CPU, its weights drawn from the seed alone."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)  # not torch.manual_seed: see build_projector
        return Tower(kind, dim, width, dropout)


def _convolution(channels: int, out: int) -> list[nn.Module]:
    """A block that halves rows and columns."""
    return [
        nn.Conv2d(channels, out, 3, padding=1, bias=False), nn.BatchNorm2d(out), nn.ReLU(),
        nn.MaxPool2d(2),
    ]  # fmt: skip
