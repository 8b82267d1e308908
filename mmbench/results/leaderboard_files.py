"""The leaderboard's files in a results folder, rebuilt whole; any number of runs may do so at once.

``leaderboard.md``, ``.csv``, ``.json`` and ``.parquet`` hold scores only and are byte-identical for
identical records. Measured cost, which never repeats, lies in ``cost.md`` and ``cost.csv``.
"""

from __future__ import annotations

import json
from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING

import mmbench
from mmbench.results.atomic import locked, write_atomic
from mmbench.results.formats import (
    TIDY,
    costs_to_csv,
    costs_to_markdown,
    from_json_text,
    tidy_rows,
    to_csv,
    to_json_text,
    to_markdown,
)
from mmbench.results.leaderboard import build_leaderboards, cost_rows
from mmbench.results.merging import merge

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from mmbench.api.task import ItemTable
    from mmbench.results.boards import Coverage, Leaderboards
    from mmbench.results.record import Record

__all__ = ["compared_rows", "refresh_leaderboards", "write_leaderboards"]

_STAMP = ".leaderboard.stamp"
#: Raise it when the same records would give other files: those of an older mmbench are made again.
_LAYOUT = 3


def write_leaderboards(boards: Leaderboards, folder: Path) -> None:
    """Write all files of the leaderboards into ``folder``, each atomically, under its lock.

    Raises:
        StoreError: The folder can't be written to, or the disk is full.
    """
    contents = _contents(boards)
    with locked(folder, ".leaderboard.lock"):
        _write(folder, contents)


def compared_rows(folder: Path) -> tuple[str, ...]:
    """The rows that the leaderboard in a folder compares all others with; none if there is none."""
    try:
        known = from_json_text((folder / "leaderboard.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ()
    return tuple(dict.fromkeys(each.against for each in known.differences))


def refresh_leaderboards(
    records: Sequence[Record],
    tables: Callable[[Record], Mapping[str, ItemTable]],
    folder: Path,
    *,
    coverage: Coverage = "report",
    show_published: bool = True,
    against: Sequence[str] = (),
    resamples: int = 10_000,
) -> Leaderboards:
    """Build and write the leaderboards, unless the files in ``folder`` are those of these records.

    Then they are read back, which takes milliseconds and opens no item table. A changed, damaged or
    missing file means that all are written again. Arguments as of :func:`build_leaderboards`.

    Raises:
        StoreError: The folder can't be written to, or the disk is full.
    """
    merged = merge(records)
    options = [mmbench.__version__, _LAYOUT, coverage, show_published, list(against), resamples]
    named = json.dumps([*options, *(record.checksum for record in merged)])
    made_from = sha256(named.encode()).hexdigest()
    known = _current(folder, made_from)
    if known is not None:
        shown = [r for r in merged if show_published or r.source == "measured"]
        return replace(known, costs=cost_rows(shown))
    boards = build_leaderboards(
        merged,
        tables,
        coverage=coverage,
        show_published=show_published,
        against=against,
        resamples=resamples,
    )
    contents = _contents(boards)
    digests = {name: sha256(content).hexdigest() for name, content in contents.items()}
    stamp = json.dumps({"made_from": made_from, "files": digests})
    with locked(folder, ".leaderboard.lock"):
        _write(folder, {**contents, _STAMP: stamp.encode()})
    return boards


def _current(folder: Path, made_from: str) -> Leaderboards | None:
    """The leaderboards in ``folder`` if all files are whole and made from these records."""
    try:
        stamp = json.loads((folder / _STAMP).read_bytes())
        if stamp["made_from"] != made_from:
            return None
        for name, digest in stamp["files"].items():
            if sha256((folder / name).read_bytes()).hexdigest() != digest:
                return None
        return from_json_text((folder / "leaderboard.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _contents(boards: Leaderboards) -> dict[str, bytes]:
    return {
        "leaderboard.md": to_markdown(boards).encode(),
        "leaderboard.csv": to_csv(boards).encode(),
        "leaderboard.json": to_json_text(boards).encode(),
        "leaderboard.parquet": _parquet(boards),
        "cost.md": costs_to_markdown(boards).encode(),
        "cost.csv": costs_to_csv(boards).encode(),
    }


def _write(folder: Path, contents: Mapping[str, bytes]) -> None:
    for name, content in contents.items():
        write_atomic(folder / name, content)


def _parquet(boards: Leaderboards) -> bytes:
    """The tidy rows as Parquet, with the same columns and types whether or not there are rows."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    types = {str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_()}
    schema = pa.schema([(name, types[kind]) for name, kind in TIDY.items()])
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(tidy_rows(boards), schema=schema), sink)
    content: bytes = sink.getvalue().to_pybytes()
    return content
