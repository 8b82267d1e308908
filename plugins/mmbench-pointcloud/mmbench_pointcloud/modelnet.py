"""ModelNet40 (Wu et al., CVPR 2015): CAD models of 40 classes, in the layouts people have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from mmbench.api import DataMissing, DatasetInfo
from mmbench_pointcloud.collection import CloudCollection, CloudDataset
from mmbench_pointcloud.files import shown
from mmbench_pointcloud.layouts import Split, text_base, text_splits
from mmbench_pointcloud.layouts_packed import (
    H5_FOLDER,
    cache_base,
    cache_splits,
    h5_base,
    h5_splits,
    mesh_base,
    mesh_splits,
    openshape_base,
    openshape_splits,
)
from mmbench_pointcloud.preparation import (  # noqa: TC001 - options are read by hint
    Axes,
    Colour,
    Degenerate,
    Normalise,
    Preparation,
    Sampling,
    Short,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from mmbench.api import Collection, DataSource

__all__ = ["Layout", "ModelNet40"]

NAME = "modelnet40"
VERSION = "1"

Layout = Literal["auto", "txt", "cache", "hdf5", "openshape", "off"]


@dataclass(frozen=True)
class _Reader:
    """One layout: where it would be, its folder if it is there, and what is in it."""

    wanted: str
    base: Callable[[Path], Path | None]
    splits: Callable[[Path, Preparation], dict[str, Split]]


#: In the order in which ``auto`` looks for them.
_READERS: dict[str, _Reader] = {
    "txt": _Reader("modelnet40_normal_resampled/modelnet40_test.txt", text_base, text_splits),
    "cache": _Reader(
        "modelnet40_normal_resampled/modelnet40_test_8192pts_fps.dat", cache_base, cache_splits
    ),
    "hdf5": _Reader(f"{H5_FOLDER}/test_files.txt", h5_base, h5_splits),
    "openshape": _Reader("test_split.json", openshape_base, openshape_splits),
    "off": _Reader("ModelNet40/airplane/test", mesh_base, mesh_splits),
}


class ModelNet40(CloudDataset):
    """ModelNet40: 9,843 shapes to learn from and 2,468 to be tested on, of 40 classes.

    Collections ``test`` and ``train`` with the stream ``pointcloud`` and the column ``label``, the
    class as files spell it (``flower_pot``); those whose lists are there.

    Args:
        layout: Which of the layouts is read; ``auto`` takes the first that is there: ``txt`` (text
            files of 10,000 points), ``cache`` (ULIP's pickle of 8,192), ``hdf5`` (2,048 points),
            ``openshape`` (npy and json, 10,000 grey points), ``off`` (meshes, sampled by area).
        points: How many points of a cloud are taken; 0 takes all.
        sampling: The ``first`` points, the ``fps`` ones (farthest point sampling from a seeded
            start), or ``random`` ones.
        sampling_seed: Of farthest point sampling, the random draw and points on a mesh's surface.
        short: A cloud of fewer points is dropped, kept as it is, or its points are repeated.
        normalise: ``unit-sphere`` centres the points and scales the farthest to distance 1.
        degenerate: A cloud whose points are all equal is dropped, or becomes zeros (OpenShape).
        axes: As they are stored, or with y and z changed over (OpenShape, Uni3D).
        colour: As stored, if it is; ``grey`` (0.4) where none is stored; ``none`` takes none.
    """

    advice = (
        "modelnet40_normal_resampled (PointNet++, ULIP), modelnet40_ply_hdf5_2048 (PointNet), "
        "test_split.json and test_pc.npy (OpenShape's meta_data.zip) or ModelNet40 (meshes, "
        "https://modelnet.cs.princeton.edu): put one into <data root>/modelnet40; `mmbench data "
        "sample modelnet40 --root DIR` makes some up"
    )

    def __init__(
        self,
        *,
        layout: Layout = "auto",
        points: int = 0,
        sampling: Sampling = "first",
        sampling_seed: int = 0,
        short: Short = "drop",
        normalise: Normalise = "unit-sphere",
        degenerate: Degenerate = "drop",
        axes: Axes = "as-stored",
        colour: Colour = "stored",
    ) -> None:
        super().__init__(
            points=points,
            sampling=sampling,
            sampling_seed=sampling_seed,
            short=short,
            normalise=normalise,
            degenerate=degenerate,
            axes=axes,
            colour=colour,
        )
        self.layout = layout

    @property
    def info(self) -> DatasetInfo:
        """What it is."""
        return DatasetInfo(
            name=NAME,
            version=VERSION,
            licence="academic use (Princeton ModelNet)",
            citation="Wu et al.: 3D ShapeNets, CVPR 2015",
            url="https://modelnet.cs.princeton.edu",
        )

    def collections(self, source: DataSource) -> Mapping[str, Collection]:
        """The splits of the layout that is there, or that was asked for."""
        layout, splits = self._splits(source.root)
        found = {}
        for name, split in splits.items():
            split.check_points(self.preparation, layout)
            columns = {"label": split.labels, "layout": [layout] * len(split.ids)}
            found[name] = CloudCollection(
                name,
                split.ids,
                split.stored,
                columns,
                source,
                f"{NAME}-{VERSION}",
                self.preparation,
                split.listed,
            )
        return found

    def facts(self, source: DataSource) -> tuple[str, ...]:
        """How many clouds the layout has that is read, and which others are there."""
        bases = self._bases(source.root)
        layout, splits = self._splits(source.root)
        said = [
            f"{layout}: {split.there} of {len(split.ids)} {name} clouds of "
            f"{len(set(split.labels))} classes"
            for name, split in splits.items()
        ]
        said += [f"{other}: -o layout={other} reads it" for other in bases if other != layout]
        return tuple(said)

    def write_sample(self, root: Path, *, items: int, seed: int) -> None:
        """Write the same made-up shapes in every layout, or in the one that was chosen."""
        from mmbench_pointcloud.sample_modelnet import write_modelnet

        write_modelnet(root, items=items, seed=seed, layout=self.layout)

    def _bases(self, root: Path) -> dict[str, Path]:
        """The folders of the layouts that are there, in the order of preference."""
        chosen = _READERS if self.layout == "auto" else {self.layout: _READERS[self.layout]}
        places = {name: reader.base(root) for name, reader in chosen.items()}
        return {name: place for name, place in places.items() if place is not None}

    def _splits(self, root: Path) -> tuple[str, dict[str, Split]]:
        """The layout that is read, and its splits.

        Raises:
            DataMissing: None is there, or it lacks its list.
        """
        bases = self._bases(root)
        if not bases:
            auto = self.layout == "auto"
            what = "it is in none of its layouts there" if auto else "is not there"
            where = shown(root / _READERS["txt" if auto else self.layout].wanted)
            raise DataMissing(what, where=where, fix=self.advice)
        layout, base = next(iter(bases.items()))
        splits = _READERS[layout].splits(base, self.preparation)
        if not splits:
            raise DataMissing(
                f"the layout {layout} is there, but not what lists its shapes",
                where=shown(base / _READERS[layout].wanted.rsplit("/", 1)[-1]),
                fix=self.advice,
            )
        return layout, splits
