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
    """A representation by name and options, as a suite or the command line names it.

    Attributes:
        name: Its name in the registry.
        options: Options that differ from its defaults.
        fit_on: What it is trained on, if it is trained: the keys of a suite's ``fit_on``
            (``dataset``, ``train``, ``valid``, ``target``, ``target_kind``, ``options``). Empty:
            what it would be trained on by itself, on the same task.
    """

    name: str
    options: Mapping[str, Any] = field(default_factory=dict)
    fit_on: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class CorpusRequest:
    """Vectors of a corpus that a connector learns from.

    Requests for one stream of one collection through different bases are aligned: row for row they
    are of the same items, and an item that one base could not encode is in none of them. Requests
    for different streams are not, unless they are ``paired``.

    Attributes:
        name: The key under which :meth:`Connector.fit_vectors` gets the array.
        base: Which base encodes it.
        slot: Through which of the base's slots.
        dataset: The dataset that holds the corpus.
        collection: The corpus within the dataset.
        stream: The stream to encode.
        options: Options of the dataset.
        paired: Whether it is aligned with all paired requests of its collection, of whatever
            streams: an item that lacks one of them is in none.
    """

    name: str
    base: str
    slot: str
    dataset: str
    collection: str
    stream: str
    options: Mapping[str, Any] = field(default_factory=dict)
    paired: bool = False


class Connector(ABC):
    """Joins two or more spaces that share a modality (C-MCR and its relatives).

    Options are keyword arguments of ``__init__``, as for a representation. mmbench encodes what a
    connector needs with its bases, each item once for all that use them, hands it the vectors to
    learn from, keeps its state as an artifact, and projects with it what a task asks for.

    Attributes:
        bases: Base name to the representation it stands for. A connector can be a base.
        routes: Slot name to the base that encodes it, in its slot of the same name.
    """

    bases: Mapping[str, RepresentationRef]
    routes: Mapping[str, str]
    #: Conformance check to the reason why this connector fails it, on purpose.
    expected_failures: ClassVar[Mapping[str, str]] = {}

    @abstractmethod
    def describe(self, bases: Mapping[str, RepresentationInfo]) -> RepresentationInfo:
        """What the joined space takes and offers, given its bases' infos.

        Each offer is of one slot, and of a kind that its base offers. ``name`` is what a
        leaderboard calls it where a suite does not: ``"c-mcr(clip, clap; text)"``.

        Raises:
            UsageError: The bases have nothing to be joined by.
        """

    def fingerprint(self) -> str:
        """Names the weights that the options don't, such as a checkpoint's: a hash of the file.

        mmbench joins it with the class, its version, its options and its bases. Known before
        :meth:`load`. Stable over processes and machines.
        """
        return ""

    @abstractmethod
    def needs(self) -> list[CorpusRequest]:
        """The vectors to learn from; they come from the store, encoded once."""

    def load(self, ctx: Context) -> None:
        """Get ready to project on ``ctx.device``; called before :meth:`load_state`."""
        return

    @abstractmethod
    def fit_vectors(self, arrays: Mapping[str, NDArray[np.floating[Any]]], ctx: Context) -> None:
        """Learn the projections from the corpora's vectors, by request name.

        Deterministic for ``ctx.seed`` on the CPU. Called with no arrays where :meth:`needs` lists
        none.

        Args:
            arrays: [items, width] each, finite, of any float type. They are read-only and mapped
                into memory: read them in blocks where there may be millions of rows.
            ctx: ``ctx.checkpoint`` is for what an interrupted training resumes from, ``ctx.shared``
                for what does not depend on the seed.
        """

    @abstractmethod
    def project(
        self, base: str, slot: str, vectors: NDArray[np.floating[Any]]
    ) -> NDArray[np.float32]:
        """Vectors (or dense maps, last axis) of a base into the joined space."""

    @abstractmethod
    def state(self) -> State:
        """What was learnt."""

    @abstractmethod
    def load_state(self, state: State) -> None:
        """Become what :meth:`state` described."""
