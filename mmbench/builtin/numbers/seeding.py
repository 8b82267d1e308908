"""The world's version, and randomness that is the same on every platform and numpy.

Only :meth:`numpy.random.Generator.random` over PCG64 is used: its bits are fixed by numpy's
compatibility policy, and no libm is involved (``normal`` calls ``exp`` and ``log``). Everything
else (permutations, choices, bell-shaped noise) is built from it by plain arithmetic. Streams that
need ``sin`` are rounded to a grid, which hides the last-bit differences of maths libraries.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Raise it when any item changes: it is part of every content key and of every draw.
VERSION = "1"


def draw_int(*parts: object) -> int:
    """A 64-bit integer that depends on the version and ``parts`` alone."""
    text = "/".join(str(part) for part in ("numbers", VERSION, *parts))
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little")


def draw_rng(*parts: object) -> np.random.Generator:
    """A generator that depends on the version and ``parts`` alone."""
    return np.random.Generator(np.random.PCG64(draw_int(*parts)))


def permutation(rng: np.random.Generator, size: int) -> NDArray[np.intp]:
    """``0 .. size-1`` in random order."""
    return np.argsort(rng.random(size), kind="stable")


def uniform(rng: np.random.Generator, low: float, high: float) -> float:
    """One draw from ``low .. high``."""
    return low + (high - low) * float(rng.random())


def pick(rng: np.random.Generator, size: int) -> int:
    """One draw from ``0 .. size-1``."""
    return int(rng.random() * size)


def bell(rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Bell-shaped noise of mean 0 and standard deviation 1: the sum of three uniform draws."""
    total: NDArray[np.float64] = rng.random(shape) + rng.random(shape) + rng.random(shape)
    return 2.0 * (total - 1.5)


def to_grid(values: NDArray[np.float64], step: float) -> NDArray[np.float32]:
    """Round to multiples of ``step`` (a power of two), which float32 holds exactly."""
    rounded: NDArray[np.float64] = np.rint(values / step) * step
    return rounded.astype(np.float32)
