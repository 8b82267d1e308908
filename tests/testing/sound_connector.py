"""A connector that passes every check; mutants break one thing of it each."""

from __future__ import annotations

import numpy as np

from mmbench.api import (
    Connector,
    CorpusRequest,
    Offer,
    RepresentationInfo,
    RepresentationRef,
    State,
    UsageError,
)


class SoundConnector(Connector):
    """Two spaces turned onto one another through texts that both encode (Procrustes).

    Args:
        dim: Dimensions kept.
    """

    def __init__(self, *, dim: int = 12) -> None:
        self.dim = dim
        self.bases = {
            "pictures": RepresentationRef("random", {"dim": 24}),
            "sounds": RepresentationRef("random", {"dim": 32}),
        }
        self.routes = {"image": "pictures", "text": "pictures", "audio": "sounds"}
        self.maps: dict[str, np.ndarray] = {}

    def describe(self, bases):
        slots = tuple(
            next(slot for slot in bases[base].slots if slot.name == name)
            for name, base in self.routes.items()
        )
        offers = {
            Offer(kind, frozenset({name}), self.dim)
            for name, base in self.routes.items()
            for kind in ("global", "dense")
            if bases[base].offer(kind, frozenset({name}))
        }
        return RepresentationInfo("sound-connector", "1", slots, frozenset(offers))

    def needs(self):
        return [
            CorpusRequest(f"{base} texts", base, "text", "numbers", "train", "text")
            for base in self.bases
        ]

    def fit_vectors(self, arrays, ctx) -> None:
        one, other = (arrays[f"{base} texts"].astype(float) for base in ("pictures", "sounds"))
        left, _, right = np.linalg.svd(one.T @ other, full_matrices=False)
        self.maps = {"pictures": left[:, : self.dim], "sounds": right[: self.dim].T}

    def project(self, base, slot, vectors):
        if not self.maps:
            raise UsageError("is not trained", where="sound-connector")
        return self.finish((vectors @ self.maps[base]).astype(np.float32))

    def finish(self, projected):
        """The last step of projections [..., dim]."""
        return projected

    def state(self):
        return State(dict(self.maps), {"dim": self.dim})

    def load_state(self, state) -> None:
        self.maps = dict(state.arrays)
