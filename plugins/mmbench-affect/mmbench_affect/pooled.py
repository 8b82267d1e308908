"""The baseline that a model of sequences must beat: means over time, standardised, side by side."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from mmbench.api import (
    Array,
    ItemError,
    Offer,
    PluginError,
    RepresentationInfo,
    Slot,
    State,
    TrainedRepresentation,
    UsageError,
)
from mmbench.api import Sequence as Steps

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from mmbench.api import Batch, Context, FitData, Payload, Stream

__all__ = ["Pooled"]

_KINDS = ("Sequence", "Array")
_CHUNK = 512
_MOST_SLOTS = 8


class Pooled(TrainedRepresentation):
    """Every stream's mean over time, standardised by the training items, side by side.

    A sequence's steps of nothing but zeros are padding, and take no part in its mean. A stream that
    is missing has the training mean, which is zero once standardised; a last coordinate is always
    1. What it learns is means and deviations. Slots are open: one a stream of kind ``Sequence`` or
    ``Array``; offers ``global`` for every non-empty subset.
    """

    batch_size = 512

    def __init__(self) -> None:
        self._slots: tuple[Slot, ...] = ()
        self._scales: dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]] = {}

    @property
    def info(self) -> RepresentationInfo:
        """Follows the streams it was bound to."""
        names = [slot.name for slot in self._slots]
        offers = {
            Offer("global", frozenset(subset))
            for size in range(1, len(names) + 1)
            for subset in combinations(names, size)
        }
        return RepresentationInfo(
            name="pooled",
            version="1",
            slots=self._slots,
            offers=frozenset(offers),
            similarity="dot",
            imputes="training mean",
        )

    def bind(self, streams: Sequence[Stream]) -> None:
        """Open one slot a stream of features.

        Raises:
            UsageError: There are too many subsets.
        """
        known = {each.name: each for each in streams if each.kind in _KINDS}
        if len(known) > _MOST_SLOTS:
            raise UsageError(
                f"{len(known)} streams have {2 ** len(known) - 1} subsets; it binds at most "
                f"{_MOST_SLOTS} streams",
                where="pooled",
            )
        self._slots = tuple(
            Slot(name, each.modality, (each.kind,)) for name, each in sorted(known.items())
        )

    def fit(self, data: FitData, ctx: Context) -> None:
        """Means and deviations of the complete training items. Nothing is random.

        Raises:
            UsageError: No training item has all streams.
        """
        rows = data.train.complete_rows()
        if not rows:
            raise UsageError("no training item has all streams", where="pooled")
        scales = {}
        for slot in (each.name for each in self._slots):
            parts = []
            for start in range(0, len(rows), _CHUNK):
                ctx.progress(start, len(rows), f"means of {slot}")
                batch = data.train.batch(rows[start : start + _CHUNK], [slot])
                parts.append(_means(batch[slot]))
            means = np.concatenate(parts)
            mean, deviation = means.mean(axis=0), means.std(axis=0)
            deviation[deviation <= 1e-9 * np.abs(mean) + np.finfo(np.float32).tiny] = 1.0
            scales[slot] = (mean, deviation)
        self._scales = scales

    def state(self) -> State:
        """Means and deviations by slot."""
        arrays: dict[str, NDArray[Any]] = {}
        for slot, (mean, deviation) in self._trained().items():
            arrays[f"mean/{slot}"], arrays[f"deviation/{slot}"] = mean, deviation
        return State(arrays, {"slots": list(self._scales)})

    def load_state(self, state: State) -> None:
        """Become what was trained."""
        self._scales = {
            slot: (
                np.asarray(state.arrays[f"mean/{slot}"]),
                np.asarray(state.arrays[f"deviation/{slot}"]),
            )
            for slot in state.meta["slots"]
        }

    def encode(self, batch: Batch) -> NDArray[np.float32]:
        """[B, D + 1]: standardised means, zeros where a stream is missing, and a 1.

        Raises:
            ItemError: An item has no steps, or another number of features than the training items.
        """
        scales = self._trained()
        count = len(next(iter(batch.values())))
        parts = []
        for slot, (mean, deviation) in scales.items():
            part = np.zeros((count, len(mean)))
            if slot in batch and count:
                found = _means(batch[slot])
                if found.shape[1] != len(mean):
                    raise ItemError(
                        f"{slot} has {found.shape[1]} features, and the training items {len(mean)}"
                    )
                part = (found - mean) / deviation
            parts.append(part)
        vectors: NDArray[np.float64] = np.concatenate([*parts, np.ones((count, 1))], axis=1)
        return vectors.astype(np.float32)

    def fuse(self, parts: Mapping[str, NDArray[np.float32]]) -> NDArray[np.float32]:
        """Single slots' vectors added up, since each is zero where the others are not."""
        vectors: NDArray[np.float32] = np.sum(list(parts.values()), axis=0, dtype=np.float32)
        vectors[:, -1] = 1.0
        return vectors

    def _trained(self) -> dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]]:
        if not self._scales:
            raise PluginError("is not trained: call fit or load_state first", where="pooled")
        return self._scales


def _means(payloads: Sequence[Payload]) -> NDArray[np.float64]:
    """Means over time [B, D].

    Raises:
        ItemError: A payload is of another kind, or has no steps.
    """
    rows = []
    for payload in payloads:
        if isinstance(payload, Array):
            rows.append(payload.values.astype(np.float64).ravel())
        elif isinstance(payload, Steps) and len(payload.values):
            said = payload.values[payload.values.any(axis=1)]
            values = said if len(said) else payload.values[:1]
            rows.append(values.astype(np.float64).mean(axis=0))
        else:
            raise ItemError(f"a {type(payload).__name__} without steps has no mean over time")
    if len({len(row) for row in rows}) > 1:
        raise ItemError("items of one stream have different numbers of features")
    return np.stack(rows)
