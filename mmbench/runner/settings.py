"""The settings of one run, as plain data that workers receive."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["RunSettings"]


@dataclass(frozen=True)
class RunSettings:
    """How to run, apart from what.

    Attributes:
        results: The suite's results folder.
        cache: The store's root.
        data_root: One folder a dataset.
        device: Device of the representations; several, separated by commas, are taken in turn.
        precision: ``fp32``, ``bf16`` or ``fp16``.
        batch_size: Instead of each representation's own.
        jobs: Worker processes at once.
        limit: Items of each collection; marks records as partial.
        resamples: Bootstrap resamples.
        timeout: Seconds that one job may take.
        fail_fast: Stop at the first failed cell.
        offline: No socket can be opened.
        strict: A cell that lacks items fails.
        spool_bytes: What decoded items may take on disk while the run lasts; None for a quarter
            of what is free, 0 for none.
        spool: Where they lie; the run sets it for its workers.
    """

    results: Path
    cache: Path
    data_root: Path
    device: str = "cpu"
    precision: str = "fp32"
    batch_size: int | None = None
    jobs: int = 1
    limit: int | None = None
    resamples: int = 10_000
    timeout: float | None = None
    fail_fast: bool = False
    offline: bool = False
    strict: bool = False
    spool_bytes: int | None = None
    spool: Path | None = None

    def record_key(self) -> tuple[Any, ...]:
        """The settings that make other numbers, and so other records."""
        return (self.precision, self.limit, self.resamples)
