"""Pictures to tensors, as open_clip does it: resized in threads, normalised in one go."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from mmbench.api import ItemError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import torch
    from numpy.typing import NDArray
    from PIL.Image import Image as Picture

    from mmbench.api import Image

__all__ = ["Preprocessing"]

_THREADS = min(os.cpu_count() or 1, 8)
#: Sides longer than this many times the other are refused: resized by the shorter side, such a
#: picture would take gigabytes.
_LONGEST_RATIO = 500


@dataclass(frozen=True)
class Preprocessing:
    """What happens to a picture before the model sees it.

    Attributes:
        size: Height and width of the model's input.
        mean: Of each channel, in 0..1.
        std: Of each channel.
        interpolation: ``bicubic`` or ``bilinear``.
        resize_mode: ``shortest`` (then the centre is cut out), ``longest`` (then padded) or
            ``squash`` (both sides, so that the whole frame stays).
        fill_color: Of the padding.
    """

    size: tuple[int, int]
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    interpolation: str = "bicubic"
    resize_mode: str = "shortest"
    fill_color: int = 0
    _steps: list[Callable[[Picture], Picture]] = field(default_factory=list, compare=False)

    @classmethod
    def of(cls, size: tuple[int, int], named: Mapping[str, Any], **changes: Any) -> Preprocessing:
        """From open_clip's ``preprocess_cfg``; what it does not name is as OpenAI trained it."""
        from open_clip import OPENAI_DATASET_MEAN, OPENAI_DATASET_STD, image_transform

        known = {"mean": OPENAI_DATASET_MEAN, "std": OPENAI_DATASET_STD}
        keys = ("mean", "std", "interpolation", "resize_mode", "fill_color")
        known.update({key: named[key] for key in keys if named.get(key) is not None})
        known.update(changes)
        for key in ("mean", "std"):
            value: Any = known[key]
            known[key] = tuple(value) if isinstance(value, (list, tuple)) else (value,) * 3
        made = cls(size=size, **known)
        transform = image_transform(
            size, is_train=False, mean=made.mean, std=made.std, resize_mode=made.resize_mode,
            interpolation=made.interpolation, fill_color=made.fill_color,
        )  # fmt: skip
        made._steps.extend(transform.transforms[:-2])  # all but "to tensor" and "normalise"
        return made

    def __call__(self, images: Sequence[Image], device: torch.device) -> torch.Tensor:
        """Pictures as float32 [B, 3, height, width] on the device.

        Bytes go to the device and are scaled there, by the operations that torchvision would apply
        to each picture alone.

        Raises:
            ItemError: A picture has no pixels, or is too long and thin to be resized.
        """
        import torch

        pixels = torch.from_numpy(self._resized(images)).to(device)
        mean = torch.tensor(self.mean, dtype=torch.float32, device=device).view(1, 3, 1, 1)
        std = torch.tensor(self.std, dtype=torch.float32, device=device).view(1, 3, 1, 1)
        return pixels.to(torch.float32).div_(255).sub_(mean).div_(std)

    def _resized(self, images: Sequence[Image]) -> NDArray[np.uint8]:
        """uint8 [B, 3, height, width]; Pillow releases the lock, so threads help."""
        threads = min(_THREADS, len(images) // 4)
        if threads < 2:
            return np.stack([self._resize(image) for image in images])
        with ThreadPoolExecutor(threads, thread_name_prefix="preprocess") as pool:
            return np.stack(list(pool.map(self._resize, images)))

    def _resize(self, image: Image) -> NDArray[np.uint8]:
        from PIL import Image as pillow  # noqa: N813 - a module, and `Image` is the payload

        height, width = image.pixels.shape[:2]
        if not min(height, width):
            raise ItemError(f"a picture of {height} x {width} pixels has nothing to see")
        if max(height, width) > _LONGEST_RATIO * min(height, width):
            raise ItemError(f"a picture of {height} x {width} pixels is too long to be resized")
        picture = pillow.fromarray(image.pixels)
        for step in self._steps:
            picture = step(picture)
        return np.ascontiguousarray(np.asarray(picture, dtype=np.uint8).transpose(2, 0, 1))
