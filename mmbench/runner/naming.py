"""Connectors by the names that they give themselves: ``c-mcr(clip, clap; text)``."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mmbench.api import Connector, Representation, RepresentationInfo, UsageError
from mmbench.registry import load_object
from mmbench.runner.subjects import DEEPEST, guarded

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mmbench.registry import Registry
    from mmbench.runner.suite import RepresentationChoice, Suite

__all__ = ["info_of", "with_own_names"]

log = logging.getLogger("mmbench.plan")


def with_own_names(suite: Suite, registry: Registry) -> Suite:
    """A suite in which connectors that it gives no label have that of their info.

    Where that can't be had (a base whose slots are open until it is bound), or another entry has
    it, the name in the registry stays.
    """
    taken = {choice.label for choice in suite.representations}
    named = []
    for choice in suite.representations:
        label = _own_name(choice, registry) if choice.label == choice.name else ""
        named.append(replace(choice, label=label) if label and label not in taken else choice)
        taken.add(named[-1].label)
    return replace(suite, representations=tuple(named))


def info_of(
    name: str, options: Mapping[str, Any], registry: Registry, *, depth: int = 0
) -> RepresentationInfo:
    """What a representation or connector says of itself, as far as that needs no data.

    Args:
        name: Its name in the registry.
        options: Options that differ from its defaults.
        registry: The loaded plugins.
        depth: Connectors that it is a base in.

    Raises:
        MmbenchError: It, or one of its bases, can't be configured, or the bases can't be joined.
    """
    made = registry.configure("representations", name, options, Representation, Connector).object
    if isinstance(made, Representation):
        return made.info
    assert isinstance(made, Connector)
    if depth >= DEEPEST:
        raise UsageError(f"has connectors as bases {DEEPEST} deep", where=f"representation {name}")
    bases = {
        key: info_of(ref.name, ref.options, registry, depth=depth + 1)
        for key, ref in made.bases.items()
    }
    info: RepresentationInfo = guarded(
        lambda: made.describe(bases), "describe()", f"representation {name}"
    )
    return info


def _own_name(choice: RepresentationChoice, registry: Registry) -> str:
    """The name of a connector's info; empty for what is none, or is broken: the plan says why."""
    entry = registry.representations.get(choice.name)
    try:
        if entry is None or not issubclass(load_object(entry.spec.path, entry), Connector):
            return ""
        name = info_of(choice.name, choice.options, registry).name
    except Exception:  # whatever a plugin raises
        log.debug("%s has no name of its own", choice.name, exc_info=True)
        return ""
    return name.strip() if isinstance(name, str) and name.isprintable() else ""
