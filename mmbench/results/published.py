"""Figures that papers published: a TOML file beside a task, whose figures become records.

Such a file is data: what was published, where, whether somebody looked it up there, and what is
known of how it was measured. ``TaskSpec.published`` names it. ::

    checked = 2026-11-22          # when the figures were last compared with their sources

    [[metric]]                    # only for what the task itself does not measure
    name = "R@1, either way"
    description = "the source does not say which way"

    [[figure]]
    task = "vggss-localization"
    model = "EZ-VSL, VGG-Sound 144k"
    citation = "stoneMo/EZ-VSL 02fc81a, README"
    verified = true
    metrics = { "cIoU@0.5" = 0.3885, AUC = 0.3954 }  # in the metric's unit: shares, not percent
    options = { preset = "ezvsl" }                   # as far as they are known
    items = 5158                                     # where the source says it
    representation = "ez-vsl"                        # its name in the registry, if it has one
    notes = ["..."]
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from mmbench.api.errors import PluginError
from mmbench.api.task import MetricInfo
from mmbench.results.codec import to_plain
from mmbench.results.record import MetricValue, Record, RepresentationEntry, seal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mmbench.results.record import TaskEntry

__all__ = ["Figure", "Figures", "published_record", "read_figures"]

_UNKNOWN_INTERVAL = "published without one"


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One row of a paper's table.

    Attributes:
        task: Name of the task that it belongs to.
        model: What the paper calls it; the name of its row.
        citation: Where it stands.
        verified: Whether it was read there, and not only remembered or repeated elsewhere.
        metrics: Metric to value, in the metric's unit: a share is 0..1.
        options: Options of the task, as far as it is known how it was measured.
        representation: Name in the registry of the same model, so that its own row is compared.
        items: Over how many items it is; 0 = the source does not say.
        notes: What a reader must know.
    """

    task: str
    model: str
    citation: str
    verified: bool
    metrics: Mapping[str, float]
    options: Mapping[str, Any] = field(default_factory=dict)
    representation: str = ""
    items: int = 0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Figures:
    """A file of them.

    Attributes:
        checked: When they were last compared with their sources.
        metrics: What the papers report and no task measures, by name.
        figures: In the order of the file.
    """

    checked: date
    metrics: Mapping[str, MetricInfo]
    figures: tuple[Figure, ...]


def read_figures(text: str, *, where: str) -> Figures:
    """Read such a file.

    Args:
        text: Its text.
        where: The file, named in errors.

    Raises:
        PluginError: No TOML, or an unknown, missing or ill-typed key; names the figure.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PluginError(f"is not valid TOML: {error}", where=where) from error
    _check(data, {"checked": date, "metric": list, "figure": list}, ("checked", "figure"), where)
    metrics = {}
    for number, entry in enumerate(data.get("metric", []), 1):
        place = f"{where}, metric {number}"
        known = {"name": str, "description": str, "unit": str, "higher_is_better": bool}
        _check(entry, known, ("name", "description"), place)
        bounds = (0.0, 1.0) if entry.get("unit", "share") == "share" else (None, None)
        metrics[entry["name"]] = MetricInfo(**entry, bounds=bounds, no_interval=_UNKNOWN_INTERVAL)
    figures = [
        _figure(entry, f"{where}, figure {number}")
        for number, entry in enumerate(data["figure"], 1)
    ]
    return Figures(data["checked"], metrics, tuple(figures))


def published_record(figure: Figure, task: TaskEntry, figures: Figures, *, where: str) -> Record:
    """The record of one figure.

    Its key names the task's label, the model, the source and the protocol, but no value: a value
    that is put right replaces the wrong one.

    Args:
        figure: What was published.
        task: The task, with the label under which it is run.
        figures: The file that it stands in.
        where: That file, named in errors.

    Raises:
        PluginError: A metric that neither the task nor the file has.
    """
    own = {metric.name: metric for metric in task.metrics}
    if unknown := [name for name in figure.metrics if name not in {**own, **figures.metrics}]:
        raise PluginError(
            f"{figure.model}: {task.name} has no metric {unknown[0]!r}",
            where=where,
            fix=f"its metrics are {', '.join(own)}; declare others in a [[metric]]",
        )
    further = [figures.metrics[name] for name in figure.metrics if name not in own]
    task = replace(task, metrics=(*task.metrics, *further), options=dict(figure.options))
    named = {metric.name: metric for metric in task.metrics}
    said = [task.label, figure.task, figure.model, figure.citation, sorted(figure.metrics)]
    key = blake2b(repr([*said, to_plain(figure.options)]).encode(), digest_size=16).hexdigest()
    checked = datetime(figures.checked.year, figures.checked.month, figures.checked.day, tzinfo=UTC)
    return seal(
        Record(
            key=key,
            status="ok",
            source="published",
            verified=figure.verified,
            created=checked.isoformat(timespec="milliseconds"),
            representation=RepresentationEntry(
                name=figure.representation or figure.model,
                label=figure.model,
                version="",
                fingerprint="",
                citation=figure.citation,
            ),
            task=task,
            items_total=figure.items,
            items_used=figure.items,
            metrics={
                name: MetricValue(
                    value=float(value),
                    n=figure.items,
                    unit=named[name].unit,
                    higher_is_better=named[name].higher_is_better,
                    no_interval=_UNKNOWN_INTERVAL,
                )
                for name, value in figure.metrics.items()
            },
            notes=figure.notes,
        )
    )


def _figure(entry: Any, where: str) -> Figure:
    known = {
        "task": str, "model": str, "citation": str, "verified": bool, "metrics": dict,
        "options": dict, "representation": str, "items": int, "notes": list,
    }  # fmt: skip
    _check(entry, known, ("task", "model", "citation", "verified", "metrics"), where)
    values = entry["metrics"].values()
    if not values or not all(type(value) in (int, float) for value in values):
        raise PluginError("'metrics' must be a table of names to numbers", where=where)
    if not all(isinstance(note, str) for note in entry.get("notes", [])):
        raise PluginError("'notes' must be a list of texts", where=where)
    return Figure(**{**entry, "notes": tuple(entry.get("notes", ()))})


def _check(data: Any, known: Mapping[str, type], required: tuple[str, ...], where: str) -> None:
    """Refuse what is no table, unknown keys, missing ones, and values of the wrong type."""
    if not isinstance(data, dict):
        raise PluginError("must be a table", where=where)
    for key, value in data.items():
        if key not in known:
            what = f"unknown key {key!r}"
            raise PluginError(what, where=where, fix=f"known keys are {', '.join(known)}")
        if not isinstance(value, known[key]) or (known[key] is int and isinstance(value, bool)):
            raise PluginError(f"{key!r} must be a {known[key].__name__}", where=where)
    if missing := [key for key in required if key not in data]:
        raise PluginError(f"lacks the key {missing[0]!r}", where=where)
