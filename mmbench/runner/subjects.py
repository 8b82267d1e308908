"""Subjects: a representation or connector, configured for one task's data, and its keys.

A connector's bases are subjects too. They are what they would be by themselves on the same task, so
that what they learn and encode is shared with their own cells.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from mmbench.api import (
    Collection,
    Connector,
    CorpusRequest,
    DataMissing,
    MmbenchError,
    NotApplicable,
    PluginError,
    Representation,
    RepresentationInfo,
    RepresentationRef,
    Stream,
    TrainedRepresentation,
    UsageError,
)
from mmbench.api.streams import bind_slots
from mmbench.options import nearest
from mmbench.registry import load_object
from mmbench.runner.corpora import open_corpora
from mmbench.runner.keys import key_of
from mmbench.runner.suite import RepresentationChoice, fit_on_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from mmbench.api import Binding
    from mmbench.registry import Configured
    from mmbench.runner.catalog import Catalog, FitSource, OpenedTask
    from mmbench.runner.corpora import Corpus
    from mmbench.runner.suite import TaskChoice

__all__ = ["DEEPEST", "Learnt", "Subject", "guarded", "subject_of"]

#: Connectors within connectors, at most.
DEEPEST = 16


@dataclass(frozen=True)
class Learnt:
    """A collection that something learns from.

    Attributes:
        name: How records call it.
        collection: Its items.
        streams: Those of its streams that are learnt from.
        sample: Whether it comes from a generated sample.
    """

    name: str
    collection: Collection
    streams: tuple[str, ...]
    sample: bool


@dataclass(frozen=True)
class Subject:
    """What is evaluated: bound, not loaded.

    Attributes:
        choice: How a suite names it; a base, how its connector does.
        configured: The representation or connector.
        info: What it says of itself.
        identity: Names it up to its training.
        recipe: Names its training, if it is trained; connectors always are.
        fit: What a trained representation learns from.
        fit_binding: Slot to stream of its training collection.
        bases: A connector's bases, by name.
        corpora: What a connector learns from.
        shared: Names what a connector's trainings with all seeds have in common.
    """

    choice: RepresentationChoice
    configured: Configured[Representation | Connector]
    info: RepresentationInfo
    identity: str
    recipe: str | None = None
    fit: FitSource | None = None
    fit_binding: Binding = field(default_factory=dict)
    bases: Mapping[str, Subject] = field(default_factory=dict)
    corpora: tuple[Corpus, ...] = ()
    shared: str = ""

    @property
    def representation(self) -> Representation:
        """The representation itself; a connector is none."""
        assert isinstance(self.configured.object, Representation)
        return self.configured.object

    @property
    def connector(self) -> Connector | None:
        """The connector itself; None where it is a representation."""
        found = self.configured.object
        return found if isinstance(found, Connector) else None

    def tree(self, path: str = "") -> Iterator[tuple[str, Subject]]:
        """Its bases, and theirs, by paths such as ``first/second``."""
        for name, base in self.bases.items():
            yield f"{path}{name}", base
            yield from base.tree(f"{path}{name}/")

    def learnt(self) -> list[Learnt]:
        """All that it or one of its bases learns from."""
        found = []
        if self.fit is not None:
            for name in filter(None, (self.fit.spec.train, self.fit.spec.valid)):
                streams = tuple(self.fit_binding.values())
                sample = name in self.fit.samples
                found.append(Learnt(name, self.fit.collections[name], streams, sample))
        for each in self.corpora:
            name = f"{each.request.dataset}/{each.request.collection}"
            found.append(Learnt(name, each.collection, (each.request.stream,), each.sample))
        for base in self.bases.values():
            found += base.learnt()
        return found


def subject_of(
    catalog: Catalog, choice: RepresentationChoice, opened: OpenedTask, task: TaskChoice, seed: int
) -> Subject:
    """Configure a representation or connector, with its bases, for a task's data.

    Raises:
        NotApplicable: It can't be trained on what there is.
        UsageError: It is misconfigured, names a base that is not there, or its bases lead back.
        PluginError: It is broken.
    """
    return _Builder(catalog, opened, task, seed).subject(choice, ())


def guarded(call: Callable[[], Any], what: str, where: str) -> Any:
    """Ask a plugin; what it raises names it."""
    try:
        return call()
    except (MmbenchError, OSError):
        raise
    except (Exception, SystemExit) as error:
        raise PluginError(f"{what} raised {type(error).__name__}: {error}", where=where) from error


@dataclass(frozen=True)
class _Builder:
    """Builds a subject and its bases for one task and seed."""

    catalog: Catalog
    opened: OpenedTask
    task: TaskChoice
    seed: int

    def subject(
        self, choice: RepresentationChoice, above: tuple[str, ...],
        fit_on: Mapping[str, Any] | None = None, streams: Sequence[Stream] = (),
    ) -> Subject:  # fmt: skip
        """Args: what it is; the names of the connectors above it; what else their refs say."""
        configured = self.catalog.representation(choice)
        if isinstance(configured.object, Connector):
            return self._connector(choice, configured, configured.object, above)
        return self._representation(choice, configured, fit_on or {}, streams)

    def _representation(
        self, choice: RepresentationChoice, configured: Configured[Any],
        fit_on: Mapping[str, Any], more: Sequence[Stream],
    ) -> Subject:  # fmt: skip
        representation: Representation = configured.object
        where = f"representation {choice.label}"
        fit = self._fit_source(representation, choice, fit_on, where)
        streams = fit.streams() if fit else _all_streams(self.opened.collections, more)
        guarded(lambda: representation.bind(streams), "bind()", where)
        info: RepresentationInfo = guarded(lambda: representation.info, "info", where)
        fingerprint = guarded(representation.fingerprint, "fingerprint()", where)
        _check_bind(choice, info, where)
        identity = key_of(
            "representation", configured.path, info.version, configured.options, fingerprint,
            self.seed if info.seeded else None,
        )  # fmt: skip
        if fit is None:
            return Subject(choice, configured, info, identity)
        binding = _fit_binding(fit, info, choice)
        learnt = sorted(binding.items())
        recipe = key_of("recipe", identity, fit.key(), learnt, self.catalog.limit)
        return Subject(choice, configured, info, identity, recipe, fit, binding)

    def _connector(
        self, choice: RepresentationChoice, configured: Configured[Any], connector: Connector,
        above: tuple[str, ...],
    ) -> Subject:  # fmt: skip
        where = f"representation {choice.label}"
        self._check_depth(choice, configured, above)
        above = (*above, _called(choice.name, configured.options))
        asked: list[Any] = list(guarded(connector.needs, "needs()", where))
        bases = self._bases(choice, connector, above, asked)
        infos = {name: base.info for name, base in bases.items()}
        info = guarded(lambda: connector.describe(infos), "describe()", where)
        _check_info(info, connector.routes, infos, where)
        info = replace(info, seeded=info.seeded or any(each.seeded for each in infos.values()))
        _check_bind(choice, info, where)
        corpora = open_corpora(self.catalog, asked, infos, where)
        fingerprint = guarded(connector.fingerprint, "fingerprint()", where)
        made = (
            "connector", configured.path, info.version, configured.options, fingerprint,
            sorted((name, base.identity, base.recipe) for name, base in bases.items()),
        )  # fmt: skip
        identity = key_of(made, self.seed if info.seeded else None)
        learnt = (sorted(each.recipe() for each in corpora), self.catalog.limit)
        return Subject(
            choice, configured, info, identity, key_of("recipe", identity, learnt),
            bases=bases, corpora=corpora, shared=key_of("shared", made, learnt),
        )  # fmt: skip

    def _bases(
        self, choice: RepresentationChoice, connector: Connector, above: tuple[str, ...],
        asked: Sequence[Any],
    ) -> dict[str, Subject]:  # fmt: skip
        """A connector's bases, by name.

        Raises:
            DataMissing: Names all that is not there, of the bases and of the connector itself.
        """
        where = f"representation {choice.label}"
        bases, missing = {}, []
        for name, ref in connector.bases.items():
            try:
                bases[name] = self._base(name, ref, choice, connector, above, asked)
            except DataMissing as error:
                missing.append(error)
        if not missing:
            return bases
        try:
            guarded(connector.fingerprint, "fingerprint()", where)
        except DataMissing as error:
            missing.append(error)
        if len(missing) == 1:
            raise missing[0]
        lines = dict.fromkeys(
            "; ".join(line.strip() for line in str(each).splitlines()) for each in missing
        )
        raise DataMissing("what it needs is not all here", where=where, fix="\n  ".join(lines))

    def _base(
        self, name: str, ref: Any, choice: RepresentationChoice, connector: Connector,
        above: tuple[str, ...], asked: Sequence[Any],
    ) -> Subject:  # fmt: skip
        """One of a connector's bases."""
        where = f"representation {choice.label}"
        if not isinstance(ref, RepresentationRef):
            raise PluginError(f"its base {name!r} is {ref!r}, no RepresentationRef", where=where)
        known = self.catalog.registry.representations
        if ref.name not in known:
            what = f"its base {name} is {ref.name!r}, which is not installed"
            advice = nearest(ref.name, known, "known representations are")
            kind = NotApplicable if choice.optional else UsageError
            raise kind(what, where=where, fix=advice)
        routes = connector.routes
        bind = {slot: s for slot, s in choice.bind.items() if routes.get(slot) == name}
        label = _called(ref.name, ref.options)
        cls = load_object(known[ref.name].spec.path, known[ref.name])
        trained = isinstance(cls, type) and issubclass(cls, TrainedRepresentation)
        if ref.fit_on and not trained:
            raise UsageError(
                f"its base {name} is {ref.name}, which is not trained, and has a fit_on",
                where=where, fix="leave it out",
            )  # fmt: skip
        inner = RepresentationChoice(ref.name, label, dict(ref.options), choice.optional, bind)
        return self.subject(inner, above, ref.fit_on, self._streams(asked, name))

    def _streams(self, asked: Sequence[Any], base: str) -> list[Stream]:
        """The streams of the corpora that a base encodes, for one whose slots are open.

        What can't be opened is told of where the corpora are checked.
        """
        found = []
        for request in asked:
            if isinstance(request, CorpusRequest) and request.base == base:
                with contextlib.suppress(MmbenchError, KeyError):
                    opened = self.catalog.dataset_collections(request.dataset, request.options)
                    found.append(opened[request.collection].streams[request.stream])
        return found

    def _check_depth(
        self, choice: RepresentationChoice, configured: Configured[Any], above: tuple[str, ...]
    ) -> None:
        """See that no connector is its own base."""
        called = _called(choice.name, configured.options)
        if called in above:
            circle = " -> ".join([*above[above.index(called) :], called])
            raise UsageError(f"its bases lead back to itself: {circle}", where=choice.label)
        if len(above) >= DEEPEST:
            raise UsageError(
                f"has connectors as bases {DEEPEST} deep: {' -> '.join(above[-3:])} ...",
                where=choice.label,
            )

    def _fit_source(
        self, representation: Representation, choice: RepresentationChoice,
        fit_on: Mapping[str, Any], where: str,
    ) -> FitSource | None:  # fmt: skip
        """What the representation learns from; None if it is not trained here."""
        if not isinstance(representation, TrainedRepresentation):
            return None
        named = fit_on_of(fit_on, where=f"{where}, fit_on") if fit_on else self.task.fit_on
        fit = self.catalog.fit_source(self.opened, named)
        if fit is None:
            raise NotApplicable(
                f"{choice.label} must be trained, and {self.task.label} names no training data",
                fix="name some in the suite: fit_on = { dataset = ..., train = ... }",
            )
        return fit


def _called(name: str, options: Mapping[str, Any]) -> str:
    """A name for messages, logs and workers: equal for what is configured alike."""
    return name if not options else f"{name} [{key_of(options)[:6]}]"


def _check_info(
    info: Any, routes: Mapping[str, str], bases: Mapping[str, RepresentationInfo], where: str
) -> None:
    """See that a connector promises only what its bases can be asked for."""
    if not isinstance(info, RepresentationInfo):
        raise PluginError(f"describe() returned {info!r}", where=where)
    for slot in info.slots:
        base = bases.get(routes.get(slot.name, ""))
        if base is None:
            raise PluginError(f"routes leads the slot {slot.name!r} to no base", where=where)
        if slot.name not in {each.name for each in base.slots}:
            raise UsageError(
                f"its base {base.name} has no slot {slot.name!r}", where=where,
                fix=f"its slots are {', '.join(each.name for each in base.slots) or 'none'}",
            )  # fmt: skip
    for offer in info.offers:
        for name in offer.slots:
            base = bases.get(routes.get(name, ""))
            if len(offer.slots) > 1 or base is None or base.offer(offer.kind, offer.slots) is None:
                raise PluginError(
                    f"describe() offers {offer.kind} of {' + '.join(sorted(offer.slots))}, which "
                    f"no base of it offers", where=where,
                    fix="ask bases[self.routes[slot]].offer(kind, frozenset({slot}))",
                )  # fmt: skip


def _check_bind(choice: RepresentationChoice, info: RepresentationInfo, where: str) -> None:
    """A suite's ``bind`` must name a slot."""
    slots = [slot.name for slot in info.slots]
    for slot in choice.bind:
        if slot not in slots:
            raise UsageError(
                f"bind names a slot {slot!r} that it lacks", where=where,
                fix=nearest(slot, slots, "its slots are"),
            )  # fmt: skip


def _all_streams(collections: Mapping[str, Collection], more: Sequence[Stream]) -> list[Stream]:
    """The streams of all collections, each name once."""
    found: dict[tuple[str, str, str], Stream] = {}
    streams = [stream for each in collections.values() for stream in each.streams.values()]
    for stream in (*streams, *more):
        found.setdefault((stream.name, stream.modality, stream.kind), stream)
    return list(found.values())


def _fit_binding(
    fit: FitSource, info: RepresentationInfo, choice: RepresentationChoice
) -> Binding:  # fmt: skip
    """How the training collection feeds the slots; every slot must be fed."""
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
