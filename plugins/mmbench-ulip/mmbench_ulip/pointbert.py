"""PointBERT, the point encoder of ULIP and ULIP-2 (Yu et al. 2022, arXiv 2111.14819).

Groups of neighbouring points become tokens of a transformer. Every size is read from the weights:
width and depth, whether points have colours, the length of the vectors. Names are those of ULIP's
checkpoints. Imports torch: imported when weights are loaded.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn.functional import linear, scaled_dot_product_attention

from mmbench_ulip.grouping import farthest_points, gather_points, nearest_points

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["GROUPS", "GROUP_SIZE", "PointBERT", "Sizes"]

#: How many groups ULIP makes of a cloud, and of how many points. No weight depends on them.
GROUPS, GROUP_SIZE = 512, 32
#: All of Point-BERT's transformers have heads of 64 numbers (384 wide, 6 heads).
_HEAD = 64


@dataclass(frozen=True)
class Sizes:
    """What the shapes of the weights say.

    Attributes:
        channels: Numbers a point: 3, or 6 with colours.
        first: Channels of the first two layers on points.
        second: Channels of the next two; the last is the length of a group's vector.
        position: Channels of the position embedding's hidden layer.
        width: Of the transformer.
        hidden: Of its MLPs.
        depth: Its blocks.
    """

    channels: int
    first: tuple[int, int]
    second: tuple[int, int]
    position: int
    width: int
    hidden: int
    depth: int

    @classmethod
    def of(cls, state: Mapping[str, torch.Tensor]) -> Sizes:
        """From a state of the encoder.

        Raises:
            KeyError: A tensor is not there: it is no PointBERT.
        """
        blocks = {name.split(".")[2] for name in state if name.startswith("blocks.blocks.")}
        return cls(
            channels=state["encoder.first_conv.0.weight"].shape[1],
            first=(len(state["encoder.first_conv.0.weight"]),
                   len(state["encoder.first_conv.3.weight"])),
            second=(len(state["encoder.second_conv.0.weight"]),
                    len(state["encoder.second_conv.3.weight"])),
            position=len(state["pos_embed.0.weight"]),
            width=state["cls_token"].shape[-1],
            hidden=len(state["blocks.blocks.0.mlp.fc1.weight"]),
            depth=len(blocks),
        )  # fmt: skip


class PointBERT(nn.Module):
    """Clouds to features: the class token beside the largest of all tokens.

    Args:
        sizes: Of the layers.
        groups: How many groups are made of a cloud.
        group_size: Points in a group, at most.
    """

    def __init__(self, sizes: Sizes, *, groups: int = GROUPS, group_size: int = GROUP_SIZE) -> None:
        super().__init__()
        self.groups = groups
        self.group_size = group_size
        self.encoder = _GroupEncoder(sizes)
        self.reduce_dim = nn.Linear(sizes.second[1], sizes.width)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, sizes.width))
        self.cls_pos = nn.Parameter(torch.zeros(1, 1, sizes.width))
        self.pos_embed = nn.Sequential(
            nn.Linear(3, sizes.position), nn.GELU(), nn.Linear(sizes.position, sizes.width)
        )
        self.blocks = _Blocks(sizes)
        self.norm = nn.LayerNorm(sizes.width)

    def forward(self, points: torch.Tensor, start: torch.Tensor) -> torch.Tensor:
        """Features [B, 2 * width] of points [B, N, 3 or 6]; groups begin at ``start`` [B]."""
        neighbours, centres = self.grouped(points, start)
        tokens = self.reduce_dim(self.encoder(neighbours))
        ones = (len(tokens), 1, -1)
        tokens = torch.cat([self.cls_token.expand(*ones).to(tokens.dtype), tokens], dim=1)
        positions = torch.cat([self.cls_pos.expand(*ones), self.pos_embed(centres)], dim=1)
        tokens = self.norm(self.blocks(tokens, positions))
        return torch.cat([tokens[:, 0], tokens[:, 1:].amax(dim=1)], dim=-1)

    def grouped(
        self, points: torch.Tensor, start: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Neighbours [B, G, M, 3 or 6] relative to their centres, and the centres [B, G, 3]."""
        with torch.autocast(points.device.type, enabled=False):
            xyz = points[..., :3].contiguous()
            centres = gather_points(xyz, farthest_points(xyz, self.groups, start))
            count = min(self.group_size, xyz.shape[1])
            neighbours = gather_points(points, nearest_points(xyz, centres, count))
            around = neighbours[..., :3] - centres[:, :, None]
            return torch.cat([around, neighbours[..., 3:]], dim=-1), centres


class _GroupEncoder(nn.Module):
    """Mini-PointNet: groups [B, G, M, C] to vectors [B, G, D], whatever the order of the points."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.first_conv = nn.Sequential(
            nn.Conv1d(sizes.channels, sizes.first[0], 1), nn.BatchNorm1d(sizes.first[0]),
            nn.ReLU(), nn.Conv1d(sizes.first[0], sizes.first[1], 1),
        )  # fmt: skip
        self.second_conv = nn.Sequential(
            nn.Conv1d(2 * sizes.first[1], sizes.second[0], 1), nn.BatchNorm1d(sizes.second[0]),
            nn.ReLU(), nn.Conv1d(sizes.second[0], sizes.second[1], 1),
        )  # fmt: skip

    def forward(self, groups: torch.Tensor) -> torch.Tensor:
        """Convolutions of width 1, as the matrix products that they are."""
        local = _per_point(self.first_conv[3], _activated(self.first_conv, groups))
        whole = local.amax(dim=2, keepdim=True).expand_as(local)
        found = _activated(self.second_conv, torch.cat([whole, local], dim=-1))
        return _per_point(self.second_conv[3], found).amax(dim=2)


def _activated(layers: nn.Sequential, points: torch.Tensor) -> torch.Tensor:
    """The first convolution of a pair, its norm and its ReLU."""
    found = _per_point(layers[0], points)
    normed: torch.Tensor = layers[1](found.flatten(0, -2)).reshape(found.shape)
    return normed.relu()


def _per_point(layer: nn.Module, points: torch.Tensor) -> torch.Tensor:
    assert isinstance(layer, nn.Conv1d)
    return linear(points, layer.weight.squeeze(-1), layer.bias)


class _Blocks(nn.Module):
    """Blocks to each of which the positions are added anew."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.blocks = nn.ModuleList([_Block(sizes) for _ in range(sizes.depth)])

    def forward(self, tokens: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
        for block in self.blocks:
            tokens = block(tokens + positions)
        return tokens


class _Block(nn.Module):
    """A block of a transformer that normalises first."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(sizes.width)
        self.attn = _Attention(sizes.width)
        self.norm2 = nn.LayerNorm(sizes.width)
        self.mlp = nn.Sequential()
        self.mlp.add_module("fc1", nn.Linear(sizes.width, sizes.hidden))
        self.mlp.add_module("act", nn.GELU())
        self.mlp.add_module("fc2", nn.Linear(sizes.hidden, sizes.width))

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        tokens = tokens + self.attn(self.norm1(tokens))
        changed: torch.Tensor = tokens + self.mlp(self.norm2(tokens))
        return changed


class _Attention(nn.Module):
    """Self-attention in heads of 64 numbers; query, key and value have no bias."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.heads = max(width // _HEAD, 1)
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.proj = nn.Linear(width, width)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        batch, length, width = tokens.shape
        joined = self.qkv(tokens).reshape(batch, length, 3, self.heads, width // self.heads)
        query, key, value = joined.permute(2, 0, 3, 1, 4)
        mixed = scaled_dot_product_attention(query, key, value)
        projected: torch.Tensor = self.proj(mixed.transpose(1, 2).reshape(batch, length, width))
        return projected
