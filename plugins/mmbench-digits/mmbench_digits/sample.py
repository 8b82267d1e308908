"""Made-up digits in MHD's layout: a pen's path a class, drawn, sounded and shaken."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mmbench_digits.archives import CLASSES, Digits, write_digits

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

__all__ = ["write_sample"]

_STEPS = 100
_SHAKE = 0.03


def write_sample(root: Path, *, items: int, seed: int) -> None:
    """Write ``items`` digits to be tested on, and three times as many (30 at least) to learn from.

    Args:
        root: The folder; it is there.
        items: Items of the test file.
        seed: Of everything that is made up.
    """
    rng = np.random.default_rng(seed)
    corners = rng.uniform(0.15, 0.85, (CLASSES, 5, 2))
    bands = rng.uniform(10, 118, (CLASSES, 3))
    for name, count in (("train", max(30, 3 * items)), ("test", items)):
        labels = rng.permutation(np.arange(count) % CLASSES).astype(np.int64)
        paths = np.stack([_path(corners[label], rng) for label in labels])
        images = np.stack([_drawn(path) for path in paths])[:, None]
        sounds = np.stack([_sounded(bands[label], rng) for label in labels])
        digits = Digits(
            labels,
            images,
            paths.transpose(0, 2, 1).reshape(count, 2 * _STEPS).astype(np.float32),
            sounds.reshape(count, 4, 32, 32),
            {"min": 0.0, "max": 1.0},
            {"min": -100.0, "max": 0.0},
        )
        write_digits(root / f"mhd_{name}.pt", digits)


def _path(corners: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """A pen's path [steps, 2] in 0..1 along shaken corners."""
    shaken = corners + _SHAKE * rng.standard_normal(corners.shape)
    times = np.linspace(0, len(corners) - 1, _STEPS)
    along = [np.interp(times, np.arange(len(corners)), shaken[:, axis]) for axis in (0, 1)]
    return np.clip(np.stack(along, axis=1), 0.0, 1.0)


def _drawn(path: NDArray[np.float64]) -> Floats:
    """The path as an image [28, 28] in 0..1, y upwards."""
    centres = (np.arange(28) + 0.5) / 28
    across = (centres[None, :] - path[:, :1]) ** 2
    down = (centres[::-1][None, :] - path[:, 1:]) ** 2
    nearest = (down[:, :, None] + across[:, None, :]).min(axis=0)
    drawn: Floats = np.exp(-nearest / (2 * 0.03**2)).astype(np.float32)
    return drawn


def _sounded(bands: NDArray[np.float64], rng: np.random.Generator) -> Floats:
    """A spectrogram [128, 32] in 0..1: three bands that come and go, and hiss."""
    shaken = bands + 3.0 * rng.standard_normal(3)
    rows = np.exp(-((np.arange(128)[:, None] - shaken[None]) ** 2) / (2 * 4.0**2))
    when = np.abs(np.sin(np.linspace(0, 3, 32)[None] + np.arange(3)[:, None]))
    hiss = 0.1 * rng.random((128, 32))
    sound: Floats = np.clip(0.8 * rows @ when + hiss, 0.0, 1.0).astype(np.float32)
    return sound
