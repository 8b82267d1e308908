"""From records to contenders (one representation over its seeds) and tables (one task)."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING

from mmbench.api.errors import StoreError
from mmbench.results.boards import NotRanked
from mmbench.results.codec import to_plain
from mmbench.results.itemsets import participating
from mmbench.results.labels import label_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from mmbench.api.task import ItemTable, MetricInfo
    from mmbench.results.record import Provenance, Record, TaskEntry

    Tables = Mapping[str, ItemTable]

__all__ = ["Contender", "Group", "group_records", "not_ranked", "union_of_metrics"]


@dataclass(frozen=True, eq=False)  # item tables hold arrays, which don't compare to one truth
class Contender:
    """One representation on one task: a record a seed, by seed.

    Attributes:
        name: What the table calls it.
        label: What all tables call it: the name, without what sets it apart on this one.
        records: One a seed.
        tables: Per-item scores of each.
    """

    name: str
    label: str
    records: tuple[Record, ...]
    tables: tuple[Tables, ...]

    @cached_property
    def primary_items(self) -> tuple[frozenset[str] | None, ...]:
        """Keys of the items that the primary metric of each seed is over."""
        return tuple(
            participating(record.task.metric(record.task.primary), tables)
            for record, tables in zip(self.records, self.tables, strict=True)
        )

    @cached_property
    def data(self) -> dict[tuple[str, str], str]:
        """Fingerprints of the evaluated collections, by dataset and name."""
        return {
            (entry.dataset, entry.name): entry.fingerprint
            for entry in self.records[0].data
            if not entry.auxiliary
        }


@dataclass(frozen=True)
class Group:
    """What one table is made of.

    Attributes:
        title: The task's label, made unique.
        task: The task's entry (of the first record by key).
        provenance: The kind of data.
        metrics: All metrics of its records, and those that published figures alone have.
        contenders: By name.
        published: Published records, by label and key.
    """

    title: str
    task: TaskEntry
    provenance: Provenance
    metrics: tuple[MetricInfo, ...]
    contenders: tuple[Contender, ...]
    published: tuple[Record, ...]


def group_records(
    records: Sequence[Record],
    tables: Callable[[Record], Tables],
    labels: Mapping[tuple[str, str], str],
) -> tuple[list[Group], list[NotRanked]]:
    """Sort records into tables; those whose items can't be read, or that repeat a seed, are listed.

    Args:
        records: Merged records.
        tables: Per-item scores of a record.
        labels: What rows are called (:func:`mmbench.results.labels.row_labels`).
    """
    measured: dict[tuple[str, ...], list[Record]] = {}
    published: dict[tuple[str, str], list[Record]] = {}
    for record in records:
        if record.status != "ok" or record.partial:
            continue
        label, provenance = record.task.label, record.provenance
        if record.source == "published":
            published.setdefault((label, provenance), []).append(record)
        else:
            measured.setdefault((label, provenance, *_protocol(record.task)), []).append(record)
    variants = Counter(key[:2] for key in measured)
    groups, left_out = [], []
    for key in sorted(measured):
        label, title = key[0], key[0]
        if variants[key[:2]] > 1:
            title = f"{label} [{sha256(repr(key).encode()).hexdigest()[:8]}]"
        contenders, lost = _contenders(measured[key], tables, labels)
        left_out += lost
        groups.append(_group(title, measured[key], contenders, published.get((label, key[1]), [])))
    alone = sorted(published.keys() - {(key[0], key[1]) for key in measured})
    for place in alone:  # papers differ in their options: the table has none
        first, *rest = published[place]
        bare = replace(first, task=replace(first.task, options={}))
        groups.append(_group(place[0], [bare, *rest], (), published[place]))
    groups.sort(key=lambda group: (group.provenance != "real", group.title))
    return groups, left_out


def not_ranked(records: Iterable[Record], labels: Mapping[tuple[str, str], str]) -> list[NotRanked]:
    """The cells that are on no table because they failed, were skipped, or are partial."""
    listed = []
    for record in records:
        name = label_of(record, labels)
        if record.status == "failed":
            error = record.error
            reason, fix = _parted(error.message) if error else ("", "")
            # Our own errors indent what to do; others go on with what only the log has room for.
            own = error is not None and f"{reason}\n  " in error.message
            reason = f"{error.type}: {reason}" if error else "no error recorded"
            listed.append(_left(record, name, "failed", reason, fix if own else ""))
        elif record.status == "skipped":
            listed.append(_left(record, name, "skipped", *_parted(record.reason)))
        elif record.partial:
            listed.append(_left(record, name, "partial", "run on a part of the data"))
    return listed


def _parted(message: str) -> tuple[str, str]:
    """An error's text: what happened, and below it what can be done about it."""
    reason, _, fix = message.strip().partition("\n")
    return reason.strip(), "\n".join(" ".join(line.split()) for line in fix.splitlines())


def _group(
    title: str,
    records: Sequence[Record],
    contenders: tuple[Contender, ...],
    published: Sequence[Record],
) -> Group:
    metrics = union_of_metrics(records)
    known = {metric.name for metric in metrics}
    further = [
        metric
        for metric in union_of_metrics(published)
        if metric.name not in known and any(metric.name in each.metrics for each in published)
    ]
    return Group(
        title=title,
        task=records[0].task,
        provenance=records[0].provenance,
        metrics=(*metrics, *further),
        contenders=contenders,
        published=tuple(sorted(published, key=lambda r: (r.representation.label, r.key))),
    )


def union_of_metrics(records: Sequence[Record]) -> tuple[MetricInfo, ...]:
    """All metrics of some records, in the order in which they come."""
    metrics: dict[str, MetricInfo] = {}
    for record in records:
        for metric in record.task.metrics:
            metrics.setdefault(metric.name, metric)
    return tuple(metrics.values())


def _protocol(task: TaskEntry) -> tuple[str, ...]:
    """What must be the same for two numbers of one task label to be comparable."""
    options = json.dumps(to_plain(task.options), sort_keys=True, ensure_ascii=False)
    return (task.name, task.version, options, task.primary)


def _contenders(
    records: Sequence[Record],
    tables: Callable[[Record], Tables],
    labels: Mapping[tuple[str, str], str],
) -> tuple[tuple[Contender, ...], list[NotRanked]]:
    by_row: dict[tuple[str, ...], dict[int, tuple[Record, Tables]]] = {}
    left_out = []
    # The later of two records of one seed comes first, whatever the order of the files.
    for record in sorted(records, key=lambda r: (r.created, r.key), reverse=True):
        label = label_of(record, labels)
        try:
            loaded = tables(record)
        except StoreError as error:
            left_out.append(_left(record, label, "left out", error.what, error.fix))
            continue
        seeds = by_row.setdefault((label, *_data_of(record)), {})
        seed = -1 if record.seed is None else record.seed
        if seed in seeds:
            later = seeds[seed][0].key[:10]
            left_out.append(_left(record, label, "left out", f"record {later} is a later one"))
        else:
            seeds[seed] = (record, loaded)
    repeated = Counter(key[0] for key in by_row)
    contenders = []
    for key in sorted(by_row):
        label = name = key[0]
        if repeated[label] > 1:
            name = f"{label} [data {sha256(repr(key[1:]).encode()).hexdigest()[:8]}]"
        kept, loads = zip(*(by_row[key][seed] for seed in sorted(by_row[key])), strict=True)
        contenders.append(Contender(name, label, kept, loads))
    return tuple(contenders), left_out


def _data_of(record: Record) -> list[str]:
    """The evaluated data: seeds of one row have the same."""
    return sorted(
        f"{entry.dataset}/{entry.name}={entry.fingerprint}"
        for entry in record.data
        if not entry.auxiliary
    )


def _left(record: Record, name: str, status: str, reason: str, fix: str = "") -> NotRanked:
    return NotRanked(
        representation=name,
        task=record.task.label,
        seed=record.seed,
        status=status,
        reason=reason,
        fix=fix,
    )
