"""How long, how fast and on what a network is trained."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, isfinite
from typing import Literal

from mmbench.api import UsageError

__all__ = ["Keep", "Schedule", "require"]

#: The weights that a training ends with: the last ones, or those of the best validation loss.
Keep = Literal["last", "best"]


@dataclass(frozen=True)
class Schedule:
    """A training with Adam.

    Attributes:
        epochs: Passes over the training items.
        steps: Steps in all, instead of ``epochs``; 0: as many as the epochs have.
        batch: Items of a step, at most; an epoch's steps are of about equal size.
        learning_rate: Adam's.
        clip: Gradients are scaled down to this norm; 0: left as they are.
        plateau: After so many epochs without a better validation loss the learning rate falls to a
            tenth; 0: never.
        keep: The weights that it ends with.
        early_stop: After so many epochs without a better validation loss it ends; 0: never.
    """

    epochs: int = 100
    steps: int = 0
    batch: int = 64
    learning_rate: float = 1e-3
    clip: float = 0.0
    plateau: int = 0
    keep: Keep = "last"
    early_stop: int = 0

    def check(self, where: str) -> None:
        """See that all numbers are in their range.

        Raises:
            UsageError: One is not.
        """
        require(where, 1, epochs=self.epochs)
        require(where, 2, batch=self.batch)
        require(where, 0, steps=self.steps, clip=self.clip, plateau=self.plateau,
                early_stop=self.early_stop)  # fmt: skip
        require(where, 0, above=True, learning_rate=self.learning_rate)

    @property
    def watches(self) -> bool:
        """Whether the validation loss decides anything."""
        return bool(self.plateau or self.early_stop or self.keep == "best")

    def batches(self, count: int) -> int:
        """Steps of an epoch of ``count`` items; none has a single one."""
        return max(1, min(ceil(count / self.batch), count // 2))

    def total(self, count: int) -> int:
        """Steps in all for ``count`` items."""
        return self.steps or self.epochs * self.batches(count)


def require(where: str, least: float, *, above: bool = False, **values: float) -> None:
    """See that numbers are ``least`` or more, or above it.

    Raises:
        UsageError: One is not.
    """
    for name, value in values.items():
        if not isfinite(value) or value < least or (above and value == least):
            said = f"above {least:g}" if above else f"{least:g} or more"
            raise UsageError(f"{name} must be {said}, not {value}", where=where)
