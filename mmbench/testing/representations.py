"""What the checks of a representation are handed: instances, generated items, and their vectors."""

from __future__ import annotations

import logging
import math
import time
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from mmbench.api import (
    Context,
    Offer,
    PrecomputedRepresentation,
    Representation,
    RepresentationInfo,
    State,
    Stream,
    TrainedRepresentation,
)
from mmbench.api.representation import METHODS
from mmbench.options import resolve_options
from mmbench.runner.encoding import to_numpy
from mmbench.testing.checks import Blocked, NotRelevant, blocking
from mmbench.testing.clock import A_SECOND
from mmbench.testing.comparison import TOLERANCE, far_apart
from mmbench.testing.declared import first_fault
from mmbench.testing.items import STANDARD_STREAMS, Items, training_data
from mmbench.testing.option_paths import with_absolute_paths
from mmbench.testing.processes import start_watched
from mmbench.testing.state_faults import difference_of, plain_fault
from mmbench.testing.subject import Subject

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from mmbench.api import FitData, Payload
    from mmbench.testing.processes import ProcessReport

__all__ = ["COUNT", "ORDER", "RepresentationSubject"]

#: Items in the standard batch.
COUNT = 6

#: Another order of the standard batch, in which no item keeps its place.
ORDER = (2, 0, 4, 5, 1, 3)

#: Seconds in which the clock of every system ticks.
_MOMENT = 0.02


@dataclass
class RepresentationSubject(Subject[Representation]):
    """One configured representation under test.

    What is asked of it here is computed once and kept; a check that wants an instance of its own
    makes one by :meth:`new` or :meth:`ready`.

    Attributes:
        entry: Its spec and plugin.
        given: Options given for the checks, over the spec's own.
        workspace: An empty folder for what the checks write.
        streams: What open slots are bound to.
        devices: Where it is tried; empty = every device of this machine.
        target: What a supervised fit learns, if it offers predictions.
        pause: Real seconds that lie at least between what is encoded here and in a new process.
    """

    streams: tuple[Stream, ...] = STANDARD_STREAMS
    devices: tuple[str, ...] = ()
    target: str = "class"
    pause: float = A_SECOND
    _vectors: dict[Offer, NDArray[np.float32]] = field(default_factory=dict)
    _steady: dict[Offer, bool] = field(default_factory=dict)
    _alone: dict[Offer, NDArray[np.float32]] = field(default_factory=dict)
    _reordered: dict[Offer, NDArray[np.float32]] = field(default_factory=dict)
    _encoded_at: float = -math.inf

    @cached_property
    def options(self) -> dict[str, Any]:
        """Every option with its value; paths are absolute."""
        found = resolve_options(self.cls, self.entry.spec.options, self.given, where=self.name)
        return with_absolute_paths(found, lambda options: self.cls(**options).fingerprint())

    def new(self, **changed: Any) -> Representation:
        """A new instance: bound, neither loaded nor trained.

        Args:
            changed: Options other than the configured ones.
        """
        built = self.cls(**{**self.options, **changed})
        built.bind(self.streams)
        return built

    @cached_property
    def info(self) -> RepresentationInfo:
        """What it says of itself, before anything is loaded."""
        with blocking("constructor, bind() and info", "info_is_complete"):
            info = self.new().info
        fault = first_fault(info)
        if fault is not None:
            raise Blocked(f"{fault.seen}: see {fault.check}")
        return info

    @property
    def offers(self) -> list[Offer]:
        """What it offers, in a stable order."""
        return sorted(self.info.offers, key=lambda offer: (offer.kind, sorted(offer.slots)))

    @cached_property
    def main_offers(self) -> list[Offer]:
        """Offers that stand for all: of each kind the smallest that take a slot, and the largest.

        A representation of many subsets is not asked for each of them by every check.

        Raises:
            NotRelevant: Its vectors are looked up.
        """
        chosen: set[Offer] = set()
        for kind in {offer.kind for offer in self.encoded_offers()}:
            offers = sorted(self.offers_of(kind), key=lambda offer: len(offer.slots))
            chosen.add(offers[-1])
            for slot in self.info.slots:
                chosen.update([offer for offer in offers if slot.name in offer.slots][:1])
        return [offer for offer in self.offers if offer in chosen]

    @property
    def is_trained(self) -> bool:
        """Whether mmbench trains it."""
        return issubclass(self.cls, TrainedRepresentation)

    @property
    def is_precomputed(self) -> bool:
        """Whether its vectors are looked up by id."""
        return issubclass(self.cls, PrecomputedRepresentation)

    def offers_of(self, kind: str) -> list[Offer]:
        """Its offers of one kind.

        Raises:
            NotRelevant: There is none.
        """
        found = [offer for offer in self.offers if offer.kind == kind]
        if not found:
            raise NotRelevant(f"it offers no {kind} embedding")
        return found

    def encoded_offers(self) -> list[Offer]:
        """Its offers, where they are computed from payloads.

        Raises:
            NotRelevant: Its vectors are looked up.
        """
        if self.is_precomputed:
            raise NotRelevant("its vectors are looked up, not computed from payloads")
        return self.offers

    @cached_property
    def items(self) -> Items:
        """Makes payloads for its slots."""
        return Items(self.new(), self.info.slots)

    def batch(
        self, offer: Offer, meanings: Sequence[int] = range(COUNT), seed: int = 0
    ) -> dict[str, list[Payload]]:
        """Generated payloads for an offer's slots, one row a meaning; equal for equal arguments."""
        return self.items.batch(offer.slots, meanings, seed)

    def context(self, *, seed: int = 0, device: str = "cpu", dtype: str = "fp32") -> Context:
        """What ``load`` and ``fit`` are handed; checkpoints go to a new folder in the workspace."""
        checkpoints = self.workspace / "checkpoints"
        checkpoints.mkdir(parents=True, exist_ok=True)
        folder = checkpoints / str(len(list(checkpoints.iterdir())))
        folder.mkdir()
        log = logging.getLogger("mmbench.testing.plugin")
        return Context(seed=seed, device=device, dtype=dtype, checkpoint=folder, log=log)

    @cached_property
    def data(self) -> FitData:
        """What a trained representation learns from here."""
        predicts = any(offer.kind == "prediction" for offer in self.info.offers)
        return training_data(self.items, target=self.target if predicts else None)

    def fitted(self, *, seed: int = 0, data: FitData | None = None) -> TrainedRepresentation:
        """A new instance, trained."""
        built = self.new()
        if not isinstance(built, TrainedRepresentation):
            raise NotRelevant("it is not trained by mmbench")
        ctx = self.context(seed=seed)
        built.load(ctx)
        built.fit(data or self.data, ctx)
        return built

    @cached_property
    def trained(self) -> TrainedRepresentation:
        """The instance of the one training, with seed 0; only to be looked at."""
        return self.fitted()

    @cached_property
    def state(self) -> State:
        """The state of the one training."""
        if not self.is_trained:
            raise NotRelevant("it is not trained by mmbench")
        with blocking("fit() and state()", "fit_gives_a_state"):
            found = self.trained.state()
        if not isinstance(found, State) or not (found.arrays or found.meta):
            raise Blocked("there is no state: see fit_gives_a_state")
        return found

    @cached_property
    def second_state(self) -> State:
        """The state of another training just like it."""
        with blocking("fit() and state()", "fit_gives_a_state"):
            return self.fitted().state()

    def require_repeatable(self) -> None:
        """Go on only where the state is plain, and two trainings alike give the same.

        Raises:
            Blocked: Otherwise; checks of their own say so.
        """
        if plain_fault(self.state):
            raise Blocked("its state is no plain data: see state_is_plain_data")
        if difference_of(self.state, self.second_state):
            raise Blocked("two trainings alike differ: see fit_repeats_itself")

    def restored(self, state: State, *, seed: int = 0) -> TrainedRepresentation:
        """A new instance, loaded, and in a state.

        Raises:
            NotRelevant: It is not trained by mmbench.
            Blocked: It raises.
        """
        built = self.new()
        if not isinstance(built, TrainedRepresentation):
            raise NotRelevant("it is not trained by mmbench")
        with blocking("load() or load_state()", "it_loads"):
            built.load(self.context(seed=seed))
            built.load_state(state)
        return built

    def ready(
        self, *, seed: int = 0, device: str = "cpu", dtype: str = "fp32", **changed: Any
    ) -> Representation:
        """A new instance, loaded, and (if it is trained) in the state of the one training."""
        built = self.new(**changed)
        built.load(self.context(seed=seed, device=device, dtype=dtype))
        if isinstance(built, TrainedRepresentation):
            built.load_state(self.state)
        return built

    @cached_property
    def shared(self) -> Representation:
        """One loaded instance for checks that only look at what it returns."""
        with blocking("load()", "it_loads"):
            return self.ready()

    def writes(self, offer: Offer) -> bool:
        """Whether the method of an offer's kind is written."""
        method = METHODS[offer.kind]
        return getattr(self.cls, method, None) is not getattr(Representation, method)

    def encode(
        self, representation: Representation, offer: Offer, batch: Mapping[str, list[Payload]]
    ) -> NDArray[np.float32]:
        """What the offer's method returns for a batch, as numpy, unchecked; exceptions pass."""
        raw = getattr(representation, METHODS[offer.kind])(dict(batch))
        return np.array(to_numpy(raw))  # a copy: a plugin may write over what it returned

    def vectors(self, offer: Offer) -> NDArray[np.float32]:
        """Vectors [COUNT, ...] of the standard batch by the shared instance, computed once.

        Raises:
            Blocked: The method raises, or returns no row an item; checks of their own say so.
        """
        if offer not in self._vectors:
            with blocking(f"{METHODS[offer.kind]}()", "every_offer_runs"):
                if isinstance(self.shared, PrecomputedRepresentation):
                    ids = [f"kit-{row}" for row in range(COUNT)]
                    found, _ = self.shared.lookup("kit", ids, offer.kind, offer.slots)
                else:
                    found = self.encode(self.shared, offer, self.batch(offer))
            if found.ndim == 0 or len(found) != COUNT:
                check = "known_ids_are_found" if self.is_precomputed else "one_row_an_item"
                raise Blocked(f"it does not return one row an item: see {check}")
            if not found.size:
                raise Blocked("what it returns is empty: see dense_maps_have_cells")
            self._vectors[offer] = found
            self._encoded_at = time.monotonic()
        return self._vectors[offer]

    @property
    def a_second_later(self) -> float:
        """When, by ``time.monotonic``, every clock shows another second than for :meth:`vectors`.

        ``time.monotonic`` is one for all processes.
        """
        return self._encoded_at + self.pause

    @cached_property
    def reports(self) -> tuple[ProcessReport, ProcessReport]:
        """What two new processes did that loaded with seed 0 and encoded the standard batch.

        For the second it is a year later, and strings hash otherwise. Both are started at once,
        so that there is one wait. Either may have ended early: see :attr:`ProcessReport.error`.
        They encode at least a second later than this process has.
        """
        with suppress(Blocked, NotRelevant):
            _ = [self.vectors(offer) for offer in self.main_offers]
        running = [start_watched(self), start_watched(self, later=True)]
        try:
            return running[0].report(), running[1].report()
        finally:
            for each in running:
                each.end()

    @property
    def process(self) -> ProcessReport:
        """What the first of the new processes did; its ``error`` says what ended it early."""
        return self.reports[0]

    @property
    def later_process(self) -> ProcessReport:
        """What the second did: a year later, in another folder, with other string hashes."""
        return self.reports[1]

    def steady(self, offer: Offer) -> NDArray[np.float32]:
        """:meth:`vectors`, where encoding other items, and the batch again, gives them again.

        Raises:
            Blocked: As in :meth:`vectors`; or they are not finite, or not the same again. Checks
                that compare vectors start from these, so that fresh noise fails one check only.
        """
        found = self.vectors(offer)
        if not np.isfinite(found).all():
            raise Blocked("values are not finite: see output_is_finite")
        if not self.is_precomputed and offer not in self._steady:
            with blocking(f"{METHODS[offer.kind]}()", "every_offer_runs"):
                self.encode(self.shared, offer, self.batch(offer, (COUNT, COUNT + 1)))
                again = self.encode(self.shared, offer, self.batch(offer))
            self._steady[offer] = far_apart(found, again) <= TOLERANCE
        if not self._steady.get(offer, True):
            raise Blocked(
                "the same batch does not give the same vectors again: see repeats_agree and "
                "earlier_calls_leave_no_trace"
            )
        return found

    @cached_property
    def second_vectors(self) -> dict[Offer, NDArray[np.float32]]:
        """Vectors of the standard batch by another instance, loaded a moment later; main offers."""
        with blocking("load()", "it_loads"):
            _ = self.shared
            time.sleep(_MOMENT)
            second = self.ready()
        with blocking("a second instance", "every_offer_runs"):
            return {
                offer: self.encode(second, offer, self.batch(offer)) for offer in self.main_offers
            }

    @cached_property
    def aged_vectors(self) -> dict[Offer, NDArray[np.float32]]:
        """Vectors of the standard batch by another instance, a second later; main offers.

        Only where something is wrong already: it waits, and loads.
        """
        _ = [self.vectors(offer) for offer in self.main_offers]
        time.sleep(max(self.a_second_later - time.monotonic(), 0.0))
        with blocking("another instance", "it_loads"):
            aged = self.ready()
            return {
                offer: self.encode(aged, offer, self.batch(offer)) for offer in self.main_offers
            }

    def require_alike(self) -> None:
        """Go on only where two instances give the same vectors.

        Raises:
            Blocked: As in :meth:`steady`; or they don't. Checks start with this that compare one
                instance with another.
        """
        for offer in self.main_offers:
            if far_apart(self.steady(offer), self.second_vectors[offer]) > TOLERANCE:
                raise Blocked("two instances give different vectors: see instances_agree")

    def alone(self, offer: Offer) -> NDArray[np.float32]:
        """Vector [1, ...] of the standard batch's first item, encoded by itself.

        Raises:
            Blocked: As in :meth:`steady`; or a batch of one item raises, or gives another shape.
        """
        usual = self.steady(offer)
        if offer not in self._alone:
            with blocking(f"{METHODS[offer.kind]}() of a single item", "single_item_works"):
                self._alone[offer] = self.encode(self.shared, offer, self.batch(offer, (0,)))
        if self._alone[offer].shape != (1, *usual.shape[1:]):
            raise Blocked("a single item gives another shape: see single_item_works")
        return self._alone[offer]

    def reordered(self, offer: Offer) -> NDArray[np.float32]:
        """Vectors of the standard batch in the order :data:`ORDER`, put back in their own."""
        if offer not in self._reordered:
            with blocking(f"{METHODS[offer.kind]}()", "every_offer_runs"):
                found = self.encode(self.shared, offer, self.batch(offer, ORDER))
            self._reordered[offer] = found[np.argsort(ORDER)]
        return self._reordered[offer]
