"""Aggregates on disk: made once for all epochs, memory-mapped, gone on with where they were cut."""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
import torch

from mmbench.api import StoreError
from mmbench_cmcr.aggregation import MEMORY_BLOCK, nearest_values, on_device, soft_values
from mmbench_cmcr.corpora import Rows

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from mmbench.api import Context
    from mmbench_cmcr.aggregation import Aggregation

__all__ = ["QUERY_BLOCK", "AggregateFile", "aggregate_to_file"]

#: Queries that are looked up at once; what is on disk is whole blocks of them.
QUERY_BLOCK = 2048
#: Raise it when the same inputs give other aggregates.
_VERSION = 1


@dataclass(frozen=True)
class AggregateFile:
    """``<name>.npy`` float32 [N, d], and ``<name>.json``, which says how many rows are done.

    Attributes:
        folder: Where they lie.
        name: What they are called.
    """

    folder: Path
    name: str

    @property
    def array(self) -> Path:
        """The rows."""
        return self.folder / f"{self.name}.npy"

    @property
    def note(self) -> Path:
        """What they were made of, and how many are done."""
        return self.folder / f"{self.name}.json"

    def rows_done(self, key: str, size: int) -> int:
        """Rows that are on disk and were made of what ``key`` names; 0 where anything is off.

        Args:
            key: What they should be made of.
            size: Bytes of a row.
        """
        try:
            said = json.loads(self.note.read_text("utf-8"))
            rows = int(said["rows"])
            whole = self.array.stat().st_size >= int(said["offset"]) + rows * size
        except (OSError, ValueError, KeyError, TypeError):
            return 0
        return rows if said.get("key") == key and whole else 0

    def write_note(self, key: str, offset: int, rows: int) -> None:
        """Say how many rows are done."""
        new = self.note.with_suffix(".json.new")
        new.write_text(json.dumps({"key": key, "offset": offset, "rows": rows}), "utf-8")
        new.replace(self.note)

    def read(self) -> NDArray[Any]:
        """The rows, memory-mapped."""
        mapped: NDArray[Any] = np.load(self.array, mmap_mode="r", allow_pickle=False)
        return mapped


def aggregate_to_file(
    file: AggregateFile,
    queries: Rows,
    memory: Rows,
    ctx: Context,
    *,
    how: Aggregation,
    temperature: float,
    memory_block: int = MEMORY_BLOCK,
) -> Rows:
    """What a memory says of each query, on disk.

    Finished ones go to ``ctx.shared``, where the trainings with other seeds find them.

    Args:
        file: Where to; what is there of the same inputs is kept, and gone on with.
        queries: [N, d].
        memory: [K, d].
        ctx: Its device computes; it is told of progress.
        how: ``softmax`` or ``nearest``.
        temperature: Of the softmax.
        memory_block: Memory rows at a time.

    Raises:
        StoreError: The folder can't be written to.
    """
    made_of = [_VERSION, queries.digest(), memory.digest(), how, temperature, memory_block]
    key = blake2b(json.dumps(made_of).encode(), digest_size=16).hexdigest()
    total, size = len(queries), 4 * queries.width
    name = f"aggregates of {memory.name}"
    shared = AggregateFile(ctx.shared or file.folder, f"{file.name}-{key[:16]}")
    if ctx.shared is not None and shared.rows_done(key, size) == total:
        return Rows(name, (shared.read(),))
    done = file.rows_done(key, size)
    try:
        with file.array.open("r+b" if done else "wb") as stream:
            offset = _begin(stream, (total, queries.width), done, size)
            if done:
                ctx.log.info("%s: goes on with row %d of %d", file.name, done, total)
            for start in range(done, total, QUERY_BLOCK):
                stop = min(start + QUERY_BLOCK, total)
                ctx.progress(start, total, f"aggregating {memory.name}")
                block = _aggregated(
                    queries.block(start, stop), memory, ctx, how, temperature, memory_block
                )
                stream.write(block.tobytes())
                stream.flush()
                file.write_note(key, offset, stop)
        if ctx.shared is not None:
            file.array.replace(shared.array)
            shared.write_note(key, offset, total)
            file = shared
    except OSError as error:
        raise StoreError(
            f"can't write aggregates: {error.strerror}", where=str(file.folder),
            fix=f"they take {total * size / 1e9:.1f} GB there",
        ) from error  # fmt: skip
    ctx.progress(total, total, f"aggregating {memory.name}")
    return Rows(name, (file.read(),))


def _begin(stream: BinaryIO, shape: tuple[int, int], done: int, size: int) -> int:
    """Write or pass the header, drop what lies behind the rows that are done; gives its length."""
    header = {"descr": "<f4", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(stream, header)  # type: ignore[no-untyped-call]
    offset = stream.tell()
    stream.seek(offset + done * size)
    stream.truncate()
    return offset


def _aggregated(
    queries: NDArray[Any], memory: Rows, ctx: Context, how: Aggregation, temperature: float,
    block: int,
) -> NDArray[np.float32]:  # fmt: skip
    """Aggregates [n, d] of a block of queries."""
    like = torch.empty(0, device=ctx.device, dtype=torch.float32)
    asked = on_device(queries, like)
    if how == "nearest":
        found = nearest_values(asked, memory, block=block)
    else:
        found = soft_values(asked, memory, temperature=temperature, block=block)
    return found.cpu().numpy().astype("<f4", copy=False)
