"""Training of heads, step by step: schedule, order, noise, checkpoints; resumable at any step.

What is random in a step is drawn from (seed, step), and the order of an epoch from (seed, epoch).
So an interrupted training needs weights, Adam's moments and the step to go on, bit for bit.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from math import ceil, cos, pi
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

import numpy as np
import torch

from mmbench.api import UsageError
from mmbench_cmcr.projectors import build_projector

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from mmbench.api import Context
    from mmbench_cmcr.corpora import Rows
    from mmbench_cmcr.layouts import Layout, Space
    from mmbench_cmcr.projectors import Head

__all__ = ["HeadRecipe", "HeadTraining"]

Batch = TypeVar("Batch")

_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
#: What the seeds of different draws begin with.
_ORDER, _NOISE, _WEIGHTS = 1, 2, 3


class HeadRecipe(Protocol):
    """What any training of heads follows."""

    @property
    def layout(self) -> Layout:
        """The heads."""

    @property
    def dim(self) -> int:
        """Of the joined space."""

    @property
    def learning_rate(self) -> float:
        """Adam's, at the beginning of the cosine."""

    @property
    def epochs(self) -> int:
        """Passes over the items."""

    @property
    def batch(self) -> int:
        """Items of a step, at most."""


class HeadTraining(ABC, Generic[Batch]):
    """One training of the heads of two spaces.

    Args:
        first: Items in the first space.
        second: The same items in the second space, row by row.
        recipe: How they are learnt from.
        ctx: Seed, device and precision, and whom to tell.
        key: Names items and recipe; a checkpoint of another one is passed over.
        save_seconds: Time between checkpoints.
    """

    def __init__(
        self, first: Rows, second: Rows, recipe: HeadRecipe, ctx: Context, *, key: str,
        save_seconds: float = 60.0,
    ) -> None:  # fmt: skip
        if len(first) < 2:
            raise UsageError(
                "one item is too few: batch normalisation needs two", where=first.name
            )  # fmt: skip
        self.count = len(first)
        self.plan = recipe
        self.ctx = ctx
        self.key = key
        self.save_seconds = save_seconds
        widths: dict[Space, int] = {"first": first.width, "second": second.width}
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
        #: Mean loss and terms of each finished epoch, in the order of ``losses``.
        self.history: list[list[float]] = []
        self._terms: list[list[float]] = []

    @property
    def batches(self) -> int:
        """Steps of an epoch, of about equal size: at most ``recipe.batch`` items each."""
        return ceil(self.count / max(2, self.plan.batch))

    @property
    def steps(self) -> int:
        """Steps in all."""
        return self.plan.epochs * self.batches

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

    @abstractmethod
    def gather(self, rows: NDArray[np.int64]) -> Batch:
        """The vectors of these items on the device, of length 1."""

    @abstractmethod
    def project(self, batch: Batch, generator: torch.Generator) -> Batch:
        """Noise, heads and normalisation of a batch."""

    @abstractmethod
    def losses(self, projected: Batch) -> Sequence[torch.Tensor]:
        """The loss of projected vectors, and its terms after it."""

    @abstractmethod
    def words(self, terms: Sequence[float]) -> str:
        """Loss and terms for people."""

    def train_step(self, batch: Batch) -> list[torch.Tensor]:
        """One step of Adam; gives loss and terms before it."""
        device = torch.device(self.ctx.device)
        rate = self.plan.learning_rate * 0.5 * (1.0 + cos(pi * self.step / self.steps))
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        generator = torch.Generator(device).manual_seed(_seed(self.ctx.seed, _NOISE, self.step))
        for head in self.heads.values():
            head.train()
        half = _DTYPES[self.ctx.dtype]
        with torch.autocast(device.type, dtype=half, enabled=half != torch.float32):
            projected = self.project(batch, generator)
        terms = self.losses(projected)
        self.optimiser.zero_grad(set_to_none=True)
        terms[0].backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()
        return [term.detach() for term in terms]

    def _rest_of_epoch(self) -> Iterator[NDArray[np.int64]]:
        """The batches of the epoch that the step is in, but for those that are done."""
        epoch, done = divmod(self.step, self.batches)
        rng = np.random.default_rng([self.ctx.seed, _ORDER, epoch])
        order = rng.permutation(self.count)
        for rows in np.array_split(order, self.batches)[done:]:
            yield np.sort(rows)  # the loss asks for no order, and a disk likes one

    def _close_epoch(self) -> None:
        """Sum up the epoch, if this was its last step; before a checkpoint is written."""
        if self.step % self.batches == 0:
            self.history.append(np.mean(self._terms, axis=0).tolist())
            self._terms = []
            self.ctx.log.info("epoch %d: %s", len(self.history), self.words(self.history[-1]))

    def _tell(self) -> None:
        epoch = (self.step - 1) // self.batches + 1
        said = f"epoch {epoch}/{self.plan.epochs}: {self.words(self._terms[-1])}"
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
