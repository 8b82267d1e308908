"""What a record says of its utterances: which version, what was cleaned, who is empty."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mmbench_affect.features import STREAMS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mmbench.api import ItemTable

__all__ = ["described", "noted"]


def described(tables: Mapping[str, ItemTable], splits: tuple[str, ...]) -> dict[str, Any]:
    """Parameters of a record: the variant that was read, and the size of each split."""
    there = [split for split in splits if split in tables]
    found: dict[str, Any] = {"items_by_split": {split: len(tables[split]) for split in there}}
    variants = {str(each) for split in there for each in tables[split].columns.get("variant", ())}
    if variants:
        found["variant"] = ", ".join(sorted(variants))
    return found


def noted(dataset: str, tables: Mapping[str, ItemTable], splits: tuple[str, ...]) -> list[str]:
    """Notes of a record, in sentences."""
    facts = described(tables, splits)
    sizes = ", ".join(f"{count:,} {split}" for split, count in facts["items_by_split"].items())
    variant = f", variant {facts['variant']}" if "variant" in facts else ""
    said = [f"{dataset}{variant}: {sizes} utterances"]
    for split in facts["items_by_split"]:
        columns = tables[split].columns
        cleaned = [int(each) for each in columns.get("cleaned", ())]
        if any(cleaned):
            items = sum(each > 0 for each in cleaned)
            said.append(
                f"{split}: {sum(cleaned):,} audio values of -inf in {items:,} utterances became 0"
            )
    for stream in STREAMS:
        parts = []
        for split, total in facts["items_by_split"].items():
            columns = tables[split].columns
            count = sum(stream in str(each).split("+") for each in columns.get("empty", ()))
            if count:
                parts.append(f"{count:,} of {total:,} {split}")
        if parts:
            said.append(
                f"{stream}: {', '.join(parts)} utterances have nothing but zeros, and count as if "
                "they had it"
            )
    return said
