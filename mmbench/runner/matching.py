"""Matches one representation with one task: bindings, requests, and the keys that follow."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from mmbench.api import (
    Collection,
    NotApplicable,
    PluginError,
    PrecomputedRepresentation,
    Representation,
    RepresentationInfo,
    Request,
    UsageError,
)
from mmbench.api.streams import bind_slots
from mmbench.options import nearest
from mmbench.runner.corpora import with_corpora
from mmbench.runner.interaction_rules import interacts, refuse_what_cannot_interact
from mmbench.runner.joining import stays_out
from mmbench.runner.keys import digest_rows, key_of
from mmbench.runner.subjects import guarded, subject_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from mmbench.api import Binding, EmbeddingKind
    from mmbench.registry import Configured
    from mmbench.runner.catalog import Catalog, FitSource, OpenedTask
    from mmbench.runner.subjects import Subject
    from mmbench.runner.suite import RepresentationChoice, TaskChoice

__all__ = ["Group", "Match", "groups_of", "match", "single_slot"]


@dataclass(frozen=True)
class BoundOffers:
    """The :class:`mmbench.api.Offers` that a task is handed."""

    info: RepresentationInfo
    bindings: Mapping[str, Binding]

    def streams(self, collection: str) -> tuple[str, ...]:
        """The streams of this collection that fit a slot."""
        return tuple(dict.fromkeys(self.bindings[collection].values()))

    def slots(self, collection: str, streams: Sequence[str]) -> frozenset[str] | None:
        """The slots that these streams fill, or None where one of them fits no slot."""
        by_stream = {stream: slot for slot, stream in self.bindings[collection].items()}
        if not all(stream in by_stream for stream in streams):
            return None
        return frozenset(by_stream[stream] for stream in streams)

    def offered(self, collection: str, streams: Sequence[str], kind: EmbeddingKind) -> bool:
        """Whether this kind is offered for this subset of the collection's streams."""
        slots = self.slots(collection, streams)
        return slots is not None and self.info.offer(kind, slots) is not None


@dataclass(frozen=True)
class Group:
    """Rows of one request that are encoded from the same slots.

    Attributes:
        slots: The observed subset, sorted.
        rows: Rows of the collection, int64 [k].
        digests: One store key a row, uint64 [k, 2].
    """

    slots: tuple[str, ...]
    rows: NDArray[np.int64]
    digests: NDArray[np.uint64]


@dataclass(frozen=True)
class Match:
    """A representation and a task that fit together, for one seed.

    Attributes:
        subject: The representation or connector: bound, not loaded.
        opened: The task and its collections; for a base also the corpora that it encodes.
        bindings: Slot to stream, by collection.
        requests: What the task (or the connector) wants encoded.
        seed: The cell's seed; None where neither side is seeded.
        key: Names the cell.
    """

    subject: Subject
    opened: OpenedTask
    bindings: Mapping[str, Binding]
    requests: tuple[Request, ...]
    seed: int | None
    key: str = ""

    @property
    def configured(self) -> Configured[Any]:
        """The representation or connector, with its options."""
        return self.subject.configured

    @property
    def info(self) -> RepresentationInfo:
        """What it says of itself."""
        return self.subject.info

    @property
    def identity(self) -> str:
        """Names the representation up to its training."""
        return self.subject.identity

    @property
    def recipe(self) -> str | None:
        """Names its training, if it is trained."""
        return self.subject.recipe

    @property
    def fit(self) -> FitSource | None:
        """What a trained representation learns from."""
        return self.subject.fit

    @property
    def fit_binding(self) -> Binding:
        """Slot to stream of the training collection; empty if it is not trained."""
        return self.subject.fit_binding

    @property
    def representation(self) -> Representation:
        """The representation itself; a connector has bases instead."""
        return self.subject.representation

    def base(self, name: str) -> Match:
        """One of a connector's bases, with what is wanted of it: for the task, and its corpora."""
        subject = self.subject.bases[name]
        corpora = [each for each in self.subject.corpora if each.request.base == name]
        routed = [request for request in self.requests if self.route(request) == name]
        routes = self._routes()
        bindings = {
            key: {slot: stream for slot, stream in binding.items() if routes[slot] == name}
            for key, binding in self.bindings.items()
        }
        bindings |= {each.key: {each.request.slot: each.request.stream} for each in corpora}
        requests = {each.name: each for each in (*routed, *(each.wanted for each in corpora))}
        opened = with_corpora(self.opened, corpora)
        return Match(subject, opened, bindings, tuple(requests.values()), self.seed, self.key)

    @property
    def interacts(self) -> bool:
        """Whether the task has the representation in a loop: its requests are not encoded."""
        return interacts(self.opened.task)

    def at(self, path: Sequence[str]) -> Match:
        """A base of a base of ... a connector; itself for an empty path."""
        return self.base(path[0]).at(path[1:]) if path else self

    def route(self, request: Request) -> str:
        """The base that encodes a request, which is about one slot."""
        return self._routes()[self.slots(request)[0]]

    def slots(self, request: Request) -> list[str]:
        """The slots that a request's streams fill, sorted."""
        binding = self.bindings[request.collection]
        return sorted(slot for slot, stream in binding.items() if stream in request.streams)

    def _routes(self) -> Mapping[str, str]:
        assert self.subject.connector is not None
        return self.subject.connector.routes

    def collection(self, request: Request) -> Collection:
        """The collection that a request is about."""
        return self.opened.collections[request.collection]

    def space(self, kind: str, slots: Sequence[str], artifact: str | None, precision: str) -> str:
        """Key of the store's space for vectors of this kind, slots and precision."""
        return key_of("space", self.identity, artifact, kind, sorted(slots), precision)

    def encode_key(self, request: Request, precision: str) -> str:
        """Names an encode job: equal requests of several tasks have one key."""
        binding = self.bindings[request.collection]
        wanted = sorted((slot, s) for slot, s in binding.items() if s in request.streams)
        fingerprint = self.opened.fingerprints[request.collection]
        made = (self.identity, self.recipe, precision)
        return key_of("encode", made, request.kind, request.partial, wanted, fingerprint)


def match(
    catalog: Catalog, choice: RepresentationChoice, task: TaskChoice, seed: int, extra: Any = ()
) -> Match:
    """Match one representation with one task.

    Args:
        catalog: Builds both.
        choice: The representation.
        task: The task.
        seed: Used where either side is seeded.
        extra: Whatever else makes a record (limit, precision, resamples).

    Raises:
        NotApplicable: They don't fit together; the message is the reason to skip the cell.
        MmbenchError: One of them is broken or misconfigured.
    """
    elsewhere = stays_out(choice, task, catalog.registry)
    if elsewhere:
        raise NotApplicable(elsewhere)
    opened = catalog.task(task)
    subject = subject_of(catalog, choice, opened, task, seed)
    where = f"representation {choice.label}"
    _check_bound_streams(choice, subject, opened, where)
    bindings = {
        name: bind_slots(subject.info.slots, collection.streams, choice.bind, where=where)
        for name, collection in opened.collections.items()
    }
    requests = _requests(opened, BoundOffers(subject.info, bindings), subject, choice.label)
    task_info = opened.info
    seeded = subject.info.seeded or task_info.seeded
    found = Match(subject, opened, bindings, requests, seed if seeded else None)
    described = (
        opened.configured.path,
        task_info.name,
        task_info.version,
        opened.configured.options,
    )
    data = sorted(opened.fingerprints.items())
    # The labels name the rows of the leaderboard: two entries of a suite have two records, though
    # they share every vector and every trained state.
    labels = (choice.label, task.label)
    made = (subject.identity, subject.recipe, choice.bind)
    key = key_of("cell", labels, *made, described, data, found.seed, extra)
    return replace(found, key=key)


def groups_of(match: Match, request: Request, catalog: Catalog) -> list[Group]:
    """The rows of a request by the slots they are encoded from.

    Rows that lack a required stream are in no group.
    """
    import numpy as np

    if match.subject.connector is not None:
        return groups_of(match.base(match.route(request)), request, catalog)
    collection = match.collection(request)
    binding, slots = match.bindings[request.collection], match.slots(request)
    if isinstance(match.representation, PrecomputedRepresentation):
        fingerprint = match.opened.fingerprints[request.collection]
        keys = [[f"{fingerprint}/{item}" for item in collection.ids]]
        digests, _ = digest_rows(keys)
        return [Group(tuple(slots), np.arange(len(collection)), digests)]
    columns = {slot: catalog.content_keys(collection, binding[slot]) for slot in slots}
    if request.partial == "require":
        digests, present = digest_rows([columns[slot] for slot in slots])
        rows = np.flatnonzero(present)
        return [Group(tuple(slots), rows, digests[rows])]
    presence = np.array([[key is not None for key in columns[slot]] for slot in slots])
    groups = []
    for pattern in np.unique(presence.T, axis=0):
        subset = [slot for slot, has in zip(slots, pattern, strict=True) if has]
        if not subset:
            continue
        rows = np.flatnonzero((pattern == presence.T).all(axis=1))
        digests, _ = digest_rows([[columns[slot][row] for row in rows] for slot in subset])
        groups.append(Group(tuple(subset), rows, digests))
    return groups


def _check_bound_streams(
    choice: RepresentationChoice, subject: Subject, opened: OpenedTask, where: str
) -> None:
    """A suite's ``bind`` must name a stream that one of the collections has."""
    streams = {name for each in opened.collections.values() for name in each.streams}
    for part in (subject, *(base for _, base in subject.tree())):
        if part.fit is not None:
            streams.update(stream.name for stream in part.fit.streams())
    for stream in choice.bind.values():
        if stream not in streams:
            advice = nearest(stream, streams, "the streams are")
            raise UsageError(f"bind names an unknown stream {stream!r}", where=where, fix=advice)


def single_slot(match: Match, request: Request, group: Group, slot: str, catalog: Catalog) -> Group:
    """The same rows, seen through one slot only."""
    collection = match.collection(request)
    keys = catalog.content_keys(collection, match.bindings[request.collection][slot])
    digests, _ = digest_rows([[keys[int(row)] for row in group.rows]])
    return Group((slot,), group.rows, digests)


def _requests(
    opened: OpenedTask, offers: BoundOffers, subject: Subject, label: str
) -> tuple[Request, ...]:
    """What the task wants, each of it checked against what is offered."""
    asked = guarded(
        lambda: tuple(opened.task.requests(offers)), "requests()", f"task {opened.info.name}"
    )
    requests: tuple[Request, ...] = asked
    refuse_what_cannot_interact(opened.task, subject.configured.object, label)
    for request in requests:
        if request.collection not in opened.collections:
            raise PluginError(
                f"asks for a collection {request.collection!r} that it does not have",
                where=f"task {opened.info.name}",
            )
        if request.kind != "global" and interacts(opened.task):
            raise PluginError(
                f"interacts, and asks for a {request.kind} embedding: only global ones are live",
                where=f"task {opened.info.name}",
            )
        lacks = _lacks(request, offers, label)
        if lacks:
            raise NotApplicable(lacks, fix=_advice(subject, request, label))
    return requests


def _lacks(request: Request, offers: BoundOffers, label: str) -> str:
    """Why a request can't be met; empty if it can."""
    slots = offers.slots(request.collection, request.streams)
    if slots is None:
        unfit = sorted(set(request.streams) - set(offers.streams(request.collection)))
        return f"{label} takes no {' and no '.join(unfit)}"
    if offers.info.offer(request.kind, slots) is None:
        return f"{label} offers no {request.kind} embedding of {' + '.join(sorted(slots))}"
    return ""


def _advice(subject: Subject, request: Request, label: str) -> str:
    """What a user can do where a request can't be met."""
    if subject.connector is not None:
        return ""
    wanted = partial(subject.representation.missing_offer, request.kind, frozenset(request.streams))
    advice: str = guarded(wanted, "missing_offer()", f"representation {label}")
    return advice
