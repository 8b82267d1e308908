"""Checks: a connector says what it joins, learns from vectors alone, and projects row by row."""

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
from mmbench.testing.comparison import TOLERANCE, far_apart
from mmbench.testing.state_faults import difference_of, plain_fault
from mmbench.testing.surroundings import changes, new_random_states, random_states

if TYPE_CHECKING:
    from collections.abc import Mapping

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
    """Only what a base offers is offered: each slot of an offer, in the same kind, by its base.

    A dense map is projected cell by cell, so it is offered where the base offers it, and not
    elsewhere.
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

    The arrays are float32 [items, dim], by the names of ``needs``; the dimensions are those of
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


@conformance("connector", "connectors")
def every_route_projects(subject: ConnectorSubject) -> None:
    """Each route's vectors [n, D] become floats [n, dim], of the declared dim.

    Of n vectors of a base come n of the joined space, in their order. ``dim`` is what the offers of
    ``describe`` say; leave it out (None) where it is not known before training.
    """
    for slot, base in subject.routes:
        vectors = subject.vectors(base)
        found = np.asarray(subject.trained.project(base, slot, vectors.copy()))
        offer = subject.info.offer("global", frozenset({slot}))
        dim = None if offer is None else offer.dim
        fits = found.ndim == vectors.ndim and len(found) == len(vectors)
        if not fits or found.dtype.kind != "f" or (dim and found.shape[-1] != dim):
            fail(
                expected=f"project() of {slot!r} to return floats [{len(vectors)}, {dim or 'dim'}]",
                seen=f"{found.dtype} of shape {found.shape}",
                change="one row an item, as long as the offer's dim says",
            )


@conformance("connector", "connectors")
def projections_are_finite(subject: ConnectorSubject) -> None:
    """No projected value is NaN or infinite, and no projected vector is zero.

    Neither can be compared with anything. Add a small number to what you divide by.
    """
    for slot, base in subject.routes:
        found = subject.projected(subject.trained, slot, base, subject.vectors(base))
        if not np.isfinite(found).all() or not found.any(axis=-1).all():
            fail(
                expected=f"project() of {slot!r} to return finite vectors with a length",
                seen="a vector that is zero"
                if np.isfinite(found).all()
                else "a value that is NaN or infinite",
                change="look for a division by zero; keep at least one dimension",
            )


@conformance("connector", "connectors")
def projections_repeat(subject: ConnectorSubject) -> None:
    """The same vectors are projected alike twice, to the last bit.

    Noise belongs into the training: C-MCR's noise is drawn there, and left out afterwards.
    """
    for slot, base in subject.routes:
        first, second = (
            subject.projected(subject.trained, slot, base, subject.vectors(base)) for _ in range(2)
        )
        if not np.array_equal(first, second, equal_nan=True):
            fail(
                expected=f"project() of {slot!r} to return the same twice",
                seen="other vectors from the second call",
                change="draw no noise in project(); switch dropout off",
            )


@conformance("connector", "connectors")
def projection_goes_row_by_row(subject: ConnectorSubject) -> None:
    """A vector's projection depends on nothing else in the batch.

    Centre with the mean of the corpora, not with that of the batch.
    """
    for slot, base in subject.routes:
        usual, vectors = subject.steady(slot, base), subject.vectors(base)
        for rows in ([2], [5, 0, 3]):
            found = subject.projected(subject.trained, slot, base, vectors[rows])
            if found.shape != usual[rows].shape or far_apart(usual[rows], found) > TOLERANCE:
                fail(
                    expected=f"project() of {slot!r} to project each row by itself",
                    seen=f"rows {rows} come out otherwise than among all {len(vectors)}",
                    change="use no statistics of the batch: take those of the corpora",
                )


@conformance("connector", "connectors")
def projection_keeps_leading_axes(subject: ConnectorSubject) -> None:
    """Dense maps [n, h, w, D] are projected cell by cell, along the last axis.

    Where a base offers dense maps, so does the connector. Multiply from the right
    (``vectors @ map``), and normalise along axis -1, not 1.
    """
    for slot, base in subject.routes:
        usual = subject.steady(slot, base)
        cells = subject.vectors(base).reshape(1, 2, 3, -1)
        try:
            found = np.asarray(subject.trained.project(base, slot, cells.copy()))
            seen = f"shape {found.shape}"
        except Exception as error:  # noqa: BLE001 - whatever a plugin raises is what was seen
            found, seen = np.zeros(0, np.float32), f"it raised {described(error)}"
        wanted = usual.reshape(1, 2, 3, -1)
        if found.shape == wanted.shape and far_apart(wanted, found) <= TOLERANCE:
            continue
        fail(
            expected=f"project() of {slot!r} to make [1, 2, 3, {usual.shape[-1]}] of a dense map "
            f"{list(cells.shape)}, cell by cell",
            seen="other vectors" if found.shape == wanted.shape else seen,
            change="multiply from the right, vectors @ map, and normalise along axis -1",
        )


@conformance("connector", "connectors")
def projections_differ(subject: ConnectorSubject) -> None:
    """Different vectors have different projections.

    A map that sends all to one place joins nothing: look whether the vectors are used, and whether
    the maps have a rank above zero.
    """
    for slot, base in subject.routes:
        found = subject.steady(slot, base)
        if np.ptp(found, axis=0).max() <= 1e-6 * max(float(np.abs(found).max()), 1e-30):
            fail(
                expected=f"project() of {slot!r} to tell {len(found)} vectors apart",
                seen="all projections are equal",
                change="look whether the vectors are used",
            )


@conformance("connector", "connectors")
def vectors_are_left_alone(subject: ConnectorSubject) -> None:
    """Vectors are the same after they were learnt from and projected.

    They are views into the store's files. Write ``vectors = vectors - mean``, not ``-=``.
    """
    with blocking("needs()", "corpora_are_requests"):
        corpora = subject.corpora()
    before = {name: array.copy() for name, array in corpora.items()}
    trained = subject.trained
    with blocking("fit_vectors()", "connector_gives_a_state"):
        subject.described().fit_vectors(corpora, subject.context())
    _same(before, corpora, "fit_vectors()")
    for slot, base in subject.routes:
        vectors = subject.vectors(base)
        kept = vectors.copy()
        with blocking("project()", "every_route_projects"):
            trained.project(base, slot, vectors)
        _same({slot: kept}, {slot: vectors}, "project()")


@conformance("connector", "connectors")
def connector_leaves_random_state_alone(subject: ConnectorSubject) -> None:
    """Learning and projecting neither seed the global random generators nor draw from them.

    Everybody in the process shares them. Draw from ``numpy.random.default_rng(ctx.seed)`` or a
    ``torch.Generator``; where a library insists on torch's global one, wrap it in
    ``torch.random.fork_rng()``.
    """
    trained = subject.trained  # imports what fit_vectors() imports
    with new_random_states() as before:
        with blocking("fit_vectors()", "connector_gives_a_state"):
            subject.fitted()
        for slot, base in subject.routes:
            subject.projected(trained, slot, base, subject.vectors(base))
        changed = changes(before, random_states())
    if changed:
        fail(
            expected="the global random generators to be as they were",
            seen=f"{', '.join(changed)} is another",
            change="draw from generators of your own, seeded with ctx.seed; wrap what can't be "
            "changed in torch.random.fork_rng()",
        )


def _same(before: Mapping[str, Any], after: Mapping[str, Any], method: str) -> None:
    """Fail where an array was changed."""
    for name, array in before.items():
        if name not in after or not np.array_equal(array, after[name]):
            fail(
                expected=f"{method} to leave the vectors of {name!r} as they are",
                seen="they are others" if name in after else "they are gone",
                change="work on a copy: vectors = vectors - mean instead of vectors -= mean",
            )
