"""Random vectors: the chance level, and a check that nothing leaks through ids or order."""

from __future__ import annotations

from hashlib import blake2b
from itertools import combinations
from typing import TYPE_CHECKING, Any

from mmbench.api.errors import UsageError
from mmbench.api.payloads import KINDS, payload_digest
from mmbench.api.representation import Offer, Representation, RepresentationInfo
from mmbench.api.streams import Slot

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from mmbench.api.payloads import Payload
    from mmbench.api.representation import Batch, Context
    from mmbench.api.streams import Stream

_MOST_SLOTS = 12


class Random(Representation):
    """A Gaussian vector an item, drawn from the seed, the slots and the payloads' digests.

    Equal payloads have equal vectors, whatever the batch. Slots are open: one a stream. Offers
    ``global`` for every non-empty subset of its slots, ``dense`` for every image slot.

    Args:
        dim: Length of the vectors.
        grid: Rows and columns of a dense map.
    """

    batch_size = 1024

    def __init__(self, *, dim: int = 64, grid: int = 7) -> None:
        for name, value in (("dim", dim), ("grid", grid)):
            if value < 1:
                raise UsageError(f"{name} must be at least 1, not {value}", where="random")
        self.dim = dim
        self.grid = grid
        self._slots: tuple[Slot, ...] = ()
        self._seed = 0

    @property
    def info(self) -> RepresentationInfo:
        """Follows the streams it was bound to."""
        names = [slot.name for slot in self._slots]
        offers = {
            Offer("global", frozenset(subset), self.dim)
            for size in range(1, len(names) + 1)
            for subset in combinations(names, size)
        }
        offers |= {
            Offer("dense", frozenset({slot.name}), self.dim)
            for slot in self._slots
            if slot.modality == "image"
        }
        return RepresentationInfo(
            name="random",
            version="1",
            slots=self._slots,
            offers=frozenset(offers),
            seeded=True,
            yardstick=True,
            parameters=0,
        )

    def bind(self, streams: Sequence[Stream]) -> None:
        """Open one slot a stream name, for every payload kind.

        Where several streams share a modality, each slot takes its own kind only, so that a
        caption and its token sequence stay apart.

        Raises:
            UsageError: One name stands for two modalities, or there are too many subsets.
        """
        by_name: dict[str, list[Stream]] = {}
        for stream in streams:
            by_name.setdefault(stream.name, []).append(stream)
        if len(by_name) > _MOST_SLOTS:
            raise UsageError(
                f"{len(by_name)} streams have {2 ** len(by_name) - 1} subsets; "
                f"it binds at most {_MOST_SLOTS} streams",
                where="random",
            )
        slots = []
        for name, mine in by_name.items():
            modalities = sorted({stream.modality for stream in mine})
            if len(modalities) > 1:
                raise UsageError(
                    f"stream {name!r} is {' in one collection and '.join(modalities)} in another",
                    where="random",
                )
            others = [
                stream
                for other, theirs in by_name.items()
                if other != name
                for stream in theirs
                if stream.modality == modalities[0]
            ]
            own = tuple(dict.fromkeys(stream.kind for stream in mine))
            slots.append(Slot(name, modalities[0], own if others else tuple(KINDS)))
        self._slots = tuple(slots)

    def load(self, ctx: Context) -> None:
        """Take the seed."""
        self._seed = ctx.seed

    def encode(self, batch: Batch) -> NDArray[np.float32]:
        """[B, dim]: one draw an item."""
        return self._draw("global", batch, (self.dim,))

    def encode_dense(self, batch: Batch) -> NDArray[np.float32]:
        """[B, grid, grid, dim]: one draw an item.

        Raises:
            UsageError: It is asked for something else than one image slot.
        """
        pictures = {slot.name for slot in self._slots if slot.modality == "image"}
        if len(batch) != 1 or not batch.keys() <= pictures:
            raise UsageError(f"no dense maps of {' + '.join(sorted(batch))}", where="random")
        return self._draw("dense", batch, (self.grid, self.grid, self.dim))

    def _draw(self, kind: str, batch: Batch, shape: tuple[int, ...]) -> NDArray[np.float32]:
        import numpy as np

        slots = sorted(batch)
        rows = list(zip(*(batch[slot] for slot in slots), strict=True))
        drawn = np.empty((len(rows), *shape), dtype=np.float32)
        for row, payloads in enumerate(rows):
            rng = np.random.default_rng(_entropy(self._seed, kind, slots, payloads))
            rng.standard_normal(dtype=np.float32, out=drawn[row])
        return drawn


def _entropy(seed: int, kind: str, slots: list[str], payloads: tuple[Payload, ...]) -> int:
    """The seed of one item's draw."""
    described: list[Any] = [seed, kind, *slots]
    digest = blake2b(repr(described).encode(), digest_size=16)
    for payload in payloads:
        digest.update(payload_digest(payload))
    return int.from_bytes(digest.digest(), "little")
