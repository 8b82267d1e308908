"""From stored points to what encoders see: which points, in which axes, centred and scaled.

Source: ULIP's ``pc_normalize`` and ``farthest_point_sample`` (salesforce/ULIP, commit f194ddb) and
OpenShape's ``normalize_pc`` (Colin97/OpenShape_code, commit abe5aa4), as their results say it.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Literal

from mmbench.api import ItemError, PointCloud, UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = [
    "AS_STORED",
    "Axes",
    "Colour",
    "Degenerate",
    "Normalise",
    "Preparation",
    "Sampling",
    "Short",
    "farthest_points",
    "unit_sphere",
]

Sampling = Literal["first", "fps", "random"]
Short = Literal["drop", "keep", "repeat"]
Normalise = Literal["unit-sphere", "none"]
Degenerate = Literal["drop", "zeros"]
Axes = Literal["as-stored", "yz-swapped"]
Colour = Literal["stored", "grey", "none"]

#: OpenShape's grey of clouds without colours; its stored 100/255 is about the same.
GREY = 0.4
#: Below it, OpenShape calls a cloud degenerate.
_RADIUS = 1e-6


def unit_sphere(xyz: NDArray[np.floating[Any]]) -> tuple[NDArray[np.float64], float]:
    """Points [points, 3] around their mean, the farthest at distance 1; and the radius before.

    Where the radius is nothing, the points are only centred.
    """
    import numpy as np

    centred = xyz.astype(np.float64) - xyz.mean(axis=0, dtype=np.float64)
    radius = float(np.sqrt((centred**2).sum(axis=1).max()))
    return (centred / radius if radius > 0 else centred), radius


def farthest_points(xyz: NDArray[np.floating[Any]], count: int, start: int) -> NDArray[np.int64]:
    """Rows of ``count`` points [points, 3], each the farthest from those before it.

    Args:
        xyz: The points, at least one.
        count: How many to take; rows repeat only where there are no more distinct points.
        start: Row of the first one.
    """
    import numpy as np

    chosen = np.empty(count, dtype=np.int64)
    axes = np.ascontiguousarray(xyz.T)  # a tenth of the time that rows of three take
    nearest = np.full(len(xyz), np.inf, dtype=xyz.dtype)
    apart = np.empty_like(axes)
    last = start
    for number in range(count):
        chosen[number] = last
        np.subtract(axes, axes[:, last, None], out=apart)
        np.multiply(apart, apart, out=apart)
        apart[0] += apart[1]
        apart[0] += apart[2]
        np.minimum(nearest, apart[0], out=nearest)
        last = int(nearest.argmax())
    return chosen


@dataclass(frozen=True)
class Preparation:
    """What is done to a stored cloud, in this order.

    Attributes:
        points: How many are taken; 0 takes all.
        sampling: The ``first`` points, the ``fps`` ones (farthest point sampling), or ``random``
            ones.
        sampling_seed: Of the start of farthest point sampling, of the random draw, and of what is
            sampled on the surface of a mesh.
        short: A cloud of fewer points is dropped, kept as it is, or its points are repeated.
        normalise: ``unit-sphere`` centres the points and scales the farthest to distance 1.
        degenerate: A cloud whose points are all equal is dropped, or becomes zeros (OpenShape).
        axes: As they are stored, or with y and z changed over (OpenShape, Uni3D).
        colour: As stored, if it is; ``grey`` where none is stored; ``none`` takes none.
    """

    points: int = 0
    sampling: Sampling = "first"
    sampling_seed: int = 0
    short: Short = "drop"
    normalise: Normalise = "unit-sphere"
    degenerate: Degenerate = "drop"
    axes: Axes = "as-stored"
    colour: Colour = "stored"

    def __post_init__(self) -> None:
        if self.points < 0:
            raise UsageError(f"points={self.points}: a cloud has some", fix="points=0 takes all")
        if self.sampling_seed < 0:
            raise UsageError(f"sampling_seed={self.sampling_seed}: seeds begin at 0")

    @property
    def key(self) -> str:
        """Names all that changes what comes out, as part of a content key."""
        chosen = "all"
        if self.points:
            seed = "" if self.sampling == "first" else f" seed {self.sampling_seed}"
            chosen = f"{self.points} {self.sampling}{seed} {self.short}"
        return f"{chosen}, {self.normalise}, {self.degenerate}, {self.axes}, {self.colour}"

    def apply(
        self,
        xyz: NDArray[np.float32],
        rgb: NDArray[np.float32] | None,
        *,
        content: str,
        where: str,
    ) -> PointCloud:
        """Prepare one cloud.

        Args:
            xyz: Its points, [points, 3].
            rgb: Their colours in 0..1, if there are any.
            content: Names what is stored: randomness comes from it and the seed.
            where: The file, and the place in it, for errors.

        Raises:
            ItemError: No points, too few, NaN or infinity, or all of them equal.
        """
        import numpy as np

        if not len(xyz):
            raise ItemError("the cloud has no points", where=where)
        for name, values in (("points", xyz), ("colours", rgb)):
            if values is not None and not np.isfinite(values).all():
                row = int(np.flatnonzero(~np.isfinite(values).all(axis=1))[0])
                raise ItemError(f"the {name} hold NaN or infinity (point {row})", where=where)
        rows = self._rows(xyz, content, where)
        if rows is not None:
            xyz, rgb = xyz[rows], None if rgb is None else rgb[rows]
        if self.axes == "yz-swapped":
            xyz = xyz[:, [0, 2, 1]]
        return PointCloud(self._placed(xyz, where), self._coloured(xyz, rgb))

    def _rows(
        self, xyz: NDArray[np.float32], content: str, where: str
    ) -> NDArray[np.int64] | slice | None:
        """Which of the points are taken."""
        import numpy as np

        there = len(xyz)
        if not self.points or (self.points == there and self.sampling == "first"):
            return None
        if there < self.points:
            if self.short == "drop":
                raise ItemError(
                    f"the cloud has {there} points, fewer than the {self.points} asked for",
                    where=where,
                    fix="take fewer (-o points=...), all there are (points=0), or short=repeat",
                )
            return None if self.short == "keep" else np.arange(self.points) % there
        if self.sampling == "first":
            return slice(self.points)
        entropy = blake2b(f"{self.sampling_seed}|{content}".encode(), digest_size=8).digest()
        rng = np.random.default_rng(int.from_bytes(entropy, "little"))
        if self.sampling == "random":
            return rng.permutation(there)[: self.points]
        return farthest_points(xyz, self.points, int(rng.integers(there)))

    def _placed(self, xyz: NDArray[np.float32], where: str) -> NDArray[np.float32]:
        """Centred and scaled, as the options say."""
        import numpy as np

        scaled, radius = unit_sphere(xyz)
        if radius < _RADIUS or bool((xyz == xyz[0]).all()):
            if self.degenerate == "drop":
                raise ItemError(f"all {len(xyz)} points are equal: no shape to scale", where=where)
            return np.zeros(xyz.shape, dtype=np.float32)
        chosen = scaled if self.normalise == "unit-sphere" else xyz
        return np.ascontiguousarray(chosen, dtype=np.float32)

    def _coloured(
        self, xyz: NDArray[np.float32], rgb: NDArray[np.float32] | None
    ) -> NDArray[np.float32] | None:
        import numpy as np

        if self.colour == "none":
            return None
        if rgb is None:
            grey = self.colour == "grey"
            return np.full(xyz.shape, GREY, dtype=np.float32) if grey else None
        return np.ascontiguousarray(rgb, dtype=np.float32)


#: All points, around their mean, within the unit sphere.
AS_STORED = Preparation()
