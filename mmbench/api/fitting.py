"""What a trained representation learns from: named by a task or a suite."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from mmbench.api.collection import BoundCollection

__all__ = ["FitData", "FitSpec"]


@dataclass(frozen=True)
class FitSpec:
    """What a trained representation may learn from, by keys of :meth:`Task.collections`.

    Attributes:
        train: The training collection.
        valid: The validation collection, if any.
        streams: The streams that may be learnt from; empty = all.
        target: Column of the training collection with the target, if it is supervised.
        target_kind: ``"class"`` or ``"value"``.
    """

    train: str
    valid: str | None = None
    streams: tuple[str, ...] = ()
    target: str | None = None
    target_kind: Literal["class", "value"] | None = None


@dataclass(frozen=True)
class FitData:
    """What a trained representation learns from.

    Attributes:
        train: The training items, seen through the slots.
        valid: The validation items, if the task names some.
        spec: The task's (or the suite's) fit specification.
    """

    train: BoundCollection
    valid: BoundCollection | None
    spec: FitSpec
