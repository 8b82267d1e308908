"""Rows of a task's inputs in another order, or fewer of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from mmbench.api import ItemTable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from mmbench.api import ScoreInputs
    from mmbench.testing.tasks import TaskSubject

__all__ = ["shuffled", "taken"]


def shuffled(subject: TaskSubject) -> ScoreInputs:
    """The random inputs with the rows of every collection in another order.

    Children are shuffled as their parents are, and collections with the same ids alike.
    """
    rng = np.random.default_rng(0)
    orders: dict[str, NDArray[np.int64]] = {}
    inputs = subject.reference("random")
    for key in inputs.tables:
        _order(subject, key, inputs.tables, rng, orders)
    wanted = {request.name: request.collection for request in subject.requests}
    arrays = {name: each[orders[wanted[name]]] for name, each in inputs.arrays.items()}
    tables = {key: taken(table, orders[key]) for key, table in inputs.tables.items()}
    return replace(inputs, arrays=arrays, tables=tables)


def _order(
    subject: TaskSubject,
    key: str,
    tables: Mapping[str, ItemTable],
    rng: np.random.Generator,
    orders: dict[str, NDArray[np.int64]],
) -> NDArray[np.int64]:
    """A new order of a collection: its own, its parent's, or that of another with the same ids."""
    if key not in orders:
        table, above = tables[key], getattr(subject.collections[key], "parent", None)
        parent = next((k for k, each in subject.collections.items() if each is above), None)
        twin = next((k for k in orders if tables[k].ids == table.ids), None)
        if parent is not None and "parent" in table.columns:
            order = _order(subject, parent, tables, rng, orders).tolist()
            places = {tables[parent].ids[row]: place for place, row in enumerate(order)}
            orders[key] = np.argsort([places[each] for each in table["parent"]], kind="stable")
        elif twin is not None:
            orders[key] = orders[twin]
        else:
            orders[key] = rng.permutation(len(table))
    return orders[key]


def taken(table: ItemTable, rows: NDArray[np.int64]) -> ItemTable:
    """A table's rows in another order."""
    picked = rows.tolist()
    columns = {name: [values[row] for row in picked] for name, values in table.columns.items()}
    return ItemTable([table.ids[row] for row in picked], columns)
