"""The record of one cell: everything needed to believe a number and to repeat it.

A record is one JSON file. Its schema is versioned; older records are migrated when they are read,
newer ones are refused by name. ``record.schema.json`` beside this module is generated from these
classes (:func:`record_schema`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Literal

from mmbench.api.errors import StoreError
from mmbench.api.task import MetricInfo  # noqa: TC001 - the codec reads the hints at run time
from mmbench.results.codec import from_plain, json_schema, to_plain

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = [
    "MIGRATIONS",
    "SCHEMA",
    "BaseEntry",
    "CollectionEntry",
    "Cost",
    "DroppedItem",
    "Environment",
    "ErrorEntry",
    "MetricValue",
    "Provenance",
    "Record",
    "RepresentationEntry",
    "Source",
    "Status",
    "StreamEntry",
    "TaskEntry",
    "from_json",
    "record_schema",
    "seal",
    "to_json",
]

#: The schema this code writes. Raise it when a field changes its meaning or goes, and add a
#: migration; a new field with a default needs neither.
SCHEMA = 1
#: Schema number to the function that turns such a document into one of the next number.
MIGRATIONS: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {}

Status = Literal["ok", "failed", "skipped"]
Source = Literal["measured", "published"]
Provenance = Literal["real", "generated"]


@dataclass(frozen=True, kw_only=True)
class BaseEntry:
    """A representation that a connector joins with another."""

    name: str
    """Its name in the registry."""
    version: str
    """Version of its encoding code."""
    fingerprint: str
    """Hash of class, version, options and weights; without the seed."""
    options: dict[str, Any] = field(default_factory=dict)
    """All options, defaults included."""
    state: str | None = None
    """Hash of its trained state, if it was trained."""
    distribution: str = ""
    """The installed distribution that brought it."""
    distribution_version: str = ""
    """Its version."""


@dataclass(frozen=True, kw_only=True)
class RepresentationEntry:
    """What was evaluated."""

    name: str
    """Its name in the registry."""
    label: str
    """Its name in the suite; one label a row of a leaderboard."""
    version: str
    """Version of its encoding code."""
    fingerprint: str
    """Hash of class, version, options and weights; without the seed."""
    options: dict[str, Any] = field(default_factory=dict)
    """All options, defaults included."""
    distribution: str = ""
    """The installed distribution that brought it."""
    distribution_version: str = ""
    """Its version."""
    parameters: int | None = None
    """Number of trained parameters, where known."""
    similarity: str = "cosine"
    """How two of its vectors compare."""
    citation: str = ""
    """The paper, as a reference or URL."""
    family: str = "representation"
    """``representation``, ``connector``, or ``yardstick`` (shown, never ranked)."""
    state: str | None = None
    """Hash of its trained state, if it was trained."""
    bases: dict[str, BaseEntry] = field(default_factory=dict)
    """A connector's bases by name, and theirs by paths such as ``first/second``."""


@dataclass(frozen=True, kw_only=True)
class TaskEntry:
    """What it was evaluated on."""

    name: str
    """Its name in the registry."""
    label: str
    """Its name in the suite; one label a table of a leaderboard."""
    version: str
    """Version of its scoring."""
    protocol: str
    """The family of tasks it belongs to."""
    primary: str
    """The metric that ranks."""
    metrics: tuple[MetricInfo, ...]
    """All its metrics, in the order of the leaderboard's columns."""
    options: dict[str, Any] = field(default_factory=dict)
    """All options, defaults included."""
    equal: tuple[tuple[str, str], ...] = ()
    """Pairs of metrics that must agree."""
    citation: str = ""
    """The paper or repository that defines the protocol."""
    distribution: str = ""
    """The installed distribution that brought it."""
    distribution_version: str = ""
    """Its version."""

    def metric(self, name: str) -> MetricInfo:
        """The metric of this name."""
        return next(metric for metric in self.metrics if metric.name == name)


@dataclass(frozen=True)
class StreamEntry:
    """One stream of a collection."""

    modality: str
    """Its role: image, audio, text, ..."""
    kind: str
    """Its payload kind."""
    provenance: Provenance = "real"
    """Whether it was recorded or synthesised."""


@dataclass(frozen=True)
class DroppedItem:
    """An item that took no part."""

    id: str
    """Its id in the collection."""
    reason: str
    """Why it was dropped."""


@dataclass(frozen=True, kw_only=True)
class CollectionEntry:
    """One collection that took part."""

    name: str
    """Its key in the task."""
    dataset: str = ""
    """The dataset it is of; empty for one that the task made in memory."""
    fingerprint: str = ""
    """Hash of its ids, content keys and columns."""
    streams: dict[str, StreamEntry] = field(default_factory=dict)
    """Its streams by name."""
    items: int = 0
    """How many items it has."""
    used: int = 0
    """How many of them were used."""
    dropped: tuple[DroppedItem, ...] = ()
    """The others, and why; children of a lost item (crops) are counted with that."""
    auxiliary: bool = False
    """Prompts, proposals and corpora: used, but not evaluated."""
    leaks: tuple[str, ...] = ()
    """Leaks between official splits, as the dataset declares them."""


@dataclass(frozen=True, kw_only=True)
class MetricValue:
    """One number and how sure it is."""

    value: float | None
    """The point estimate; null where it is undefined, and ``no_interval`` says why."""
    low: float | None = None
    """Lower bound of the interval."""
    high: float | None = None
    """Upper bound of the interval."""
    level: float = 0.95
    """Nominal coverage of the interval."""
    resamples: int = 0
    """How many bootstrap resamples were drawn."""
    method: str = ""
    """How they were drawn."""
    n: int = 0
    """How many items it is over."""
    unit: str = "share"
    """Its unit; a share (0..1) is shown as percent."""
    higher_is_better: bool | None = True
    """Its direction; null for a diagnostic."""
    no_interval: str = ""
    """Why there is no interval; empty = there is one."""


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What it cost on that machine; never the same twice, and never part of a score table."""

    seconds: dict[str, float] = field(default_factory=dict)
    """Wall time by stage."""
    items_encoded: int = 0
    """How many items were encoded."""
    items_reused: int = 0
    """How many were found in the store."""
    items_per_second: float | None = None
    """Speed at which the timed vectors were made, now or earlier; null where none was timed."""
    peak_memory_mb: float | None = None
    """Highest resident memory over this cell's jobs in this run, in MB; null beside Linux."""
    device: str = ""
    """Where the vectors were made; several joined by commas."""
    dtype: str = ""
    """The precision that encoded."""


@dataclass(frozen=True, kw_only=True)
class Environment:
    """Where it ran."""

    python: str = ""
    """Version of Python."""
    platform: str = ""
    """Operating system and machine."""
    mmbench: str = ""
    """Version of mmbench."""
    packages: dict[str, str] = field(default_factory=dict)
    """Versions of every plugin and array library."""
    git_commit: str | None = None
    """Commit of the working directory, where it is a checkout."""


@dataclass(frozen=True, kw_only=True)
class ErrorEntry:
    """Why a cell failed."""

    type: str
    """The exception's class, or the signal that killed the worker."""
    message: str
    """The exception's message."""
    log: str = ""
    """The traceback and the end of the worker's output."""


@dataclass(frozen=True, kw_only=True)
class Record:
    """The end of one cell: ok, failed, or skipped with a reason."""

    key: str
    """Hash of recipe, task version and options, collection fingerprints and seed."""
    status: Status
    """How the cell ended."""
    representation: RepresentationEntry
    """What was evaluated."""
    task: TaskEntry
    """What it was evaluated on."""
    created: str
    """When, in ISO 8601, UTC."""
    schema: int = SCHEMA
    """Version of this schema."""
    source: Source = "measured"
    """Measured by mmbench, or a number published in a paper."""
    verified: bool | None = None
    """Of a published number: whether it was checked at its source."""
    suite: str = ""
    """The suite it was run for."""
    data: tuple[CollectionEntry, ...] = ()
    """The collections that took part."""
    provenance: Provenance = "real"
    """``generated`` if a stream that is evaluated is."""
    generated_streams: tuple[str, ...] = ()
    """The streams that were synthesised."""
    items_total: int = 0
    """How many items there are to evaluate."""
    items_used: int = 0
    """How many were evaluated."""
    seed: int | None = None
    """The cell's seed; null where neither representation nor task is random."""
    partial: bool = False
    """Run on a part of the data (``--limit``); never on a leaderboard."""
    metrics: dict[str, MetricValue] = field(default_factory=dict)
    """Metric name to value."""
    references: dict[str, dict[str, float | None]] = field(default_factory=dict)
    """Reference level (chance, ceiling, trivial baseline) to metric values on the same data."""
    parameters: dict[str, Any] = field(default_factory=dict)
    """What scoring chose and the options don't say."""
    notes: tuple[str, ...] = ()
    """What a reader must know."""
    cost: Cost = field(default_factory=Cost)
    """What it cost."""
    environment: Environment = field(default_factory=Environment)
    """Where it ran."""
    error: ErrorEntry | None = None
    """Why it failed."""
    reason: str = ""
    """Why it was skipped."""
    items_file: str | None = None
    """Per-item scores: a Parquet file beside this one."""
    items_sha256: str | None = None
    """Checksum of that file."""
    checksum: str = ""
    """SHA-256 over all other fields."""


def seal(record: Record) -> Record:
    """The same record in plain Python values, with its checksum.

    Raises:
        StoreError: A field holds what its type does not allow.
    """
    return _sealed(record)[0]


def to_json(record: Record) -> str:
    """Canonical JSON: sorted keys, fresh checksum, trailing newline.

    Raises:
        StoreError: A field holds what its type does not allow.
    """
    return json.dumps(_sealed(record)[1], indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def from_json(text: str, *, where: str = "record") -> Record:
    """Read a record, check its checksum, and migrate it if it is older.

    Args:
        text: The file's text.
        where: The file, named in errors.

    Raises:
        StoreError: Not JSON (a truncated file), not a record, a wrong checksum, a newer schema.
    """
    try:
        document = json.loads(text)
    except ValueError as error:
        raise StoreError(f"not JSON: {error}", where=where, fix=_MEND) from error
    if not isinstance(document, dict) or not isinstance(document.get("schema"), int):
        raise StoreError("not a record: it names no schema", where=where, fix=_MEND)
    if document["schema"] > SCHEMA:
        raise StoreError(
            f"written by a newer mmbench (record schema {document['schema']}, this one reads up "
            f"to {SCHEMA})",
            where=where,
            fix="upgrade mmbench: pip install -U mmbench",
        )
    if document.get("checksum") != _checksum(document):
        raise StoreError("its checksum does not match its content", where=where, fix=_MEND)
    migrated = _migrate(document, where)
    record = _decode(migrated, where)
    return record if migrated is document else seal(record)


def record_schema() -> str:
    """The published JSON Schema of a record, as text."""
    schema = json_schema(Record, title="mmbench record", identifier=f"mmbench:record:{SCHEMA}")
    schema["properties"]["schema"] = {**schema["properties"]["schema"], "const": SCHEMA}
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


_MEND = "`mmbench run` makes it again"


def _sealed(record: Record) -> tuple[Record, dict[str, Any]]:
    """The record with its checksum, and the document that says the same."""
    where = f"record of {record.representation.label} on {record.task.label}"
    try:
        given = to_plain(replace(record, schema=SCHEMA))
    except TypeError as error:
        raise StoreError(str(error), where=where) from error
    # Through the types, so that 1 and 1.0 in a field of numbers are one document.
    canonical = _decode(given, where)
    document = to_plain(canonical)
    document["checksum"] = _checksum(document)
    return replace(canonical, checksum=document["checksum"]), document


def _checksum(document: Mapping[str, Any]) -> str:
    content = {name: value for name, value in document.items() if name != "checksum"}
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return sha256(text.encode("utf-8", "backslashreplace")).hexdigest()


def _migrate(document: dict[str, Any], where: str) -> dict[str, Any]:
    while document["schema"] < SCHEMA:
        number = document["schema"]
        if number not in MIGRATIONS:
            raise StoreError(f"record schema {number} is unknown", where=where, fix=_MEND)
        document = {**MIGRATIONS[number](document), "schema": number + 1}
    return document


def _decode(document: dict[str, Any], where: str) -> Record:
    try:
        record = from_plain(Record, document)
        zone = datetime.fromisoformat(record.created).tzinfo
    except ValueError as error:
        raise StoreError(f"not a valid record: {error}", where=where, fix=_MEND) from error
    if zone is None:
        raise StoreError(f"created: {record.created!r} names no time zone", where=where, fix=_MEND)
    return record
