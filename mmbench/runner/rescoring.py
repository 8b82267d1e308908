"""Scores finished cells again, from their bundles."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from mmbench.api import StoreError, Task
from mmbench.results.store import RecordStore
from mmbench.runner.bundle import BundleStore
from mmbench.runner.scoring import score_bundle
from mmbench.runner.vectors import VectorStore

if TYPE_CHECKING:
    from mmbench.registry import Registry
    from mmbench.runner.settings import RunSettings

__all__ = ["rescore"]


def rescore(key: str, registry: Registry, settings: RunSettings) -> str:
    """Score a finished cell again from its bundle: no model, no media, no dataset.

    Returns:
        The label of the cell, for messages.

    Raises:
        StoreError: Its inputs or vectors are gone, or the task has another version by now.
    """
    bundle = BundleStore(settings.cache).read(key)
    configured = registry.configure(
        "tasks", bundle.task.name, bundle.task.options, Task  # type: ignore[type-abstract]
    )  # fmt: skip
    scored, version = bundle.draft.task, configured.object.info.version
    if scored.version != version:
        raise StoreError(
            f"its record is of version {scored.version} of the task; {version} is installed",
            where=f"{bundle.draft.representation.label} on {scored.label}",
            fix="`mmbench run` makes a record of the new version, from the vectors that are there",
        )
    record, tables = score_bundle(bundle, configured.object, VectorStore(settings.cache))
    # Of two records of one cell the later is kept.
    record = replace(record, created=datetime.now(UTC).isoformat(timespec="milliseconds"))
    RecordStore(settings.results).write(record, tables)
    return f"{record.representation.label} on {record.task.label}"
