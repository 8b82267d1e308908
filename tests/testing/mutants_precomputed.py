"""Precomputed representations that break what a look-up promises, one thing each."""

from __future__ import annotations

import numpy as np
from sound_precomputed import SoundPrecomputed

from mmbench.api import DataError


class MaskOfNumbers(SoundPrecomputed):
    def lookup(self, collection, ids, kind, slots):
        found, known = super().lookup(collection, ids, kind, slots)
        return found, known.astype(np.int64)


class ZerosForTheUnknown(SoundPrecomputed):
    def lookup(self, collection, ids, kind, slots):
        found, known = super().lookup(collection, ids, kind, slots)
        filled = np.zeros((len(ids), *found.shape[1:]), np.float32)
        filled[known] = found
        return (filled, known) if known.any() else (found, known)


class InventsTheUnknown(SoundPrecomputed):
    def lookup(self, collection, ids, kind, slots):
        ids = [item if item in self.rows else "kit-0" for item in ids]
        return super().lookup(collection, ids, kind, slots)


class RaisesForTheUnknown(SoundPrecomputed):
    def lookup(self, collection, ids, kind, slots):
        found, known = super().lookup(collection, ids, kind, slots)
        if not known.any():
            raise DataError("knows none of these ids", where="sound-precomputed")
        return found, known


class OrderOfTheFile(SoundPrecomputed):
    def lookup(self, collection, ids, kind, slots):
        _, known = super().lookup(collection, ids, kind, slots)
        wanted = sorted(self.rows[item] for item in ids if item in self.rows)
        return self.vectors(kind, slots)[wanted], known


class FreshNoise(SoundPrecomputed):
    def lookup(self, collection, ids, kind, slots):
        found, known = super().lookup(collection, ids, kind, slots)
        return found + np.random.default_rng().normal(size=found.shape).astype("f4"), known


class SaysNothing(SoundPrecomputed):
    def unknown_ids(self, collection, ids):
        return f"{len(ids)} unknown ids"
