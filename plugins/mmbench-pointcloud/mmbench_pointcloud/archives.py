"""Files that hold many clouds, opened once; and files that hold one cloud as a table of arrays."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Any

from mmbench.api import ItemError
from mmbench.api.unpickling import load_npy
from mmbench_pointcloud.files import shown

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from mmbench_pointcloud.collection import Points
    from mmbench_pointcloud.preparation import Preparation

__all__ = [
    "Archive",
    "H5Cloud",
    "NpyCloud",
    "PackedCloud",
    "coloured_points",
    "h5_array",
    "h5_shape",
    "points_of",
]


@dataclass
class Archive:
    """A file that is read whole, when something of it is first wanted.

    Attributes:
        path: The file.
        read: What reads it.
    """

    path: Path
    read: Callable[[Path], Any]
    _lock: Lock = field(default_factory=Lock, repr=False)
    _content: list[Any] = field(default_factory=list, repr=False)

    @property
    def content(self) -> Any:
        """What it holds.

        Raises:
            ItemError: It can't be read; the same is said of every item, and found out once.
        """
        with self._lock:
            if not self._content:
                try:
                    self._content.append(self.read(self.path))
                except ItemError as error:
                    self._content.append(error)
        found = self._content[0]
        if isinstance(found, ItemError):
            raise ItemError(found.what, where=found.where, fix=found.fix)
        return found


@dataclass(frozen=True)
class PackedCloud:
    """A row of an archive.

    Attributes:
        archive: The file.
        row: Which of its clouds.
        pick: What takes that cloud's points and colours out of the content.
    """

    archive: Archive
    row: int
    pick: Callable[[Any, int, str], Points]

    @property
    def path(self) -> Path:
        """The file."""
        return self.archive.path

    @property
    def place(self) -> str:
        """The row."""
        return f"packed {self.row}"

    @property
    def where(self) -> str:
        """The file and the row."""
        return f"{shown(self.path)}[{self.row}]"

    def load(self, preparation: Preparation) -> Points:
        """Take it out of the archive.

        Raises:
            ItemError: The archive can't be read, or has no such row.
        """
        return self.pick(self.archive.content, self.row, self.where)


@dataclass(frozen=True)
class H5Cloud:
    """A row of ``data`` in an hdf5 file."""

    path: Path
    row: int

    @property
    def place(self) -> str:
        """The row."""
        return f"data {self.row}"

    @property
    def where(self) -> str:
        """The file and the row."""
        return f"{shown(self.path)}[{self.row}]"

    def load(self, preparation: Preparation) -> Points:
        """Read that row alone.

        Raises:
            ItemError: The file can't be read.
        """
        return points_of(h5_array(self.path, "data", self.row), self.where), None


@dataclass(frozen=True)
class NpyCloud:
    """A ``.npy`` file of one cloud: a table with ``xyz`` and ``rgb`` in 0..1 (OpenShape)."""

    path: Path

    @property
    def place(self) -> str:
        """Names how it is read."""
        return "npy"

    @property
    def where(self) -> str:
        """The file."""
        return shown(self.path)

    def load(self, preparation: Preparation) -> Points:
        """Read it.

        Raises:
            ItemError: It is not there or broken, or names more than arrays.
        """
        return coloured_points(load_npy(self.path), self.where, scale=1.0)


def coloured_points(table: Any, where: str, *, scale: float) -> Points:
    """Points and colours of a table with ``xyz`` and perhaps ``rgb``.

    Args:
        table: What was stored.
        where: Where, for errors.
        scale: The colour that is 1.

    Raises:
        ItemError: It is no such table.
    """
    import numpy as np

    if not isinstance(table, dict) or "xyz" not in table:
        raise ItemError("the cloud is no table with xyz", where=where)
    xyz = points_of(table["xyz"], where)
    if table.get("rgb") is None:
        return xyz, None
    rgb = points_of(table["rgb"], where, what="colours", widths=(3, 4)) / np.float32(scale)
    if rgb.shape != xyz.shape:
        raise ItemError(f"{len(rgb)} colours for {len(xyz)} points", where=where)
    return xyz, rgb


def points_of(
    values: Any, where: str, *, what: str = "points", widths: tuple[int, ...] = (3, 6)
) -> NDArray[np.float32]:
    """The first three numbers of each point, [points, 3].

    Args:
        values: What was stored.
        where: Where, for errors.
        what: What it should be, for errors.
        widths: How many numbers a point may have: its normal may stand beside it.

    Raises:
        ItemError: It is no array of points.
    """
    import numpy as np

    good = isinstance(values, np.ndarray) and values.dtype.kind in "fiu" and values.ndim == 2
    if not good or values.shape[1] not in widths:
        said = type(values).__name__
        if isinstance(values, np.ndarray):
            said = f"shape {values.shape} of {values.dtype}"
        raise ItemError(f"the cloud is no array of {what} [points, 3]: {said}", where=where)
    with np.errstate(over="ignore"):  # infinity is said of its item
        return np.ascontiguousarray(values[:, :3], dtype=np.float32)


def h5_array(path: Path, name: str, row: int | None = None) -> NDArray[Any]:
    """An array of an hdf5 file, or a row of it.

    Raises:
        ItemError: It is not there, or the file can't be read.
    """
    import numpy as np

    return np.asarray(_h5(path, name, lambda array: array[...] if row is None else array[row]))


def h5_shape(path: Path, name: str) -> tuple[int, ...]:
    """The shape of an array of an hdf5 file, without reading it.

    Raises:
        ItemError: It is not there, or the file can't be read.
    """
    return tuple(_h5(path, name, lambda array: array.shape))


def _h5(path: Path, name: str, take: Callable[[Any], Any]) -> Any:
    import h5py

    if not path.is_file():
        raise ItemError("the file is not there", where=shown(path))
    try:
        with h5py.File(path, "r") as file:
            found = take(file[name]) if name in file else None
    except Exception as error:  # a damaged file raises all kinds of things
        what = f"can't be read, or is cut off: {error}"
        raise ItemError(what.splitlines()[0][:200], where=shown(path)) from error
    if found is None:
        raise ItemError(f"has no array {name!r}", where=shown(path))
    return found
