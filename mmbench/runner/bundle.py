"""Bundles: all that scoring needs of a cell, so that it can be scored again without the model.

A bundle holds ids and columns of the rows that were kept, references to the store's vectors, the
similarity, the seed, and the record as it stands before scoring. Scoring and re-scoring read
bundles only: never media, weights or the dataset.
"""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import numpy as np

from mmbench.api import ItemTable, ScoreInputs, StoreError
from mmbench.results.record import Record, from_json, to_json
from mmbench.runner.artifacts import ArtifactStore
from mmbench.runner.suite import TaskChoice
from mmbench.runner.vectors import VectorStore, storage_error

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["Bundle", "BundleStore", "VectorRefs"]


@dataclass(frozen=True)
class VectorRefs:
    """Where the rows of one request lie in the store.

    Attributes:
        spaces: Keys of the store's spaces.
        space_of_row: Index into ``spaces``, int64 [n].
        digests: Store keys, uint64 [n, 2].
    """

    spaces: tuple[str, ...]
    space_of_row: NDArray[np.int64]
    digests: NDArray[np.uint64]

    def gather(self, store: VectorStore) -> NDArray[np.float32]:
        """The vectors, float32 [n, ...], in row order.

        Raises:
            StoreError: One of them is not in the store any more.
        """
        out: NDArray[np.float32] | None = None
        for index, key in enumerate(self.spaces):
            mine = np.flatnonzero(self.space_of_row == index)
            if not len(mine):
                continue
            space = store.space(key)
            space.refresh()
            places = space.find(self.digests[mine])
            if (places < 0).any():
                damaged = f" ({space.damage[0].shard} is damaged)" if space.damage else ""
                raise StoreError(
                    f"{int((places < 0).sum())} of {len(mine)} vectors are not in the store"
                    f"{damaged}",
                    where=str(space.folder),
                    fix="`mmbench run` encodes them again",
                )
            vectors = space.gather(places)
            if len(mine) == len(self.digests):
                return vectors
            if out is None:
                out = np.empty((len(self.digests), *vectors.shape[1:]), dtype=np.float32)
            out[mine] = vectors
        return np.empty((0, 0), dtype=np.float32) if out is None else out


@dataclass(frozen=True)
class Bundle:
    """Everything that scoring needs of one cell.

    Attributes:
        task: Which task scores it.
        draft: The record before scoring; its key names the bundle.
        tables: By collection key: ids and columns of the rows kept.
        vectors: By request name.
        seed: Seed of scoring.
        resamples: Bootstrap resamples.
        interaction: Content hash of what the task's interaction gave, which then is scored in
            place of vectors.
    """

    task: TaskChoice
    draft: Record
    tables: Mapping[str, ItemTable]
    vectors: Mapping[str, VectorRefs]
    seed: int
    resamples: int
    interaction: str | None = None

    def inputs(self, store: VectorStore) -> ScoreInputs:
        """What :meth:`mmbench.api.Task.score` is handed."""
        arrays: Mapping[str, NDArray[Any]]
        if self.interaction is None:
            arrays = {name: refs.gather(store) for name, refs in self.vectors.items()}
        else:
            arrays = ArtifactStore(store.root.parent).load(self.interaction).arrays
        return ScoreInputs(
            arrays=arrays,
            tables=self.tables,
            similarity=self.draft.representation.similarity,
            seed=self.seed,
        )


class BundleStore:
    """Bundles in ``<cache>/bundles``: one ``.json`` and one ``.npz`` a cell."""

    def __init__(self, cache: Path) -> None:
        self.root = cache / "bundles"

    def write(self, bundle: Bundle) -> None:
        """Write a bundle, whole or not at all.

        Raises:
            StoreError: The disk is full or the folder can't be written.
        """
        key = bundle.draft.key
        said = {
            "task": {
                "name": bundle.task.name,
                "label": bundle.task.label,
                "options": dict(bundle.task.options),
            },
            "draft": to_json(bundle.draft),
            "tables": {
                name: {"ids": list(table.ids), "columns": _listed(table.columns)}
                for name, table in bundle.tables.items()
            },
            "spaces": {name: list(refs.spaces) for name, refs in bundle.vectors.items()},
            "seed": bundle.seed,
            "resamples": bundle.resamples,
            "interaction": bundle.interaction,
        }
        arrays: dict[str, NDArray[Any]] = {}
        for name, refs in bundle.vectors.items():
            arrays[f"digests:{name}"] = refs.digests
            arrays[f"space:{name}"] = refs.space_of_row
        buffer = io.BytesIO()
        np.savez(buffer, **arrays)
        packed = buffer.getvalue()
        text = json.dumps(said, default=_scalar)
        checksum = _checksum(text.encode(), packed)
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            self._publish(f"{key}.npz", packed)
            self._publish(f"{key}.json", f"{checksum}\n{text}".encode())
        except OSError as error:
            raise storage_error(error, self.root) from error

    def read(self, key: str) -> Bundle:
        """The bundle of this cell.

        Raises:
            StoreError: It is missing or damaged.
        """
        path = self.root / f"{key}.json"
        try:
            checksum, _, text = path.read_bytes().partition(b"\n")
            packed = path.with_suffix(".npz").read_bytes()
            if _checksum(text, packed) != checksum.decode(errors="replace"):
                raise ValueError("the checksum does not match")  # noqa: TRY301 - one message for all
            said = json.loads(text)
            with np.load(io.BytesIO(packed), allow_pickle=False) as arrays:
                vectors = {
                    name: VectorRefs(
                        tuple(spaces), arrays[f"space:{name}"], arrays[f"digests:{name}"]
                    )
                    for name, spaces in said["spaces"].items()
                }
            tables = {
                name: ItemTable(each["ids"], each["columns"])
                for name, each in said["tables"].items()
            }
            draft = from_json(said["draft"], where=str(path))
            task = TaskChoice(**said["task"])
            # Bundles of before there were interactions say nothing of one.
            more = (said["seed"], said["resamples"], said.get("interaction"))
            return Bundle(task, draft, tables, vectors, *more)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StoreError(
                f"the inputs of this cell can't be read: {error}",
                where=str(path),
                fix="`mmbench run` makes them again",
            ) from error

    def _publish(self, name: str, content: bytes) -> None:
        temporary = self.root / f".{uuid4().hex}.{name}"
        try:
            temporary.write_bytes(content)
            temporary.replace(self.root / name)
        finally:
            temporary.unlink(missing_ok=True)


def _checksum(text: bytes, packed: bytes) -> str:
    return blake2b(text + packed, digest_size=16).hexdigest()


def _listed(columns: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: values.tolist() if hasattr(values, "tolist") else list(values)
        for name, values in columns.items()
    }


def _scalar(value: Any) -> Any:
    """Numpy scalars and arrays inside nested lists."""
    return value.tolist()
