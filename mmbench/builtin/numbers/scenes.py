"""Scenes: handwritten digits scattered over a canvas at known boxes, and which of them sounds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mmbench.builtin.numbers.glyphs import Glyphs, enlarge, to_rgb
from mmbench.builtin.numbers.seeding import permutation, pick, uniform

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

#: Side of the canvas, in pixels.
CANVAS = 112
#: Smallest side of a digit's tile, and the largest by how many there are, in pixels.
SMALLEST = 28
LARGEST = {3: 52, 4: 44, 5: 38}
#: Grey value from which a pixel counts as ink.
INK = 64
#: The paper's grain: grey values 0..23.
GRAIN = 24
_TRIES = 20


@dataclass(frozen=True)
class Tile:
    """One handwritten digit on the canvas.

    Attributes:
        digit: What it shows.
        row: Its row among the glyphs.
        left: First column, in pixels.
        top: First row, in pixels.
        side: Width and height, in pixels.
    """

    digit: int
    row: int
    left: int
    top: int
    side: int


@dataclass(frozen=True)
class Scene:
    """Different digits that do not overlap, and the one that sounds.

    Attributes:
        tiles: Three to five.
        sounding: The digit heard; one of the tiles', or none of them in a silent scene.
    """

    tiles: tuple[Tile, ...]
    sounding: int


def plan_scene(glyphs: list[list[int]], rng: np.random.Generator, *, silent: bool) -> Scene:
    """Choose digits, handwriting, sizes and places.

    Args:
        glyphs: Rows of the split's handwriting, by digit.
        rng: The scene's own generator.
        silent: Let a digit sound that is not there.
    """
    order = [int(digit) for digit in permutation(rng, 10)]
    shown = order[: 3 + pick(rng, 3)]
    rows = [glyphs[digit][pick(rng, len(glyphs[digit]))] for digit in shown]
    places = None
    while places is None:
        places = _place(len(shown), rng)
    tiles = tuple(
        Tile(digit, row, *place) for digit, row, place in zip(shown, rows, places, strict=True)
    )
    # Tiles are placed from the largest to the smallest in the order of `shown`; which of them
    # sounds is drawn apart, so that size tells nothing.
    sounding = order[-1] if silent else shown[pick(rng, len(shown))]
    return Scene(tiles, sounding)


def _place(count: int, rng: np.random.Generator) -> list[tuple[int, int, int]] | None:
    """Left, top and side of ``count`` tiles that do not overlap, or None if one finds no room."""
    high = LARGEST[count] + 1
    sides = sorted((int(uniform(rng, SMALLEST, high)) for _ in range(count)), reverse=True)
    placed: list[tuple[int, int, int]] = []
    for side in sides:
        for left, top in (rng.random((_TRIES, 2)) * (CANVAS - side + 1)).astype(int).tolist():
            if all(
                left + side <= x or x + width <= left or top + side <= y or y + width <= top
                for x, y, width in placed
            ):
                placed.append((left, top, side))
                break
        else:
            return None
    return placed


def paint(scene: Scene, glyphs: Glyphs, rng: np.random.Generator) -> NDArray[np.uint8]:
    """The scene as a picture: [112, 112, 3] uint8, white ink on grainy black paper."""
    canvas = (rng.random((CANVAS, CANVAS)) * GRAIN).astype(np.uint8)
    for tile in scene.tiles:
        region = np.s_[tile.top : tile.top + tile.side, tile.left : tile.left + tile.side]
        canvas[region] = np.maximum(canvas[region], enlarge(glyphs.cells[tile.row], tile.side))
    return to_rgb(canvas)


def ink_boxes(tiles: Sequence[Tile], glyphs: Glyphs) -> list[list[float]]:
    """The box around each tile's ink: x1, y1, x2, y2 as shares of the canvas."""
    boxes: list[list[float]] = [[] for _ in tiles]
    sides = np.array([tile.side for tile in tiles])
    for side in np.unique(sides).tolist():  # one product for all tiles of a size
        members = np.flatnonzero(sides == side).tolist()
        ink = enlarge(glyphs.cells[[tiles[member].row for member in members]], side) >= INK
        spans = [
            (line.argmax(axis=1), side - line[:, ::-1].argmax(axis=1))
            for line in (ink.any(axis=1), ink.any(axis=2))
        ]
        corners = np.stack([spans[0][0], spans[1][0], spans[0][1], spans[1][1]], axis=1)
        for member, corner in zip(members, corners.tolist(), strict=True):
            tile = tiles[member]
            offset = (tile.left, tile.top, tile.left, tile.top)
            boxes[member] = [
                (start + inside) / CANVAS for start, inside in zip(offset, corner, strict=True)
            ]
    return boxes
