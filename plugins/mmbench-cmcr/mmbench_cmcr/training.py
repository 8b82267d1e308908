"""C-MCR's training of the projectors: four vectors an item, noise, heads, losses."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch.nn.functional import normalize

from mmbench_cmcr.completion import complete
from mmbench_cmcr.head_training import HeadTraining
from mmbench_cmcr.losses import LossTerms, LossWeights, Quad, loss_terms

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from mmbench.api import Context
    from mmbench_cmcr.corpora import Rows
    from mmbench_cmcr.layouts import Layout, Space
    from mmbench_cmcr.projectors import Head

__all__ = ["Corpus", "Recipe", "Training", "project_quad"]


@dataclass(frozen=True)
class Recipe:
    """How the heads are trained; defaults are the paper's.

    Attributes:
        layout: The heads.
        dim: Of the joined space.
        weights: Temperatures and weights of the losses.
        variance: Of each coordinate's noise.
        learning_rate: Adam's, at the beginning of the cosine.
        epochs: Passes over the shared corpus.
        batch: Items of a step, at most.
    """

    layout: Layout
    dim: int
    weights: LossWeights = field(default_factory=LossWeights)
    variance: float = 0.004
    learning_rate: float = 1e-3
    epochs: int = 36
    batch: int = 10240


class Corpus(NamedTuple):
    """The four vectors of each item, in the order of ``Quad``.

    Attributes:
        first_shared: The shared modality in the first space.
        first_leaf: Aggregates of the first memory; None = the shared vectors themselves.
        second_shared: The shared modality in the second space, row by row the same items.
        second_leaf: Aggregates of the second memory; None = the shared vectors themselves.
    """

    first_shared: Rows
    first_leaf: Rows | None
    second_shared: Rows
    second_leaf: Rows | None


def project_quad(
    heads: Mapping[Space, Head], quad: Quad, *, variance: float, generator: torch.Generator
) -> Quad:
    """Noise, heads and normalisation of four vectors an item; a space without head is frozen.

    Noise is drawn in the order of the fields. Each of the four goes through its head by itself, so
    that batch normalisation sees one kind of vector at a time.
    """
    noisy = Quad(*(complete(x, variance=variance, generator=generator) for x in quad))
    projected = []
    for name, vectors in zip(Quad._fields, noisy, strict=True):
        head = heads.get("first" if name.startswith("first") else "second")
        projected.append(vectors if head is None else normalize(head(vectors).float(), dim=-1))
    return Quad(*projected)


class Training(HeadTraining[Quad]):
    """One training without pairs.

    Args:
        corpus: What to learn from.
        recipe: How.
        ctx: Seed, device and precision, and whom to tell.
        key: Names corpus and recipe; a checkpoint of another one is passed over.
        save_seconds: Time between checkpoints.
    """

    def __init__(
        self, corpus: Corpus, recipe: Recipe, ctx: Context, *, key: str, save_seconds: float = 60.0
    ) -> None:
        super().__init__(
            corpus.first_shared, corpus.second_shared, recipe, ctx, key=key,
            save_seconds=save_seconds,
        )  # fmt: skip
        self.corpus = corpus
        self.recipe = recipe

    def gather(self, rows: NDArray[np.int64]) -> Quad:
        """The four vectors of these items on the device; shared ones with length 1."""
        found = []
        for shared, leaf in (self.corpus[:2], self.corpus[2:]):
            unit = normalize(torch.from_numpy(shared.take(rows)).to(self.ctx.device), dim=-1)
            # An aggregate is a mean of unit vectors, and used as it is.
            other = unit if leaf is None else torch.from_numpy(leaf.take(rows)).to(unit)
            found += [unit, other]
        return Quad(*found)

    def project(self, batch: Quad, generator: torch.Generator) -> Quad:
        """Noise, heads and normalisation of four vectors an item."""
        return project_quad(
            self.heads, batch, variance=self.recipe.variance, generator=generator
        )  # fmt: skip

    def losses(self, projected: Quad) -> LossTerms:
        """The loss and its terms."""
        return loss_terms(projected, self.recipe.weights)

    def words(self, terms: Sequence[float]) -> str:
        """Loss and terms for people."""
        total, shared, leaf, mixed, intra = terms
        more = f", mixed {mixed:.3f}" if mixed else ""
        between = f"shared {shared:.3f}, leaf {leaf:.3f}{more}"
        return f"loss {total:.3f} ({between}, intra {intra:.3f})"
