"""Entries of plugins that join a suite which is not their own."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mmbench.runner.suite import RepresentationChoice, TaskChoice

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mmbench.registry import Entry, Registry
    from mmbench.runner.suite import Suite

__all__ = ["stays_out", "with_joined"]


def with_joined(suite: Suite, name: str, registry: Registry) -> Suite:
    """A suite with what joins it appended to its own entries, in the order of the registry.

    What the suite names itself is not added again, and what joins is optional.

    Args:
        suite: As its file has it.
        name: Its name in the registry, by which plugins join it.
        registry: The loaded plugins.
    """
    tasks = _joined(name, suite.tasks, registry.tasks.values(), TaskChoice)
    representations = _joined(
        name, suite.representations, registry.representations.values(), RepresentationChoice
    )
    return replace(
        suite,
        tasks=(*suite.tasks, *tasks),
        representations=(*suite.representations, *representations),
    )


def stays_out(choice: RepresentationChoice, task: TaskChoice, registry: Registry) -> str:
    """Why a representation that joined a suite takes no part in a task of it; "" if it does."""
    entry = registry.representations.get(choice.name)
    if not choice.joined or entry is None:
        return ""
    wanted = entry.spec.joins_for
    return "" if not wanted or task.name in wanted else "made for other tasks of the suite"


def _joined(suite: str, own: Sequence[Any], entries: Any, kind: Any) -> list[Any]:
    """Choices for the entries that join and that the suite does not name (or label) itself."""
    taken = {name for choice in own for name in (choice.name, choice.label)}
    found: list[Entry[Any]] = [
        entry for entry in entries if suite in entry.spec.joins and entry.spec.name not in taken
    ]
    return [
        kind(e.spec.name, e.spec.name, optional=True, joined=e.plugin.distribution) for e in found
    ]
