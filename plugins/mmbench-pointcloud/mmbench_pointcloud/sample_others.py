"""Made-up shapes in the layouts of ScanObjectNN and Objaverse-LVIS."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import h5py
import numpy as np

from mmbench_pointcloud.classes import SCANOBJECTNN
from mmbench_pointcloud.sample_shapes import invent
from mmbench_pointcloud.scan_files import PACKED, VARIANTS

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["write_objaverse", "write_scanobjectnn"]

_SCANNED = 2_048
_POINTS = 10_000
#: A few of the 1,156; some with capital letters and underscores, as they are spelt there.
_CATEGORIES = ("Christmas_tree", "Ferris_wheel", "apple", "armchair", "flower_arrangement", "mug")


def write_scanobjectnn(root: Path, *, items: int, seed: int) -> None:
    """Write ``items`` shapes as OpenShape's table, and half of them as one variant's hdf5."""
    rng = np.random.default_rng(seed)
    kinds = [number % len(SCANOBJECTNN) for number in range(items)]
    clouds = np.empty((items, _SCANNED, 3), dtype=np.float32)
    for number, kind in enumerate(kinds):
        solid = invent(kind, len(SCANOBJECTNN), rng)
        # A scan sees one side, and stands somewhere in the room.
        cloud = solid.cloud(4 * _SCANNED, rng)
        cloud = cloud[np.argsort(-cloud[:, 0], kind="stable")[: 2 * _SCANNED]]
        clouds[number] = rng.permutation(cloud)[:_SCANNED] + rng.uniform(-2, 2, 3)
    table = np.empty((), dtype=object)
    table[()] = {"xyz": clouds, "label": np.array(kinds, dtype=np.int64)}
    np.save(root / PACKED, table, allow_pickle=True)
    half = max(items // 2, 1)
    path = root / VARIANTS["obj-only"]
    path.parent.mkdir(parents=True)
    with h5py.File(path, "w", track_order=False) as file:
        file.create_dataset("data", data=clouds[:half], track_times=False)
        labels = np.array(kinds[:half], dtype=np.int32)
        file.create_dataset("label", data=labels, track_times=False)


def write_objaverse(root: Path, *, items: int, seed: int) -> None:
    """Write ``items`` models with colours, at least one of two classes each, and their list."""
    rng = np.random.default_rng(seed)
    entries = []
    for number in range(max(items, 2)):
        kind = number % len(_CATEGORIES)
        cloud = invent(kind, len(_CATEGORIES), rng).cloud(_POINTS, rng)
        uid, group = rng.bytes(16).hex(), f"000-{number % 3:03d}"
        table = np.empty((), dtype=object)
        table[()] = {
            "dataset": "Objaverse",
            "group": group,
            "id": uid,
            "text": [_CATEGORIES[kind].replace("_", " ")],
            "xyz": cloud.astype(np.float16),
            "rgb": rng.uniform(0, 1, cloud.shape).astype(np.float16),
        }
        place = f"Objaverse/{group}/{uid}.npy"
        (root / place).parent.mkdir(parents=True, exist_ok=True)
        np.save(root / place, table, allow_pickle=True)
        entry = {"uid": uid, "group": group, "category": _CATEGORIES[kind], "data_path": place}
        entries.append(entry)
    (root / "lvis.json").write_text(json.dumps(entries), "utf-8")
