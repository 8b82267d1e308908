"""MulT's body: every sequence attends to every other one, then to itself.

SOURCE: Tsai et al. 2019, Multimodal Transformer for unaligned multimodal language sequences, arXiv
1906.00295, and the code that its authors released.
"""

from __future__ import annotations

from functools import lru_cache
from math import log, sqrt
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import dropout

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from mmbench_gmc.inputs import Input
    from mmbench_gmc.plans import Crossmodal

__all__ = ["CrossmodalBody", "Residual", "Transformer", "positions"]

#: Dropout of embeddings, of attention to texts (to other streams it is 0), and after layers.
_EMBEDDED, _ATTENDED, _LAYERS = 0.25, 0.1, 0.1


@lru_cache(maxsize=16)
def _table(steps: int, dim: int) -> NDArray[np.float64]:
    """[steps + 1, dim] sines, then cosines; row 0, of padding, is zero."""
    half = dim // 2
    rates = np.exp(np.arange(half) * -(log(10000.0) / max(half - 1, 1)))
    angles = np.arange(steps + 1)[:, None] * rates
    table = np.zeros((steps + 1, dim))
    table[1:, :half], table[1:, half : 2 * half] = np.sin(angles[1:]), np.cos(angles[1:])
    return table


def positions(values: Tensor) -> Tensor:
    """[B, L, dim] embeddings of the places of a sequence; a padded step has none.

    A step counts as padding where its first channel is exactly 0.
    """
    _, steps, dim = values.shape
    index = torch.arange(1, steps + 1, device=values.device) * (values[:, :, 0] != 0)
    return torch.from_numpy(_table(steps, dim)).to(values)[index]


class Layer(nn.Module):
    """Attention to another sequence (or its own), then two linear layers; normalised beforehand.

    Args:
        dim: Channels.
        heads: Of the attention.
        attended: Dropout of the attention.
    """

    def __init__(self, dim: int, heads: int, attended: float) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(dim, heads, attended, batch_first=True)
        self.first, self.second = nn.Linear(dim, 4 * dim), nn.Linear(4 * dim, dim)
        self.norms = nn.ModuleList([nn.LayerNorm(dim), nn.LayerNorm(dim)])
        for each in (self.attention.out_proj, self.first, self.second):
            nn.init.xavier_uniform_(each.weight)
            nn.init.zeros_(each.bias)

    def forward(self, values: Tensor, others: Tensor | None, mask: Tensor) -> Tensor:
        """[B, L, dim]; the same normalisation goes over the values and the others."""
        query = self.norms[0](values)
        key = query if others is None else self.norms[0](others)
        found, _ = self.attention(query, key, key, attn_mask=mask, need_weights=False)
        values = values + dropout(found, _LAYERS, self.training)
        inner = dropout(self.first(self.norms[1](values)).relu(), _LAYERS, self.training)
        return values + dropout(self.second(inner), _LAYERS, self.training)


class Transformer(nn.Module):
    """Layers in which one sequence attends to the embeddings of another, or to itself.

    Args:
        dim: Channels.
        heads: Of every attention.
        layers: How many.
        attended: Dropout of the attention.
    """

    def __init__(self, dim: int, heads: int, layers: int, attended: float) -> None:
        super().__init__()
        self.layers = nn.ModuleList(Layer(dim, heads, attended) for _ in range(layers))
        self.norm = nn.LayerNorm(dim)

    def forward(self, values: Tensor, others: Tensor | None = None) -> Tensor:
        """[B, L, dim] of a sequence [B, L, dim] and another [B, K, dim]."""
        found = self._embedded(values)
        keys = None if others is None else self._embedded(others)
        steps, seen = found.shape[1], (found if keys is None else keys).shape[1]
        hidden = found.new_full((steps, seen), -torch.inf)
        mask = hidden.triu(1 + abs(seen - steps))  # causal, with slack
        for layer in self.layers:
            found = layer(found, keys, mask)
        normed: Tensor = self.norm(found)
        return normed

    def _embedded(self, values: Tensor) -> Tensor:
        found = sqrt(values.shape[2]) * values + positions(values)
        return dropout(found, _EMBEDDED, self.training)


class Residual(nn.Module):
    """Two linear layers with a ReLU between them, added to what goes in.

    Args:
        dim: Numbers that go in, and out.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(dim, dim), nn.Linear(dim, dim)

    def forward(self, values: Tensor) -> Tensor:
        """[B, dim]."""
        found: Tensor = self.second(self.first(values).relu())
        return found + values


class CrossmodalBody(nn.Module):
    """Sequences [B, L, features] to [B, width]: the last step of what each has heard of the others.

    Texts are special, as in the paper's code: their input is dropped out in training, and so is
    attention to them.

    Args:
        inputs: Two sequences or more.
        plan: Its sizes.
    """

    def __init__(self, inputs: Sequence[Input], plan: Crossmodal) -> None:
        super().__init__()
        self.slots = tuple(form.slot for form in inputs)
        self.texts = {form.slot for form in inputs if form.modality == "text"}
        self.width = plan.width
        self.projections = nn.ModuleList(
            nn.Identity() if size == plan.dim else nn.Conv1d(size, plan.dim, 1, bias=False)
            for size in plan.features
        )
        sizes = (plan.heads, plan.layers)
        self.pairs = nn.ModuleList(
            Transformer(plan.dim, *sizes, _ATTENDED if other in self.texts else 0.0)
            for one in self.slots
            for other in self.slots
            if other != one
        )
        self.memories = nn.ModuleList(
            Transformer(plan.memory, *sizes, _ATTENDED) for _ in self.slots
        )

    def forward(self, batch: Mapping[str, Tensor]) -> Tensor:
        """[B, width]."""
        brought = {}
        for slot, projection in zip(self.slots, self.projections, strict=True):
            values = batch[slot]
            if slot in self.texts:
                values = dropout(values, _EMBEDDED, self.training)
            brought[slot] = projection(values.transpose(1, 2)).transpose(1, 2)
        pairs, last = iter(self.pairs), []
        for one, memory in zip(self.slots, self.memories, strict=True):
            heard = [next(pairs)(brought[one], brought[o]) for o in self.slots if o != one]
            last.append(memory(torch.cat(heard, dim=2))[:, -1])
        return torch.cat(last, dim=1)
