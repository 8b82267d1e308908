"""Made-up solids: one kind of superellipsoid a class, each a little different."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Solid", "invent"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Solid:
    """A superellipsoid.

    Attributes:
        radii: Along x, y and z.
        exponents: How round it is from pole to pole, and around them: 1 is a ball, 0.2 a box.
    """

    radii: tuple[float, float, float]
    exponents: tuple[float, float]

    def at(self, polar: Floats, around: Floats) -> Floats:
        """Points [..., 3] of its surface at angles of -pi/2..pi/2 and -pi..pi."""
        first, second = self.exponents
        ring = _power(np.cos(polar), first)
        unit = np.stack(
            [
                ring * _power(np.cos(around), second),
                ring * _power(np.sin(around), second),
                _power(np.sin(polar), first),
            ],
            axis=-1,
        )
        return np.asarray(unit * np.asarray(self.radii), dtype=np.float64)

    def cloud(self, count: int, rng: np.random.Generator) -> Floats:
        """Points [count, 3] of its surface."""
        return self.at(np.arcsin(rng.uniform(-1, 1, count)), rng.uniform(-np.pi, np.pi, count))

    def mesh(self, rings: int = 9, sides: int = 12) -> tuple[Floats, NDArray[np.int64]]:
        """Corners [corners, 3] and triangles [triangles, 3]."""
        polar, around = np.meshgrid(
            np.linspace(-np.pi / 2, np.pi / 2, rings),
            np.linspace(-np.pi, np.pi, sides, endpoint=False),
            indexing="ij",
        )
        low, side = np.meshgrid(np.arange(rings - 1), np.arange(sides), indexing="ij")
        a, b = low * sides + side, low * sides + (side + 1) % sides
        quads = np.stack([a, b, b + sides, a + sides], axis=-1).reshape(-1, 4)
        triangles = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
        return self.at(polar, around).reshape(-1, 3), triangles


def invent(kind: int, kinds: int, rng: np.random.Generator) -> Solid:
    """A solid of a class, by the class's number.

    Args:
        kind: Its class.
        kinds: How many classes there are.
        rng: What makes it differ from others of its class.
    """
    own = np.random.default_rng([kind, kinds])
    radii = own.uniform(0.3, 1.0, 3) * rng.uniform(0.95, 1.05, 3)
    exponents = own.uniform(0.2, 1.6, 2)
    return Solid((radii[0], radii[1], radii[2]), (exponents[0], exponents[1]))


def _power(values: Floats, exponent: float) -> Floats:
    return np.asarray(np.sign(values) * np.abs(values) ** exponent, dtype=np.float64)
