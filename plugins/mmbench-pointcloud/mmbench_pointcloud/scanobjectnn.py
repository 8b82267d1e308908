"""ScanObjectNN (Uy et al., ICCV 2019): things of 15 classes cut out of scanned rooms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mmbench.api import DataError, DataMissing, DatasetInfo, ItemError
from mmbench.api.unpickling import load_npy
from mmbench_pointcloud.archives import (
    Archive,
    H5Cloud,
    PackedCloud,
    coloured_points,
)
from mmbench_pointcloud.classes import SCANOBJECTNN
from mmbench_pointcloud.collection import CloudCollection, CloudDataset
from mmbench_pointcloud.files import first_place, shown
from mmbench_pointcloud.layouts_packed import labels_of, named_class
from mmbench_pointcloud.scan_files import PACKED, VARIANTS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from mmbench.api import Collection, DataSource
    from mmbench_pointcloud.collection import Points, Stored

__all__ = ["ScanObjectNN"]

NAME = "scanobjectnn"
VERSION = "1"


class ScanObjectNN(CloudDataset):
    """ScanObjectNN's test sets.

    Collections ``openshape`` (``xyz_label.npy``, as OpenShape has it), ``obj-only``, ``obj-bg`` and
    ``pb-t50-rs`` (hdf5, the three variants: the thing alone, with what is around it, and that
    shifted, turned and scaled); those that are there. The stream is ``pointcloud``, the column
    ``label``.

    Args:
        points: How many points of a cloud are taken; 0 takes all.
        sampling: The ``first`` points, the ``fps`` ones (farthest point sampling from a seeded
            start), or ``random`` ones.
        sampling_seed: Of farthest point sampling and of the random draw.
        short: A cloud of fewer points is dropped, kept as it is, or its points are repeated.
        normalise: ``unit-sphere`` centres the points and scales the farthest to distance 1.
        degenerate: A cloud whose points are all equal is dropped, or becomes zeros (OpenShape).
        axes: As they are stored, or with y and z changed over (OpenShape).
        colour: As stored, if it is; ``grey`` (0.4) where none is stored; ``none`` takes none.
    """

    advice = (
        "https://hkust-vgd.github.io/scanobjectnn gives h5_files/main_split*/, OpenShape's "
        "meta_data.zip scanobjectnn/xyz_label.npy: put them into <data root>/scanobjectnn; "
        "`mmbench data sample scanobjectnn --root DIR` makes some up"
    )

    @property
    def info(self) -> DatasetInfo:
        """What it is."""
        return DatasetInfo(
            name=NAME,
            version=VERSION,
            licence="MIT, after agreeing to the terms of use",
            citation="Uy et al.: Revisiting Point Cloud Classification, ICCV 2019",
            url="https://hkust-vgd.github.io/scanobjectnn",
        )

    def collections(self, source: DataSource) -> Mapping[str, Collection]:
        """The test sets that are there."""
        found: dict[str, Collection] = {}
        for name, path in self._files(source.root).items():
            try:
                labels, stored = _packed(path) if name == "openshape" else _h5(path)
            except ItemError as error:
                raise DataError(error.what, where=error.where, fix=error.fix) from error
            if not labels:
                raise DataError("holds no clouds", where=shown(path))
            found[name] = CloudCollection(
                name,
                [f"{name}/{row:05d}" for row in range(len(labels))],
                stored,
                {"label": labels},
                source,
                f"{NAME}-{VERSION}",
                self.preparation,
            )
        return found

    def facts(self, source: DataSource) -> tuple[str, ...]:
        """Which test sets are there."""
        root = source.root
        files = self._files(root).items()
        return tuple(f"{name}: {shown(path.relative_to(root))}" for name, path in files)

    def write_sample(self, root: Path, *, items: int, seed: int) -> None:
        """Write made-up shapes in both layouts."""
        from mmbench_pointcloud.sample_others import write_scanobjectnn

        write_scanobjectnn(root, items=items, seed=seed)

    def _files(self, root: Path) -> dict[str, Path]:
        """The files of the test sets, by the name of their collection.

        Raises:
            DataMissing: There is none.
        """
        nests = ("", "scanobjectnn/", "meta_data/scanobjectnn/")
        places = {"openshape": first_place(root, [f"{nest}{PACKED}" for nest in nests])}
        for name, file in VARIANTS.items():
            places[name] = first_place(root, [f"{nest}{file}" for nest in ("", "h5_files/")])
        found = {name: place for name, place in places.items() if place is not None}
        if not found:
            raise DataMissing("no test set is there", where=shown(root / PACKED), fix=self.advice)
        return found


def _h5(path: Path) -> tuple[list[str], list[Stored]]:
    labels = labels_of(path, SCANOBJECTNN)
    return labels, [H5Cloud(path, row) for row in range(len(labels))]


def _packed(path: Path) -> tuple[list[str], list[Stored]]:
    archive = Archive(path, load_npy)
    where = shown(path)
    table = _table(archive.content, where)
    labels = [
        named_class(label, SCANOBJECTNN, f"{where}[{row}]")
        for row, label in enumerate(table["label"])
    ]
    return labels, [PackedCloud(archive, row, _of_table) for row in range(len(labels))]


def _table(content: Any, where: str) -> dict[str, Any]:
    good = isinstance(content, dict) and "xyz" in content and "label" in content
    if not good or any(not hasattr(content[key], "__len__") for key in ("xyz", "label")):
        raise ItemError("is no table with xyz and label", where=where)
    if len(content["xyz"]) != len(content["label"]):
        what = f"has {len(content['xyz'])} clouds and {len(content['label'])} labels"
        raise ItemError(what, where=where)
    return dict(content)


def _of_table(content: Any, row: int, where: str) -> Points:
    table = _table(content, where)
    own = {"xyz": table["xyz"][row]}
    if table.get("rgb") is not None:
        if len(table["rgb"]) != len(table["xyz"]):
            raise ItemError("has another number of colours than of clouds", where=where)
        own["rgb"] = table["rgb"][row]
    return coloured_points(own, where, scale=1.0)
