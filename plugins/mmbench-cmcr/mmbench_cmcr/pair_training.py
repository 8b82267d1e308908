"""Training of the projectors with true pairs: two vectors an item, noise, heads, one InfoNCE."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch.nn.functional import normalize

from mmbench_cmcr.completion import complete
from mmbench_cmcr.head_training import HeadTraining
from mmbench_cmcr.losses import info_nce

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from mmbench.api import Context
    from mmbench_cmcr.corpora import Rows
    from mmbench_cmcr.layouts import Layout

__all__ = ["Pair", "PairRecipe", "PairTraining", "Pairs"]


@dataclass(frozen=True)
class PairRecipe:
    """How the heads are trained.

    Attributes:
        layout: The heads.
        dim: Of the joined space.
        temperature: Of the loss.
        variance: Of each coordinate's noise.
        learning_rate: Adam's, at the beginning of the cosine.
        epochs: Passes over the pairs.
        batch: Pairs of a step, at most.
    """

    layout: Layout
    dim: int
    temperature: float = 0.02
    variance: float = 0.004
    learning_rate: float = 1e-3
    epochs: int = 36
    batch: int = 10240


class Pairs(NamedTuple):
    """Both vectors of each item, row by row.

    Attributes:
        first: The first leaf in the first space.
        second: The second leaf in the second space.
    """

    first: Rows
    second: Rows


class Pair(NamedTuple):
    """Both vectors of each item of a batch, [B, d] each."""

    first: torch.Tensor
    second: torch.Tensor


class PairTraining(HeadTraining[Pair]):
    """One training with pairs.

    Args:
        pairs: What to learn from.
        recipe: How.
        ctx: Seed, device and precision, and whom to tell.
        key: Names pairs and recipe; a checkpoint of another one is passed over.
        save_seconds: Time between checkpoints.
    """

    def __init__(
        self, pairs: Pairs, recipe: PairRecipe, ctx: Context, *, key: str,
        save_seconds: float = 60.0,
    ) -> None:  # fmt: skip
        super().__init__(*pairs, recipe, ctx, key=key, save_seconds=save_seconds)
        self.pairs = pairs
        self.recipe = recipe

    def gather(self, rows: NDArray[np.int64]) -> Pair:
        """Both vectors of these items on the device, with length 1."""
        taken = (torch.from_numpy(each.take(rows)).to(self.ctx.device) for each in self.pairs)
        return Pair(*(normalize(each, dim=-1) for each in taken))

    def project(self, batch: Pair, generator: torch.Generator) -> Pair:
        """Noise, heads and normalisation; a space without head is frozen."""
        projected = []
        for space, vectors in (("first", batch.first), ("second", batch.second)):
            noisy = complete(vectors, variance=self.recipe.variance, generator=generator)
            head = self.heads.get("first" if space == "first" else "second")
            projected.append(noisy if head is None else normalize(head(noisy).float(), dim=-1))
        return Pair(*projected)

    def losses(self, projected: Pair) -> Sequence[torch.Tensor]:
        """Symmetric InfoNCE."""
        return (info_nce(*projected, self.recipe.temperature),)

    def words(self, terms: Sequence[float]) -> str:
        """The loss for people."""
        return f"loss {terms[0]:.3f}"
