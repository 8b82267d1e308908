"""The contract of a connector: it joins existing spaces and owns no encoder of its own."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from mmbench.api.representation import Context, RepresentationInfo, State

__all__ = ["Connector", "CorpusRequest", "RepresentationRef"]


@dataclass(frozen=True)
class RepresentationRef:
    """A representation by name and options, as a suite or the command line names it."""

    name: str
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class CorpusRequest:
    """Vectors of an unpaired corpus that a connector learns from.

    Attributes:
        name: The key under which :meth:`Connector.fit_vectors` gets the array.
        base: Which base encodes it.
        slot: Through which of the base's slots.
        dataset: The dataset that holds the corpus.
        collection: The corpus within the dataset.
        stream: The stream to encode.
    """

    name: str
    base: str
    slot: str
    dataset: str
    collection: str
    stream: str


class Connector(ABC):
    """Joins two or more spaces that share a modality (C-MCR and its relatives).

    Attributes:
        bases: Base name to the representation it stands for. A connector can be a base.
        routes: Slot name to the base that encodes it.
    """

    bases: Mapping[str, RepresentationRef]
    routes: Mapping[str, str]
    #: Conformance check to the reason why this connector fails it, on purpose.
    expected_failures: ClassVar[Mapping[str, str]] = {}

    @abstractmethod
    def describe(self, bases: Mapping[str, RepresentationInfo]) -> RepresentationInfo:
        """What the joined space takes and offers, given its bases' infos."""

    @abstractmethod
    def needs(self) -> list[CorpusRequest]:
        """The vectors to learn from; they come from the store, encoded once."""

    @abstractmethod
    def fit_vectors(self, arrays: Mapping[str, NDArray[np.float32]], ctx: Context) -> None:
        """Learn the projections from the corpora's vectors, by request name."""

    @abstractmethod
    def project(self, base: str, slot: str, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Vectors (or dense maps, last axis) of a base into the joined space."""

    @abstractmethod
    def state(self) -> State:
        """What was learnt."""

    @abstractmethod
    def load_state(self, state: State) -> None:
        """Become what :meth:`state` described."""
