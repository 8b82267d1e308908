"""Connectors that break what a connector promises, one thing each."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from sound_connector import SoundConnector

from mmbench.api import Offer, State


class NamesForBases(SoundConnector):
    def __init__(self, *, dim: int = 12) -> None:
        super().__init__(dim=dim)
        self.bases = {"pictures": "openclip", "sounds": "clap"}


class RouteToNowhere(SoundConnector):
    def __init__(self, *, dim: int = 12) -> None:
        super().__init__(dim=dim)
        self.routes = {**self.routes, "video": "films"}


class NamesTwice(SoundConnector):
    def needs(self):
        return [replace(each, name="texts") for each in super().needs()]


class AsksAnotherBase(SoundConnector):
    def needs(self):
        first, second = super().needs()
        return [first, second, replace(second, name="films", base="films")]


class ForgetsASlot(SoundConnector):
    def describe(self, bases):
        info = super().describe(bases)
        offers = frozenset(offer for offer in info.offers if offer.slots != {"text"})
        slots = tuple(slot for slot in info.slots if slot.name != "text")
        return replace(info, slots=slots, offers=offers)


class OffersDense(SoundConnector):
    def describe(self, bases):
        info = super().describe(bases)
        dense = Offer("dense", frozenset({"image"}), self.dim)
        return replace(info, offers=info.offers | {dense})


class OffersBoth(SoundConnector):
    def describe(self, bases):
        info = super().describe(bases)
        both = Offer("global", frozenset({"image", "text"}), self.dim)
        return replace(info, offers=info.offers | {both})


class NewFingerprints(SoundConnector):
    def fingerprint(self):
        return str(np.random.default_rng().random())


class SinglePrecisionOnly(SoundConnector):
    def fit_vectors(self, arrays, ctx):
        if any(array.dtype != np.float32 for array in arrays.values()):
            raise TypeError("expected float32")
        super().fit_vectors(arrays, ctx)


class NoMaps(SoundConnector):
    def fit_vectors(self, arrays, ctx):
        if any(type(array) is not np.ndarray for array in arrays.values()):
            raise TypeError("expected an array")
        super().fit_vectors(arrays, ctx)


class SharesItsState(SoundConnector):
    def fit_vectors(self, arrays, ctx):
        super().fit_vectors(arrays, ctx)
        rng = np.random.default_rng(ctx.seed)
        noise = {name: 0.1 * rng.normal(size=each.shape) for name, each in self.maps.items()}
        self.maps = {name: each + noise[name] for name, each in self.maps.items()}
        kept = None if ctx.shared is None else ctx.shared / "maps.npz"
        if kept is not None and kept.exists():
            self.maps = dict(np.load(kept))
        elif kept is not None:
            np.savez(kept, **self.maps)


class FitRaises(SoundConnector):
    def fit_vectors(self, arrays, ctx):
        raise np.linalg.LinAlgError("did not converge")


class NoState(SoundConnector):
    def state(self):
        return State({}, {})


class ObjectsInState(SoundConnector):
    def state(self):
        return State({"maps": np.array([self.maps], dtype=object)})


class RoundsItsState(SoundConnector):
    def state(self):
        return State({name: each.astype(np.float16) for name, each in self.maps.items()})


class FreshNoise(SoundConnector):
    def fit_vectors(self, arrays, ctx):
        noise = np.random.default_rng()
        noisy = {name: each + noise.normal(size=each.shape) for name, each in arrays.items()}
        super().fit_vectors(noisy, ctx)


class LearnsNothing(SoundConnector):
    def fit_vectors(self, arrays, ctx):
        self.maps = {"pictures": np.eye(24, self.dim), "sounds": np.eye(32, self.dim)}


class GoesOn(SoundConnector):
    def fit_vectors(self, arrays, ctx):
        before = self.maps
        super().fit_vectors(arrays, ctx)
        self.maps = {name: each + before.get(name, 0) for name, each in self.maps.items()}


class ProjectsUnfitted(SoundConnector):
    def project(self, base, slot, vectors):
        if not self.maps:
            return vectors[..., : self.dim]
        return super().project(base, slot, vectors)


class RaisesUnfitted(SoundConnector):
    def project(self, base, slot, vectors):
        return self.finish((vectors @ self.maps[base]).astype(np.float32))


class LiesAboutItsDim(SoundConnector):
    def finish(self, projected):
        return projected[..., 1:]


class NaN(SoundConnector):
    def finish(self, projected):
        projected[..., 0] = np.nan
        return projected


class Noisy(SoundConnector):
    def finish(self, projected):
        return projected + np.random.default_rng().normal(size=projected.shape).astype("f4")


class CentresTheBatch(SoundConnector):
    def finish(self, projected):
        if projected.size == self.dim:
            return projected
        return projected - 0.5 * projected.reshape(-1, self.dim).mean(axis=0)


class FlatOnly(SoundConnector):
    def finish(self, projected):
        rows, dim = projected.shape
        return projected.reshape(rows, dim)


class OneForAll(SoundConnector):
    def finish(self, projected):
        return np.ones_like(projected)


class CentresInPlace(SoundConnector):
    def fit_vectors(self, arrays, ctx):
        super().fit_vectors(arrays, ctx)
        for array in arrays.values():
            np.subtract(array, array.mean(axis=0), out=array)


class ScalesInPlace(SoundConnector):
    def project(self, base, slot, vectors):
        found = super().project(base, slot, vectors)
        vectors *= 2
        return found


class SeedsNumpy(SoundConnector):
    def fit_vectors(self, arrays, ctx):
        np.random.seed(ctx.seed)  # noqa: NPY002
        super().fit_vectors(arrays, ctx)


class NeedsNothing(SoundConnector):
    """Sound: its maps are known, as published ones are."""

    def needs(self):
        return []

    def fit_vectors(self, arrays, ctx):
        self.maps = {"pictures": np.eye(24, self.dim), "sounds": np.eye(32, self.dim)}
