"""What a connector is given, and what is made of it: corpora's vectors, and projections."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mmbench.api import DataError, MmbenchError, PluginError
from mmbench.runner.encoding import checked, first_of_each
from mmbench.runner.matching import Group, groups_of
from mmbench.runner.vectors import SpaceWriter, storage_error

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from mmbench.api import Connector, Request
    from mmbench.runner.catalog import Catalog
    from mmbench.runner.matching import Match
    from mmbench.runner.trainings import Trainings
    from mmbench.runner.vectors import Space, VectorStore

__all__ = ["Embedded", "Projector", "gather_corpora"]

#: Rows that are copied at once.
_ROWS = 16384
#: Rows, and bytes of a base's vectors, that are projected at once. Fixed, so that a run that was
#: killed makes the very blocks of one that was not.
_BLOCK, _BYTES = 4096, 1 << 26


@dataclass(frozen=True)
class Embedded:
    """Finds the vectors that a base has made.

    Attributes:
        catalog: Where content keys are.
        vectors: The store.
        trainings: What the bases' trained states are.
    """

    catalog: Catalog
    vectors: VectorStore
    trainings: Trainings

    def group(self, found: Match, request: Request) -> Group:
        """The rows of a request about one slot."""
        for group in groups_of(found, request, self.catalog):
            return group
        none = np.empty(0, dtype=np.int64)
        return Group(tuple(found.slots(request)), none, np.empty((0, 2), dtype=np.uint64))

    def space(self, found: Match, request: Request, slots: tuple[str, ...]) -> Space:
        """Where its vectors lie."""
        artifact = self.trainings.artifact(found.subject)
        key = found.space(request.kind, slots, artifact, self.trainings.precision)
        space = self.vectors.space(key)
        space.refresh()
        return space


def gather_corpora(
    found: Match, embedded: Embedded, folder: Path
) -> tuple[dict[str, NDArray[np.float32]], list[dict[str, Any]]]:
    """The vectors of a connector's corpora, copied out of the store into files and mapped.

    Args:
        found: The connector.
        embedded: Finds its bases' vectors.
        folder: Where the files go.

    Returns:
        Arrays by request name, read-only; and of each corpus what the record says of it.

    Raises:
        DataError: A corpus has no items.
    """
    places: dict[str, tuple[Space, NDArray[np.int64]]] = {}
    kept: dict[str, NDArray[np.bool_]] = {}
    for corpus in found.subject.corpora:
        base = found.base(corpus.request.base)
        group = embedded.group(base, corpus.wanted)
        space = embedded.space(base, corpus.wanted, group.slots)
        mine = np.full(len(corpus.collection), -1, dtype=np.int64)
        mine[group.rows] = space.find(group.digests)
        places[corpus.request.name] = (space, mine)
        kept[corpus.aligned] = (mine >= 0) & kept.get(corpus.aligned, np.True_)
    arrays, told = {}, []
    for number, corpus in enumerate(found.subject.corpora):
        space, mine = places[corpus.request.name]
        rows = np.flatnonzero(kept[corpus.aligned])
        if not len(rows):
            encoder = found.subject.bases[corpus.request.base].choice.label
            raise DataError(
                f"none of the {len(mine)} items of the corpus {corpus.name} could be encoded by "
                f"{encoder}, and by all that have to encode the same",
                where=f"representation {found.subject.choice.label}",
            )
        arrays[corpus.request.name] = _mapped(folder / f"{number}.npy", space, mine[rows])
        told.append({"name": corpus.request.name, "items": len(mine), "used": len(rows)})
    return arrays, told


def _mapped(path: Path, space: Space, places: NDArray[np.int64]) -> NDArray[np.float32]:
    """Vectors at these places as a file that is mapped into memory."""
    width = space.gather(places[:1]).shape[1:]
    header = {"descr": "<f4", "fortran_order": False, "shape": (len(places), *width)}
    try:
        # Written, not mapped, to begin with: a full disk is an error then, and no signal.
        with path.open("wb") as file:
            np.lib.format.write_array_header_1_0(file, header)  # type: ignore[no-untyped-call]
            for start in range(0, len(places), _ROWS):
                block = space.gather(places[start : start + _ROWS])
                file.write(block.astype("<f4", copy=False).data)
    except OSError as error:
        raise storage_error(error, path.parent) from error
    mapped: NDArray[np.float32] = np.load(path, mmap_mode="r", allow_pickle=False)
    return mapped


@dataclass
class Projector:
    """A connector that has its state, ready to project what its bases encoded.

    Attributes:
        connector: Described, loaded, and with its state.
        label: Its name in messages.
        embedded: Finds its bases' vectors.
        progress: ``progress(done, total, what)``.
        device: Where it computes, for the store's notes.
    """

    connector: Connector
    label: str
    embedded: Embedded
    progress: Callable[[int, int, str], None]
    device: str = ""

    def fill(self, found: Match, request: Request) -> tuple[Space, tuple[str, ...]]:
        """Project what the store lacks of a request; nothing is decoded.

        Items that the base could not encode are passed over.

        Raises:
            PluginError: What it returns is of a wrong shape or not finite.
        """
        name = found.route(request)
        base = found.base(name)
        group = self.embedded.group(base, request)
        space = self.embedded.space(found, request, group.slots)
        source = self.embedded.space(base, request, group.slots)
        places = source.find(group.digests)
        lacking = (space.find(group.digests) < 0) & (places >= 0)
        missing = first_of_each(group.digests, np.flatnonzero(lacking))
        if not len(missing):
            return space, group.slots
        size = _block_rows(source.gather(places[missing[:1]]))
        writer = SpaceWriter(space, rows=size, device=self.device)
        done, shape = 0, None
        for rows in np.split(missing, np.flatnonzero(np.diff(missing // size)) + 1):
            start = time.perf_counter()
            vectors = source.gather(places[rows])
            projected = self._projected(name, group.slots[0], vectors, request, shape)
            shape = projected.shape[1:]
            writer.add(group.digests[rows], projected, time.perf_counter() - start)
            writer.flush()
            done += len(rows)
            self.progress(done, len(missing), f"{found.collection(request).name} {request.kind}")
        space.refresh()
        return space, group.slots

    def _projected(
        self, base: str, slot: str, vectors: NDArray[np.float32], request: Request,
        shape: tuple[int, ...] | None,
    ) -> NDArray[np.float32]:  # fmt: skip
        where = f"representation {self.label}"
        try:
            raw = self.connector.project(base, slot, vectors)
        except (MmbenchError, MemoryError):
            raise
        except Exception as error:
            what = f"project() raised {type(error).__name__}: {error}"
            raise PluginError(what, where=where) from error
        projected = checked(raw, len(vectors), request.kind, "project", where, shape)
        if projected.shape[:-1] != vectors.shape[:-1]:
            raise PluginError(
                f"project() returned shape {projected.shape} of vectors of shape {vectors.shape}",
                where=where, fix="project along the last axis, and keep the others",
            )  # fmt: skip
        return projected


def _block_rows(sample: NDArray[np.float32]) -> int:
    return int(max(1, min(_BLOCK, _BYTES // max(sample.nbytes, 1))))
