"""Clouds as text: a point a line, ``x,y,z`` and perhaps its normal, by commas."""

from __future__ import annotations

import io
import math
from typing import TYPE_CHECKING

from mmbench.api import DataError, ItemError
from mmbench_pointcloud.files import read_text, shown

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

__all__ = ["load_text"]


def load_text(path: Path) -> NDArray[np.float32]:
    """The points, [points, 3], of a file as ``modelnet40_normal_resampled`` has it.

    Raises:
        ItemError: It is not there, is empty, or a line is no point: names the line.
    """
    import numpy as np

    if not path.is_file():
        raise ItemError("the cloud is not there", where=shown(path))
    if not path.stat().st_size:
        raise ItemError("the cloud has no points: a file of 0 bytes", where=shown(path))
    try:
        text = read_text(path)
    except ItemError:
        raise
    except DataError as error:
        raise ItemError(error.what, where=error.where, fix=error.fix) from error
    try:
        rows = np.loadtxt(
            io.StringIO(text), delimiter=",", dtype=np.float32, ndmin=2, comments=None
        )
    except ValueError as error:
        raise _bad_line(text, path) from error
    if rows.shape[1] not in (3, 6) or not np.isfinite(rows).all():
        raise _bad_line(text, path)
    return np.ascontiguousarray(rows[:, :3])


def _bad_line(text: str, path: Path) -> ItemError:
    """The first line that is no point of as many numbers as the first."""
    count = 0
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        words = line.split(",")
        count = count or len(words)
        where = f"{shown(path)}:{number}"
        try:
            values = [float(word) for word in words]
        except ValueError:
            return ItemError(f"{line[:60]!r} is no point: x,y,z and its normal", where=where)
        if count not in (3, 6) or len(values) != count:
            return ItemError(
                f"{len(values)} numbers are no point: x,y,z, or with a normal 6", where=where
            )
        if not all(abs(value) <= 3.4e38 for value in values if not math.isnan(value)) or any(
            math.isnan(value) for value in values
        ):
            return ItemError("the cloud holds NaN or infinity", where=where)
    return ItemError("can't be read as points", where=shown(path))
