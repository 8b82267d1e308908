"""Tasks whose interaction breaks one rule each."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import sound_interaction

from mmbench.api import Array


class Sound(sound_interaction.Walk):
    """It breaks none."""


class Unseeded(Sound):
    """It draws nothing, and does not say that it does."""

    @property
    def info(self):
        return replace(super().info, seeded=False)

    def interact(self, encode, tables, *, seed, ctx):
        return super().interact(encode, tables, seed=0, ctx=ctx)


class Silent(Sound):
    """It reports no progress, so that it can't be stopped."""

    def interact(self, encode, tables, *, seed, ctx):
        return super().interact(encode, tables, seed=seed, ctx=replace(ctx, progress=_nobody))


def _nobody(*_said):
    """Hears nothing."""


class ReturnsAList(Sound):
    def made(self, way):
        return [np.abs(way)]


class ReturnsNaN(Sound):
    def made(self, way):
        return {"away": np.full(len(way), np.nan)}


class EncodesMore(Sound):
    """It encodes a subset that no request names."""

    def seen(self, encode, way):
        return encode({"ear": [Array(np.zeros(2, dtype=np.float32))] * len(way)})


class Noisy(Sound):
    def made(self, way):
        return {"away": np.abs(way) + np.random.default_rng().random()}


class SaysSeeded(Sound):
    def interact(self, encode, tables, *, seed, ctx):
        return super().interact(encode, tables, seed=0, ctx=ctx)


class SaysUnseeded(Sound):
    @property
    def info(self):
        return replace(super().info, seeded=False)


class Seeding(Sound):
    def made(self, way):
        np.random.seed(0)  # noqa: NPY002 - the defect
        return super().made(way)


class Shuffling(Sound):
    def made(self, way):
        random.random()
        return super().made(way)


class Forgetting(Sound):
    """It goes on from where it was, with a generator that begins anew."""

    def kept(self, ctx, way, rng):
        fresh = np.random.default_rng(99)
        first, way, _ = super().kept(ctx, way, rng)
        return first, way, fresh if first else rng


class Stumbling(Sound):
    """It can't read what it kept."""

    def kept(self, ctx, way, rng):
        first, way, rng = super().kept(ctx, way, rng)
        if first:
            raise KeyError("step")
        return first, way, rng


class Printing(Sound):
    def made(self, way):
        print("there")  # noqa: T201 - the defect
        return super().made(way)


class Narrow(Sound):
    """It returns other numbers than those that it scores."""

    def made(self, way):
        return {"away": np.abs(way).astype(np.float32)}

    def score(self, inputs):
        if inputs.arrays["away"].dtype != np.float64:
            raise TypeError("away is no float64")
        return super().score(inputs)


class UnlikeItsReferences(Sound):
    def made(self, way):
        return {**super().made(way), "goals": np.zeros(3)}
