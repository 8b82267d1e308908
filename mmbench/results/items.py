"""Per-item scores as one Parquet file a record.

A record may have several tables (queries of either direction, items, frames). They lie in one file
under each other: ``table`` names the table a row belongs to, ``id`` the item, and a column that a
table lacks is null there. ``pandas.read_parquet`` and a filter on ``table`` give it back; so does
:func:`read_tables`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from mmbench.api.task import ItemTable

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

__all__ = ["read_tables", "tables_to_parquet"]

_LAYOUT = b"mmbench.tables"
_RESERVED = frozenset({"table", "id"})


def tables_to_parquet(tables: Mapping[str, ItemTable]) -> bytes:
    """Parquet bytes of the tables; the same tables give the same bytes.

    Args:
        tables: Columns of numbers, booleans, text, or (nested) lists of them.

    Raises:
        ValueError: A column's length differs from its table's, or Arrow can't hold it.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {name: _arrays(name, table) for name, table in tables.items()}
    names = _column_names(columns)
    parts = []
    for name, table in tables.items():
        ids = pa.array([str(entry) for entry in table.ids], pa.string())
        label = pa.array([name] * len(ids), pa.string())
        entries = {names[name][column]: array for column, array in columns[name].items()}
        parts.append(pa.table({"table": label, "id": ids, **entries}))
    whole = pa.concat_tables(parts, promote_options="default") if parts else pa.table({"id": []})
    layout = {name: {"rows": len(table), "columns": names[name]} for name, table in tables.items()}
    whole = whole.replace_schema_metadata({_LAYOUT: json.dumps(layout).encode()})
    sink = pa.BufferOutputStream()
    pq.write_table(whole, sink, compression="zstd")
    content: bytes = sink.getvalue().to_pybytes()
    return content


def read_tables(content: bytes) -> dict[str, ItemTable]:
    """The tables of Parquet bytes: numbers and text as numpy arrays, nested lists as lists."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    # Not read_table: it imports pyarrow.dataset, which takes longer than all of this.
    whole = pq.ParquetFile(pa.BufferReader(content)).read()
    layout = json.loads((whole.schema.metadata or {}).get(_LAYOUT, b"{}"))
    tables, start = {}, 0
    for name, described in layout.items():
        part = whole.slice(start, described["rows"])
        start += described["rows"]
        columns = {column: _values(part[stored]) for column, stored in described["columns"].items()}
        tables[name] = ItemTable(ids=part["id"].to_pylist(), columns=columns)
    return tables


def _arrays(name: str, table: ItemTable) -> dict[str, pa.Array]:
    import numpy as np
    import pyarrow as pa

    arrays = {}
    for column, given in table.columns.items():
        values = given
        if hasattr(values, "ndim") and (values.ndim != 1 or not isinstance(values, np.ndarray)):
            values = values.tolist()
        if len(values) != len(table.ids):
            raise ValueError(
                f"table {name!r}: column {column!r} has {len(values)} values for "
                f"{len(table.ids)} items"
            )
        try:
            arrays[column] = pa.array(values)
        except (pa.ArrowException, TypeError) as error:
            raise ValueError(f"table {name!r}: column {column!r}: {error}") from error
    return arrays


def _column_names(columns: Mapping[str, Mapping[str, pa.Array]]) -> dict[str, dict[str, str]]:
    """Table to column to its name in the file: its own, unless two tables disagree on its type."""
    types: dict[str, set[str]] = {}
    for arrays in columns.values():
        for column, array in arrays.items():
            types.setdefault(column, set()).add(str(array.type))
    clashing = {column for column, seen in types.items() if len(seen) > 1} | _RESERVED
    return {
        name: {column: f"{name}.{column}" if column in clashing else column for column in arrays}
        for name, arrays in columns.items()
    }


def _values(chunked: pa.ChunkedArray) -> Any:
    import numpy as np
    import pyarrow as pa

    kind = chunked.type
    if chunked.null_count == 0 and (
        pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)
    ):
        return chunked.to_numpy()
    values = chunked.to_pylist()
    if chunked.null_count == 0 and pa.types.is_string(kind):
        return np.array(values, dtype=np.str_)
    return values
