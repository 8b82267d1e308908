"""Representations that half precision, another device or a copy breaks."""

from __future__ import annotations

import threading

import numpy as np
from sound_representation import DIM, Sound

from mmbench.api import UsageError


class Rounds(Sound):
    """Sound: computes in what it is told, and returns it."""

    def load(self, ctx):
        super().load(ctx)
        self.dtype = {"fp32": np.float32, "fp16": np.float16, "bf16": np.float16}[ctx.dtype]

    def finish(self, total):
        return super().finish(total).astype(self.dtype)


class OverflowsInHalf(Rounds):
    """Scales up what fits single precision only."""

    def finish(self, total):
        with np.errstate(over="ignore"):
            return (np.float32(1e5) * super().finish(total)).astype(self.dtype)

    def load(self, ctx):
        super().load(ctx)
        if ctx.dtype == "bf16":
            self.dtype = np.float32


class CutsTooShort(Sound):
    """Keeps the sign alone."""

    def load(self, ctx):
        super().load(ctx)
        self.coarse = ctx.dtype == "bf16"

    def finish(self, total):
        found = super().finish(total)
        return np.sign(found - found.mean(axis=1, keepdims=True)) if self.coarse else found


class LacksHalf(Sound):
    """As an operation that the CPU does not have."""

    def load(self, ctx):
        super().load(ctx)
        self.dtype = ctx.dtype

    def finish(self, total):
        if self.dtype == "fp16":
            raise RuntimeError("\"slow_conv2d_cpu\" not implemented for 'Half'")
        return super().finish(total)


class RefusesHalf(Sound):
    """Sound: says that it has no half precision."""

    def load(self, ctx):
        if ctx.dtype != "fp32":
            raise UsageError(f"computes in fp32 only, not in {ctx.dtype}", where="refuses-half")
        super().load(ctx)


class DrawsOnTheDevice(Sound):
    """Other devices draw other numbers."""

    def load(self, ctx):
        rng = np.random.default_rng([4, *ctx.device.encode()])
        self.bias = rng.uniform(0.5, 1.0, DIM).astype(np.float32)


class StaysBehind(Sound):
    """Its inputs never leave the CPU."""

    def load(self, ctx):
        super().load(ctx)
        self.device = ctx.device

    def finish(self, total):
        if self.device != "cpu":
            raise RuntimeError("Expected all tensors to be on the same device")
        return super().finish(total)


class HoldsALambda(Sound):
    def __init__(self, *, gain: float = 1.0, salt: str = "a"):
        super().__init__(gain=gain, salt=salt)
        self.scale = lambda vectors: vectors * 2

    def finish(self, total):
        return self.scale(super().finish(total))


class ForgetsWhenPickled(Sound):
    """Loses its options on the way."""

    def __getstate__(self):
        return {"salt": self.salt, "gain": 3.0 * self.gain, "noise": None}

    def finish(self, total):
        return super().finish(total) + self.gain * np.eye(1, DIM, dtype=np.float32)

    def __deepcopy__(self, memo):
        return type(self)(gain=self.gain, salt=self.salt)


class ForgetsWhenCopied(Sound):
    def __deepcopy__(self, memo):
        copied = type(self)(salt=self.salt)
        copied.gain = 3.0 * self.gain
        return copied

    def finish(self, total):
        return super().finish(total) + self.gain * np.eye(1, DIM, dtype=np.float32)


class CopiesItsLock(Sound):
    """Can be pickled, but not copied."""

    def __init__(self, *, gain: float = 1.0, salt: str = "a"):
        super().__init__(gain=gain, salt=salt)
        self.lock = threading.Lock()

    def __reduce__(self):
        return (_made, (self.gain, self.salt))

    def __deepcopy__(self, memo):
        raise TypeError("cannot pickle '_thread.lock' object")


def _made(gain, salt):
    return CopiesItsLock(gain=gain, salt=salt)
