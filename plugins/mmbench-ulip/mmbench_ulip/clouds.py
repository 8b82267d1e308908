"""Clouds as the point encoder wants them: checked, in the unit ball, with colours if it sees them.

ULIP's preparation (salesforce/ULIP f194ddb, ``pc_normalize``): the centroid is subtracted, and all
is divided by the largest distance from it. No axis is swapped.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import numpy as np

from mmbench.api import ItemError, PointCloud, payload_digest

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["in_unit_ball", "prepare", "starts"]


def prepare(cloud: PointCloud, *, unit_ball: bool, colours: bool, grey: float) -> PointCloud:
    """A cloud in the form in which the encoder sees it.

    Args:
        cloud: As the dataset gives it.
        unit_ball: Whether to centre and scale it.
        colours: Whether the encoder sees colours.
        grey: The colour of a cloud that has none.

    Raises:
        ItemError: It has no points, values that are no numbers, or all points in one place.
    """
    xyz = np.asarray(cloud.xyz)
    if xyz.ndim != 2 or xyz.shape[1] != 3:
        raise ItemError(f"a cloud of shape {list(xyz.shape)}: expected [points, 3]")
    if not len(xyz):
        raise ItemError("the cloud has no points")
    _refuse_nan(xyz, "coordinates")
    if (xyz == xyz[0]).all():
        what = "one point has" if len(xyz) == 1 else f"all {len(xyz)} points are equal, and have"
        raise ItemError(f"{what} no shape")
    xyz = in_unit_ball(xyz) if unit_ball else xyz.astype(np.float32)
    if not colours:
        return PointCloud(xyz)
    if cloud.rgb is None:
        return PointCloud(xyz, np.full_like(xyz, grey))
    rgb = np.asarray(cloud.rgb)
    if rgb.shape != xyz.shape:
        raise ItemError(f"{len(xyz)} points and colours of shape {list(rgb.shape)}")
    _refuse_nan(rgb, "colours")
    return PointCloud(xyz, rgb.astype(np.float32))


def in_unit_ball(xyz: NDArray[Any]) -> NDArray[np.float32]:
    """Points [N, 3] around their centroid, the farthest of them at distance 1."""
    exact = xyz.astype(np.float64)
    centred = exact - exact.mean(axis=0)
    scaled: NDArray[np.float32] = (centred / np.linalg.norm(centred, axis=1).max()).astype(
        np.float32
    )
    return scaled


def starts(cloud: PointCloud, seed: int, draws: int) -> NDArray[np.float64]:
    """Where sampling starts, as shares 0..1 of the points: drawn from the seed and the cloud.

    Neither from a global generator nor from what else is in the batch, so a cloud has one vector.
    """
    key = blake2b(payload_digest(cloud), digest_size=16)
    key.update(str(seed).encode())
    drawn: NDArray[np.float64] = np.random.default_rng(
        int.from_bytes(key.digest(), "little")
    ).random(draws)
    return drawn


def _refuse_nan(values: NDArray[Any], what: str) -> None:
    wrong = int((~np.isfinite(values).all(axis=1)).sum())
    if wrong:
        raise ItemError(f"{wrong} of {len(values)} points have {what} that are no finite numbers")
