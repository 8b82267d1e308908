"""Finished cells, to look at: for commands of plugins that show what a figure is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mmbench.api import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from mmbench.api import Collection, ScoreInputs, Task
    from mmbench.results.record import Record
    from mmbench.runner.bundle import Bundle
    from mmbench.runner.catalog import Catalog
    from mmbench.runner.vectors import VectorStore

__all__ = ["FinishedCell", "finished_cells"]


@dataclass(frozen=True)
class FinishedCell:
    """A finished cell: its record, its task, and what the task was scored on.

    Attributes:
        record: How it ended.
    """

    record: Record
    _cache: Path
    _catalog: Catalog

    @property
    def name(self) -> str:
        """Such as ``clip on vggss-localization, seed 0``."""
        seed = "" if self.record.seed is None else f", seed {self.record.seed}"
        return f"{self.record.representation.label} on {self.record.task.label}{seed}"

    def task(self) -> Task:
        """The task, with the options that it had.

        Raises:
            UsageError: It is not installed any more, or has other options by now.
        """
        from mmbench.api import Task

        chosen = self._bundle().task
        return self._catalog.registry.configure(
            "tasks", chosen.name, chosen.options, Task  # type: ignore[type-abstract]
        ).object  # fmt: skip

    def inputs(self) -> ScoreInputs:
        """Vectors and columns, from the store: no model and no dataset is opened.

        Raises:
            StoreError: They are gone.
        """
        return self._bundle().inputs(self._vectors())

    def collections(self) -> Mapping[str, Collection]:
        """The task's collections, opened again, for their media; some of it may be gone by now.

        Raises:
            DataMissing: A dataset is not there any more.
        """
        return self._catalog.task(self._bundle().task).collections

    def _bundle(self) -> Bundle:
        from mmbench.runner.bundle import BundleStore

        return BundleStore(self._cache).read(self.record.key)

    def _vectors(self) -> VectorStore:
        from mmbench.runner.vectors import VectorStore

        return VectorStore(self._cache)


def finished_cells(
    folder: Path,
    *,
    representation: str = "",
    task: str = "",
    cache: Path | None = None,
    data_root: Path | None = None,
) -> list[FinishedCell]:
    """The cells of a results folder that ended well, sorted by name.

    Args:
        folder: A suite's results, such as ``results/quickstart``.
        representation: Only of this label; empty = all.
        task: Only of this label; empty = all.
        cache: The embedding store; None = ``MMBENCH_CACHE``, or the user's cache folder.
        data_root: One folder a dataset; None = ``MMBENCH_DATA``, or ``./data``.

    Raises:
        UsageError: There is none.
    """
    from mmbench.registry import load_registry
    from mmbench.results.store import RecordStore
    from mmbench.runner import folders
    from mmbench.runner.catalog import Catalog

    store = folders.cache_root(cache)
    catalog = Catalog(load_registry(), folders.data_root(data_root), store)
    found = [
        FinishedCell(record, store, catalog)
        for record in RecordStore(folder).records()
        if record.status == "ok" and record.source == "measured"
    ]
    chosen = [
        cell
        for cell in found
        if representation in ("", cell.record.representation.label)
        and task in ("", cell.record.task.label)
    ]
    if not chosen:
        there = ", ".join(sorted(cell.name for cell in found))
        raise UsageError(
            "no finished cell matches",
            where=str(folder),
            fix=f"there are {there}" if there else "name a suite's results folder",
        )
    return sorted(chosen, key=lambda cell: cell.name)
