"""What the checks of a connector are handed: invented bases, and vectors of their dimensions."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from mmbench.api import (
    Connector,
    Context,
    CorpusRequest,
    Offer,
    RepresentationInfo,
    Slot,
    State,
)
from mmbench.testing.checks import Blocked, blocking
from mmbench.testing.state_faults import difference_of, plain_fault
from mmbench.testing.subject import Subject

if TYPE_CHECKING:
    from numpy.typing import NDArray


__all__ = ["ConnectorSubject"]

#: Dimension of the first invented base; each further one has 8 more.
DIM = 24


@dataclass
class ConnectorSubject(Subject[Connector]):
    """One configured connector under test; its bases are invented, so that no weights are needed.

    Attributes:
        entry: Its spec and plugin.
        given: Options given for the checks, over the spec's own.
        workspace: An empty folder for what the checks write.
    """

    @cached_property
    def bases(self) -> dict[str, RepresentationInfo]:
        """An invented info for each base: a slot for each route to it and each corpus of it."""
        connector = self.new()
        needed = [(each.base, each.slot) for each in connector.needs()]
        routed = [(base, slot) for slot, base in connector.routes.items()]
        infos = {}
        for number, base in enumerate(connector.bases):
            slots = sorted({slot for owner, slot in (*needed, *routed) if owner == base})
            dim = DIM + 8 * number
            infos[base] = RepresentationInfo(
                name=base,
                version="1",
                slots=tuple(Slot(slot, slot, (slot.capitalize(),)) for slot in slots),
                offers=frozenset(Offer("global", frozenset({slot}), dim) for slot in slots),
            )
        return infos

    def dim(self, base: str) -> int:
        """Length of an invented base's vectors."""
        return DIM + 8 * list(self.bases).index(base)

    def corpora(self, *, count: int = 64, seed: int = 0) -> dict[str, NDArray[np.float32]]:
        """Unit vectors for each corpus that it needs, by request name.

        Rows of corpora of one slot go together: both are maps of the same hidden meanings.
        """
        rng = np.random.default_rng(seed)
        hidden = rng.normal(size=(count, 12))
        arrays = {}
        for request in self.new().needs():
            mapped = np.random.default_rng([seed, self.dim(request.base)])
            vectors = hidden @ mapped.normal(size=(12, self.dim(request.base)))
            vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
            arrays[request.name] = vectors.astype(np.float32)
        return arrays

    def vectors(self, base: str, *, count: int = 6, seed: int = 1) -> NDArray[np.float32]:
        """Unit vectors [count, dim] of an invented base."""
        vectors = np.random.default_rng(seed).normal(size=(count, self.dim(base)))
        unit: NDArray[np.float32] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return unit.astype(np.float32)

    def context(self, *, seed: int = 0) -> Context:
        """What ``fit_vectors`` is handed."""
        return Context(seed=seed, log=logging.getLogger("mmbench.testing.plugin"))

    def routes_fault(self) -> str:
        """What is wrong with its routes; empty if nothing is."""
        connector = self.new()
        with blocking("bases", "bases_are_references"):
            known = set(connector.bases)
        routes: Any = getattr(connector, "routes", None)
        good = hasattr(routes, "items") and routes and set(routes.values()) <= known
        return "" if good else f"{routes!r}"

    def needs_fault(self) -> str:
        """What is wrong with the corpora that it asks for; empty if nothing is."""
        connector = self.new()
        with blocking("bases", "bases_are_references"):
            known = set(connector.bases)
        needs: list[Any] = list(connector.needs())
        if wrong := [each for each in needs if not isinstance(each, CorpusRequest)]:
            return f"{wrong[0]!r}"
        if lost := [each for each in needs if each.base not in known]:
            return f"a request for the base {lost[0].base!r}, which is none of {sorted(known)}"
        if [each for each in needs if not isinstance(each.options, Mapping)]:
            return "options of a dataset that are no mapping"
        free = ("options", "paired")
        if empty := [
            each for each in needs if not all(v for k, v in vars(each).items() if k not in free)
        ]:
            return f"an empty field in {empty[0]!r}"
        names = [each.name for each in needs]
        twice = [name for name in names if names.count(name) > 1]
        return f"{twice[0]!r} twice" if twice else ""

    def require_declarations(self) -> None:
        """Go on only with sound routes and corpora.

        Raises:
            Blocked: Otherwise; checks of their own say so.
        """
        with blocking("routes", "routes_lead_to_bases"):
            if self.routes_fault():
                raise Blocked("its routes lead nowhere: see routes_lead_to_bases")
        with blocking("needs()", "corpora_are_requests"):
            if self.needs_fault():
                raise Blocked("its corpora can't be had: see corpora_are_requests")

    def described(self) -> Connector:
        """A new instance that has described its bases, and is ready to learn or be restored."""
        connector = self.new()
        connector.describe(self.bases)
        connector.load(self.context())
        return connector

    def fitted(self, *, seed: int = 0, corpora: int = 0) -> Connector:
        """A new instance that has described its bases and is trained.

        Args:
            seed: Handed to ``fit_vectors``.
            corpora: The seed of the corpora.
        """
        connector = self.described()
        connector.fit_vectors(self.corpora(seed=corpora), self.context(seed=seed))
        return connector

    @cached_property
    def info(self) -> RepresentationInfo:
        """What it says of the joined space.

        Raises:
            Blocked: It says nothing that could be built on.
        """
        self.require_declarations()
        with blocking("describe()", "describe_gives_an_info"):
            info: Any = self.new().describe(self.bases)
        if not isinstance(info, RepresentationInfo):
            raise Blocked("describe() returns no info: see describe_gives_an_info")
        return info

    @cached_property
    def trained(self) -> Connector:
        """The instance of the one training, with seed 0; only to be looked at."""
        _ = self.info
        with blocking("fit_vectors()", "connector_gives_a_state"):
            return self.fitted()

    @cached_property
    def state(self) -> State:
        """The state of the one training.

        Raises:
            Blocked: There is none, or it is no plain data; checks of their own say so.
        """
        trained = self.trained
        with blocking("state()", "connector_gives_a_state"):
            found: Any = trained.state()
        if not isinstance(found, State) or not (found.arrays or found.meta):
            raise Blocked("there is no state: see connector_gives_a_state")
        if plain_fault(found):
            raise Blocked("its state is no plain data: see connector_state_is_plain_data")
        return found

    def require_repeatable(self) -> None:
        """Go on only where two trainings alike give the same state.

        Raises:
            Blocked: Otherwise; a check of its own says so.
        """
        state = self.state
        with blocking("fit_vectors()", "connector_gives_a_state"):
            again = self.fitted().state()
        if difference_of(state, again):
            raise Blocked("two trainings alike differ: see connector_fit_repeats_itself")

    @property
    def routes(self) -> list[tuple[str, str]]:
        """Pairs of a slot and the base that encodes it."""
        _ = self.info
        return sorted(self.new().routes.items())

    def projected(
        self, connector: Connector, slot: str, base: str, vectors: NDArray[np.float32]
    ) -> NDArray[Any]:
        """What a connector makes of a base's vectors, as a copy.

        Raises:
            Blocked: It raises.
        """
        with blocking("project()", "every_route_projects"):
            return np.array(connector.project(base, slot, vectors.copy()))

    def steady(self, slot: str, base: str) -> NDArray[Any]:
        """Projections [6, dim] of a route's vectors, that come out the same twice.

        Raises:
            Blocked: They don't, or are of another shape, or not finite.
        """
        vectors = self.vectors(base)
        first, second = (self.projected(self.trained, slot, base, vectors) for _ in range(2))
        if first.ndim != vectors.ndim or len(first) != len(vectors):
            raise Blocked(f"project() returns shape {first.shape}: see every_route_projects")
        if first.dtype.kind != "f" or not np.isfinite(first).all():
            raise Blocked("projections are not finite: see projections_are_finite")
        if not np.array_equal(first, second):
            raise Blocked("projections differ from call to call: see projections_repeat")
        return first
