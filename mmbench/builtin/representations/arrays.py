"""Bring your own embeddings: vectors read from a folder of ``.npy`` files and an id list.

See ``docs/bring-your-own-embeddings.md`` for the layout.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from mmbench.api.errors import DataError, DataMissing, UsageError
from mmbench.api.payloads import KINDS
from mmbench.api.representation import Offer, PrecomputedRepresentation, RepresentationInfo
from mmbench.api.streams import Slot

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from mmbench.api.representation import EmbeddingKind
    from mmbench.api.streams import Stream

_IDS = "ids.txt"
_LAYOUT = "see docs/bring-your-own-embeddings.md"
_SHAPES = {"global": ("[items, dim]", 2), "dense": ("[items, rows, columns, dim]", 4)}


class Arrays(PrecomputedRepresentation):
    """Vectors by item id: ``<stream>.npy`` [items, dim] beside ``ids.txt``, one id a line.

    ``<stream>.dense.npy`` [items, rows, columns, dim] holds dense maps, and
    ``<stream>+<stream>.npy`` vectors of several streams at once. Files for one collection only
    go into a subfolder of the collection's name, with an ``ids.txt`` of its own.

    Args:
        folder: Where the files are.
        similarity: How two vectors compare.
    """

    def __init__(self, *, folder: str, similarity: Literal["cosine", "dot"] = "cosine") -> None:
        if not folder:
            raise UsageError(
                "the option folder is empty",
                where="arrays",
                fix=f"name the folder of your .npy files: -o folder=PATH; {_LAYOUT}",
            )
        self.folder = Path(folder).expanduser()
        self.similarity: Literal["cosine", "dot"] = similarity
        self._slots: tuple[Slot, ...] = ()
        self._offers: frozenset[Offer] = frozenset()
        self._opened: dict[Path, _Folder] = {}

    @property
    def info(self) -> RepresentationInfo:
        """Follows the files that there are for the streams it was bound to."""
        return RepresentationInfo(
            name="arrays",
            version="1",
            slots=self._slots,
            offers=self._offers,
            similarity=self.similarity,
        )

    def bind(self, streams: Sequence[Stream]) -> None:
        """Open a slot for each stream that a file holds vectors of.

        Raises:
            UsageError: There is no such folder.
            DataMissing: There is no id list, or no file for any of the streams.
            DataError: Two collections' vectors differ in length, or a file is broken.
        """
        modalities = {stream.name: stream.modality for stream in streams}
        dims: dict[tuple[EmbeddingKind, frozenset[str]], int] = {}
        origin: dict[tuple[EmbeddingKind, frozenset[str]], Path] = {}
        for folder in self._folders():
            for key, path in folder.files.items():
                if not key[1] <= modalities.keys():
                    continue
                dim = int(folder.array(*key).shape[-1])
                if dims.setdefault(key, dim) != dim:
                    raise DataError(
                        f"vectors have length {dim}, but {dims[key]} in {origin[key]}",
                        where=str(path),
                    )
                origin.setdefault(key, path)
        if not dims:
            wanted = " or ".join(f"{name}.npy" for name in modalities)
            raise DataMissing(f"there is no {wanted}", where=str(self.folder), fix=_LAYOUT)
        used = frozenset[str]().union(*(slots for _, slots in dims))
        self._slots = tuple(
            Slot(name, modality, tuple(KINDS))
            for name, modality in modalities.items()
            if name in used
        )
        self._offers = frozenset(Offer(kind, slots, dim) for (kind, slots), dim in dims.items())

    def missing_offer(self, kind: EmbeddingKind, streams: frozenset[str]) -> str:
        """The file to add."""
        return f"add {_file_name(kind, streams)} to {self.folder}; {_LAYOUT}"

    def fingerprint(self) -> str:
        """Hash of all files' names and bytes; the folder's place does not matter."""
        digest = blake2b(digest_size=16)
        for folder in self._folders():
            for path in [folder.path / _IDS, *folder.files.values()]:
                digest.update(f"{path.relative_to(self.folder).as_posix()}\n".encode())
                with path.open("rb") as file:
                    while block := file.read(1 << 20):
                        digest.update(block)
        return digest.hexdigest()

    def lookup(
        self, collection: str, ids: Sequence[str], kind: EmbeddingKind, slots: frozenset[str]
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Vectors of the known ids; a collection's own subfolder comes before the top folder.

        Raises:
            DataMissing: There is no file of this kind for this collection.
            DataError: The file or the id list is broken; a vector holds NaN or infinity.
        """
        import numpy as np

        folder = self._folder_of(collection)
        if (kind, slots) not in folder.files:
            raise DataMissing(
                f"there is no {_file_name(kind, slots)} for collection {collection!r}",
                where=str(folder.path),
                fix=_LAYOUT,
            )
        array = folder.array(kind, slots)
        rows = [folder.rows.get(item, -1) for item in ids]
        known = np.array([row >= 0 for row in rows], dtype=np.bool_)
        wanted = np.array([row for row in rows if row >= 0], dtype=np.intp)
        with np.errstate(over="ignore"):  # what is too large for float32 is infinite, and refused
            vectors = np.asarray(array[wanted], dtype=np.float32)
        bad = np.flatnonzero(~np.isfinite(vectors).all(axis=tuple(range(1, vectors.ndim))))
        if len(bad):
            row = int(wanted[bad[0]])
            first = list(folder.rows)[row]
            more = f" (as do {len(bad) - 1} more of {len(vectors)})" if len(bad) > 1 else ""
            raise DataError(
                f"the vector of {first!r}, row {row}, holds NaN or infinity{more}",
                where=str(folder.files[kind, slots]),
                fix=f"leave the item out of the file and of {_IDS}: it is then dropped and listed",
            )
        return vectors, known

    def unknown_ids(self, collection: str, ids: Sequence[str]) -> str:
        """With how the id list begins: mostly one of the two has a prefix that the other lacks."""
        folder = self._folder_of(collection)
        begins = ", ".join(repr(item) for item in list(folder.rows)[:2]) or "nothing"
        what = super().unknown_ids(collection, ids)
        return f"{what}; {folder.path / _IDS} begins with {begins}"

    def _folder_of(self, collection: str) -> _Folder:
        """A collection's own subfolder, or the top folder."""
        own = self.folder / collection
        return self._open(own if (own / _IDS).is_file() else self.folder)

    def _folders(self) -> list[_Folder]:
        """The top folder and its subfolders, those with an id list."""
        if not self.folder.is_dir():
            raise UsageError("there is no such folder", where=str(self.folder), fix=_LAYOUT)
        lists = [*self.folder.glob(_IDS), *sorted(self.folder.glob(f"*/{_IDS}"))]
        if not lists:
            raise DataMissing(f"there is no {_IDS} in it", where=str(self.folder), fix=_LAYOUT)
        return [self._open(path.parent) for path in lists]

    def _open(self, path: Path) -> _Folder:
        if path not in self._opened:
            self._opened[path] = _Folder.read(path)
        return self._opened[path]


@dataclass(frozen=True)
class _Folder:
    """One folder of arrays whose rows stand for the same ids.

    Attributes:
        path: Where it is.
        rows: Id to row.
        files: Kind and streams to the file with their vectors.
    """

    path: Path
    rows: dict[str, int]
    files: dict[tuple[EmbeddingKind, frozenset[str]], Path]

    @classmethod
    def read(cls, path: Path) -> _Folder:
        """Read the id list and the names of the files.

        Raises:
            DataMissing: There is no id list.
            DataError: An id occurs twice, or a line is empty.
        """
        listed = path / _IDS
        try:
            lines = listed.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            raise DataMissing(f"there is no {_IDS} in it", where=str(path), fix=_LAYOUT) from None
        except UnicodeDecodeError as error:
            raise DataError(f"is not UTF-8: {error}", where=str(listed)) from error
        rows: dict[str, int] = {}
        for row, item in enumerate(lines):
            if not item.strip():
                raise DataError("the line is empty", where=f"{listed}:{row + 1}")
            if item in rows:
                raise DataError(
                    f"id {item!r} stands in line {rows[item] + 1} already",
                    where=f"{listed}:{row + 1}",
                    fix="keep one row an item, and one line an item",
                )
            rows[item] = row
        files: dict[tuple[EmbeddingKind, frozenset[str]], Path] = {}
        for file in sorted(path.glob("*.npy")):
            stem = file.name.removesuffix(".npy")
            kind: EmbeddingKind = "dense" if stem.endswith(".dense") else "global"
            files[kind, frozenset(stem.removesuffix(".dense").split("+"))] = file
        return cls(path, rows, files)

    def array(self, kind: EmbeddingKind, slots: frozenset[str]) -> NDArray[Any]:
        """Map a file into memory.

        Raises:
            DataError: It is no array, or one of another shape or type than asked for.
        """
        import numpy as np

        path = self.files[kind, slots]
        try:
            array: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
        except (ValueError, OSError, EOFError) as error:
            raise DataError(f"is not a plain .npy array: {error}", where=str(path)) from error
        shape, dimensions = _SHAPES[kind]
        if array.ndim != dimensions:
            raise DataError(f"has shape {array.shape} instead of {shape}", where=str(path))
        if array.dtype.kind != "f":
            raise DataError(
                f"holds {array.dtype} instead of floating-point numbers",
                where=str(path),
                fix="save it with array.astype(numpy.float32)",
            )
        if len(array) != len(self.rows):
            raise DataError(
                f"has {len(array)} rows, but {_IDS} beside it names {len(self.rows)} ids",
                where=str(path),
                fix="row i of every array belongs to line i of the list",
            )
        return array


def _file_name(kind: EmbeddingKind, slots: frozenset[str]) -> str:
    return "+".join(sorted(slots)) + (".dense.npy" if kind == "dense" else ".npy")
