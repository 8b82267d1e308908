"""A precomputed representation that passes every check; mutants break one thing of it each."""

from __future__ import annotations

import numpy as np

from mmbench.api import Offer, PrecomputedRepresentation, RepresentationInfo, Slot

DIM = 8
SLOTS = ("image", "text")


class SoundPrecomputed(PrecomputedRepresentation):
    """Vectors of the items ``<prefix>-0`` to ``<prefix>-9``, as a file would hold them.

    Args:
        prefix: How the ids begin.
        salt: Draws other vectors.
    """

    def __init__(self, *, prefix: str = "kit", salt: int = 0) -> None:
        self.salt = salt
        self.rows = {f"{prefix}-{row}": row for row in range(10)}

    @property
    def info(self):
        slots = tuple(Slot(name, name, (name.capitalize(),)) for name in SLOTS)
        offers = {Offer("global", frozenset({name}), DIM) for name in SLOTS}
        return RepresentationInfo(
            name="sound-precomputed",
            version="1",
            slots=slots,
            offers=frozenset(offers | {Offer("dense", frozenset({"image"}), DIM)}),
            citation="https://example.org/sound-precomputed",
        )

    def fingerprint(self):
        return f"made with salt {self.salt}"

    def vectors(self, kind, slots):
        """All vectors of an offer, in the order of their rows."""
        rng = np.random.default_rng([self.salt, len(kind), *"".join(sorted(slots)).encode()])
        shape = (10, 2, 2, DIM) if kind == "dense" else (10, DIM)
        return rng.normal(size=shape).astype(np.float32)

    def lookup(self, collection, ids, kind, slots):
        known = np.array([item in self.rows for item in ids], dtype=np.bool_)
        wanted = [self.rows[item] for item in ids if item in self.rows]
        return self.vectors(kind, slots)[wanted], known
