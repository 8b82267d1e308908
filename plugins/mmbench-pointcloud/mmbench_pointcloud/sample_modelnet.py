"""Made-up shapes in the layouts of ModelNet40."""

from __future__ import annotations

import json
import pickle
from dataclasses import dataclass
from typing import TYPE_CHECKING

import h5py
import numpy as np

from mmbench_pointcloud.classes import MODELNET40
from mmbench_pointcloud.layouts_packed import H5_FOLDER
from mmbench_pointcloud.preparation import unit_sphere
from mmbench_pointcloud.sample_shapes import Solid, invent

if TYPE_CHECKING:
    from pathlib import Path

    from mmbench_pointcloud.sample_shapes import Floats

__all__ = ["write_modelnet"]

#: Points of a cloud, as in the real one.
_POINTS = 10_000
_CACHED = 8_192
_H5_POINTS = 2_048


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


def _write_cache(root: Path, shapes: list[_Shape]) -> None:
    """ULIP's pickle of clouds and labels, in the order of the list beside it."""
    base = root / "modelnet40_normal_resampled"
    base.mkdir(exist_ok=True)
    clouds = [
        np.hstack([shape.cloud, shape.normals])[:_CACHED].astype(np.float32) for shape in shapes
    ]
    labels = [np.array([MODELNET40.index(shape.label)], dtype=np.int32) for shape in shapes]
    with (base / f"modelnet40_test_{_CACHED}pts_fps.dat").open("wb") as file:
        pickle.dump([clouds, labels], file, protocol=4)
    (base / "modelnet40_test.txt").write_text("".join(f"{each.id}\n" for each in shapes), "utf-8")


def _write_h5(root: Path, shapes: list[_Shape]) -> None:
    """Two files of 2,048 points a cloud, and their list."""
    base = root / H5_FOLDER
    base.mkdir()
    names = []
    for number, own in enumerate((shapes[::2], shapes[1::2])):
        if not own:
            continue
        names.append(f"ply_data_test{number}.h5")
        with h5py.File(base / names[-1], "w", track_order=False) as file:
            points = np.stack([shape.cloud[:_H5_POINTS] for shape in own]).astype(np.float32)
            labels = [[MODELNET40.index(shape.label)] for shape in own]
            file.create_dataset("data", data=points, track_times=False)
            file.create_dataset("label", data=np.array(labels, dtype=np.uint8), track_times=False)
    listed = "".join(f"data/{H5_FOLDER}/{name}\n" for name in names)
    (base / "test_files.txt").write_text(listed, "utf-8")
    words = "".join(f"{name}\n" for name in MODELNET40)
    (base / "shape_names.txt").write_text(words, "utf-8")


def _write_openshape(root: Path, shapes: list[_Shape]) -> None:
    """OpenShape's list, and its array of tables with grey points."""
    entries = [{"name": each.id, "category": each.label.replace("_", " ")} for each in shapes]
    (root / "test_split.json").write_text(json.dumps(entries), "utf-8")
    tables = np.empty(len(shapes), dtype=object)
    for row, shape in enumerate(shapes):
        tables[row] = {
            "xyz": shape.cloud.astype(np.float32),
            "rgb": np.full(shape.cloud.shape, 100, dtype=np.uint8),
        }
    np.save(root / "test_pc.npy", tables, allow_pickle=True)


def _write_off(root: Path, shapes: list[_Shape]) -> None:
    """Meshes; every other header is glued to its counts, as many of the real ones are."""
    for number, shape in enumerate(shapes):
        folder = root / "ModelNet40" / shape.label / "test"
        folder.mkdir(parents=True, exist_ok=True)
        corners, faces = shape.solid.mesh()
        glue = "" if number % 2 else "\n"
        lines = [f"OFF{glue}{len(corners)} {len(faces)} 0"]
        lines += [f"{x:.6f} {y:.6f} {z:.6f}" for x, y, z in (corners * 30).tolist()]
        lines += [f"3 {a} {b} {c}" for a, b, c in faces.tolist()]
        (folder / f"{shape.id}.off").write_text("\n".join(lines) + "\n", "utf-8")


_WRITERS = {
    "txt": _write_txt,
    "cache": _write_cache,
    "hdf5": _write_h5,
    "openshape": _write_openshape,
    "off": _write_off,
}
