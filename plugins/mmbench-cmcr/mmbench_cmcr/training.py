"""Training of the projectors: four vectors an item, noise, heads, losses; resumable at any step.

What is random in a step is drawn from (seed, step), and the order of an epoch from (seed, epoch).
So an interrupted training needs weights, Adam's moments and the step to go on, bit for bit.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from math import ceil, cos, pi
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from torch.nn.functional import normalize

from mmbench.api import UsageError
from mmbench_cmcr.completion import complete
from mmbench_cmcr.losses import LossTerms, LossWeights, Quad, loss_terms
from mmbench_cmcr.projectors import build_projector

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from mmbench.api import Context
    from mmbench_cmcr.corpora import Rows
    from mmbench_cmcr.layouts import Layout, Space
    from mmbench_cmcr.projectors import Head

__all__ = ["Corpus", "Recipe", "Training", "project_quad"]

_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
#: What the seeds of different draws begin with.
_ORDER, _NOISE, _WEIGHTS = 1, 2, 3


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


class Training:
    """One training.

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
        if len(corpus.first_shared) < 2:
            raise UsageError(
                "one item is too few: batch normalisation needs two",
                where=corpus.first_shared.name,
            )
        self.corpus = corpus
        self.recipe = recipe
        self.ctx = ctx
        self.key = key
        self.save_seconds = save_seconds
        widths: dict[Space, int] = {
            "first": corpus.first_shared.width, "second": corpus.second_shared.width,
        }  # fmt: skip
        self.heads: dict[Space, Head] = {
            space: build_projector(
                recipe.layout.projector, widths[space], recipe.dim,
                seed=_seed(ctx.seed, _WEIGHTS, number),
            ).to(ctx.device)
            for number, space in enumerate(("first", "second"))
            if space in recipe.layout.spaces
        }  # fmt: skip
        parameters = [p for head in self.heads.values() for p in head.parameters()]
        self.optimiser = torch.optim.Adam(parameters, lr=recipe.learning_rate)
        self.step = 0
        #: Mean loss terms of each finished epoch, in the order of ``LossTerms``.
        self.history: list[list[float]] = []
        self._terms: list[list[float]] = []

    @property
    def batches(self) -> int:
        """Steps of an epoch, of about equal size: at most ``recipe.batch`` items each."""
        return ceil(len(self.corpus.first_shared) / max(2, self.recipe.batch))

    @property
    def steps(self) -> int:
        """Steps in all."""
        return self.recipe.epochs * self.batches

    def run(self) -> None:
        """Train to the end, from the checkpoint on if there is one."""
        self._resume()
        saved = time.monotonic()
        while self.step < self.steps:
            for rows in self._rest_of_epoch():
                terms = self.train_step(self.gather(rows))
                self._terms.append(torch.stack(terms).tolist())
                self.step += 1
                self._tell()
                self._close_epoch()
                if time.monotonic() - saved >= self.save_seconds:
                    self._save()
                    saved = time.monotonic()
        self._save()
        for head in self.heads.values():
            head.eval()

    def gather(self, rows: NDArray[np.int64]) -> Quad:
        """The four vectors of these items on the device; shared ones with length 1."""
        found = []
        for shared, leaf in (self.corpus[:2], self.corpus[2:]):
            unit = normalize(torch.from_numpy(shared.take(rows)).to(self.ctx.device), dim=-1)
            # An aggregate is a mean of unit vectors, and used as it is.
            other = unit if leaf is None else torch.from_numpy(leaf.take(rows)).to(unit)
            found += [unit, other]
        return Quad(*found)

    def train_step(self, quad: Quad) -> LossTerms:
        """One step of Adam; gives the loss terms before it."""
        recipe, device = self.recipe, torch.device(self.ctx.device)
        rate = recipe.learning_rate * 0.5 * (1.0 + cos(pi * self.step / self.steps))
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        generator = torch.Generator(device).manual_seed(_seed(self.ctx.seed, _NOISE, self.step))
        for head in self.heads.values():
            head.train()
        half = _DTYPES[self.ctx.dtype]
        with torch.autocast(device.type, dtype=half, enabled=half != torch.float32):
            projected = project_quad(
                self.heads, quad, variance=recipe.variance, generator=generator
            )  # fmt: skip
        terms = loss_terms(projected, recipe.weights)
        self.optimiser.zero_grad(set_to_none=True)
        terms.total.backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()
        return LossTerms(*(term.detach() for term in terms))

    def _rest_of_epoch(self) -> Iterator[NDArray[np.int64]]:
        """The batches of the epoch that the step is in, but for those that are done."""
        epoch, done = divmod(self.step, self.batches)
        rng = np.random.default_rng([self.ctx.seed, _ORDER, epoch])
        order = rng.permutation(len(self.corpus.first_shared))
        for rows in np.array_split(order, self.batches)[done:]:
            yield np.sort(rows)  # the loss asks for no order, and a disk likes one

    def _close_epoch(self) -> None:
        """Sum up the epoch, if this was its last step; before a checkpoint is written."""
        if self.step % self.batches == 0:
            self.history.append(np.mean(self._terms, axis=0).tolist())
            self._terms = []
            self.ctx.log.info("epoch %d: %s", len(self.history), _words(self.history[-1]))

    def _tell(self) -> None:
        epoch = (self.step - 1) // self.batches + 1
        said = f"epoch {epoch}/{self.recipe.epochs}: {_words(self._terms[-1])}"
        self.ctx.progress(self.step, self.steps, said)

    @property
    def _path(self) -> Path | None:
        folder = self.ctx.checkpoint
        return None if folder is None else folder / "training.pt"

    def _save(self) -> None:
        """Write all that the next step needs, atomically."""
        if self._path is None:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        new = self._path.with_suffix(".pt.new")
        held = {
            "key": self.key, "step": self.step, "history": self.history, "terms": self._terms,
            "heads": {space: head.state_dict() for space, head in self.heads.items()},
            "optimiser": self.optimiser.state_dict(),
        }  # fmt: skip
        torch.save(held, new)
        new.replace(self._path)

    def _resume(self) -> None:
        """Go on from the checkpoint of this very training, if there is one that can be read."""
        held = _read(self._path)
        if held is None:
            return
        if held.get("key") != self.key:
            self.ctx.log.info("%s is of another training: begins afresh", self._path)
            return
        for space, head in self.heads.items():
            head.load_state_dict(held["heads"][space])
        self.optimiser.load_state_dict(held["optimiser"])
        self.step, self.history = int(held["step"]), list(held["history"])
        self._terms = list(held["terms"])
        self.ctx.log.info("training goes on with step %d of %d", self.step, self.steps)


def _read(path: Path | None) -> dict[str, Any] | None:
    """A checkpoint; None where there is none, or a broken one."""
    if path is None or not path.is_file():
        return None
    try:
        held = torch.load(path, map_location="cpu", weights_only=True)
    except Exception:  # noqa: BLE001 - whatever is wrong with it: the training begins afresh
        return None
    return held if isinstance(held, dict) else None


def _seed(*parts: int) -> int:
    """A seed for torch, of several numbers."""
    return int(np.random.SeedSequence(parts).generate_state(1, np.uint64)[0] >> np.uint64(1))


def _words(terms: list[float]) -> str:
    """Loss terms for people."""
    total, shared, leaf, mixed, intra = terms
    between = f"shared {shared:.3f}, leaf {leaf:.3f}" + (f", mixed {mixed:.3f}" if mixed else "")
    return f"loss {total:.3f} ({between}, intra {intra:.3f})"
