"""What papers published on the tasks of a suite, as records for its leaderboard."""

from __future__ import annotations

import logging
from importlib import resources
from typing import TYPE_CHECKING

from mmbench.api import MmbenchError, PluginError, Task
from mmbench.results.published import published_record, read_figures
from mmbench.results.record import TaskEntry

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mmbench.registry import Registry
    from mmbench.results.published import Figure
    from mmbench.results.record import Record

__all__ = ["published_on", "published_records"]

log = logging.getLogger("mmbench.published")


def published_records(
    tasks: Iterable[tuple[str, str]], measured: Iterable[Record], registry: Registry
) -> list[Record]:
    """The figures published on these tasks, as records.

    A task that was run on generated data alone has none: its items are not the paper's. A plugin
    whose file is broken is named in the log, and has none either.

    Args:
        tasks: Name and label of each.
        measured: Records of runs of these tasks.
        registry: The loaded plugins.
    """
    run_on: dict[str, set[str]] = {}
    for record in measured:
        if record.status == "ok" and record.source == "measured":
            run_on.setdefault(record.task.label, set()).add(record.provenance)
    found = []
    for name, label in dict.fromkeys(tasks):
        if run_on.get(label) == {"generated"} or name not in registry.tasks:
            continue
        try:
            found += published_on(name, label, registry)
        except MmbenchError as error:
            log.warning("figures published on %s are left out: %s", name, error)
    return found


def published_on(name: str, label: str, registry: Registry) -> list[Record]:
    """The figures published on one task, as records under its label in a suite.

    Raises:
        PluginError: The file that its spec names is not there or broken, or a figure has an option
            that the task does not.
    """
    spec = registry.find("tasks", name).spec
    if not spec.published:
        return []
    package, _, inside = spec.published.partition(":")
    try:
        text = resources.files(package).joinpath(inside).read_text("utf-8")
    except (ImportError, OSError, ValueError) as error:
        what = f"the figures published on {name} can't be read: {error}"
        raise PluginError(what, where=spec.published) from error
    figures = read_figures(text, where=spec.published)
    return [
        published_record(each, _entry(each, label, registry), figures, where=spec.published)
        for each in figures.figures
        if each.task == name
    ]


def _entry(figure: Figure, label: str, registry: Registry) -> TaskEntry:
    """The task as it is with a figure's options; no data is opened."""
    configured = registry.configure(
        "tasks", figure.task, figure.options, Task  # type: ignore[type-abstract]
    )  # fmt: skip
    info, plugin = configured.object.info, configured.entry.plugin
    return TaskEntry(
        name=figure.task,
        label=label,
        version=info.version,
        protocol=info.protocol,
        primary=info.primary,
        metrics=info.metrics,
        equal=info.equal,
        citation=info.citation,
        distribution=plugin.distribution,
        distribution_version=plugin.version,
    )
