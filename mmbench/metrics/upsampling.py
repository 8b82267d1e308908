"""Upsampling of heat maps to the evaluation frame, by the three rules localization papers use.

Each rule is a pair of small matrices, `rows @ map @ columns.T`, so a whole stack of maps is two
products. Maps are worked on in float64 and returned in float32, as the references hold them: a
constant map stays exactly constant.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Upsampling = Literal[
    "torch_bilinear_align_corners", "torch_bicubic_align_corners", "cv2_bilinear", "none"
]
"""Named rules: EZ-VSL's, SLAVC's, LVS's and SSL-TIE's, and maps already in the frame."""

BICUBIC_A = -0.75  # the cubic convolution coefficient of PyTorch and OpenCV


def _positions(source: int, target: int, *, align_corners: bool) -> NDArray[np.float64]:
    """Where each target pixel lies on the source axis, in source pixels."""
    at = np.arange(target, dtype=np.float64)
    if align_corners:
        return at * ((source - 1) / (target - 1)) if target > 1 else np.zeros(1)
    return (at + 0.5) * (source / target) - 0.5


def _cubic(distance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Keys' cubic convolution kernel at `distance` (Keys 1981, with a = -0.75)."""
    x, a = np.abs(distance), BICUBIC_A
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    far = ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
    return np.where(x <= 1, near, np.where(x < 2, far, 0.0))


@lru_cache(maxsize=64)
def upsampling_matrix(source: int, target: int, rule: Upsampling) -> NDArray[np.float64]:
    """Weights that turn `source` samples along one axis into `target`.

    Args:
        source: Samples along the axis now.
        target: Samples wanted.
        rule: A named rule; `none` needs `source == target`.

    Returns:
        [target, source], rows summing to 1. Read-only: it is shared between calls.

    Raises:
        ValueError: An unknown rule, a size below 1, or `none` with two sizes.
    """
    if rule not in get_args(Upsampling):
        raise ValueError(
            f"unknown upsampling {rule!r}: choose one of {', '.join(get_args(Upsampling))}"
        )
    if source < 1 or target < 1:
        raise ValueError(f"cannot upsample {source} samples to {target}: both must be at least 1")
    if rule == "none" and source != target:
        raise ValueError(
            f"upsampling 'none' needs maps of {target} px already, but these have {source}: "
            "upsample them in the representation, or choose another rule"
        )
    if source == target:
        return _read_only(np.eye(target))
    at = _positions(source, target, align_corners=rule != "cv2_bilinear")
    # Neighbours beyond the border are the border pixel itself, in all three references.
    reach = range(-1, 3) if rule == "torch_bicubic_align_corners" else range(2)
    base = np.floor(at)
    weights = np.zeros((target, source))
    for step in reach:
        offset = at - (base + step)
        share = _cubic(offset) if len(reach) == 4 else 1.0 - np.abs(offset)
        column = np.clip(base + step, 0, source - 1).astype(np.intp)
        np.add.at(weights, (np.arange(target), column), share)
    return _read_only(weights)


def _read_only(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    weights.setflags(write=False)
    return weights


def upsample(
    maps: Any, size: int = 224, rule: Upsampling = "torch_bilinear_align_corners"
) -> NDArray[np.float32]:
    """Bring heat maps to the evaluation frame.

    Args:
        maps: [N, h, w], any real type; cast to float32 first.
        size: Side of the square frame, in pixels.
        rule: `torch_bilinear_align_corners` (EZ-VSL), `torch_bicubic_align_corners` (SLAVC),
            `cv2_bilinear` (LVS, SSL-TIE, DSOL: half-pixel centres), or `none`.

    Returns:
        [N, size, size] float32, equal to the reference up to float32 rounding.

    Raises:
        ValueError: Maps that are not [N, h, w], or that `none` cannot take.

    Source:
        torch.nn.functional.interpolate(align_corners=True) and cv2.resize(INTER_LINEAR).
    """
    low = np.asarray(maps, dtype=np.float32)
    if low.ndim != 3:
        raise ValueError(f"heat maps must be [N, h, w], not of shape {low.shape}")
    n, height, width = low.shape
    rows = upsampling_matrix(height, size, rule)
    columns = upsampling_matrix(width, size, rule)
    if (height, width) == (size, size):
        return low
    tall = rows @ low.astype(np.float64)
    wide = tall.reshape(n * size, width) @ columns.T
    return wide.reshape(n, size, size).astype(np.float32)
