"""What a supervised form learns to predict: values, or classes in sorted order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from mmbench.api import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

__all__ = ["Target", "read_target"]


@dataclass(frozen=True)
class Target:
    """A target as a network takes it.

    Attributes:
        column: Of the training collection.
        kind: ``value``, or ``class``.
        classes: Their names, sorted; empty for values.
    """

    column: str
    kind: Literal["value", "class"]
    classes: tuple[Any, ...] = ()

    @property
    def outputs(self) -> int:
        """Numbers that a network gives an item: one value, or a score a class."""
        return len(self.classes) if self.kind == "class" else 1

    def as_json(self) -> dict[str, Any]:
        """For a state's metadata."""
        return {"column": self.column, "kind": self.kind, "classes": list(self.classes)}

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> Target:
        """From a state's metadata."""
        return cls(found["column"], found["kind"], tuple(found["classes"]))

    def encode(self, values: Sequence[Any], *, where: str) -> NDArray[Any]:
        """[n] float32 values, or int64 numbers of classes.

        Raises:
            DataError: A value is no finite number, or a class none of those learnt.
        """
        if self.kind == "value":
            try:
                found = np.asarray(values, dtype=np.float32).reshape(len(values))
            except (TypeError, ValueError):
                found = np.full(len(values), np.nan, dtype=np.float32)
            if not np.isfinite(found).all():
                odd = values[int(np.flatnonzero(~np.isfinite(found))[0])]
                raise DataError(
                    f"{self.column!r} holds {odd!r}, which is no finite number", where=where
                )
            return found
        numbers = {name: number for number, name in enumerate(self.classes)}
        for value in _plain(values):
            if value not in numbers:
                raise DataError(
                    f"{self.column!r} holds {value!r}, which is none of the "
                    f"{len(numbers)} classes of the training items",
                    where=where,
                )
        return np.array([numbers[value] for value in _plain(values)], dtype=np.int64)


def read_target(column: str, kind: Literal["value", "class"], values: Sequence[Any]) -> Target:
    """The target that a training column describes.

    Raises:
        DataError: A class is None or NaN, or there are fewer than two.
    """
    if kind == "value":
        return Target(column, kind)
    plain = _plain(values)
    odd = [value for value in plain if value is None or value != value]  # noqa: PLR0124 - NaN
    if odd:
        raise DataError(f"{column!r} holds {odd[0]!r}, which is no class", where="training items")
    classes = tuple(np.unique(np.asarray(plain)).tolist())
    if len(classes) < 2:
        raise DataError(
            f"{column!r} has one class only, {classes[0]!r}: there is nothing to learn",
            where="training items",
        )
    return Target(column, kind, classes)


def _plain(values: Sequence[Any]) -> list[Any]:
    """Python scalars, of lists and of numpy arrays."""
    return [value.item() if hasattr(value, "item") else value for value in values]
