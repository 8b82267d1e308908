"""Made-up shapes in the layouts of ModelNet40."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mmbench_pointcloud.classes import MODELNET40
from mmbench_pointcloud.preparation import unit_sphere
from mmbench_pointcloud.sample_shapes import Solid, invent

if TYPE_CHECKING:
    from pathlib import Path

    from mmbench_pointcloud.sample_shapes import Floats

__all__ = ["write_modelnet"]

#: Points of a cloud, as in the real one.
_POINTS = 10_000


@dataclass(frozen=True)
class _Shape:
    id: str
    label: str
    solid: Solid
    cloud: Floats
    normals: Floats


def write_modelnet(root: Path, *, items: int, seed: int, layout: str) -> None:
    """Write ``items`` test shapes of as many classes as there can be."""
    rng = np.random.default_rng(seed)
    shapes = []
    for number in range(items):
        kind = number % len(MODELNET40)
        solid = invent(kind, len(MODELNET40), rng)
        cloud, _ = unit_sphere(solid.cloud(_POINTS, rng))
        normals = cloud / np.maximum(np.linalg.norm(cloud, axis=1, keepdims=True), 1e-9)
        label = MODELNET40[kind]
        item = f"{label}_{number // len(MODELNET40) * 7 + 101:04d}"
        shapes.append(_Shape(item, label, solid, cloud, normals))
    for name, write in _WRITERS.items():
        if layout in ("auto", name):
            write(root, shapes)


def _write_txt(root: Path, shapes: list[_Shape]) -> None:
    """Text files of points and normals, and the lists."""
    base = root / "modelnet40_normal_resampled"
    base.mkdir()
    for shape in shapes:
        (base / shape.label).mkdir(exist_ok=True)
        rows = np.hstack([shape.cloud, shape.normals])
        np.savetxt(base / shape.label / f"{shape.id}.txt", rows, fmt="%.5f", delimiter=",")
    names = "".join(f"{name}\n" for name in MODELNET40)
    (base / "modelnet40_shape_names.txt").write_text(names, "utf-8")
    ids = "".join(f"{shape.id}\n" for shape in shapes)
    (base / "modelnet40_test.txt").write_text(ids, "utf-8")


_WRITERS = {"txt": _write_txt}
