"""Checks: training gives a state that is plain, complete, repeatable, and stands for the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mmbench.api import DataMissing, MmbenchError, State
from mmbench.api.representation import METHODS
from mmbench.runner.artifacts import ArtifactStore
from mmbench.testing.checks import Blocked, NotRelevant, blocking, conformance, described, fail
from mmbench.testing.child import label_of
from mmbench.testing.items import training_data
from mmbench.testing.state_faults import difference_of, plain_fault
from mmbench.testing.surroundings import changes, new_random_states, random_states
from mmbench.testing.training import summary_of

if TYPE_CHECKING:
    from mmbench.api import FitData, Representation
    from mmbench.testing.representations import RepresentationSubject


@conformance("trained", "representations")
def fit_gives_a_state(subject: RepresentationSubject) -> None:
    """``fit`` trains on generated items, and ``state`` returns a ``State`` with what was learnt.

    The items are of the declared slots; where not every payload of the declared kind is valid,
    override ``example``. Training should take seconds here: give options for the checks that make
    it short (``parametrize_with_checks(..., options={"epochs": 2})``).
    """
    _require(subject)
    try:
        found: Any = subject.trained.state()
    except DataMissing as error:
        raise Blocked(f"something is missing: {error.what}: see it_loads") from error
    if not isinstance(found, State) or not (found.arrays or found.meta):
        fail(
            expected="state() to return a State with arrays or meta",
            seen=f"an empty {type(found).__name__}" if found else f"{found!r}",
            change="return State({'weights': array, ...}, {'classes': [...], ...})",
        )


@conformance("trained", "representations")
def state_is_plain_data(subject: RepresentationSubject) -> None:
    """A state holds numpy arrays of numbers and values that JSON holds, under plain names.

    It is written as ``.npz`` and JSON, and read without pickle: on another machine, by another
    version. Bring tensors to numpy (``tensor.cpu().numpy()``); spell objects out.
    """
    fault = plain_fault(subject.state)
    if fault:
        fail(
            expected="State(arrays={name: numpy array of numbers}, meta={name: JSON value})",
            seen=fault,
            change="tensor.cpu().numpy() for tensors; spell objects out as numbers, strings and "
            "lists",
        )


@conformance("trained", "representations")
def state_gives_the_same_vectors(subject: RepresentationSubject) -> None:
    """A new instance that loads the state encodes as the trained one does, bit for bit.

    Who trains and who encodes are different processes. All that ``encode`` uses must be in the
    state, in full precision: means, vocabularies, buffers of batch norms.
    """
    _require(subject)
    state = subject.state
    trained, restored = subject.trained, subject.restored(state)
    _compare(
        subject, trained, restored,
        said="a new instance in the state of the trained one",
        change="put all that encode() uses into state(), unrounded, and take it back in "
        "load_state(); switch to evaluation after training",
    )  # fmt: skip


@conformance("trained", "representations")
def stored_state_gives_the_same_vectors(subject: RepresentationSubject) -> None:
    """The state gives the same vectors after it was written and read.

    JSON turns tuples into lists, and keys that are numbers into strings; arrays come back as they
    were. Let ``load_state`` bear that.
    """
    state = _plain_state(subject)
    store = ArtifactStore(subject.workspace / "artifacts")
    read = store.load(store.publish("kit", state, {}))
    try:
        stored = subject.restored(read)
    except Blocked as error:
        fail(
            expected="load_state() to take a state that was written and read",
            seen=str(error),
            change="expect lists for tuples, and strings for keys that were numbers",
        )
    _compare(
        subject, subject.shared, stored,
        said="an instance whose state was written and read",
        change="expect lists for tuples, and strings for keys that were numbers",
    )  # fmt: skip


@conformance("trained", "representations")
def fit_repeats_itself(subject: RepresentationSubject) -> None:
    """Training twice with one seed gives the same state, bit for bit, on the CPU.

    A number that can't be had again can't be checked. Draw from a generator made of ``ctx.seed``,
    visit items in a fixed order, sort sets. Leave dates and durations out of the state.
    """
    found = difference_of(_plain_state(subject), subject.second_state)
    if found:
        fail(
            expected="two trainings on the same items with seed 0 to give one state",
            seen=found,
            change="draw from numpy.random.default_rng(ctx.seed) or a seeded torch.Generator; "
            "sort what comes from a set; leave the clock out",
        )


@conformance("trained", "representations")
def fit_learns_from_its_data(subject: RepresentationSubject) -> None:
    """Other training items give another state.

    A state that stays as it is was learnt from nothing: ``fit`` reads no items, or ``state`` leaves
    out what was learnt.
    """
    subject.require_repeatable()
    with blocking("fit()", "fit_gives_a_state"):
        other = subject.fitted(data=_other_data(subject)).state()
    if not difference_of(_plain_state(subject), other):
        fail(
            expected="training on other items to give another state",
            seen="the same state, bit for bit",
            change="look whether fit() reads data.train, and state() what was learnt",
        )


@conformance("trained", "representations")
def fit_starts_afresh(subject: RepresentationSubject) -> None:
    """What was learnt before leaves no trace when ``fit`` is called again.

    A training is named by its data, options and seed: what an earlier one left behind has no
    name. Build the model in ``fit``, not in ``__init__``.
    """
    subject.require_repeatable()
    with blocking("fit()", "fit_gives_a_state"):
        trained = subject.fitted(data=_other_data(subject))
    trained.fit(subject.data, subject.context())
    found = difference_of(_plain_state(subject), trained.state())
    if found:
        fail(
            expected="a second training of one instance to give what the first of a new one does",
            seen=found,
            change="reset all that is learnt at the beginning of fit()",
        )


@conformance("trained", "representations")
def load_state_replaces_what_was_learnt(subject: RepresentationSubject) -> None:
    """An instance that was trained on other items becomes what a loaded state describes.

    Set everything in ``load_state``; empty caches there.
    """
    state = _plain_state(subject)
    with blocking("fit()", "fit_gives_a_state"):
        trained = subject.fitted(data=_other_data(subject))
        for offer in subject.main_offers:
            subject.encode(trained, offer, subject.batch(offer, range(2)))
    with blocking("load_state()", "it_loads"):
        trained.load_state(state)
    _compare(
        subject, subject.shared, trained,
        said="an instance that was trained on other items before it loaded the state",
        change="set all that encode() uses in load_state(), and empty its caches",
    )  # fmt: skip


@conformance("trained", "representations")
def untrained_is_refused(subject: RepresentationSubject) -> None:
    """Encoding before training raises an error that says so.

    Vectors of random weights look like vectors. Raise a ``PluginError`` or ``UsageError``.
    """
    _require(subject)
    for offer in subject.main_offers:
        built = subject.new()
        with blocking("load()", "it_loads"):
            built.load(subject.context())
        try:
            subject.encode(built, offer, subject.batch(offer, range(2)))
            seen = "it returned something"
        except MmbenchError:
            continue
        except Exception as error:  # noqa: BLE001 - whatever a plugin raises is what was seen
            seen = f"it raised {described(error)}"
        fail(
            expected=f"{label_of(offer)} to raise an MmbenchError before fit() or load_state()",
            seen=seen,
            change='raise PluginError("is not trained: call fit or load_state first")',
        )


@conformance("trained", "representations")
def fit_leaves_its_data_alone(subject: RepresentationSubject) -> None:
    """Training items are the same after the training: payloads, columns, binding.

    They are evaluated on and handed to other representations. Write ``pixels = pixels / 255``, not
    ``pixels /= 255``; shuffle a list of rows, not the collection's.
    """
    _require(subject)
    usual = subject.data.spec.target is not None
    data = training_data(subject.items, count=16, target=subject.target if usual else None)
    before = summary_of(data)
    with blocking("fit()", "fit_gives_a_state"):
        subject.fitted(data=data)
    if summary_of(data) != before:
        fail(
            expected="the training items to be the same before and after fit()",
            seen="a payload or a column is another",
            change="work on copies: pixels = pixels / 255 instead of pixels /= 255",
        )


@conformance("trained", "representations")
def fit_leaves_random_state_alone(subject: RepresentationSubject) -> None:
    """Training neither seeds the global random generators nor draws from them.

    See random_state_is_left_alone. Where a library draws from torch's global generator (weights
    of new layers, dropout), wrap the training in ``torch.random.fork_rng()`` and seed inside.
    """
    _ = subject.state  # imports what fit() imports
    with new_random_states() as before, blocking("fit()", "fit_gives_a_state"):
        subject.fitted()
        changed = changes(before, random_states())
    if changed:
        fail(
            expected="the global random generators to be as they were after fit()",
            seen=f"{', '.join(changed)} is another",
            change="draw from generators of your own, seeded with ctx.seed; wrap what can't be "
            "changed in torch.random.fork_rng()",
        )


@conformance("trained", "representations")
def info_stays_when_trained(subject: RepresentationSubject) -> None:
    """``info`` is the same before and after training.

    A run is planned from it before anything is trained.
    """
    _require(subject)
    with blocking("fit()", "fit_gives_a_state"):
        after = subject.trained.info
    if after != subject.info:
        names = [
            name
            for name in vars(subject.info)
            if getattr(after, name, None) != getattr(subject.info, name)
        ]
        fail(
            expected="info to be the same before and after fit()",
            seen=f"other {', '.join(names)}",
            change="derive info from the options and the bound streams alone; leave dim out (None) "
            "where training decides it",
        )


def _compare(
    subject: RepresentationSubject,
    first: Representation,
    second: Representation,
    *,
    said: str,
    change: str,
) -> None:
    """Fail where two instances don't encode alike to the last bit."""
    for offer in subject.main_offers:
        with blocking(f"{METHODS[offer.kind]}()", "every_offer_runs"):
            batch = subject.batch(offer, range(3))
            wanted, again, found = (
                subject.encode(each, offer, batch) for each in (first, first, second)
            )
        if not np.array_equal(wanted, again, equal_nan=True):
            raise Blocked("a batch does not give the same vectors twice: see repeats_agree")
        if not np.array_equal(wanted, found, equal_nan=True):
            fail(
                expected=f"{label_of(offer)} of {said} to be the same, bit for bit",
                seen="other vectors",
                change=change,
            )


def _require(subject: RepresentationSubject) -> None:
    if not subject.is_trained:
        raise NotRelevant("it is not trained by mmbench")


def _plain_state(subject: RepresentationSubject) -> State:
    state = subject.state
    if plain_fault(state):
        raise Blocked("its state is no plain data: see state_is_plain_data")
    return state


def _other_data(subject: RepresentationSubject) -> FitData:
    """As many other items."""
    usual = subject.data.spec.target is not None
    return training_data(subject.items, seed=7, target=subject.target if usual else None)
