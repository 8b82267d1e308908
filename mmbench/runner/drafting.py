"""Puts a cell's bundle together: the rows that were kept, their vectors, the record's draft."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from mmbench.api import DataError, ItemTable, PluginError
from mmbench.results.record import (
    CollectionEntry,
    Cost,
    Record,
    StreamEntry,
    TaskEntry,
)
from mmbench.runner.bundle import Bundle, VectorRefs
from mmbench.runner.entries import corpus_entries, fit_on_entries, representation_entry
from mmbench.runner.environment import describe_environment
from mmbench.runner.interacting import interaction_key
from mmbench.runner.losses import depth, dropped_items, fall_together, is_derived
from mmbench.runner.matching import groups_of
from mmbench.runner.overlap import overlap_notes
from mmbench.runner.vectors import Price, VectorStore

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from mmbench.api import Collection, Request
    from mmbench.results.record import DroppedItem
    from mmbench.runner.catalog import Catalog
    from mmbench.runner.matching import Group, Match
    from mmbench.runner.settings import RunSettings
    from mmbench.runner.suite import RepresentationChoice, TaskChoice
    from mmbench.runner.trainings import Trainings
    from mmbench.runner.vectors import Space

__all__ = ["Drafting", "draft_record"]


@dataclass
class Drafting:
    """Makes the bundle of one matched cell.

    Attributes:
        match: The cell.
        catalog: Where its collections' keys are.
        trainings: What the trained states are.
        settings: The run's.
        reasons: Item id to the reason it could not be decoded, by collection key.
    """

    match: Match
    catalog: Catalog
    trainings: Trainings
    settings: RunSettings
    reasons: Mapping[str, Mapping[str, str]]
    _spaces: dict[str, tuple[Space, list[NDArray[np.int64]]]] = field(default_factory=dict)
    _refs: dict[str, tuple[Request, list[str], NDArray[np.int64], NDArray[np.uint64]]] = field(
        default_factory=dict
    )

    def bundle(
        self, choice: RepresentationChoice, task: TaskChoice, suite: str, cost: Cost
    ) -> Bundle:
        """The bundle, with the record's draft inside."""
        kept, reasons = self._kept_rows()
        tables = {
            name: _rows_of(collection, kept[name])
            for name, collection in self.match.opened.collections.items()
        }
        vectors = {}
        for name, (request, spaces, space_of_row, digests) in self._refs.items():
            rows = kept[request.collection]
            vectors[name] = VectorRefs(tuple(spaces), space_of_row[rows], digests[rows])
        draft = draft_record(
            self.match, choice, task, suite, self.settings, kept, reasons, self.trainings
        )
        draft = _with_cost(draft, cost, self._price())
        seed, resamples = self.match.seed or 0, self.settings.resamples
        interaction = self._interaction()
        return Bundle(task, draft, tables, vectors, seed, resamples, interaction)

    def _interaction(self) -> str | None:
        """Content hash of what the task's interaction gave; None where it does not interact."""
        if not self.match.interacts:
            return None
        artifact = self.trainings.artifact(self.match.subject)
        key = interaction_key(self.match, artifact, self.settings.precision)
        content = self.trainings.store.find(key)
        if content is None:
            raise PluginError("what its interaction gave is gone", fix="run again: it is made anew")
        return content

    def _kept_rows(self) -> tuple[dict[str, NDArray[np.int64]], Mapping[str, Mapping[str, str]]]:
        """Rows whose every request has a vector, and why the others have none."""
        collections = self.match.opened.collections
        keep = {name: np.ones(len(c), dtype=np.bool_) for name, c in collections.items()}
        store = VectorStore(self.settings.cache)
        for request in () if self.match.interacts else self.match.requests:
            keep[request.collection] &= self._locate(request, store)
        reasons = fall_together(collections, keep, self.reasons)
        for name, collection in collections.items():
            _refuse_holes(name, collection, keep[name], reasons[name])
        return {name: np.flatnonzero(mask) for name, mask in keep.items()}, reasons

    def _locate(self, request: Request, store: VectorStore) -> NDArray[np.bool_]:
        """Which rows of a request's collection are in the store; remembers where."""
        collection = self.match.collection(request)
        found = np.zeros(len(collection), dtype=np.bool_)
        digests = np.zeros((len(collection), 2), dtype=np.uint64)
        space_of_row = np.zeros(len(collection), dtype=np.int64)
        spaces: list[str] = []
        for group in groups_of(self.match, request, self.catalog):
            key, hit = self._use(self.match, request, group, store)
            found[group.rows[hit]] = True
            digests[group.rows] = group.digests
            space_of_row[group.rows] = len(spaces)
            spaces.append(key)
        self._refs[request.name] = (request, spaces, space_of_row, digests)
        return found

    def _use(
        self, match: Match, request: Request, group: Group, store: VectorStore
    ) -> tuple[str, NDArray[np.bool_]]:
        """The key of a group's space, and which rows are in it; what they cost is remembered.

        What a connector's base has made of the same rows is paid for, too.
        """
        if match.subject.connector is not None:
            self._use(match.base(match.route(request)), request, group, store)
        artifact = self.trainings.artifact(match.subject)
        key = match.space(request.kind, group.slots, artifact, self.settings.precision)
        if key not in self._spaces:
            self._spaces[key] = (store.space(key), [])
            self._spaces[key][0].refresh()
        space, used = self._spaces[key]
        places = space.find(group.digests)
        hit: NDArray[np.bool_] = places >= 0
        used.append(places[hit])
        return key, hit

    def _price(self) -> Price:
        """What all vectors of the cell cost, each of them counted once."""
        prices = [space.price(np.concatenate(used)) for space, used in self._spaces.values()]
        return Price(
            sum(price.seconds for price in prices),
            sum(price.items for price in prices),
            tuple(sorted({device for price in prices for device in price.devices})),
        )


def _refuse_holes(
    name: str, collection: Collection, keep: NDArray[np.bool_], reasons: Mapping[str, str]
) -> None:
    """A cell without items, or without one of its prompts, has no score."""
    if collection.auxiliary and not keep.all() and not depth(collection):
        item = collection.ids[int(np.argmin(keep))]
        reason = reasons.get(item, "it was not encoded")
        raise DataError(f"the prompt {item!r} can't be used: {reason}", where=name)
    if not len(keep) and not collection.auxiliary and not depth(collection):
        raise DataError("has no items", where=name)
    if len(keep) and not keep.any():
        first = next(iter(reasons.items()), ("?", "no stream is present"))
        raise DataError(
            f"none of its {len(keep)} items could be used; {first[0]}: {first[1]}", where=name
        )


def draft_record(
    match: Match,
    choice: RepresentationChoice,
    task: TaskChoice,
    suite: str,
    settings: RunSettings,
    kept: Mapping[str, NDArray[np.int64]] | None = None,
    reasons: Mapping[str, Mapping[str, str]] | None = None,
    trainings: Trainings | None = None,
) -> Record:
    """A cell's record before scoring (or after a failure, then without ``kept``)."""
    requested = _requested_streams(match)
    # Training items that nothing learns from took no part.
    parts = [match.subject, *(base for _, base in match.subject.tree())]
    # Corpora have entries of their own.
    fits = [each.fit for each in parts if each.fit]
    learnt = {id(each) for fit in fits for each in fit.learnt().values()}
    idle = _training(match) - set(requested)
    part = {
        name: each
        for name, each in match.opened.collections.items()
        if name not in idle or id(each) in learnt
    }
    if kept is None:
        kept = {name: np.arange(len(collection)) for name, collection in part.items()}
    dropped = dropped_items(part, kept, reasons or {})
    entries, total, used = [], 0, 0
    for name, collection in part.items():
        rows = kept[name]
        entries.append(_collection_entry(match, name, len(rows), dropped[name]))
        if name in requested and not match.interacts and _is_evaluated(match, name, collection):
            total += len(collection)
            used += len(rows)
    entries += [*fit_on_entries(match.subject), *corpus_entries(match.subject, trainings)]
    generated = any(
        _is_generated(collection, stream, sample=name in match.opened.samples)
        for name, streams in requested.items()
        for stream in streams
        if not (collection := match.opened.collections[name]).auxiliary
    )
    return Record(
        key=match.key,
        status="ok",
        suite=suite,
        created=datetime.now(UTC).isoformat(timespec="milliseconds"),
        representation=representation_entry(match.subject, choice, trainings),
        task=_task_entry(match, task),
        data=tuple(entries),
        provenance="generated" if generated else "real",
        generated_streams=_generated_streams(match, requested),
        items_total=total,
        items_used=used,
        notes=overlap_notes(match),
        seed=match.seed,
        partial=settings.limit is not None,
        environment=describe_environment(
            [
                *(each.configured.entry.plugin for each in parts),
                match.opened.configured.entry.plugin,
            ]
        ),
    )


def _with_cost(draft: Record, cost: Cost, price: Price) -> Record:
    """Add what encoding cost, this time or when the vectors were first made.

    The speed is that of the vectors that were timed: fused and precomputed ones took no part. The
    device is the one that the vectors were made on, which may be another than this run's.
    """
    from dataclasses import replace

    timed = {**cost.seconds, "encode": round(price.seconds, 6)}
    speed = price.items / price.seconds if price.seconds > 0 else None
    device = ", ".join(price.devices) or cost.device
    return replace(draft, cost=replace(cost, seconds=timed, items_per_second=speed, device=device))


def _task_entry(match: Match, task: TaskChoice) -> TaskEntry:
    info, plugin = match.opened.task.info, match.opened.configured.entry.plugin
    return TaskEntry(
        name=task.name,
        label=task.label,
        version=info.version,
        protocol=info.protocol,
        primary=info.primary,
        metrics=info.metrics,
        options=dict(match.opened.configured.options),
        equal=info.equal,
        citation=info.citation,
        distribution=plugin.distribution,
        distribution_version=plugin.version,
    )


def _collection_entry(
    match: Match, name: str, used: int, dropped: tuple[DroppedItem, ...]
) -> CollectionEntry:
    collection = match.opened.collections[name]
    return CollectionEntry(
        name=name,
        dataset=match.opened.datasets.get(name, ""),
        fingerprint=match.opened.fingerprints[name],
        streams={
            key: StreamEntry(
                stream.modality,
                stream.kind,
                "generated" if name in match.opened.samples else stream.provenance,
            )
            for key, stream in collection.streams.items()
        },
        items=len(collection),
        used=used,
        dropped=dropped,
        auxiliary=collection.auxiliary,
        leaks=match.opened.leaks,
    )


def _requested_streams(match: Match) -> dict[str, list[str]]:
    """Streams that are encoded, by collection key."""
    requested: dict[str, list[str]] = {}
    for request in match.requests:
        streams = requested.setdefault(request.collection, [])
        streams += [stream for stream in request.streams if stream not in streams]
    return requested


def _training(match: Match) -> set[str | None]:
    """Keys of the collections that the task offers for training."""
    spec = match.opened.task.fit_spec()
    return {spec.train, spec.valid} if spec else set()


def _is_evaluated(match: Match, name: str, collection: Collection) -> bool:
    """Coverage counts what is evaluated: not prompts, crops or training items."""
    derived = is_derived(collection, match.opened.collections)
    return not collection.auxiliary and not derived and name not in _training(match)


def _generated_streams(match: Match, requested: Mapping[str, list[str]]) -> tuple[str, ...]:
    """``collection/stream`` of every synthesised stream that was encoded or learnt from."""
    opened = match.opened
    found = {
        f"{name}/{stream}"
        for name, streams in requested.items()
        for stream in streams
        if _is_generated(opened.collections[name], stream, sample=name in opened.samples)
    }
    found |= {
        f"{each.name}/{stream}"
        for each in match.subject.learnt()
        for stream in each.streams
        if stream in each.collection.streams
        and _is_generated(each.collection, stream, sample=each.sample)
    }
    return tuple(sorted(found))


def _is_generated(collection: Collection, stream: str, *, sample: bool) -> bool:
    """Whether a stream was synthesised; all of a sample's were."""
    return sample or collection.streams[stream].provenance == "generated"


def _rows_of(collection: Collection, rows: NDArray[np.int64]) -> ItemTable:
    columns = {}
    for name, values in collection.columns.items():
        if len(values) != len(collection):
            raise PluginError(
                f"column {name!r} has {len(values)} values for {len(collection)} items",
                where=f"collection {collection.name}",
            )
        columns[name] = [values[int(row)] for row in rows]
    return ItemTable([collection.ids[int(row)] for row in rows], columns)
