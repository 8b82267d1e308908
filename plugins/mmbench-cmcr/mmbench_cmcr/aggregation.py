"""Semantic aggregation: what a memory says of a query, block by block with a running softmax.

``sum_k softmax_k(cos(q, key_k) / tau) value_k`` over a memory of any size. Only [queries, block]
similarities exist at a time: the largest similarity so far, the sum of weights and the weighted sum
of values are carried from block to block, and rescaled where a larger similarity turns up.

SOURCE: Z. Wang et al. (2023), Connecting Multi-modal Contrastive Representations, arXiv 2305.14381
(inter-modality semantic consistency).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import torch
from torch.nn.functional import normalize

if TYPE_CHECKING:
    from mmbench_cmcr.corpora import Rows

__all__ = ["MEMORY_BLOCK", "Aggregation", "nearest_values", "on_device", "soft_values"]

#: ``softmax`` over the memory, the ``nearest`` row of it, or ``none``: the query itself.
Aggregation = Literal["softmax", "nearest", "none"]
#: Memory rows that are compared at once.
MEMORY_BLOCK = 8192


def on_device(vectors: Any, like: torch.Tensor) -> torch.Tensor:
    """A numpy array as a tensor of another one's device and type."""
    return torch.from_numpy(vectors).to(device=like.device, dtype=like.dtype)


@torch.no_grad()
def soft_values(
    queries: torch.Tensor,
    keys: Rows,
    values: Rows | None = None,
    *,
    temperature: float,
    block: int = MEMORY_BLOCK,
) -> torch.Tensor:
    """The values of a memory, weighted by how near their keys are to each query.

    Keys and values are scaled to length 1; the result is a mean of them, so it is shorter.

    Args:
        queries: [B, d], of any length; computed in their precision.
        keys: [K, d].
        values: [K, e]; the keys themselves where None.
        temperature: Of the softmax over cosine similarities.
        block: Memory rows at a time.

    Returns:
        [B, e].
    """
    queries = normalize(queries, dim=-1) / temperature
    width = keys.width if values is None else values.width
    total = queries.new_zeros(len(queries), width)
    weight = queries.new_zeros(len(queries), 1)
    largest = queries.new_full((len(queries), 1), -torch.inf)
    for start in range(0, len(keys), block):
        held, worth = _block(queries, keys, values, start, block)
        scores = queries @ held.T
        new = torch.maximum(largest, scores.amax(dim=1, keepdim=True))
        before = torch.exp(largest - new)
        scores = torch.exp_(scores.sub_(new))
        weight = weight * before + scores.sum(dim=1, keepdim=True)
        total = torch.addmm(total.mul_(before), scores, worth)
        largest = new
    return total / weight


@torch.no_grad()
def nearest_values(
    queries: torch.Tensor, keys: Rows, values: Rows | None = None, *, block: int = MEMORY_BLOCK
) -> torch.Tensor:
    """The value whose key is nearest to each query, the first of equals; as :func:`soft_values`."""
    queries = normalize(queries, dim=-1)
    width = keys.width if values is None else values.width
    found = queries.new_zeros(len(queries), width)
    largest = queries.new_full((len(queries),), -torch.inf)
    for start in range(0, len(keys), block):
        held, worth = _block(queries, keys, values, start, block)
        scores, rows = (queries @ held.T).max(dim=1)
        better = scores > largest
        found[better] = worth[rows[better]]
        largest = torch.maximum(largest, scores)
    return found


def _block(
    queries: torch.Tensor, keys: Rows, values: Rows | None, start: int, block: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """A block of unit keys, and of unit values."""
    dtype = "float64" if queries.dtype == torch.float64 else "float32"
    held = normalize(on_device(keys.block(start, start + block, dtype), queries), dim=-1)
    if values is None:
        return held, held
    return held, normalize(on_device(values.block(start, start + block, dtype), queries), dim=-1)
