"""Representations that do not give the same vectors again, each for one reason."""

from __future__ import annotations

import ctypes
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from sound_representation import DIM, Sound

from mmbench.api import payload_digest


class FreshNoise(Sound):
    """Draws on from call to call."""

    def load(self, ctx):
        super().load(ctx)
        self.rng = np.random.default_rng(ctx.seed)

    def finish(self, total):
        return super().finish(total) + self.rng.normal(scale=0.1, size=total.shape)


class Dropout(Sound):
    """Never left training mode."""

    def load(self, ctx):
        super().load(ctx)
        self.rng = np.random.default_rng(ctx.seed)

    def finish(self, total):
        return super().finish(total) * (self.rng.random(total.shape) > 0.1)


class RunningMean(Sound):
    """Updates its statistics at every call."""

    def load(self, ctx):
        super().load(ctx)
        self.mean = np.zeros(DIM, np.float32)

    def finish(self, total):
        self.mean = 0.9 * self.mean + 0.1 * (total.mean(axis=0) if len(total) else 0)
        return super().finish(total - self.mean)


class GrowingVocabulary(Sound):
    """Weighs by how many different items it has seen."""

    def load(self, ctx):
        super().load(ctx)
        self.seen = set()

    def encode(self, batch):
        for payloads in batch.values():
            self.seen.update(payload_digest(payload) for payload in payloads)
        return super().encode(batch)

    def finish(self, total):
        return super().finish(total) / np.log(10 + len(self.seen))


class UnseededWeights(Sound):
    def load(self, ctx):
        super().load(ctx)
        self.bias = np.random.default_rng().uniform(0.5, 1.0, DIM).astype(np.float32)


class SeededByTheMillisecond(Sound):
    def load(self, ctx):
        super().load(ctx)
        rng = np.random.default_rng(int(time.time() * 1000))
        self.bias = rng.uniform(0.5, 1.0, DIM).astype(np.float32)


class LoadsOnTop(Sound):
    """Adds to what is there."""

    def __init__(self, *, gain: float = 1.0, salt: str = "a"):
        super().__init__(gain=gain, salt=salt)
        self.bias = np.zeros(DIM, np.float32)

    def load(self, ctx):
        self.bias = self.bias + np.linspace(0.5, 1.0, DIM, dtype=np.float32)


class HashesStrings(Sound):
    """Python hashes a string differently in every process."""

    def text(self, payload):
        counts = np.zeros(DIM, np.float32)
        for word in payload.text[:1000].split():
            counts[hash(word) % DIM] += 1
        return self.gain * counts / max(len(payload.text), 1)


class ReadsTheClock(Sound):
    """Vectors of this year and of the next differ."""

    def load(self, ctx):
        super().load(ctx)
        self.bias = np.roll(self.bias, datetime.now(UTC).year % 7)


class ReadsTheClockAtEveryCall(Sound):
    def finish(self, total):
        return super().finish(total) * (1 + int(time.time() / 86_400 / 60) % 5)


class SeededInName(Sound):
    @property
    def info(self):
        from dataclasses import replace

        return replace(super().info, seeded=True)


class SecretlySeeded(Sound):
    def load(self, ctx):
        super().load(ctx)
        rng = np.random.default_rng(ctx.seed)
        self.bias = rng.uniform(0.5, 1.0, DIM).astype(np.float32)


class Seeded(SecretlySeeded):
    """Sound: says so."""

    @property
    def info(self):
        from dataclasses import replace

        return replace(super().info, seeded=True)


class LostAway(Sound):
    """Finds its file only from the folder where it lies."""

    def load(self, ctx):
        super().load(ctx)
        Path("weights.bin").read_bytes()


class SpellsTheYear(Sound):
    def load(self, ctx):
        super().load(ctx)
        self.bias = np.roll(self.bias, int(time.strftime("%Y")) % 7)


class AsksTheSystemsClock(Sound):
    def finish(self, total):
        days = time.clock_gettime(time.CLOCK_REALTIME) / 86_400
        return super().finish(total) * (1 + int(days / 60) % 5)


class AsksNumpysClock(Sound):
    """In steps of a hundred days: a second makes no difference."""

    def finish(self, total):
        days = np.datetime64("today").astype(int)
        return super().finish(total) * (1 + int(days / 100) % 5)


class CountsSeconds(Sound):
    """By the C library, whose clock can't be moved."""

    def load(self, ctx):
        super().load(ctx)
        self.clock = ctypes.CDLL(None).time

    def finish(self, total):
        return super().finish(total) * (1 + self.clock(None) % 5)


class Caching(Sound):
    """Keeps vectors of single payloads."""

    def load(self, ctx):
        super().load(ctx)
        self.cache = {}

    def one(self, slot, payload):
        key = slot, self.key(payload)
        if key not in self.cache:
            self.cache[key] = super().one(slot, payload)
        return self.cache[key]

    def key(self, payload):
        return payload_digest(payload)


class CachesByTheBeginning(Caching):
    def key(self, payload):
        text = getattr(payload, "text", None)
        return super().key(payload) if text is None else text[:40]


class CachesWithoutTheRate(Caching):
    def key(self, payload):
        samples = getattr(payload, "samples", None)
        return super().key(payload) if samples is None else (samples.shape, samples.tobytes())
