"""Training items as arrays in memory, and the scale of their numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mmbench.api import DataError, ItemError, UsageError
from mmbench_gmc.inputs import input_like, input_of, to_arrays

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from mmbench.api import BoundCollection, Context, Slot, Stream
    from mmbench_gmc.inputs import Input
    from mmbench_gmc.targets import Target

    Floats = NDArray[np.float32]

__all__ = ["Examples", "Scaling", "complete_rows", "read_examples", "read_inputs", "scaling_of"]

_CHUNK = 256
_FLOOR, _FARTHEST = 1e-6, 10.0


@dataclass(frozen=True)
class Examples:
    """Items that have every stream.

    Attributes:
        arrays: Slot to array [n, *shape].
        target: [n] values or numbers of classes; None: there is none.
    """

    arrays: Mapping[str, Floats]
    target: NDArray[Any] | None = None

    def __len__(self) -> int:
        return len(next(iter(self.arrays.values())))


@dataclass(frozen=True)
class Scaling:
    """Where the numbers of a stream's training items lie, and how far apart.

    Attributes:
        mean: Broadcasts against one item.
        deviation: As ``mean``; 1 where it would be 0.
    """

    mean: Floats
    deviation: Floats

    def apply(self, array: Floats) -> Floats:
        """Centred, in deviations, and none farther away than ten of them."""
        scaled = (array - self.mean) / self.deviation
        clipped: Floats = np.clip(scaled, -_FARTHEST, _FARTHEST)
        return clipped


def scaling_of(form: Input, array: Floats) -> Scaling:
    """The scale of training items [n, *shape]: of each number, or each feature of a sequence.

    Of arrays of two or more axes it is one of all numbers: a picture's corner is no other feature
    than its centre. Steps of a sequence that are zeros are padding: they don't count, and as the
    mean of a sequence is left where it is, zeros stay zeros.
    """
    if form.kind == "Sequence":
        square = np.square(array, dtype=np.float64).sum(axis=(0, 1))
        deviation = np.sqrt(square / max(int(array.any(axis=2).sum()), 1))
        mean = np.zeros_like(deviation)
    else:
        axes = (0,) if len(form.shape) == 1 else tuple(range(array.ndim))
        mean = array.mean(axis=axes, dtype=np.float64)
        deviation = array.std(axis=axes, dtype=np.float64)
    return Scaling(
        np.asarray(mean, dtype=np.float32),
        np.asarray(np.where(deviation > _FLOOR, deviation, 1.0), dtype=np.float32),
    )


def complete_rows(items: BoundCollection, *, where: str) -> list[int]:
    """The rows that have every stream.

    Raises:
        UsageError: There are fewer than two.
    """
    rows = items.complete_rows()
    if len(rows) < 2:
        collection = items.collection
        have = {
            slot: sum(key is not None for key in collection.content_keys(stream))
            for slot, stream in items.binding.items()
        }
        said = ", ".join(f"{count} have {slot}" for slot, count in have.items())
        raise UsageError(
            f"{len(rows)} of the {len(collection)} training items {collection.name!r} have every "
            f"stream ({said}), and two are the least",
            where=where,
            fix="leave out a stream that is missing: the option streams names those to learn from",
        )
    return rows


def read_inputs(
    slots: Sequence[Slot], streams: Sequence[Stream], items: BoundCollection, row: int
) -> tuple[Input, ...]:
    """The streams' tensor forms: as declared, or else as one of the items shows them."""
    found = []
    for slot, stream in zip(slots, streams, strict=True):
        form = input_of(stream)
        if form is None:
            form = input_like(slot, items.batch([row], [slot.name])[slot.name][0])
        found.append(form)
    return tuple(found)


def read_examples(
    items: BoundCollection,
    rows: Sequence[int],
    inputs: Sequence[Input],
    target: Target | None,
    ctx: Context,
) -> Examples:
    """Training (or validation) items as arrays, unscaled, and their target.

    Raises:
        DataError: A value of the target is none, or an item can't be read; it is named.
    """
    arrays = {form.slot: np.empty((len(rows), *form.shape), dtype=np.float32) for form in inputs}
    for start in range(0, len(rows), _CHUNK):
        ctx.progress(start, len(rows), f"reading {items.collection.name}")
        chunk = rows[start : start + _CHUNK]
        for form in inputs:
            arrays[form.slot][start : start + len(chunk)] = _read(items, chunk, form)
    if target is None:
        return Examples(arrays)
    column = items.column(target.column)
    wanted = target.encode([column[row] for row in rows], where=items.collection.name)
    return Examples(arrays, wanted)


def _read(items: BoundCollection, rows: Sequence[int], form: Input) -> Floats:
    """[n, *shape] of these rows.

    Raises:
        DataError: One of them can't be read; an error of a batch does not say which.
    """
    try:
        return to_arrays(form, items.batch(rows, [form.slot])[form.slot])
    except ItemError as error:
        if len(rows) > 1:
            return np.concatenate([_read(items, [row], form) for row in rows])
        collection = items.collection
        raise DataError(
            f"can't learn from {form.slot} of item {collection.ids[rows[0]]!r}: {error.what}",
            where=error.where or collection.name,
            fix=error.fix or "mend the item, or leave it out of the training items",
        ) from error
