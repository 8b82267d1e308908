"""What the checks of a connector are handed: invented bases, and vectors of their dimensions."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from mmbench.api import Connector, Context, Offer, RepresentationInfo, Slot
from mmbench.options import resolve_options
from mmbench.registry import load_object

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from mmbench.api import RepresentationSpec
    from mmbench.registry import Entry

__all__ = ["ConnectorSubject"]

#: Dimension of the first invented base; each further one has 8 more.
DIM = 24


@dataclass
class ConnectorSubject:
    """One configured connector under test; its bases are invented, so that no weights are needed.

    Attributes:
        entry: Its spec and plugin.
        given: Options given for the checks, over the spec's own.
        workspace: An empty folder for what the checks write.
    """

    entry: Entry[RepresentationSpec]
    given: Mapping[str, Any]
    workspace: Path

    @property
    def name(self) -> str:
        """What users type."""
        return self.entry.spec.name

    @property
    def expected_failures(self) -> Mapping[str, str]:
        """Check to the reason why it fails on purpose."""
        return dict(self.cls.expected_failures)

    @cached_property
    def cls(self) -> type[Connector]:
        """Its class."""
        cls: type[Connector] = load_object(self.entry.spec.path, self.entry)
        return cls

    @cached_property
    def options(self) -> dict[str, Any]:
        """Every option with its value."""
        return resolve_options(self.cls, self.entry.spec.options, self.given, where=self.name)

    def new(self, **changed: Any) -> Connector:
        """A new instance."""
        return self.cls(**{**self.options, **changed})

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

    def fitted(self, *, seed: int = 0) -> Connector:
        """A new instance that has described its bases and is trained."""
        connector = self.new()
        connector.describe(self.bases)
        connector.fit_vectors(self.corpora(), self.context(seed=seed))
        return connector
