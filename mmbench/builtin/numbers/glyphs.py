"""Real handwriting: the 1,797 digits of 8 x 8 pixels that scikit-learn bundles.

The file is read directly: importing scikit-learn costs most of a second, reading costs 10 ms.
SOURCE: E. Alpaydin, C. Kaynak (1998), Optical Recognition of Handwritten Digits, UCI Machine
Learning Repository, CC BY 4.0; the test part, as scikit-learn ships it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mmbench.api.errors import DataError, DataMissing
from mmbench.builtin.numbers.splits import Split, split_glyphs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

#: Side of one handwritten digit in a strip, in pixels: four times the scanned 8.
SIDE = 32
_INK = 16  # The scans count 0..16 inked dots a cell.


def digits_file() -> Path:
    """Where scikit-learn keeps its digits, found without importing it.

    Raises:
        DataMissing: scikit-learn is not installed, or came without its data.
    """
    spec = find_spec("sklearn")
    if spec is None or spec.origin is None:
        raise DataMissing("scikit-learn is not installed", fix="pip install scikit-learn")
    path = Path(spec.origin).parent / "datasets" / "data" / "digits.csv.gz"
    if not path.is_file():
        raise DataMissing(
            "scikit-learn's bundled digits are not there",
            where=str(path),
            fix="pip install --force-reinstall scikit-learn",
        )
    return path


@dataclass(frozen=True)
class Glyphs:
    """All handwritten digits.

    Attributes:
        cells: [N, 8, 8] float64, 0 (paper) .. 16 (ink).
        labels: [N] int32, the digit shown.
        rows: Rows by split and digit: ``rows["test"][7]``.
    """

    cells: NDArray[np.float64]
    labels: NDArray[np.int32]
    rows: dict[Split, list[list[int]]]


@lru_cache(maxsize=2)
def read_glyphs(path: Path) -> Glyphs:
    """Read scikit-learn's digits file.

    Raises:
        DataError: It does not hold rows of 65 numbers.
    """
    try:
        table = np.loadtxt(path, delimiter=",", dtype=np.int32, ndmin=2)
    except (ValueError, OSError, EOFError) as error:
        raise DataError(f"can't be read: {error}", where=str(path)) from error
    if table.shape[1] != 65:
        raise DataError(f"has {table.shape[1]} columns instead of 65", where=str(path))
    labels = table[:, 64]
    return Glyphs(table[:, :64].reshape(-1, 8, 8).astype(np.float64), labels, split_glyphs(labels))


def enlarge(cells: NDArray[np.float64], side: int) -> NDArray[np.uint8]:
    """Bilinear enlargement (half-pixel centres) of glyphs.

    Exact, hence the same everywhere: all products and sums are whole numbers below 2**53.

    Args:
        cells: [..., 8, 8] float64, whole numbers 0..16.
        side: Side of the result, in pixels.

    Returns:
        [..., side, side] uint8, 0..255, rounded half up.
    """
    taps = _taps(cells.shape[-1], side)
    full = _INK * (2.0 * side) ** 2
    grey: NDArray[np.float64] = np.floor((510.0 * (taps @ cells @ taps.T) + full) / (2.0 * full))
    return grey.astype(np.uint8)


@lru_cache(maxsize=128)
def _taps(size: int, side: int) -> NDArray[np.float64]:
    """[side, size] bilinear weights of each output pixel, in units of ``1 / (2 * side)``."""
    whole = 2 * side
    position = np.clip((2 * np.arange(side) + 1) * size - side, 0, (size - 1) * whole)
    low, part = position // whole, position % whole
    taps = np.zeros((side, size))
    taps[np.arange(side), low] += whole - part
    taps[np.arange(side), np.minimum(low + 1, size - 1)] += part
    return taps


def strip(glyphs: Glyphs, rows: Sequence[int]) -> NDArray[np.uint8]:
    """Handwritten digits side by side: [32, 32 * len(rows), 3] uint8, white ink on black."""
    grey = np.concatenate([enlarge(glyphs.cells[row], SIDE) for row in rows], axis=1)
    return to_rgb(grey)


def to_rgb(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """[H, W] grey values as an [H, W, 3] picture."""
    return np.ascontiguousarray(np.repeat(grey[:, :, None], 3, axis=2))
