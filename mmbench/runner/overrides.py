"""``-o key=value``: applies command-line options to the entries of a suite that declare them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mmbench.api import MmbenchError, UsageError
from mmbench.options import declared_options, nearest, parse_assignment
from mmbench.registry import load_object

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mmbench.options import Option
    from mmbench.registry import Registry
    from mmbench.runner.suite import RepresentationChoice, Suite, TaskChoice

__all__ = ["apply_options"]


def apply_options(suite: Suite, assignments: Sequence[str], registry: Registry) -> Suite:
    """The suite with options set.

    ``key=value`` goes to every representation and task that declares ``key``; ``name.key=value``
    only to the entries with that name or label.

    Raises:
        UsageError: No entry declares the option.
    """
    for text in assignments:
        key, value = parse_assignment(text)
        suite = _apply(suite, key, value, text.partition("=")[2], registry)
    return suite


def _apply(suite: Suite, key: str, value: Any, raw: str, registry: Registry) -> Suite:
    name, _, option = key.rpartition(".")
    known: set[str] = set()
    hits = 0

    def changed(group: str, choice: Any) -> Any:
        nonlocal hits
        if name and name not in (choice.name, choice.label):
            return choice
        declared = _declared(group, choice, registry)
        known.update(declared)
        if option not in declared:
            return choice
        hits += 1
        # What is wanted as text stays text, though TOML may read it as a number: folder=2024.
        plain = declared[option].hint is str and not isinstance(value, str)
        options = {**choice.options, option: raw if plain else value}
        return replace(choice, options=options, given={**choice.given, option: f"-o {key}"})

    tasks: tuple[TaskChoice, ...] = tuple(changed("tasks", task) for task in suite.tasks)
    representations: tuple[RepresentationChoice, ...] = tuple(
        changed("representations", choice) for choice in suite.representations
    )
    if not hits:
        about = f"nothing called {name!r} here" if name else "nothing that runs here"
        raise UsageError(
            f"{about} has an option {option!r}",
            where="-o",
            fix=nearest(option, known, "options are"),
        )
    return replace(suite, tasks=tasks, representations=representations)


def _declared(group: str, choice: Any, registry: Registry) -> dict[str, Option]:
    """Options of a choice's class; none where it is not installed or broken."""
    entries = getattr(registry, group)
    if choice.name not in entries:
        return {}
    try:
        cls = load_object(entries[choice.name].spec.path, entries[choice.name])
    except MmbenchError:
        return {}  # the plan says what is wrong with it
    return declared_options(cls)
