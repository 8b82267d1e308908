"""All checks, and what a name on the command line or in a test stands for."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from mmbench.api import Connector, UsageError
from mmbench.options import nearest
from mmbench.registry import load_object
from mmbench.testing.checks import CheckSpec, Group, checks_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from mmbench.api import Stream
    from mmbench.registry import Registry

__all__ = ["FAMILIES", "Target", "all_checks", "checks_for", "targets_of"]

#: Modules with checks, in the order in which their checks are made: what others rest on first.
FAMILIES: tuple[str, ...] = (
    "listing",
    "plugin_class",
    "representation_declaration",
    "representation_output",
    "representation_determinism",
    "representation_invariance",
    "representation_extremes",
    "representation_subsets",
    "representation_devices",
    "representation_fingerprint",
    "representation_manners",
    "representation_dense",
    "representation_trained",
    "representation_targets",
    "representation_precomputed",
    "connector",
    "connector_training",
    "connector_projections",
    "dataset_declaration",
    "dataset_sample",
    "dataset_collections",
    "dataset_opening",
    "dataset_listing_order",
    "dataset_damage",
    "dataset_losses",
    "task_declaration",
    "task_collections",
    "task_payloads",
    "task_requests",
    "task_references",
    "task_metrics",
    "task_similarity",
    "task_items",
    "task_splits",
    "task_purity",
    "task_interaction",
)


@cache
def all_checks() -> tuple[CheckSpec, ...]:
    """Every check of the kit."""
    return checks_of(import_module(f"mmbench.testing.{family}") for family in FAMILIES)


def checks_for(group: Group) -> tuple[CheckSpec, ...]:
    """The checks that are made of one group."""
    return tuple(check for check in all_checks() if group in check.groups)


@dataclass(frozen=True)
class Target:
    """One thing to check.

    Attributes:
        group: What it is.
        name: Its name in the registry.
        registry: Where it is registered.
        options: Options over its spec's own.
        streams: What open slots are bound to; empty = the kit's.
    """

    group: Group
    name: str
    registry: Registry
    options: Mapping[str, Any] = field(default_factory=dict)
    streams: tuple[Stream, ...] = ()

    @property
    def label(self) -> str:
        """What it is called in reports."""
        return f"{self.group.removesuffix('s')} {self.name}"

    @property
    def checks(self) -> tuple[CheckSpec, ...]:
        """The checks that are made of it."""
        return checks_for(self.group)

    def subject(self, workspace: Path) -> Any:
        """What its checks are handed.

        Args:
            workspace: An empty folder for what they write.

        Raises:
            UsageError: An option is wrong.
            PluginError: Its class can't be imported.
        """
        from mmbench.testing.connectors import ConnectorSubject
        from mmbench.testing.datasets import DatasetSubject
        from mmbench.testing.items import STANDARD_STREAMS
        from mmbench.testing.representations import RepresentationSubject
        from mmbench.testing.tasks import TaskSubject

        place = "representations" if self.group == "connectors" else self.group
        entry = self.registry.find(place, self.name)
        subject: Any
        if self.group == "connectors":
            subject = ConnectorSubject(entry, self.options, workspace)
        elif self.group == "tasks":
            subject = TaskSubject(entry, self.options, workspace, self.registry)
        elif self.group == "datasets":
            subject = DatasetSubject(entry, self.options, workspace)
        else:
            streams = self.streams or STANDARD_STREAMS
            subject = RepresentationSubject(entry, self.options, workspace, streams)
        _ = subject.options  # a wrong option is misuse, not a failed check
        return subject


def targets_of(
    registry: Registry, name: str, options: Mapping[str, Any] | None = None
) -> list[Target]:
    """What a name stands for: a representation, task or dataset, or all that a distribution brings.

    Raises:
        UsageError: Nothing has this name.
    """
    found = []
    for place in ("representations", "tasks", "datasets"):
        for known, entry in getattr(registry, place).items():
            if name in (known, entry.plugin.distribution):
                found.append(Target(_group(place, entry), known, registry, options or {}))
    if not found:
        names = {n for p in ("representations", "tasks", "datasets") for n in getattr(registry, p)}
        names |= {plugin.distribution for plugin in registry.plugins}
        raise UsageError(
            f"nothing is called {name!r}",
            fix=nearest(name, names, "known are") + " `mmbench doctor` names what was left out.",
        )
    own = [target for target in found if target.name == name]
    return own or found


def _group(place: str, entry: Any) -> Any:
    """A connector is registered as a representation."""
    if place != "representations":
        return place
    cls = load_object(entry.spec.path, entry)
    is_connector = isinstance(cls, type) and issubclass(cls, Connector)
    return "connectors" if is_connector else "representations"
