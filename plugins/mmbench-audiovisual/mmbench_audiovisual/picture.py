"""Pictures from jpg and png files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from mmbench.api import Image, ItemError
from mmbench_audiovisual.files import shown

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Framing", "load_picture"]

Framing = Literal["whole", "centre-crop"]


def load_picture(path: Path, framing: Framing = "whole") -> Image:
    """Decode a picture to RGB, in the size it has.

    As the papers' readers do, an EXIF orientation is not applied, and transparency is dropped.

    Args:
        path: The file.
        framing: All of it, or the square in its middle.

    Raises:
        ItemError: It is not there, is cut off, or is no picture.
    """
    import numpy as np
    from PIL import Image as Pillow

    try:
        with Pillow.open(path) as picture:
            pixels = np.array(picture.convert("RGB"))
    except FileNotFoundError as error:
        raise ItemError("the picture is not there", where=shown(path)) from error
    except Exception as error:  # Pillow raises all kinds of things at damaged files
        raise ItemError(f"the picture can't be decoded: {error}", where=shown(path)) from error
    if framing == "centre-crop":
        height, width = pixels.shape[:2]
        side = min(height, width)
        top, left = (height - side) // 2, (width - side) // 2
        pixels = np.ascontiguousarray(pixels[top : top + side, left : left + side])
    return Image(pixels)
