"""Matches one representation with one task: bindings, requests, and the keys that follow."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from mmbench.api import (
    Collection,
    MmbenchError,
    NotApplicable,
    PluginError,
    PrecomputedRepresentation,
    Representation,
    RepresentationInfo,
    Request,
    Stream,
    TrainedRepresentation,
    UsageError,
)
from mmbench.api.streams import bind_slots
from mmbench.options import nearest
from mmbench.runner.keys import digest_rows, key_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from mmbench.api import Binding, EmbeddingKind
    from mmbench.registry import Configured
    from mmbench.runner.catalog import Catalog, FitSource, OpenedTask
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
        configured: The representation: bound, not loaded.
        info: What it says of itself.
        opened: The task and its collections.
        fit: What it learns from, if it is trained.
        fit_binding: Slot to stream of the training collection; empty if it is not trained.
        bindings: Slot to stream, by collection.
        requests: What the task wants encoded.
        seed: The cell's seed; None where neither side is seeded.
        identity: Names the representation up to its training.
        recipe: Names its training, if it is trained.
        key: Names the cell.
    """

    configured: Configured[Representation]
    info: RepresentationInfo
    opened: OpenedTask
    fit: FitSource | None
    bindings: Mapping[str, Binding]
    requests: tuple[Request, ...]
    seed: int | None
    identity: str
    recipe: str | None
    fit_binding: Binding
    key: str = ""

    @property
    def representation(self) -> Representation:
        """The representation itself."""
        return self.configured.object

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
    opened = catalog.task(task)
    configured = catalog.representation(choice)
    representation = configured.object
    where = f"representation {choice.label}"
    fit = _fit_source(catalog, opened, representation, choice, task)
    streams = fit.streams() if fit else _all_streams(opened.collections)
    _guarded(lambda: representation.bind(streams), "bind()", where)
    info: RepresentationInfo = _guarded(lambda: representation.info, "info", where)
    fingerprint = _guarded(representation.fingerprint, "fingerprint()", where)
    slots = [slot.name for slot in info.slots]
    for slot in choice.bind:
        if slot not in slots:
            raise UsageError(
                f"bind names a slot {slot!r} that it lacks", where=where,
                fix=nearest(slot, slots, "its slots are"),
            )  # fmt: skip
    _check_choices(choice, info, opened.collections, fit, where)
    bindings = {
        name: bind_slots(info.slots, collection.streams, choice.bind, where=where)
        for name, collection in opened.collections.items()
    }
    requests = _requests(opened, BoundOffers(info, bindings), representation, choice.label)
    identity = key_of(
        "representation", configured.path, info.version, configured.options, fingerprint,
        seed if info.seeded else None,
    )  # fmt: skip
    fit_binding = _fit_binding(fit, info, choice)
    recipe = None
    if fit is not None:
        learnt = sorted(fit_binding.items())
        recipe = key_of("recipe", identity, fit.key(), learnt, catalog.limit)
    task_info = opened.info
    found = Match(
        configured=configured,
        info=info,
        opened=opened,
        fit=fit,
        bindings=bindings,
        requests=requests,
        seed=seed if info.seeded or task_info.seeded else None,
        identity=identity,
        recipe=recipe,
        fit_binding=fit_binding,
    )
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
    key = key_of("cell", labels, identity, recipe, choice.bind, described, data, found.seed, extra)
    return replace(found, key=key)


def _guarded(call: Callable[[], Any], what: str, where: str) -> Any:
    """Ask a plugin; what it raises names it."""
    try:
        return call()
    except (MmbenchError, OSError):
        raise
    except (Exception, SystemExit) as error:
        raise PluginError(f"{what} raised {type(error).__name__}: {error}", where=where) from error


def groups_of(match: Match, request: Request, catalog: Catalog) -> list[Group]:
    """The rows of a request by the slots they are encoded from.

    Rows that lack a required stream are in no group.
    """
    import numpy as np

    collection = match.collection(request)
    binding = match.bindings[request.collection]
    slots = sorted(slot for slot, stream in binding.items() if stream in request.streams)
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


def _fit_source(
    catalog: Catalog,
    opened: OpenedTask,
    representation: Representation,
    choice: RepresentationChoice,
    task: TaskChoice,
) -> FitSource | None:
    """What the representation learns from; None if it is not trained here."""
    if not isinstance(representation, TrainedRepresentation):
        return None
    fit = catalog.fit_source(opened, task.fit_on)
    if fit is None:
        raise NotApplicable(
            f"{choice.label} must be trained, and {task.label} names no training data",
            fix="name some in the suite: fit_on = { dataset = ..., train = ... }",
        )
    return fit


def _check_choices(
    choice: RepresentationChoice,
    info: RepresentationInfo,
    collections: Mapping[str, Collection],
    fit: FitSource | None,
    where: str,
) -> None:
    """A suite's ``bind`` must name a slot, and a stream that one of the collections has."""
    slots = {slot.name for slot in info.slots}
    streams = {name for collection in collections.values() for name in collection.streams}
    if fit is not None:
        streams.update(stream.name for stream in fit.streams())
    for slot, stream in choice.bind.items():
        if slot not in slots:
            advice = nearest(slot, slots, "its slots are")
            raise UsageError(
                f"bind names a slot {slot!r} that it does not have", where=where, fix=advice
            )
        if stream not in streams:
            advice = nearest(stream, streams, "the streams are")
            raise UsageError(f"bind names an unknown stream {stream!r}", where=where, fix=advice)


def single_slot(match: Match, request: Request, group: Group, slot: str, catalog: Catalog) -> Group:
    """The same rows, seen through one slot only."""
    collection = match.collection(request)
    keys = catalog.content_keys(collection, match.bindings[request.collection][slot])
    digests, _ = digest_rows([[keys[int(row)] for row in group.rows]])
    return Group((slot,), group.rows, digests)


def _all_streams(collections: Mapping[str, Collection]) -> list[Stream]:
    """The streams of all collections, each name once."""
    found: dict[tuple[str, str, str], Stream] = {}
    for collection in collections.values():
        for stream in collection.streams.values():
            found.setdefault((stream.name, stream.modality, stream.kind), stream)
    return list(found.values())


def _requests(
    opened: OpenedTask, offers: BoundOffers, representation: Representation, label: str
) -> tuple[Request, ...]:
    """What the task wants, each of it checked against what is offered."""
    asked = _guarded(
        lambda: tuple(opened.task.requests(offers)), "requests()", f"task {opened.info.name}"
    )
    requests: tuple[Request, ...] = asked
    for request in requests:
        if request.collection not in opened.collections:
            raise PluginError(
                f"asks for a collection {request.collection!r} that it does not have",
                where=f"task {opened.info.name}",
            )
        lacks = _lacks(request, offers, label)
        if lacks:
            fix = _guarded(
                partial(representation.missing_offer, request.kind, frozenset(request.streams)),
                "missing_offer()", f"representation {label}",
            )  # fmt: skip
            raise NotApplicable(lacks, fix=fix)
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


def _fit_binding(
    fit: FitSource | None, info: RepresentationInfo, choice: RepresentationChoice
) -> Binding:
    """How the training collection feeds the slots; every slot must be fed."""
    if fit is None:
        return {}
    train = fit.collections[fit.spec.train]
    streams = {stream.name: stream for stream in fit.streams()}
    binding = bind_slots(info.slots, streams, choice.bind, where=choice.label)
    unbound = [slot.name for slot in info.slots if slot.name not in binding]
    if unbound:
        raise NotApplicable(
            f"{choice.label} learns from {' and '.join(unbound)}, "
            f"and the training collection {train.name!r} has none"
        )
    return binding
