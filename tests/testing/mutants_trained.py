"""Trained representations that break what training promises, one thing each."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from sound_representation import DIM
from sound_trained import SUBSETS, SoundTrained

from mmbench.api import State, UsageError


class FitRaises(SoundTrained):
    def fit(self, data, ctx):
        raise ZeroDivisionError("no epochs")


class EmptyState(SoundTrained):
    def state(self):
        return State({}, {})


class ObjectsInState(SoundTrained):
    def state(self):
        state = super().state()
        return State({**state.arrays, "options": np.array([self.meta], dtype=object)}, state.meta)


class SetInMeta(SoundTrained):
    def state(self):
        state = super().state()
        return State(state.arrays, {**state.meta, "slots": {"image", "text"}})


class RoundsItsState(SoundTrained):
    def state(self):
        state = super().state()
        arrays = {name: array.astype(np.float16) for name, array in state.arrays.items()}
        return State(arrays, state.meta)


class NumbersAsKeys(SoundTrained):
    def state(self):
        state = super().state()
        return State(state.arrays, {**state.meta, "sizes": {1: DIM}})

    def load_state(self, state):
        assert state.meta["sizes"][1] == DIM
        super().load_state(state)


class FreshNoise(SoundTrained):
    def scale(self, features):
        return super().scale(features) + np.random.default_rng().normal(size=DIM)


class NotesTheTime(SoundTrained):
    def state(self):
        import time

        return State(self.arrays, {**self.meta, "trained": time.time_ns()})


class LearnsNothing(SoundTrained):
    def scale(self, features):
        return np.ones(DIM, np.float32)

    def head(self, features, targets, meta):
        width = 1 if meta["classes"] is None else len(meta["classes"])
        return np.linspace(0, 1, (DIM + 1) * width).reshape(DIM + 1, width)


class GoesOn(SoundTrained):
    """Learns from where it stopped."""

    def fit(self, data, ctx):
        before = self.arrays
        super().fit(data, ctx)
        self.arrays = {
            name: array if name not in before or name.startswith("head") else array + before[name]
            for name, array in self.arrays.items()
        }


class KeepsWhatItHas(SoundTrained):
    def load_state(self, state):
        if not self.arrays:
            super().load_state(state)


class EncodesUntrained(SoundTrained):
    def require_training(self):
        if not self.arrays:
            self.arrays = {f"scale/{s}": np.ones(DIM) for s in ("image", "text")}
            self.arrays |= {f"head/{'+'.join(s)}": np.eye(DIM + 1, 4) for s in SUBSETS}
            self.meta = {"classes": [0, 1, 2, 3]}


class RaisesUntrained(SoundTrained):
    def require_training(self):
        assert self.arrays


class ScalesItsData(SoundTrained):
    def fit(self, data, ctx):
        super().fit(data, ctx)
        if data.valid is not None:  # what it does not learn from
            for payload in data.valid.batch(range(3), ["image"])["image"]:
                payload.pixels[:] //= 2


class SeedsInFit(SoundTrained):
    def fit(self, data, ctx):
        np.random.seed(ctx.seed)  # noqa: NPY002
        super().fit(data, ctx)


class CountsWhatItLearnt(SoundTrained):
    parameters = None

    @property
    def info(self):
        return replace(super().info, parameters=self.parameters)

    def fit(self, data, ctx):
        super().fit(data, ctx)
        self.parameters = sum(array.size for array in self.arrays.values())


class OneColumnTooMany(SoundTrained):
    def shaped(self, found):
        if self.meta["classes"] is None:
            return super().shaped(found)
        return np.c_[found, np.full(len(found), -9.0, np.float32)]


class ValuesInTwoColumns(SoundTrained):
    def shaped(self, found):
        return found if self.meta["classes"] is not None else np.c_[found, found]


class LearnsNoTarget(SoundTrained):
    def fit(self, data, ctx):
        if data.spec.target == "label":  # the usual one
            super().fit(data, ctx)
        else:
            raise UsageError("learns no target", where="sound-trained")


class OrderOfAppearance(SoundTrained):
    def classes(self, column):
        return np.array(list(dict.fromkeys(column.tolist())))


class NeedsValidation(SoundTrained):
    def fit(self, data, ctx):
        assert data.valid.collection.ids
        super().fit(data, ctx)


class NeedsMany(SoundTrained):
    def fit(self, data, ctx):
        if len(data.train) < 8:
            raise IndexError("batch 1 is out of range")
        super().fit(data, ctx)


class LoadsWhatIsMissing(SoundTrained):
    def rows(self, train, subset):
        return list(range(len(train)))


class RefusesClearly(SoundTrained):
    """Sound: what it can't learn from, it refuses; it classifies only."""

    def fit(self, data, ctx):
        if len(data.train) < 8:
            raise UsageError("needs at least 8 training items", where="sound-trained")
        keys = [data.train.collection.content_keys(slot) for slot in data.train.binding]
        if any(None in each for each in keys):
            raise UsageError("needs items with all streams", where="sound-trained")
        if data.spec.target_kind == "value":
            raise UsageError("learns classes only", where="sound-trained")
        super().fit(data, ctx)


class Unsupervised(SoundTrained):
    """Sound: offers no predictions, and is handed no target."""

    @property
    def info(self):
        info = super().info
        offers = frozenset(offer for offer in info.offers if offer.kind != "prediction")
        return replace(info, offers=offers)

    def fit(self, data, ctx):
        assert data.spec.target is None
        super().fit(data, ctx)


class Seeded(SoundTrained):
    """Sound: what it learns follows the seed."""

    @property
    def info(self):
        return replace(super().info, seeded=True)

    def fit(self, data, ctx):
        self.noise = np.random.default_rng(ctx.seed).normal(size=DIM)
        super().fit(data, ctx)

    def scale(self, features):
        return super().scale(features) + np.abs(self.noise)
