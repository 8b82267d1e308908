"""Groups of neighbours in clouds: farthest point sampling and nearest neighbours, in torch alone.

Both give the same indices on every device, alone and in a batch: distances are elementwise sums of
three squares, and among equal distances the lowest index comes first.
"""

from __future__ import annotations

import torch

__all__ = ["farthest_points", "gather_points", "nearest_points", "squared_distances"]


def farthest_points(xyz: torch.Tensor, count: int, start: torch.Tensor) -> torch.Tensor:
    """Indices [B, count] of points each of which is farthest from those before it.

    Where all points are taken already, the first one is taken again.

    Args:
        xyz: [B, N, 3].
        count: How many.
        start: [B], the index of the first.
    """
    x, y, z = xyz.unbind(-1)
    nearest = torch.full_like(x, torch.inf)
    chosen = torch.empty((len(xyz), count), dtype=torch.int64, device=xyz.device)
    last = start.to(xyz.device)[:, None]
    for step in range(count):
        chosen[:, step] = last[:, 0]
        dx, dy, dz = x - x.gather(1, last), y - y.gather(1, last), z - z.gather(1, last)
        nearest = torch.minimum(nearest, dx.square() + dy.square() + dz.square())
        last = nearest.argmax(dim=1, keepdim=True)
    return chosen


def nearest_points(xyz: torch.Tensor, centres: torch.Tensor, count: int) -> torch.Tensor:
    """Indices [B, G, count] of the points nearest to each centre, the nearest first.

    Args:
        xyz: [B, N, 3].
        centres: [B, G, 3].
        count: How many, at most N.
    """
    return torch.stack(
        [_nearest(points, around, count) for points, around in zip(xyz, centres, strict=True)]
    )


def gather_points(values: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
    """Rows ``values[b, index[b]]`` of [B, N, C] for [B, ...]: [B, ..., C]."""
    rows = torch.arange(len(values), device=values.device)
    return values[rows.view(-1, *[1] * (index.ndim - 1)), index]


def squared_distances(points: torch.Tensor, around: torch.Tensor) -> torch.Tensor:
    """[G, N] between [N, 3] and [G, 3], axis by axis: exact for equal points."""
    dx, dy, dz = ((points[:, axis] - around[:, axis, None]).square() for axis in range(3))
    return dx + dy + dz


def _nearest(points: torch.Tensor, around: torch.Tensor, count: int) -> torch.Tensor:
    """Of one cloud: the bits of a distance that is not negative sort as it does, then the index."""
    bits = squared_distances(points, around).contiguous().view(torch.int32).to(torch.int64)
    keys = (bits << 32) | torch.arange(len(points), device=points.device)
    return keys.topk(count, dim=-1, largest=False).values & 0xFFFFFFFF
