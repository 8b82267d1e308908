"""Generates a pendulum's pictures and sounds, and keeps them in files without pickle.

A file ``train.npz`` or ``test.npz`` holds, of every item, two following steps: ``images`` uint8
[n, 2, 450] (bits of 60 x 60 pixels), ``states`` float64 [n, 2, 2] (angle from upright, angular
velocity), ``sounds`` float64 [n, 2, 3, 2] (Hz and amplitude, as heard), and ``about``, JSON.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4
from zipfile import BadZipFile

import numpy as np

from mmbench.api import DataError
from mmbench_pendulum.world import SIDE, World

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["FILES", "Recording", "read", "record", "write"]

FILES = {"train": "train.npz", "test": "test.npz"}
#: Steps of an episode.
HORIZON = 300
_BITS = SIDE * SIDE // 8
_SHAPES: dict[str, tuple[int, ...]] = {
    "images": (2, _BITS), "states": (2, 2), "sounds": (2, 3, 2),
}  # fmt: skip


def _nobody(done: int, total: int) -> None:
    """Report to nobody."""


@dataclass(frozen=True)
class Recording:
    """Items of a file, in the order in which they were generated.

    Attributes:
        images: uint8 [n, 2, 450], bits.
        states: float64 [n, 2, 2].
        sounds: float64 [n, 2, 3, 2].
        about: How it was made.
    """

    images: NDArray[np.uint8]
    states: NDArray[np.float64]
    sounds: NDArray[np.float64]
    about: dict[str, Any]

    def __len__(self) -> int:
        return len(self.images)

    def image(self, row: int) -> NDArray[np.float32]:
        """The pictures of an item, [2, 60, 60], 0 and 1."""
        bits = np.unpackbits(self.images[row], axis=-1)
        return bits.reshape(2, SIDE, SIDE).astype(np.float32)


def record(
    count: int, seed: int, split: int, progress: Callable[[int, int], None] = _nobody
) -> Recording:
    """Let a pendulum go under random torques, and see and hear it.

    Torques are uniform in -2..2; every 300 steps it begins anew.

    Args:
        count: Items.
        seed: Of the torques and the beginnings.
        split: 0 for training items, 1 for those to be tested on: other draws.
        progress: ``progress(done, total)``.
    """
    rng = np.random.default_rng([seed, split])
    world = World()
    images = np.empty((count, 2, _BITS), dtype=np.uint8)
    states, sounds = np.empty((count, 2, 2)), np.empty((count, 2, 3, 2))
    for row in range(count):
        if row % HORIZON == 0:
            world.begin(int(rng.integers(2**31)))
        world.act(float(rng.uniform(-2.0, 2.0)))
        images[row] = np.packbits(world.images.reshape(2, -1), axis=-1)
        states[row], sounds[row] = world.states, world.sounds
        progress(row + 1, count)
    about = {"seed": seed, "split": split, "horizon": HORIZON, "made_by": "mmbench-pendulum 1"}
    return Recording(images, states, sounds, about)


def write(path: Path, recording: Recording) -> None:
    """Write a file, whole or not at all."""
    temporary = path.with_name(f".{uuid4().hex}.npz")
    try:
        np.savez_compressed(
            temporary,
            images=recording.images,
            states=recording.states,
            sounds=recording.sounds,
            about=np.array(json.dumps(recording.about, sort_keys=True)),
        )
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def read(path: Path) -> Recording:
    """Read a file.

    Raises:
        DataError: It is broken, or of something else.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in _SHAPES}
            about = json.loads(str(file["about"]))
    except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
        raise DataError(
            f"can't be read: {type(error).__name__}: {error}",
            where=str(path),
            fix="`mmbench data build pendulum` makes it again",
        ) from error
    counts = {len(values) for values in arrays.values() if values.ndim}
    for name, shape in _SHAPES.items():
        if arrays[name].shape[1:] != shape or len(counts) > 1:
            raise DataError(
                f"{name!r} has the shape {arrays[name].shape}; expected {('n', *shape)}",
                where=str(path),
            )
    if not all(np.isfinite(arrays[name]).all() for name in ("states", "sounds")):
        raise DataError("holds NaN or infinity", where=str(path))
    return Recording(arrays["images"], arrays["states"], arrays["sounds"], about)
