"""Recordings of digits as their makers publish them: MNIST's images, FSDD's sounds, pendigits."""

from __future__ import annotations

import gzip
import re
import wave
import zlib
from typing import TYPE_CHECKING

import numpy as np

from mmbench.api import DataError, DataMissing
from mmbench_digits.spectrogram import RATE, doubled, mel_spectrogram

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["RecordedSound", "images_of", "recorded_sounds", "sound_of", "trajectories_of"]

#: First four bytes of MNIST's two files.
_IMAGES, _LABELS = 2051, 2049
_SIDE = 28
_NAME = re.compile(r"(\d)_([^_]+)_(\d+)\.wav")
_PEN_MAX = 100.0
_STEPS = 100

#: Digit, speaker and file of a recording.
RecordedSound = tuple[int, str, "Path"]


def images_of(folder: Path) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """MNIST's test images [n, 1, 28, 28] in 0..1 and their labels [n], in the files' order.

    Args:
        folder: With ``t10k-images-idx3-ubyte.gz`` and ``t10k-labels-idx1-ubyte.gz``.

    Raises:
        DataMissing: A file is not there.
        DataError: It is no such file, or the two don't fit together.
    """
    pixels = _idx(folder / "t10k-images-idx3-ubyte.gz", _IMAGES, (_SIDE, _SIDE))
    labels = _idx(folder / "t10k-labels-idx1-ubyte.gz", _LABELS, ())
    if len(pixels) != len(labels):
        raise DataError(f"holds {len(pixels)} images for {len(labels)} labels", where=str(folder))
    if labels.max() > 9:
        raise DataError(f"a label is {labels.max()}, not 0..9", where=str(folder))
    return (pixels / 255.0).astype(np.float32)[:, None], labels.astype(np.int64)


def recorded_sounds(folder: Path) -> list[RecordedSound]:
    """FSDD's recordings, sorted by name.

    Args:
        folder: With files such as ``7_jackson_32.wav``, or a folder ``recordings`` of them.

    Raises:
        DataMissing: There is none.
    """
    place = folder / "recordings" if (folder / "recordings").is_dir() else folder
    found: list[RecordedSound] = []
    for path in sorted(place.glob("*.wav")):
        match = _NAME.fullmatch(path.name)
        if match:
            found.append((int(match[1]), match[2], path))
    if not found:
        raise DataMissing(
            "there are no recordings such as 7_jackson_32.wav",
            where=str(place),
            fix="get https://github.com/Jakobovski/free-spoken-digit-dataset",
        )
    return found


def sound_of(path: Path) -> NDArray[np.float64]:
    """Decibels [128, 32] of one recording.

    Raises:
        DataError: It is no mono wav file of 16 bits at 8 or 16 kHz.
    """
    try:
        with wave.open(str(path)) as file:
            kind = file.getnchannels(), file.getsampwidth(), file.getframerate()
            frames = file.getnframes()
            content = file.readframes(frames)
    except (wave.Error, EOFError, OSError) as error:
        raise DataError(f"is no wav file: {error}", where=str(path)) from error
    channels, width, rate = kind
    if (channels, width) != (1, 2) or rate not in (RATE // 2, RATE) or not content:
        what = f"{channels} channels of {8 * width} bits at {rate} Hz, {len(content)} bytes"
        raise DataError(f"is not mono, 16 bits, 8 or 16 kHz: {what}", where=str(path))
    if len(content) != frames * width:
        raise DataError(f"is cut off: {frames} samples, says its header", where=str(path))
    samples = np.frombuffer(content, dtype="<i2") / 32768.0
    return mel_spectrogram(doubled(samples) if rate != RATE else samples)


def trajectories_of(path: Path) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Trajectories [n, 200] in 0..1 (100 x, then 100 y) and labels [n] of a pendigits file.

    The eight points of a line are the corners of a path that is walked in 100 steps, each side in
    as many as the next.

    Raises:
        DataMissing: The file is not there.
        DataError: A line is not sixteen numbers in 0..100 and a digit; names it.
    """
    if not path.is_file():
        raise DataMissing(
            "is not there",
            where=str(path),
            fix="get pendigits.tra and pendigits.tes, https://archive.ics.uci.edu/dataset/81",
        )
    rows = []
    for number, line in enumerate(path.read_text("ascii", "replace").splitlines(), 1):
        if not line.strip():
            continue
        cells = [cell.strip() for cell in line.split(",")]
        if len(cells) != 17 or not all(cell.isdecimal() for cell in cells):
            raise DataError("is not seventeen whole numbers", where=f"{path}:{number}")
        values = [int(cell) for cell in cells]
        if max(values[:16]) > _PEN_MAX or values[16] > 9:
            what = "is not sixteen numbers in 0..100 and a digit"
            raise DataError(what, where=f"{path}:{number}")
        rows.append(values)
    if not rows:
        raise DataError("is empty", where=str(path))
    table = np.array(rows)
    corners = np.arange(8)
    steps = np.linspace(0, 7, _STEPS)
    walked = [
        np.concatenate([np.interp(steps, corners, row[axis:16:2]) for axis in (0, 1)])
        for row in table
    ]
    return (np.stack(walked) / _PEN_MAX).astype(np.float32), table[:, 16].astype(np.int64)


def _idx(path: Path, magic: int, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """An array [n, ...] of one of MNIST's files."""
    if not path.is_file():
        raise DataMissing("is not there", where=str(path), fix="get MNIST's four files")
    try:
        content = gzip.decompress(path.read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        raise DataError("is no gzip file, or is cut off", where=str(path)) from error
    header = 8 + 4 * len(shape)
    numbers = np.frombuffer(content[: min(header, len(content) // 4 * 4)], dtype=">u4")
    if len(numbers) < header // 4 or numbers[0] != magic or tuple(numbers[2:]) != shape:
        what = f"is not MNIST's: it begins with {content[:header].hex(' ', 4)}"
        raise DataError(what, where=str(path))
    values = np.frombuffer(content[header:], dtype=np.uint8)
    if len(values) != int(numbers[1]) * int(np.prod(shape, dtype=int)):
        raise DataError(f"does not hold {numbers[1]} items, as it says", where=str(path))
    return values.reshape(-1, *shape)
