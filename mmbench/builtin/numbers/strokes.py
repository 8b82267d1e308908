"""Pen-like strokes of the ten digits, as trajectories and as extruded point clouds.

A digit is drawn in a cell of width 1 and height 1, x to the right and y upwards; digits of a
number stand in cells side by side.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from mmbench.builtin.numbers.seeding import bell, to_grid, uniform

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Points = NDArray[np.float64]

#: Pen positions a digit.
PEN_POINTS = 20
#: Points of the cloud a digit.
CLOUD_POINTS = 96
_GRID = 2.0**-10
_MIDDLE = np.array([0.5, 0.5])


def _arc(
    centre: tuple[float, float], radii: tuple[float, float], start: float, stop: float
) -> Points:
    """Part of an ellipse from ``start`` to ``stop`` degrees, counterclockwise from the right."""
    angle = np.deg2rad(np.linspace(start, stop, 17))
    return np.stack(
        [centre[0] + radii[0] * np.cos(angle), centre[1] + radii[1] * np.sin(angle)], axis=1
    )


def _line(*points: tuple[float, float]) -> Points:
    """A polyline."""
    return np.array(points, dtype=np.float64)


@lru_cache(maxsize=1)
def _templates() -> tuple[tuple[Points, ...], ...]:
    """The strokes of each digit, in the order in which they are written."""
    two = np.concatenate([_arc((0.5, 0.67), (0.27, 0.25), 160, -40), _line((0.2, 0.1), (0.8, 0.1))])
    three = np.concatenate(
        [_arc((0.47, 0.7), (0.25, 0.2), 150, -90), _arc((0.47, 0.3), (0.29, 0.2), 90, -150)]
    )
    five = np.concatenate(
        [_line((0.3, 0.9), (0.27, 0.55)), _arc((0.47, 0.34), (0.28, 0.24), 125, -145)]
    )
    six = np.concatenate(
        [_line((0.65, 0.9), (0.35, 0.6)), _arc((0.5, 0.32), (0.25, 0.22), 160, 520)]
    )
    eight = np.concatenate(
        [
            _arc((0.5, 0.71), (0.21, 0.19), 90, 270),
            _arc((0.5, 0.3), (0.26, 0.21), 90, -270),
            _arc((0.5, 0.71), (0.21, 0.19), -90, 90),
        ]
    )
    nine = np.concatenate(
        [_arc((0.48, 0.67), (0.24, 0.22), 10, 370), _line((0.71, 0.6), (0.62, 0.1))]
    )
    return (
        (_arc((0.5, 0.5), (0.28, 0.4), 90, 450),),
        (_line((0.35, 0.72), (0.55, 0.9), (0.55, 0.1)),),
        (two,),
        (three,),
        (_line((0.5, 0.9), (0.2, 0.38), (0.8, 0.38)), _line((0.62, 0.6), (0.62, 0.1))),
        (five, _line((0.3, 0.9), (0.75, 0.9))),
        (six,),
        (_line((0.2, 0.88), (0.8, 0.88), (0.42, 0.1)), _line((0.38, 0.5), (0.74, 0.5))),
        (eight,),
        (nine,),
    )


def draw_trajectory(digits: Sequence[int], rng: np.random.Generator) -> NDArray[np.float32]:
    """Write ``digits`` with a pen.

    Returns:
        [20 * len(digits), 3] float32: x, y, and pen (1 = stays down on the way to the next
        position, 0 = is lifted after this one), 20 positions a digit at even distances.
    """
    written = []
    for place, digit in enumerate(digits):
        counts = _shares(digit)
        for stroke, count in zip(_write(digit, place, rng), counts, strict=True):
            points = _resample(stroke, np.linspace(0.0, 1.0, count))
            pen = np.ones((count, 1))
            pen[-1] = 0.0
            written.append(np.concatenate([points, pen], axis=1))
    return to_grid(np.concatenate(written), _GRID)


def draw_cloud(digits: Sequence[int], rng: np.random.Generator) -> NDArray[np.float32]:
    """Strokes as bars: extruded to a seeded depth (0.2 to 0.4), with a thickness of about 0.02.

    Returns:
        [96 * len(digits), 3] float32: x, y, z in units of a digit's cell, in no order.
    """
    depth = uniform(rng, 0.2, 0.4)
    parts = []
    for place, digit in enumerate(digits):
        strokes = _write(digit, place, rng)
        lengths = np.array([_travel(stroke)[-1] for stroke in strokes])
        ends = np.cumsum(lengths) / lengths.sum()
        position = rng.random(CLOUD_POINTS)
        flat = np.empty((CLOUD_POINTS, 2))
        begin = 0.0
        for stroke, end in zip(strokes, ends, strict=True):
            mine = (position >= begin) & ((position < end) | (end == ends[-1]))
            flat[mine] = _resample(stroke, (position[mine] - begin) / (end - begin))
            begin = end
        flat += 0.02 * bell(rng, flat.shape)
        parts.append(np.concatenate([flat, depth * rng.random((CLOUD_POINTS, 1))], axis=1))
    return to_grid(np.concatenate(parts), _GRID)


def _write(digit: int, place: int, rng: np.random.Generator) -> list[Points]:
    """A digit's strokes as one hand wrote them: tilted, slanted, scaled, moved, a little shaky."""
    angle = uniform(rng, -0.15, 0.15)
    slant = uniform(rng, -0.2, 0.2)
    wide, tall = uniform(rng, 0.8, 1.1), uniform(rng, 0.85, 1.1)
    move = np.array([place + uniform(rng, -0.06, 0.06), uniform(rng, -0.06, 0.06)])
    cos, sin = np.cos(angle), np.sin(angle)
    strokes = []
    for template in _templates()[digit]:
        x, y = ((template - _MIDDLE) * (wide, tall)).T
        x = x + slant * y
        turned = np.stack([cos * x - sin * y, sin * x + cos * y], axis=1)
        strokes.append(turned + _MIDDLE + move + 0.012 * bell(rng, turned.shape))
    return strokes


def _travel(stroke: Points) -> NDArray[np.float64]:
    """Distance from the stroke's start to each of its points."""
    step = np.sqrt((np.diff(stroke, axis=0) ** 2).sum(axis=1))
    return np.concatenate([[0.0], np.cumsum(step)])


def _resample(stroke: Points, position: NDArray[np.float64]) -> Points:
    """Points at ``position`` (0..1 of its length) of a stroke."""
    travel = _travel(stroke)
    at = position * travel[-1]
    return np.stack([np.interp(at, travel, stroke[:, axis]) for axis in (0, 1)], axis=1)


@lru_cache(maxsize=10)
def _shares(digit: int) -> tuple[int, ...]:
    """How many of a digit's pen positions each stroke gets: by length, four at least."""
    lengths = [_travel(stroke)[-1] for stroke in _templates()[digit]]
    later = [max(4, round(PEN_POINTS * length / sum(lengths))) for length in lengths[1:]]
    return (PEN_POINTS - sum(later), *later)
