"""Pictures from jpg and png files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mmbench.api import Image, ItemError
from mmbench_audiovisual.files import shown

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["load_picture"]


def load_picture(path: Path) -> Image:
    """Decode a picture to RGB, in the size it has.

    As the papers' readers do, an EXIF orientation is not applied, and transparency is dropped.

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
    return Image(pixels)
