"""Digits paired from real recordings: an image, a sound and a trajectory of one digit each.

Not MHD, whose images were drawn from its trajectories: here the three have nothing in common but
the digit. Train and test share no speaker, and no writer of a trajectory.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from mmbench.api import DataError, UsageError
from mmbench_digits.archives import CLASSES, Digits, write_digits
from mmbench_digits.sources import images_of, recorded_sounds, sound_of, trajectories_of
from mmbench_digits.spectrogram import BANDS, FRAMES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from mmbench_digits.sources import RecordedSound

__all__ = ["CAVEAT", "Built", "Recipe", "build"]

#: The builder's other name. It stands in its files, whose hashes are published.
MADE_BY = "mmbench digits build"
CAVEAT = (
    "Images: both splits are halves of MNIST's test images (t10k), which do not say who wrote "
    "what. Halved at random, one hand may be in both; by order, the first 5,000, to learn from, "
    "are the cleaner ones, as MNIST's makers say."
)
_PEN = {"train": "pendigits.tra", "test": "pendigits.tes"}


@dataclass(frozen=True)
class Recipe:
    """How recordings are paired.

    Attributes:
        train: Items a digit to learn from.
        test: Items a digit to be tested on.
        seed: Of the pairing, of the speakers where they are not named, and of halves by chance.
        test_speakers: FSDD's speakers of the test items; empty: two, drawn with the seed.
        halves: MNIST's t10k by ``order`` (the first half trains), or at ``random``.
    """

    train: int = 400
    test: int = 100
    seed: int = 0
    test_speakers: tuple[str, ...] = ()
    halves: Literal["order", "random"] = "order"

    def __post_init__(self) -> None:
        for name in ("train", "test"):
            if getattr(self, name) < 1:
                raise UsageError(f"{name} must be at least 1, not {getattr(self, name)}")
        if self.seed < 0:
            raise UsageError(f"seed must be at least 0, not {self.seed}")


@dataclass(frozen=True)
class Built:
    """What was written.

    Attributes:
        items: Of each file.
        test_speakers: Who speaks in the test items only.
        repeats: How often one sound stands in a file, at most.
        note: What it is and is not, in words.
    """

    items: Mapping[str, int]
    test_speakers: tuple[str, ...]
    repeats: Mapping[str, int]
    note: str


def build(
    mnist: Path,
    fsdd: Path,
    pendigits: Path,
    out: Path,
    recipe: Recipe,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Built:
    """Write ``mhd_train.pt``, ``mhd_test.pt``, their pairings and a note.

    A digit's images, sounds and trajectories are each shuffled with the seed; the first of each
    make an item, the second of each the next. Sounds that run out are shuffled again and go on.
    Images and trajectories never repeat. Sounds are scaled by the least and greatest value of the
    training items' (a test sound may lie a little outside of 0..1).

    Args:
        mnist: Folder with MNIST's two t10k files.
        fsdd: Folder with FSDD's recordings.
        pendigits: Folder with ``pendigits.tra`` and ``pendigits.tes``.
        out: Folder to write in; made where it is not there.
        recipe: How.
        progress: Called with the sounds done and all of them.

    Raises:
        UsageError: The folder has such files already; a speaker is unknown; too many items.
        DataError: A source is broken, or not there.
    """
    if out.exists() and not out.is_dir():
        raise UsageError("is no folder", where=str(out), fix="choose another")
    if any((out / f"mhd_{split}.pt").exists() for split in _PEN):
        raise UsageError("has such files already", where=str(out), fix="choose another folder")
    rng = np.random.default_rng(recipe.seed)
    images, digits = images_of(mnist)
    half = _halves(len(images), recipe, rng)
    sounds = recorded_sounds(fsdd)
    tested = _test_speakers(sounds, recipe, rng)
    chosen, stored = {}, {}
    for split, count in (("train", recipe.train), ("test", recipe.test)):
        pens, written = trajectories_of(pendigits / _PEN[split])
        spoken = [each for each in sounds if (each[1] in tested) == (split == "test")]
        rows = _paired(split, count, rng, digits, half[split], written, spoken)
        chosen[split] = rows
        stored[split] = (
            images[rows[:, 1]],
            pens[rows[:, 2]],
            [spoken[row][2] for row in rows[:, 3]],
        )
    decibels = _decibels([path for _, _, paths in stored.values() for path in paths], progress)
    note = _note(recipe, tested, chosen)
    _write(out, chosen, stored, decibels, {"variant": _variant(recipe), "note": note}, sounds)
    return Built(
        {split: len(rows) for split, rows in chosen.items()},
        tested,
        {split: _repeats(rows) for split, rows in chosen.items()},
        note,
    )


def _halves(count: int, recipe: Recipe, rng: np.random.Generator) -> dict[str, NDArray[np.intp]]:
    """Rows of MNIST's images for each split."""
    order = np.arange(count) if recipe.halves == "order" else rng.permutation(count)
    return {"train": np.sort(order[: count // 2]), "test": np.sort(order[count // 2 :])}


def _test_speakers(
    sounds: Sequence[RecordedSound], recipe: Recipe, rng: np.random.Generator
) -> tuple[str, ...]:
    """Who speaks in the test items only."""
    known = sorted({speaker for _, speaker, _ in sounds})
    if unknown := sorted(set(recipe.test_speakers) - set(known)):
        fix = f"its speakers are {', '.join(known)}"
        raise UsageError(f"no recording is of {unknown[0]!r}", where="--test-speaker", fix=fix)
    drawn = recipe.test_speakers or [known[n] for n in rng.permutation(len(known))[:2]]
    if not 0 < len(set(drawn)) < len(known):
        raise UsageError(
            f"{len(set(drawn))} of {len(known)} speakers can't be left to the test items",
            where="--test-speaker",
        )
    return tuple(sorted(set(drawn)))


def _paired(
    split: str,
    count: int,
    rng: np.random.Generator,
    digits: NDArray[np.int64],
    half: NDArray[np.intp],
    written: NDArray[np.int64],
    spoken: Sequence[RecordedSound],
) -> NDArray[np.intp]:
    """Rows [items, 4]: digit, image, trajectory, sound; in a shuffled order."""
    said = np.array([digit for digit, _, _ in spoken])
    images = [half[digits[half] == digit] for digit in range(CLASSES)]
    pens = [np.flatnonzero(written == digit) for digit in range(CLASSES)]
    sounds = [np.flatnonzero(said == digit) for digit in range(CLASSES)]
    for name, pools, least in (
        ("sounds", sounds, 1),
        ("images", images, count),
        ("trajectories", pens, count),
    ):
        sizes = [len(pool) for pool in pools]
        if (there := min(sizes)) < least:
            raise UsageError(
                f"there are {there} {name} of the digit {sizes.index(there)} to {split} with, "
                f"fewer than {least}",
                fix=f"take fewer: --{split} {there}" if there else "get them again",
            )
    rows = []
    for digit in range(CLASSES):
        drawn = [rng.permutation(pool[digit])[:count] for pool in (images, pens)]
        rounds = -(-count // len(sounds[digit]))
        cycled = np.concatenate([rng.permutation(sounds[digit]) for _ in range(rounds)])[:count]
        rows.append(np.stack([np.full(count, digit), *drawn, cycled], axis=1))
    found: NDArray[np.intp] = rng.permutation(np.concatenate(rows))
    return found


def _decibels(
    paths: Sequence[Path], progress: Callable[[int, int], None]
) -> dict[Path, NDArray[np.float64]]:
    """Every recording's spectrogram, each made once."""
    distinct = sorted(set(paths))
    found = {}
    for number, path in enumerate(distinct, 1):
        found[path] = sound_of(path)
        progress(number, len(distinct))
    return found


def _repeats(rows: NDArray[np.intp]) -> int:
    return int(np.unique(rows[:, 3], return_counts=True)[1].max())


def _variant(recipe: Recipe) -> str:
    return (
        f"paired recordings (MNIST t10k by {recipe.halves}, FSDD, pendigits), {recipe.train} + "
        f"{recipe.test} a digit, seed {recipe.seed}; not MHD"
    )


def _note(recipe: Recipe, tested: Sequence[str], chosen: Mapping[str, NDArray[np.intp]]) -> str:
    """What a reader of the files must know."""
    repeats = {split: _repeats(rows) for split, rows in chosen.items()}
    speak = "speak" if len(tested) > 1 else "speaks"
    return (
        f"Made by `{MADE_BY}`, seed {recipe.seed}: real recordings, paired at random by their "
        "digit (image from MNIST t10k, sound from FSDD, trajectory from UCI pendigits) in MHD's "
        "layout. It is not the MHD data set.\n"
        f"Sounds: {' and '.join(tested)} {speak} in the test items, and only there. One sound "
        f"stands in up to {repeats['train']} training and {repeats['test']} test items.\n"
        "Trajectories: training and test items have different writers (pendigits.tra, "
        f".tes).\n{CAVEAT}\n"
        "Licences: MNIST CC BY-SA 3.0, FSDD CC BY-SA 4.0, pendigits CC BY 4.0.\n"
    )


def _write(
    out: Path,
    chosen: Mapping[str, NDArray[np.intp]],
    stored: Mapping[str, tuple[NDArray[np.float32], NDArray[np.float32], list[Path]]],
    decibels: Mapping[Path, NDArray[np.float64]],
    said: Mapping[str, str],
    sounds: Sequence[RecordedSound],
) -> None:
    """The two files, which row of which source is in them, and the note."""
    learnt = [decibels[path] for path in stored["train"][2]]
    low, high = float(np.min(learnt)), float(np.max(learnt))
    if not low < high:
        raise DataError("all training sounds are silent", where=str(sounds[0][2].parent))
    out.mkdir(parents=True, exist_ok=True)
    for split, (images, pens, paths) in stored.items():
        scaled = (np.stack([decibels[path] for path in paths]) - low) / (high - low)
        marks: dict[str, Any] = {"made_by": MADE_BY, **said}
        digits = Digits(
            chosen[split][:, 0].astype(np.int64),
            images,
            pens,
            scaled.astype(np.float32).reshape(-1, 4, BANDS // 4, FRAMES),
            {"min": 0.0, "max": 100.0},
            {"min": low, "max": high, **marks},
        )
        write_digits(out / f"mhd_{split}.pt", digits)
        rows = [
            [int(digit), int(image), int(pen), path.name]
            for (digit, image, pen, _), path in zip(chosen[split].tolist(), paths, strict=True)
        ]
        columns = ["digit", "row of t10k", f"row of {_PEN[split]}", "file of FSDD"]
        listed = json.dumps({**marks, "columns": columns, "rows": rows})
        (out / f"mhd_{split}_sources.json").write_text(listed + "\n", "utf-8")
    (out / "NOTE.txt").write_text(said["note"], "utf-8")
