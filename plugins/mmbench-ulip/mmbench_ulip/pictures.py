"""Pictures to tensors, as the towers were trained: resized, the centre cut out, normalised."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mmbench.api import ItemError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import torch
    from numpy.typing import NDArray

    from mmbench.api import Image

__all__ = ["SLIP_PREPROCESSING", "Pictures"]

#: SLIP's, and ULIP's: ImageNet's mean and deviation, and torchvision's bilinear resizing.
SLIP_PREPROCESSING: Mapping[str, Any] = {
    "mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225), "interpolation": "bilinear",
}  # fmt: skip
_KEYS = ("mean", "std", "interpolation", "resize_mode")
_THREADS = min(os.cpu_count() or 1, 8)
#: Sides longer than this many times the other are refused: resized by the shorter side, such a
#: picture would take gigabytes.
_LONGEST_RATIO = 500


@dataclass(frozen=True)
class Pictures:
    """What happens to a picture before a tower sees it.

    Attributes:
        mean: Of each channel, in 0..1.
        std: Of each channel.
        steps: Resizing and cropping, of Pillow's pictures.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]
    steps: tuple[Callable[[Any], Any], ...]

    @classmethod
    def of(cls, size: tuple[int, int], named: Mapping[str, Any]) -> Pictures:
        """From open_clip's ``preprocess_cfg``; what it does not name is as OpenAI trained CLIP."""
        from open_clip import OPENAI_DATASET_MEAN, OPENAI_DATASET_STD, image_transform

        known: dict[str, Any] = {"mean": OPENAI_DATASET_MEAN, "std": OPENAI_DATASET_STD}
        known["interpolation"], known["resize_mode"] = "bicubic", "shortest"
        known.update({key: named[key] for key in _KEYS if named.get(key) is not None})
        transform = image_transform(size, is_train=False, **known)
        steps = tuple(transform.transforms[:-2])  # all but "to tensor" and "normalise"
        return cls(tuple(known["mean"]), tuple(known["std"]), steps)

    def __call__(self, images: Sequence[Image], device: torch.device) -> torch.Tensor:
        """Pictures as float32 [B, 3, height, width] on the device.

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
        for step in self.steps:
            picture = step(picture)
        return np.ascontiguousarray(np.asarray(picture, dtype=np.uint8).transpose(2, 0, 1))
