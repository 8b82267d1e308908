"""Draws over a frame what a localization task predicted there, and what is annotated."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, cast

from mmbench.api import Image, ItemError, UsageError
from mmbench.protocols.localization import LocalizationTask
from mmbench.protocols.localization_views import LocalizedItem, localized

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image as Picture

    from mmbench.finished import FinishedCell

__all__ = ["overlay", "write_overlays"]

#: From cold to hot: shares, and red, green, blue at each of them.
_SHARES = (0.0, 0.35, 0.65, 1.0)
_COLOURS = ((0, 0, 255), (0, 255, 255), (255, 255, 0), (255, 0, 0))
_HEAT = 0.5
_PREDICTED, _ANNOTATED = (255, 255, 255), (0, 230, 0)
_LONGEST = 448
_CAPTION = 16
_THUMBNAIL = 240
_COLUMNS = 6


def write_overlays(cell: FinishedCell, out: Path, *, items: int) -> int:
    """One picture an item, and a sheet of all of them.

    Args:
        cell: Of a localization task.
        out: The folder; made where it is not there.
        items: The first so many.

    Returns:
        How many were written. An item whose frame can't be read any more is left out.

    Raises:
        UsageError: The task is not of this protocol.
    """
    task = cell.task()
    if not isinstance(task, LocalizationTask):
        raise UsageError("its task has no heat maps and no boxes", where=cell.name)
    inputs = cell.inputs()
    table = inputs.tables[task.scenes]
    scenes = cell.collections()[task.scenes]
    places = {item: row for row, item in enumerate(scenes.ids)}
    rows = [row for row in range(len(table)) if table.ids[row] in places][:items]
    swept = cell.record.parameters.get("swept_threshold")
    out.mkdir(parents=True, exist_ok=True)
    drawn = []
    for number, item in enumerate(localized(task, inputs, rows, threshold=swept), 1):
        try:
            frame = cast("Image", scenes.load(places[item.id], task.image))
        except ItemError:
            continue
        picture = overlay(frame.pixels, item)
        name = re.sub(r"[^A-Za-z0-9._-]+", "-", item.id)
        picture.save(out / f"{number:03d}-{name}.png")
        drawn.append(picture)
    if drawn:
        _sheet(drawn).save(out / "sheet.png")
    return len(drawn)


def overlay(frame: NDArray[np.uint8], item: LocalizedItem) -> Picture:
    """A frame with heat, the borders of prediction and ground truth, and a caption below.

    Args:
        frame: [H, W, 3], all that the item's maps cover.
        item: What was predicted and what is annotated.
    """
    import numpy as np
    from PIL import Image as Pillow
    from PIL import ImageDraw

    height, width = frame.shape[:2]
    scale = _LONGEST / max(height, width)
    size = (max(round(width * scale), 1), max(round(height * scale), 1))
    pixels = np.asarray(Pillow.fromarray(frame).resize(size), dtype=np.float64)
    if item.heat is not None:
        grey = pixels.mean(axis=2, keepdims=True)
        pixels = (1 - _HEAT) * grey + _HEAT * _coloured(item.heat, size)
    canvas = pixels.round().astype(np.uint8)
    canvas[_border(item.mask, size)] = _PREDICTED
    canvas[_border(item.truth > 0, size)] = _ANNOTATED
    picture = Pillow.new("RGB", (size[0], size[1] + _CAPTION))
    picture.paste(Pillow.fromarray(canvas), (0, 0))
    said = "no ground truth" if math.isnan(item.ciou) else f"cIoU {item.ciou:.2f}"
    # Pillow's own font has no letters beyond Latin-1.
    text = f"{said}  {item.id}".encode("latin-1", "replace").decode("latin-1")
    ImageDraw.Draw(picture).text((3, size[1] + 2), text, fill=_PREDICTED)
    return picture


def _coloured(heat: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float64]:
    """Colours of a map, its own least and greatest value at the ends."""
    import numpy as np
    from PIL import Image as Pillow

    values = heat.astype(np.float32)
    low, high = float(values.min()), float(values.max())
    shares = (values - low) / (high - low) if high > low else np.zeros_like(values)
    wide = np.asarray(Pillow.fromarray(shares).resize(size, Pillow.Resampling.BILINEAR))
    channels = [np.interp(wide, _SHARES, [each[n] for each in _COLOURS]) for n in range(3)]
    return np.stack(channels, axis=2)


def _border(mask: NDArray[np.bool_], size: tuple[int, int]) -> NDArray[np.bool_]:
    """The outermost three pixels of a mask, brought to the frame; also along the frame's edge."""
    import numpy as np
    from PIL import Image as Pillow

    whole = Pillow.fromarray(mask.astype(np.uint8)).resize(size, Pillow.Resampling.NEAREST)
    inner = padded = np.pad(np.asarray(whole) > 0, 3)
    for _ in range(3):
        inner = inner.copy()
        before = inner.copy()
        inner[1:] &= before[:-1]
        inner[:-1] &= before[1:]
        inner[:, 1:] &= before[:, :-1]
        inner[:, :-1] &= before[:, 1:]
    found: NDArray[np.bool_] = (padded & ~inner)[3:-3, 3:-3]
    return found


def _sheet(pictures: list[Picture]) -> Picture:
    """All pictures, small, in rows."""
    from PIL import Image as Pillow

    columns = min(_COLUMNS, len(pictures))
    rows = math.ceil(len(pictures) / columns)
    sheet = Pillow.new("RGB", (columns * _THUMBNAIL, rows * _THUMBNAIL))
    for number, picture in enumerate(pictures):
        small = picture.copy()
        small.thumbnail((_THUMBNAIL - 4, _THUMBNAIL - 4))
        row, column = divmod(number, columns)
        sheet.paste(small, (column * _THUMBNAIL + 2, row * _THUMBNAIL + 2))
    return sheet
