"""A trained representation that passes every check; mutants break one thing of it each."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from sound_representation import DIM, Sound

from mmbench.api import Offer, State, TrainedRepresentation, UsageError

SUBSETS = (("image",), ("text",), ("image", "text"))


class SoundTrained(Sound, TrainedRepresentation):
    """Sound's images and texts by what they vary by, and a ridge regression of the target.

    Args:
        gain: Vectors are multiplied by it.
        salt: Draws other directions.
        ridge: How much the regression is held back.
    """

    def __init__(self, *, gain: float = 1.0, salt: str = "a", ridge: float = 1e-3) -> None:
        super().__init__(gain=gain, salt=salt)
        self.ridge = ridge
        self.arrays: dict[str, np.ndarray] = {}
        self.meta: dict[str, object] = {}

    @property
    def info(self):
        info = super().info
        slots = tuple(slot for slot in info.slots if slot.name in ("image", "text"))
        offers = {Offer("global", frozenset(subset), DIM) for subset in SUBSETS}
        offers |= {Offer("prediction", frozenset(subset)) for subset in SUBSETS}
        return replace(info, name="sound-trained", slots=slots, offers=frozenset(offers))

    def fit(self, data, ctx) -> None:
        arrays, meta = {}, {}
        for slot in data.train.binding:
            rows = self.rows(data.train, (slot,))
            arrays[f"scale/{slot}"] = self.scale(self.plain(data.train.batch(rows, [slot])))
        if data.spec.target is not None:
            column = np.asarray(data.train.column(data.spec.target))
            meta["target"] = data.spec.target_kind
            meta["classes"] = self.classes(column).tolist() if self.is_class(data) else None
            for subset in SUBSETS:
                rows = self.rows(data.train, subset)
                features = self.plain(data.train.batch(rows, subset))
                arrays["head/" + "+".join(subset)] = self.head(features, column[rows], meta)
        self.arrays, self.meta = arrays, meta

    def is_class(self, data):
        return data.spec.target_kind == "class"

    def classes(self, column):
        return np.unique(column)

    def rows(self, train, subset):
        """Rows that have these streams."""
        keys = [train.collection.content_keys(train.binding[slot]) for slot in subset]
        found = [row for row, each in enumerate(zip(*keys, strict=True)) if None not in each]
        if not found:
            raise UsageError("no item has all streams", where="sound-trained")
        return found

    def scale(self, features):
        return (1 + features.std(axis=0)).astype(np.float32)

    def head(self, features, targets, meta):
        if meta["classes"] is not None:
            wanted = (targets[:, None] == np.array(meta["classes"])).astype(float)
        else:
            wanted = targets[:, None].astype(float)
        features = np.c_[features, np.ones(len(features))].astype(float)
        inner = features.T @ features + self.ridge * np.eye(DIM + 1)
        return np.linalg.solve(inner, features.T @ wanted)

    def state(self):
        self.require_training()
        return State(dict(self.arrays), dict(self.meta))

    def load_state(self, state):
        self.arrays, self.meta = dict(state.arrays), dict(state.meta)

    def require_training(self):
        if not self.arrays:
            raise UsageError("is not trained", where="sound-trained", fix="name a task with fit")

    def one(self, slot, payload):
        found = super().one(slot, payload)
        return found * self.arrays[f"scale/{slot}"] if self.arrays else found

    def encode(self, batch):
        self.require_training()
        return super().encode(batch)

    def plain(self, batch):
        """Features [B, DIM] as they are before anything is learnt."""
        trained, self.arrays = self.arrays, {}
        try:
            return super().encode(batch)
        finally:
            self.arrays = trained

    def predict(self, batch):
        self.require_training()
        name = "head/" + "+".join(sorted(batch))
        if name not in self.arrays:
            raise UsageError(f"learnt no target from {sorted(batch)}", where="sound-trained")
        features = self.plain(batch)
        found = (np.c_[features, np.ones(len(features))] @ self.arrays[name]).astype(np.float32)
        return self.shaped(found)

    def shaped(self, found):
        return found if self.meta["classes"] is not None else found[:, 0]
