"""Representations that break what a representation returns, one thing each."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from sound_representation import DIM, GRID, Sound
from sound_trained import SoundTrained

from mmbench.api import DataMissing


class LoadRaises(Sound):
    def load(self, ctx):
        raise RuntimeError("out of quota")


class WeightsMissing(Sound):
    def load(self, ctx):
        raise DataMissing("weights are not there", where="weights.pt", fix="-o weights=FILE")


class WeightsMissingAtOnce(WeightsMissing):
    def fingerprint(self):
        raise DataMissing("weights are not there", where="weights.pt", fix="-o weights=FILE")


class TrainsOnWhatIsMissing(SoundTrained):
    def load(self, ctx):
        raise DataMissing("the backbone is not there", where="backbone.pt")


class LiesAboutSubsets(Sound):
    def encode(self, batch):
        if len(batch) > 1:
            raise KeyError("one modality at a time")
        return super().encode(batch)


class Lists(Sound):
    def finish(self, total):
        found = super().finish(total)
        return found.tolist() if len(found) else found


class WholeNumbers(Sound):
    def finish(self, total):
        return (super().finish(total) * 1e6).astype(np.int64)


class Objects(Sound):
    def finish(self, total):
        return super().finish(total).astype(object)


class Averages(Sound):
    def finish(self, total):
        return super().finish(total).mean(axis=0)


class OneRowTooMany(Sound):
    def finish(self, total):
        found = super().finish(total)
        return np.concatenate([found, found[-1:]])


class FlatMaps(Sound):
    def encode_dense(self, batch):
        return super().encode_dense(batch).reshape(len(batch["image"]), GRID * GRID, DIM)


class LiesAboutDim(Sound):
    @property
    def info(self):
        info = super().info
        return replace(info, offers=frozenset(replace(o, dim=DIM + 1) for o in info.offers))


class NaN(Sound):
    def finish(self, total):
        found = super().finish(total)
        found[..., 0] = np.nan
        return found


class Overflow(Sound):
    def finish(self, total):
        with np.errstate(over="ignore"):
            return (super().finish(total) * 1e5).astype(np.float16)


class TooLarge(Sound):
    def finish(self, total):
        return super().finish(total).astype(np.float64) * 1e39


class InfiniteMaps(Sound):
    def encode_dense(self, batch):
        found = super().encode_dense(batch)
        found[:, 0, 0, 0] = np.inf
        return found


class Zeros(Sound):
    def finish(self, total):
        return np.zeros_like(total)


class ZeroForTrains(Sound):
    def encode(self, batch):
        found = super().encode(batch)
        for row, payload in enumerate(batch.get("text", ())):
            found[row] *= "train" not in payload.text
        return found


class Constant(Sound):
    def finish(self, total):
        return np.ones_like(total)


class Parallel(Sound):
    """Longer or shorter vectors of one direction."""

    def finish(self, total):
        found = super().finish(total)
        return (found @ np.arange(1, DIM + 1))[:, None] * np.ones((1, DIM), np.float32)


class Twins(Sound):
    """Texts about bicycles and about dogs have one vector."""

    def text(self, payload):
        alike = "bicycle" in payload.text or "dogs" in payload.text
        return super().text(replace(payload, text="alike") if alike else payload)


class Dots(Parallel):
    """Compared by their dot product, vectors of one direction differ."""

    @property
    def info(self):
        return replace(super().info, similarity="dot")


class Undecided(SoundTrained):
    def predict(self, batch):
        return np.full_like(super().predict(batch), 0.25)
