"""What a leaderboard is: tables, summaries and what was left out, as plain frozen data.

Only scores: nothing here changes when the same cells are run again. Measured cost, which never
repeats, travels beside them in :attr:`Leaderboards.costs` and into files of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from mmbench.api.task import MetricInfo  # noqa: TC001 - the codec reads the hints at run time
from mmbench.results.record import Provenance  # noqa: TC001 - as above

__all__ = [
    "Cell",
    "CostRow",
    "Coverage",
    "DifferenceRow",
    "Differences",
    "Leaderboards",
    "NotRanked",
    "RepresentationRow",
    "Row",
    "RowKind",
    "Summary",
    "SummaryRow",
    "Table",
]

#: How rows over different items are treated: marked, left out, or all reduced to common items.
Coverage = Literal["report", "strict", "intersect"]
#: Only ``measured`` rows are ranked. A yardstick (random vectors) is measured too, to compare with.
RowKind = Literal["measured", "yardstick", "published", "reference"]


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One metric of one row."""

    value: float | None
    """The point estimate, a mean where there are several seeds; null where undefined."""
    low: float | None = None
    """Lower bound of the interval over items, and over seeds where there are several."""
    high: float | None = None
    """Upper bound of it."""
    level: float = 0.95
    """Its nominal coverage."""
    sd: float | None = None
    """Standard deviation over seeds, where there are several."""
    n: int = 0
    """How many items it is over (of one seed)."""
    note: str = ""
    """Why there is no value or no interval."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One representation, one published figure or one reference level."""

    name: str
    """What the first column says."""
    kind: RowKind = "measured"
    """Measured here, measured as a yardstick, published in a paper, or a task's reference level."""
    representation: str = ""
    """Label of what it is, among the representations; empty = published, or a reference level."""
    rank: int | None = None
    """By the primary metric; equal values share it; null = not ranked."""
    best: bool = False
    """The best, or not significantly different from it."""
    cells: dict[str, Cell] = field(default_factory=dict)
    """Metric name to value."""
    used: int | None = None
    """How many items it is over."""
    total: int | None = None
    """Of how many."""
    seeds: int = 0
    """How many seeds it is the mean of; 0 = none (a published figure, a reference level)."""
    notes: tuple[str, ...] = ()
    """What a reader must know."""
    keys: tuple[str, ...] = ()
    """The records it was made from."""


@dataclass(frozen=True, kw_only=True)
class Table:
    """One task on one kind of data."""

    title: str
    """The task's label, made unique."""
    name: str
    """The task's name in the registry."""
    version: str
    """Version of its scoring."""
    protocol: str
    """The family it belongs to."""
    provenance: Provenance
    """Real data, or generated."""
    primary: str
    """The metric that ranks."""
    metrics: tuple[MetricInfo, ...]
    """Its columns, in order."""
    options: dict[str, Any] = field(default_factory=dict)
    """The task's options."""
    generated_streams: tuple[str, ...] = ()
    """The streams that were synthesised."""
    rows: tuple[Row, ...] = ()
    """Ranked rows first, then yardsticks, published figures and reference levels."""
    notes: tuple[str, ...] = ()
    """How the rows were compared."""


@dataclass(frozen=True, kw_only=True)
class RepresentationRow:
    """What the rows of one name are."""

    label: str
    """What the tables call it: the suite's label, made unique."""
    name: str
    """Its name in the registry."""
    version: str
    """Version of its encoding code."""
    distribution: str = ""
    """The installed distribution that brought it."""
    distribution_version: str = ""
    """Its version, or versions."""
    options: dict[str, Any] = field(default_factory=dict)
    """All options, defaults included."""
    fingerprint: str = ""
    """Hash of class, version, options and weights."""
    family: str = "representation"
    """``representation``, ``connector``, or ``yardstick`` (shown, never ranked)."""
    parameters: int | None = None
    """How many of its parameters were trained; null = it does not say."""


@dataclass(frozen=True, kw_only=True)
class DifferenceRow:
    """How far one row is from the one that all are compared with: same items, same seeds."""

    name: str
    """The row."""
    kind: RowKind
    """Measured, or a yardstick."""
    value: float | None
    """Its own figure, on the items that both have."""
    difference: float | None
    """The other's figure minus this one's; null where they can't be compared."""
    low: float | None = None
    """Lower bound of the difference's interval."""
    high: float | None = None
    """Upper bound of it."""
    level: float = 0.95
    """Its nominal coverage."""
    p_value: float | None = None
    """Two-sided, of a paired bootstrap over items and seeds."""
    n: int = 0
    """How many items both have."""
    seeds: int = 0
    """How many seeds go together; 0 = they are not the same, and were drawn apart."""
    note: str = ""
    """Why they can't be compared."""


@dataclass(frozen=True, kw_only=True)
class Differences:
    """One row of a table against all others, by the primary metric."""

    against: str
    """The row that the others are compared with."""
    title: str
    """The table's."""
    provenance: Provenance
    """Real data, or generated."""
    metric: MetricInfo
    """What is compared."""
    value: float | None
    """The figure of the row that the others are compared with."""
    rows: tuple[DifferenceRow, ...] = ()
    """The others, in the order of the table."""


@dataclass(frozen=True, kw_only=True)
class SummaryRow:
    """One representation over all tasks."""

    name: str
    """The representation."""
    rank: int
    """By Borda points; equal points share it."""
    points: float
    """Over all tasks, how many others it is ranked above (ties count half)."""
    tasks: int
    """How many tasks it is ranked on; the others gave it nothing."""
    of: int
    """How many there are."""
    notes: tuple[str, ...] = ()
    """What a reader must know."""


@dataclass(frozen=True, kw_only=True)
class Summary:
    """All tables of one kind of data; made where there are two representations to compare."""

    provenance: Provenance
    """Real data, or generated."""
    rows: tuple[SummaryRow, ...]
    """By rank, then by name."""


@dataclass(frozen=True, kw_only=True)
class NotRanked:
    """A cell that is on no table."""

    representation: str
    """Its label."""
    task: str
    """The task's label."""
    seed: int | None
    """The seed, if any."""
    status: str
    """``failed``, ``skipped``, ``partial`` or ``left out``."""
    reason: str
    """Why, in a line."""
    fix: str = ""
    """What can be done about it."""


@dataclass(frozen=True, kw_only=True)
class CostRow:
    """What one cell cost where it ran."""

    representation: str
    """Its label."""
    task: str
    """The task's label."""
    seed: int | None
    """The seed, if any."""
    seconds: dict[str, float]
    """Wall time by stage."""
    items_encoded: int
    """How many items were encoded."""
    items_reused: int
    """How many were found in the store."""
    items_per_second: float | None
    """Encoding speed."""
    peak_memory_mb: float | None
    """Peak memory of the worker, in MB."""
    device: str
    """Where it was encoded."""
    dtype: str
    """In which precision."""


@dataclass(frozen=True, kw_only=True)
class Leaderboards:
    """The leaderboards of a set of records."""

    coverage: Coverage
    """How rows over different items were treated."""
    tables: tuple[Table, ...] = ()
    """One a task and kind of data: real data first, then by title."""
    differences: tuple[Differences, ...] = ()
    """Where rows were named to compare all others with: one a table and named row."""
    summaries: tuple[Summary, ...] = ()
    """One a kind of data."""
    representations: tuple[RepresentationRow, ...] = ()
    """What the rows are, by label."""
    not_ranked: tuple[NotRanked, ...] = ()
    """Failed, skipped, partial and left-out cells."""
    costs: tuple[CostRow, ...] = ()
    """Measured cost; in files of its own, in no score table and not in the JSON."""
