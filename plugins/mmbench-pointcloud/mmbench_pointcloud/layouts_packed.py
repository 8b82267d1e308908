"""ModelNet40 in files of many clouds (ULIP's cache, hdf5, OpenShape's), and as meshes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from mmbench.api import DataError, DataMissing, ItemError
from mmbench.api.unpickling import load_npy, load_pickle
from mmbench_pointcloud.archives import (
    Archive,
    H5Cloud,
    PackedCloud,
    coloured_points,
    h5_array,
    h5_shape,
    points_of,
)
from mmbench_pointcloud.classes import MODELNET40
from mmbench_pointcloud.files import first_place, names_in, numbered_lines, read_json, shown
from mmbench_pointcloud.layouts import SPLITS, Split, class_named, listed_ids
from mmbench_pointcloud.meshes import LEAST_SAMPLED, MeshCloud

if TYPE_CHECKING:
    from pathlib import Path

    from mmbench_pointcloud.collection import Points
    from mmbench_pointcloud.preparation import Preparation

__all__ = [
    "H5_FOLDER",
    "cache_base",
    "cache_splits",
    "h5_base",
    "h5_splits",
    "labels_of",
    "mesh_base",
    "mesh_splits",
    "openshape_base",
    "openshape_splits",
]

H5_FOLDER = "modelnet40_ply_hdf5_2048"
_CACHE = re.compile(r"modelnet40_(test|train)_(\d+)pts_fps\.dat")


# --- ULIP's cache ------------------------------------------------------------------------------


def cache_base(root: Path) -> Path | None:
    """The folder with ``modelnet40_test_8192pts_fps.dat`` or one like it."""
    for base in (root / "modelnet40_normal_resampled", root):
        if any(_CACHE.fullmatch(name) for name in names_in(base, suffix=".dat")):
            return base
    return None


def cache_splits(base: Path, _preparation: Preparation) -> dict[str, Split]:
    """The clouds of the caches with the most points, one a split.

    Ids and classes come from ``modelnet40_test.txt`` if it is there, in whose order the cache is
    written; else the classes come from the cache, and the ids are numbers.

    Raises:
        DataError: There is no list, and the cache can't be read.
    """
    best: dict[str, int] = {}
    for name in names_in(base, suffix=".dat"):
        if said := _CACHE.fullmatch(name):
            best[said[1]] = max(best.get(said[1], 0), int(said[2]))
    found = {}
    for split in (name for name in SPLITS if name in best):
        path = base / f"modelnet40_{split}_{best[split]}pts_fps.dat"
        archive = Archive(path, load_pickle)
        listed = base / f"modelnet40_{split}.txt"
        if listed.is_file():
            ids, labels = map(list, zip(*listed_ids(listed), strict=True))
        else:
            labels = _cached_labels(archive)
            ids = [f"{split}/{row:05d}" for row in range(len(labels))]
        clouds = [PackedCloud(archive, row, _Cached(label)) for row, label in enumerate(labels)]
        there = listed if listed.is_file() else None
        found[split] = Split(ids, labels, list(clouds), there, len(ids), best[split])
    return found


class _Cached:
    """Takes a cloud out of the pickled ``[clouds, labels]``, and compares its class."""

    def __init__(self, label: str) -> None:
        self.label = label

    def __call__(self, content: Any, row: int, where: str) -> Points:
        clouds, labels = _pair(content, where)
        if row >= len(clouds):
            raise ItemError(f"has {len(clouds)} clouds: none for this row", where=where)
        found = named_class(labels[row], MODELNET40, where)
        if found != self.label:
            what = f"the cloud is of class {found}, but the list says {self.label}"
            raise ItemError(what, where=where, fix="list and cache are of different orders")
        return points_of(clouds[row], where), None


def _pair(content: Any, where: str) -> tuple[list[Any], list[Any]]:
    good = isinstance(content, list) and len(content) == 2
    if not good or any(not hasattr(each, "__len__") for each in content):
        raise ItemError("is no pair of clouds and labels", where=where)
    clouds, labels = content
    if len(clouds) != len(labels):
        raise ItemError(f"has {len(clouds)} clouds and {len(labels)} labels", where=where)
    return clouds, labels


def _cached_labels(archive: Archive) -> list[str]:
    where = shown(archive.path)
    try:
        _, labels = _pair(archive.content, where)
        return [
            named_class(label, MODELNET40, f"{where}[{row}]") for row, label in enumerate(labels)
        ]
    except ItemError as error:
        raise DataError(error.what, where=error.where, fix=error.fix) from error


def named_class(label: Any, names: tuple[str, ...], where: str) -> str:
    """The class of a number, or of an array of one."""
    import numpy as np

    number = np.asarray(label)
    good = number.size == 1 and number.dtype.kind in "iuf"
    value = float(number.reshape(-1)[0]) if good else -1.0
    if not 0 <= value < len(names) or value != int(value):
        what = f"the label {str(label)[:40]} is no number from 0 to {len(names) - 1}"
        raise ItemError(what, where=where)
    return names[int(value)]


# --- hdf5 --------------------------------------------------------------------------------------


def h5_base(root: Path) -> Path | None:
    """The folder with the lists of hdf5 files."""
    for base in (root / H5_FOLDER, root):
        if first_place(base, [f"{split}_files.txt" for split in SPLITS]) or names_in(
            base, suffix=".h5"
        ):
            return base
    return None


def h5_splits(base: Path, _preparation: Preparation) -> dict[str, Split]:
    """The clouds of the files that ``test_files.txt`` and ``train_files.txt`` name.

    Raises:
        DataError: A file is not there, or its labels are none.
    """
    found = {}
    for split in SPLITS:
        listed = base / f"{split}_files.txt"
        if not listed.is_file():
            continue
        ids: list[str] = []
        labels: list[str] = []
        clouds: list[H5Cloud] = []
        points = 0
        for number, line in numbered_lines(listed):
            path = base / line.replace("\\", "/").rsplit("/", 1)[-1]
            where = f"{shown(listed)}:{number}"
            if path.suffix != ".h5":
                raise DataError(f"{line[:60]!r} names no hdf5 file (.h5)", where=where)
            if not path.is_file():
                raise DataMissing("the file is not there", where=shown(path), fix=f"see {where}")
            try:
                own = labels_of(path, MODELNET40)
                points = max(points, h5_shape(path, "data")[1])
            except ItemError as error:
                raise DataError(error.what, where=error.where, fix=error.fix) from error
            ids += [f"{path.stem}/{row:04d}" for row in range(len(own))]
            labels += own
            clouds += [H5Cloud(path, row) for row in range(len(own))]
        if len(set(ids)) < len(ids):
            raise DataError("names a file more than once", where=shown(listed))
        found[split] = Split(ids, labels, list(clouds), listed, len(ids), points)
    return found


def labels_of(path: Path, names: tuple[str, ...]) -> list[str]:
    """The class of each row of an hdf5 file with ``data`` [N, points, 3] and ``label`` [N, 1].

    Raises:
        ItemError: It can't be read, or has other arrays.
    """
    shape = h5_shape(path, "data")
    numbers = h5_array(path, "label")
    if len(shape) != 3 or shape[2] not in (3, 6) or numbers.size != shape[0]:
        what = f"has data of the shape {shape} and {numbers.size} labels, not [N, points, 3] and N"
        raise ItemError(what, where=shown(path))
    return [
        named_class(each, names, f"{shown(path)}[{row}]")
        for row, each in enumerate(numbers.reshape(-1))
    ]


# --- OpenShape ---------------------------------------------------------------------------------


def openshape_base(root: Path) -> Path | None:
    """The folder with ``test_split.json`` and ``test_pc.npy``."""
    for base in (root, root / "modelnet40", root / "meta_data" / "modelnet40"):
        if first_place(base, ["test_split.json", "test_pc.npy"]):
            return base
    return None


def openshape_splits(base: Path, _preparation: Preparation) -> dict[str, Split]:
    """The clouds that ``test_split.json`` names, in its order.

    Raises:
        DataError: An entry is none, or there twice.
    """
    listed, packed = base / "test_split.json", base / "test_pc.npy"
    if not listed.is_file():
        return {}
    if not packed.is_file():
        fix = f"it lies beside {listed.name} in OpenShape's meta_data.zip: get both"
        raise DataMissing("the clouds are not there", where=shown(packed), fix=fix)
    entries = read_json(listed)
    if not isinstance(entries, list) or not entries:
        raise DataError("must be a list of shapes", where=shown(listed))
    archive = Archive(packed, load_npy)
    labels: dict[str, str] = {}
    for row, entry in enumerate(entries):
        where = f"{shown(listed)}[{row}]"
        good = isinstance(entry, dict) and all(
            isinstance(entry.get(key), str) and entry[key] for key in ("name", "category")
        )
        if not good:
            raise DataError("an entry must have a name and a category", where=where)
        if entry["name"] in labels:
            raise DataError(f"the name {entry['name']!r} is there twice", where=where)
        labels[entry["name"]] = class_named(entry["category"], where)
    clouds = [PackedCloud(archive, row, _of_table) for row in range(len(labels))]
    return {"test": Split(list(labels), list(labels.values()), list(clouds), listed, len(labels))}


def _of_table(content: Any, row: int, where: str) -> Points:
    """A row of ``test_pc.npy``; its colours are 0 to 255."""
    import numpy as np

    if not isinstance(content, np.ndarray) or content.ndim != 1:
        said = f"shape {np.shape(content)}" if isinstance(content, np.ndarray) else "no array"
        raise ItemError(f"the file is no array of tables, one a cloud: {said}", where=where)
    if row >= len(content):
        raise ItemError(f"has {len(content)} clouds: none for this row", where=where)
    return coloured_points(content[row], where, scale=255.0)


# --- Meshes ------------------------------------------------------------------------------------


def mesh_base(root: Path) -> Path | None:
    """The folder with folders ``<class>/test/`` of OFF files."""
    for base in (root / "ModelNet40", root):
        classes = names_in(base) & set(MODELNET40)
        if any((base / name / split).is_dir() for name in classes for split in SPLITS):
            return base
    return None


def mesh_splits(base: Path, preparation: Preparation) -> dict[str, Split]:
    """The meshes in the folders of the classes; the folder is all the list there is."""
    found = {}
    count = max(preparation.points, LEAST_SAMPLED)
    for split in SPLITS:
        rows = [
            (file.removesuffix(".off"), name, base / name / split / file)
            for name in MODELNET40
            for file in sorted(names_in(base / name / split, suffix=".off"))
        ]
        if rows:
            clouds = [MeshCloud(path, preparation.sampling_seed, count) for _, _, path in rows]
            ids = [item for item, _, _ in rows]
            found[split] = Split(ids, [name for _, name, _ in rows], list(clouds), None, len(rows))
    return found
