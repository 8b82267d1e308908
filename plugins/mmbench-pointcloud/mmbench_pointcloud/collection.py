"""What every dataset here shares: stored clouds as a stream, and what is said of folders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from mmbench.api import (
    BrokenItem,
    Collection,
    DataMissing,
    Dataset,
    DataStatus,
    ItemError,
    MmbenchError,
    Stream,
)
from mmbench_pointcloud.files import shown
from mmbench_pointcloud.preparation import (
    Axes,
    Colour,
    Degenerate,
    Normalise,
    Preparation,
    Sampling,
    Short,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from mmbench.api import DataSource, PointCloud

    Points = tuple[NDArray[np.float32], NDArray[np.float32] | None]

__all__ = ["STREAM", "CloudCollection", "CloudDataset", "Stored"]

STREAM = "pointcloud"


class Stored(Protocol):
    """A cloud as it is stored: a file, or a place in one."""

    @property
    def path(self) -> Path:
        """The file."""
        ...

    @property
    def place(self) -> str:
        """Where in the file, and how it is read, as part of a content key."""
        ...

    @property
    def where(self) -> str:
        """The file and the place in it, for errors."""
        ...

    def load(self, preparation: Preparation) -> Points:
        """Points [points, 3], and their colours if there are any.

        Raises:
            ItemError: It can't be read.
        """
        ...


class CloudCollection(Collection):
    """Clouds, prepared as the options say.

    Args:
        name: The collection's name.
        ids: One a row.
        stored: One a row.
        columns: Row-aligned plain values.
        source: Where the dataset lies.
        reader: Name and version of the reader, the beginning of every content key.
        preparation: What is done to the points.
        listed: The list that names the items; errors about files that are not there name it.
    """

    parallel_loads = True

    def __init__(
        self,
        name: str,
        ids: Sequence[str],
        stored: Sequence[Stored],
        columns: Mapping[str, Sequence[Any]],
        source: DataSource,
        reader: str,
        preparation: Preparation,
        listed: Path | None = None,
    ) -> None:
        self.name = name
        self.ids = list(ids)
        self.streams = {STREAM: Stream(STREAM, "pointcloud", "PointCloud")}
        self.columns = dict(columns)
        self._stored = list(stored)
        self._source = source
        self._reader = reader
        self._preparation = preparation
        self._listed = listed

    def load(self, row: int, stream: str) -> PointCloud:
        """Read one cloud, and prepare it.

        Raises:
            ItemError: It can't be read, or is no shape; names the file, and the line or the place.
        """
        stored = self._stored[row]
        try:
            xyz, rgb = stored.load(self._preparation)
            return self._preparation.apply(
                xyz, rgb, content=self._content(stored), where=stored.where
            )
        except ItemError as error:
            if self._listed is None or stored.path.is_file():
                raise
            fix = f"{self.ids[row]} is listed in {shown(self._listed)}"
            raise ItemError(error.what, where=error.where, fix=fix) from error

    def content_keys(self, stream: str) -> list[str | None]:
        """Reader, what is done to the points, hash of the file and the place in it."""
        return [
            f"{self._reader}/{self._preparation.key}/{self._content(stored)}"
            for stored in self._stored
        ]

    def _content(self, stored: Stored) -> str:
        """Of a file that is not there its name: the item is listed as broken, with the reason."""
        if stored.path.is_file():
            return f"{stored.place}/{self._source.hash_file(stored.path)}"
        name = stored.path.relative_to(self._source.root).as_posix()
        return f"{stored.place}/missing:{name!a}"


class CloudDataset(Dataset):
    """A dataset of clouds, prepared as its options say.

    Args:
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

    refused: ClassVar[Mapping[str, str]] = {
        "degenerate=nan": "ULIP divides by zero here, and NaN is no point: the item is dropped and "
        "listed, or becomes zeros as in OpenShape (degenerate=zeros)",
    }
    #: What to say to those who don't have it.
    advice = ""

    def __init__(
        self,
        *,
        points: int = 0,
        sampling: Sampling = "first",
        sampling_seed: int = 0,
        short: Short = "drop",
        normalise: Normalise = "unit-sphere",
        degenerate: Degenerate = "drop",
        axes: Axes = "as-stored",
        colour: Colour = "stored",
    ) -> None:
        self.preparation = Preparation(
            points, sampling, sampling_seed, short, normalise, degenerate, axes, colour
        )

    def facts(self, source: DataSource) -> tuple[str, ...]:
        """What was found of it, in words. Opens no cloud.

        Raises:
            MmbenchError: What ``collections`` raises of lists.
        """
        raise NotImplementedError

    def status(self, source: DataSource) -> DataStatus:
        """What is there of it and what is not."""
        try:
            return DataStatus(True, found=self.facts(source), advice=self.advice)
        except DataMissing as error:
            return DataStatus(False, missing=(error.where,), advice=error.fix or self.advice)
        except MmbenchError as error:
            return DataStatus(False, advice=str(error))

    def check(
        self,
        source: DataSource,
        progress: Callable[[int, int, str], None] = lambda _done, _total, _what: None,
    ) -> list[BrokenItem]:
        """Read and prepare every cloud, and list what is broken."""
        broken = []
        for name, collection in self.collections(source).items():
            for row, item in enumerate(collection.ids):
                progress(row, len(collection), f"{name}/{STREAM}")
                try:
                    collection.load(row, STREAM)
                except ItemError as error:
                    broken.append(BrokenItem(name, item, STREAM, str(error)))
        return broken
