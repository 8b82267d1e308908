"""Checks: a connector says what it joins, and learns from vectors alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mmbench.api import (
    MmbenchError,
    RepresentationInfo,
    RepresentationRef,
    State,
)
from mmbench.runner.artifacts import ArtifactStore
from mmbench.testing.checks import NotRelevant, blocking, conformance, described, fail
from mmbench.testing.state_faults import difference_of, plain_fault

if TYPE_CHECKING:
    from mmbench.testing.connectors import ConnectorSubject


@conformance("connector", "connectors")
def bases_are_references(subject: ConnectorSubject) -> None:
    """``bases`` maps names to representations, as a suite would name them.

    Set it in ``__init__``, from the options: ``{"clip": RepresentationRef("openclip", {...})}``.
    """
    bases: Any = getattr(subject.new(), "bases", None)
    good = hasattr(bases, "items") and bases
    if not good or not all(
        isinstance(name, str) and name and isinstance(ref, RepresentationRef)
        for name, ref in bases.items()
    ):
        fail(
            expected="bases to be a mapping of names to RepresentationRefs",
            seen=f"{bases!r}",
            change='self.bases = {"clip": RepresentationRef("openclip")} in __init__',
        )


@conformance("connector", "connectors")
def routes_lead_to_bases(subject: ConnectorSubject) -> None:
    """``routes`` maps each slot of the joined space to the base that encodes it.

    An image goes to the base of ``routes["image"]``, its vectors from there to ``project``. Set it
    in ``__init__``, with names out of ``bases``.
    """
    fault = subject.routes_fault()
    if fault:
        fail(
            expected=f"routes to map slots to names out of {sorted(subject.new().bases)}",
            seen=fault,
            change='self.routes = {"image": "clip", "audio": "clap"} in __init__',
        )


@conformance("connector", "connectors")
def corpora_are_requests(subject: ConnectorSubject) -> None:
    """``needs`` lists the corpora to learn from, each under a name of its own and of a base.

    The arrays come under these names: of two requests of one name one would be lost.
    """
    fault = subject.needs_fault()
    if fault:
        fail(
            expected="needs() to list CorpusRequests with names of their own, for known bases",
            seen=fault,
            change='CorpusRequest("clip texts", base="clip", slot="text", dataset=..., ...)',
        )


@conformance("connector", "connectors")
def describe_gives_an_info(subject: ConnectorSubject) -> None:
    """``describe`` returns an info whose slots are the routes.

    It is called before anything is trained, with the infos of the bases.
    """
    subject.require_declarations()
    routes, bases = set(subject.new().routes), subject.bases
    info: Any = subject.new().describe(bases)
    slots = {slot.name for slot in info.slots} if isinstance(info, RepresentationInfo) else None
    if slots != routes:
        fail(
            expected=f"describe() to return a RepresentationInfo with the slots {sorted(routes)}",
            seen=f"a {type(info).__name__}" if slots is None else f"the slots {sorted(slots)}",
            change="take the slot of each route from its base's info",
        )


@conformance("connector", "connectors")
def offers_come_from_bases(subject: ConnectorSubject) -> None:
    """Only what a base offers is offered: one slot an offer, in the same kind, by its base.

    A dense map is projected cell by cell, so it is offered where the base offers it, and not
    elsewhere. What two bases encode is projected apart, so there is no offer of two slots.
    """
    routes = dict(subject.routes)
    offers: Any = subject.info.offers
    if not offers:
        fail(
            expected="describe() to offer what the bases offer",
            seen="no offer",
            change='Offer("global", frozenset({slot}), dim) for each route',
        )
    for offer in sorted(offers, key=lambda each: (each.kind, sorted(each.slots))):
        if len(offer.slots) != 1:
            fail(
                expected="an offer for one slot",
                seen=f"one of {offer.kind} of {' + '.join(sorted(offer.slots)) or 'no slot'}",
                change="Offer(kind, frozenset({slot}), dim), one a route and kind",
            )
        for slot in sorted(offer.slots):
            base = subject.bases.get(routes.get(slot, ""))
            if base is None or base.offer(offer.kind, frozenset({slot})) is None:
                fail(
                    expected=f"{offer.kind} of {' + '.join(sorted(offer.slots))} to be offered "
                    "where the bases offer it",
                    seen=f"the base of {slot!r} offers no {offer.kind} embedding of it",
                    change="ask bases[self.routes[slot]].offer(kind, frozenset({slot}))",
                )


@conformance("connector", "connectors")
def connector_gives_a_state(subject: ConnectorSubject) -> None:
    """``fit_vectors`` learns from arrays of the corpora, and ``state`` returns what it learnt.

    The arrays are of floats [items, dim], by the names of ``needs``; the dimensions are those of
    the bases' offers, here small ones.
    """
    _ = subject.info
    found: Any = subject.fitted().state()
    if not isinstance(found, State) or not (found.arrays or found.meta):
        fail(
            expected="state() to return a State with arrays or meta",
            seen=f"{found!r}",
            change="return State({'rotation': array})",
        )


@conformance("connector", "connectors")
def connector_state_is_plain_data(subject: ConnectorSubject) -> None:
    """Its state holds numpy arrays of numbers and values that JSON holds.

    It is written as ``.npz`` and JSON, and read without pickle: see state_is_plain_data.
    """
    trained = subject.trained
    with blocking("state()", "connector_gives_a_state"):
        fault = plain_fault(trained.state())
    if fault:
        fail(
            expected="State(arrays={name: numpy array of numbers}, meta={name: JSON value})",
            seen=fault,
            change="tensor.cpu().numpy() for tensors; spell objects out",
        )


@conformance("connector", "connectors")
def connector_state_gives_the_same(subject: ConnectorSubject) -> None:
    """A new instance projects the same, bit for bit, in a state that was written and read.

    Who learns and who projects are different processes.
    """
    store = ArtifactStore(subject.workspace / "artifacts")
    read = store.load(store.publish("kit", subject.state, {}))
    restored = subject.described()
    restored.load_state(read)
    for slot, base in subject.routes:
        wanted = subject.steady(slot, base)
        if not np.array_equal(
            wanted, subject.projected(restored, slot, base, subject.vectors(base))
        ):
            fail(
                expected=f"project() of {slot!r} to be the same in the state of the trained one",
                seen="other vectors",
                change="put all that project() uses into state(), unrounded",
            )


@conformance("connector", "connectors")
def connector_fit_repeats_itself(subject: ConnectorSubject) -> None:
    """Learning twice from the same corpora with one seed gives the same state, bit for bit.

    A number that can't be had again can't be checked. Draw from a generator made of ``ctx.seed``.
    """
    state = subject.state
    found = difference_of(state, subject.fitted().state())
    if found:
        fail(
            expected="two trainings on the same corpora with seed 0 to give one state",
            seen=found,
            change="draw from numpy.random.default_rng(ctx.seed) or a seeded torch.Generator",
        )


@conformance("connector", "connectors")
def connector_learns_from_its_corpora(subject: ConnectorSubject) -> None:
    """Other corpora give another state.

    A state that stays as it is was learnt from nothing. Where the maps are known beforehand,
    ``needs`` returns an empty list.
    """
    if not subject.new().needs():
        raise NotRelevant("it needs no corpora")
    subject.require_repeatable()
    with blocking("fit_vectors()", "connector_gives_a_state"):
        other = subject.fitted(corpora=1).state()
    if not difference_of(subject.state, other):
        fail(
            expected="other corpora to give another state",
            seen="the same state, bit for bit",
            change="look whether fit_vectors() reads the arrays",
        )


@conformance("connector", "connectors")
def connector_fit_starts_afresh(subject: ConnectorSubject) -> None:
    """What was learnt before leaves no trace when ``fit_vectors`` is called again.

    A training is named by its corpora, options and seed. Begin ``fit_vectors`` with new maps.
    """
    subject.require_repeatable()
    with blocking("fit_vectors()", "connector_gives_a_state"):
        trained = subject.fitted(corpora=1)
    trained.fit_vectors(subject.corpora(), subject.context())
    found = difference_of(subject.state, trained.state())
    if found:
        fail(
            expected="a second training of one instance to give what the first of a new one does",
            seen=found,
            change="reset all that is learnt at the beginning of fit_vectors()",
        )


@conformance("connector", "connectors")
def unfitted_is_refused(subject: ConnectorSubject) -> None:
    """Projecting before anything was learnt raises an error that says so.

    Vectors that went through random maps look like vectors. Raise a ``PluginError`` or a
    ``UsageError``.
    """
    for slot, base in subject.routes:
        try:
            subject.described().project(base, slot, subject.vectors(base))
            seen = "it returned something"
        except MmbenchError:
            continue
        except Exception as error:  # noqa: BLE001 - whatever a plugin raises is what was seen
            seen = f"it raised {described(error)}"
        fail(
            expected=f"project() of {slot!r} to raise an MmbenchError before it is trained",
            seen=seen,
            change='raise PluginError("is not trained: call fit_vectors or load_state first")',
        )
