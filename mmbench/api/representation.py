"""The contract of a representation: an observed subset of a sample's modalities to a vector."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from mmbench.api.fitting import FitData
    from mmbench.api.payloads import Payload
    from mmbench.api.streams import Slot, Stream

__all__ = [
    "METHODS",
    "Batch",
    "Context",
    "EmbeddingKind",
    "Offer",
    "PrecomputedRepresentation",
    "Representation",
    "RepresentationInfo",
    "Similarity",
    "State",
    "TrainedRepresentation",
]

#: ``global`` vectors, ``dense`` maps, ``prediction`` of the fit's target, or ``tokens``.
EmbeddingKind = Literal["global", "dense", "prediction", "tokens"]
#: How two vectors compare.
Similarity = Literal["cosine", "dot"]
#: Slot name to payloads: one observed subset of modalities, the same for every row of the batch.
Batch = dict[str, list["Payload"]]

#: Which method answers for which kind of offer.
METHODS: dict[EmbeddingKind, str] = {
    "global": "encode",
    "dense": "encode_dense",
    "prediction": "predict",
    "tokens": "encode_tokens",
}


@dataclass(frozen=True)
class Offer:
    """One thing that a configured representation can be asked for.

    Attributes:
        kind: ``global`` vector, ``dense`` map, ``prediction`` of the fit's target, ``tokens``.
        slots: The observed subset of slots it works from.
        dim: Length of the last axis, where it is known before the weights are loaded.
    """

    kind: EmbeddingKind
    slots: frozenset[str]
    dim: int | None = None


@dataclass(frozen=True)
class RepresentationInfo:
    """What planning and tasks see of a configured representation, before its weights are loaded.

    Attributes:
        name: Its name in the registry.
        version: Of the encoding code; raise it when the same weights give other vectors.
        slots: What it takes.
        offers: What it gives, from which subsets of slots.
        similarity: How two of its vectors compare.
        seeded: Whether a seed changes its vectors (random or trained representations).
        citation: The paper, as a reference or URL.
        weights_licence: Licence of the weights, if any.
        parameters: Number of trained parameters, where known.
        yardstick: A measured reference level (random vectors): leaderboards show it with its
            intervals and never rank it.
        imputes: How it fills a slot that a subset lacks, in a few words such as ``"mean"``; empty =
            it does not. ``"zeros"`` promises that a payload of zeros (a black picture, silence, an
            empty text) counts as missing: the vectors are those of the subset without that slot.
            Where it is empty a payload of zeros is an observation like any other.
    """

    name: str
    version: str
    slots: tuple[Slot, ...]
    offers: frozenset[Offer]
    similarity: Similarity = "cosine"
    seeded: bool = False
    citation: str = ""
    weights_licence: str = ""
    parameters: int | None = None
    yardstick: bool = False
    imputes: str = ""

    def offer(self, kind: str, slots: frozenset[str]) -> Offer | None:
        """The offer of this kind for exactly this subset of slots, or None."""
        return next((o for o in self.offers if o.kind == kind and o.slots == slots), None)


def _no_progress(done: int, total: int, what: str) -> None:
    """Report to nobody."""


@dataclass(frozen=True)
class Context:
    """What the runner hands to ``load`` and ``fit``.

    Attributes:
        seed: The cell's seed; the only source of randomness.
        device: ``"cpu"``, ``"cuda"``, ``"cuda:1"``, ``"mps"``.
        dtype: Precision to compute in: ``"fp32"``, ``"bf16"`` or ``"fp16"``.
        progress: ``progress(done, total, what)``; call it as often as you like.
        checkpoint: A folder for interrupted training to resume from, removed when the state is
            kept; None = don't checkpoint.
        shared: A folder that a connector's trainings with all seeds share, for what does not depend
            on the seed. Write files aside and rename them: another training may look for them just
            now. None = there is none.
        log: Where to log; nothing below the CLI prints.
    """

    seed: int = 0
    device: str = "cpu"
    dtype: str = "fp32"
    progress: Callable[[int, int, str], None] = _no_progress
    checkpoint: Path | None = None
    shared: Path | None = None
    log: logging.Logger = field(default_factory=lambda: logging.getLogger("mmbench"))


class Representation(ABC):
    """Turns an observed subset of a sample's modalities into a vector.

    Options are keyword arguments of ``__init__`` with defaults and type hints: mmbench checks
    them, records all of them, and makes them part of every store key. ``__init__`` must be
    cheap; weights are loaded in :meth:`load`.

    Example:
        >>> from mmbench.api import Offer, Representation, RepresentationInfo, Slot
        >>> class MeanColour(Representation):
        ...     def __init__(self, *, power: float = 1.0) -> None:
        ...         self.power = power
        ...
        ...     @property
        ...     def info(self) -> RepresentationInfo:
        ...         return RepresentationInfo(
        ...             name="mean-colour",
        ...             version="1",
        ...             slots=(Slot("image", "image", ("Image",)),),
        ...             offers=frozenset({Offer("global", frozenset({"image"}), dim=3)}),
        ...         )
        ...
        ...     def encode(self, batch):
        ...         import numpy as np
        ...
        ...         means = [image.pixels.mean(axis=(0, 1)) for image in batch["image"]]
        ...         return np.stack(means).astype(np.float32) ** self.power
    """

    #: The batch size to start with; ``--batch-size`` overrides it, running out of memory halves it.
    batch_size: int = 64
    #: Conformance check to the reason why this representation fails it, on purpose.
    expected_failures: ClassVar[Mapping[str, str]] = {}

    @property
    @abstractmethod
    def info(self) -> RepresentationInfo:
        """True of this configured (and, if it is open, bound) representation."""

    def bind(self, streams: Sequence[Stream]) -> None:
        """Build slots for these streams, if the slots are open.

        Called before :attr:`info` is read. A representation with fixed slots ignores it. For a
        trained representation the streams are those of the training collection.
        """

    def example(self, slot: Slot, meaning: int, rng: np.random.Generator) -> Payload | None:
        """A valid payload for a slot, for the conformance kit; None = any of the declared kind.

        Override it where not every payload of the declared kind and shape is a valid input: token
        ids of a small vocabulary, a table with certain columns.

        Args:
            slot: One of its slots.
            meaning: 0..15: payloads of different meanings differ.
            rng: The only source of randomness.
        """
        return None

    def missing_offer(self, kind: EmbeddingKind, streams: frozenset[str]) -> str:
        """What a user can do where a task asks for this and it is not offered; "" by default.

        Shown below the reason for which the cell is skipped. Called after :meth:`bind`.

        Args:
            kind: The kind of offer.
            streams: The streams that the task wants encoded together.
        """
        return ""

    def load(self, ctx: Context) -> None:
        """Bring the weights onto ``ctx.device``. Never downloads unless the user asked for it."""

    def fingerprint(self) -> str:
        """Names the weights that the options don't: a hash of the weights file, a tag's revision.

        mmbench joins it with the class, its version and its options, so the default (no weights
        of its own) is right for a representation that computes from its options alone. Known
        before :meth:`load`. Stable over processes and machines.
        """
        return ""

    def encode(self, batch: Batch) -> Any:
        """Vectors [B, D] of one observed subset: finite, non-zero, one a row, in order.

        Any array that speaks DLPack or the array API will do. Must not depend on what else is
        in the batch. An empty batch has zero rows.

        Raises:
            ItemError: An item is none that it can encode (too short, say). Its batch is encoded
                once more one by one, and those that raise are dropped and listed in the record.
        """
        raise NotImplementedError

    def encode_dense(self, batch: Batch) -> Any:
        """Maps [B, h, w, D] that cover the whole frame handed over, row 0 at the top."""
        raise NotImplementedError

    def predict(self, batch: Batch) -> Any:
        """Predictions of the fit's target.

        ``target_kind="value"``: values [B]. ``"class"``: scores [B, C], one column a class of the
        training column, in sorted order; the largest is the prediction.
        """
        raise NotImplementedError

    def encode_tokens(self, batch: Batch) -> Any:
        """Token vectors [B, T, D]."""
        raise NotImplementedError

    def fuse(self, parts: Mapping[str, NDArray[np.float32]]) -> NDArray[np.float32] | None:
        """Vectors of a subset from the vectors of its single slots, or None if they don't suffice.

        Where it answers, a subset costs no second pass over the data (GMC's mean). It is asked with
        parts of zero rows first: None there is None for this subset, whose single slots are not
        encoded then; otherwise it returns zero rows.

        Args:
            parts: Slot to its vectors [B, D], row by row of the same items. Of zero rows D is 1
                where the offer does not say its ``dim``.
        """
        return None


class PrecomputedRepresentation(Representation):
    """Vectors that exist already, looked up by item id instead of computed from payloads."""

    @abstractmethod
    def lookup(
        self, collection: str, ids: Sequence[str], kind: EmbeddingKind, slots: frozenset[str]
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Vectors of the items that are known, and which of ``ids`` those are.

        Args:
            collection: The collection's name.
            ids: The rows wanted.
            kind: The kind of offer.
            slots: The observed subset.

        Returns:
            ``vectors`` [k, ...] of the k known ids, in the order of ``ids``; ``known`` bool [n].
            Unknown ids are dropped from the collection, and listed in the record.
        """

    def unknown_ids(self, collection: str, ids: Sequence[str]) -> str:
        """What to say where not one of these ids has a vector; override it to say more.

        Args:
            collection: The collection's name.
            ids: The rows wanted, at least one.
        """
        asked = ", ".join(repr(item) for item in ids[:2]) + (", ..." if len(ids) > 2 else "")
        return f"none of the {len(ids)} ids of {collection!r} has a vector: asked for {asked}"


@dataclass(frozen=True)
class State:
    """A trained state: named arrays of any dtype, and JSON.

    Attributes:
        arrays: Name to array.
        meta: JSON-serialisable values.
    """

    arrays: Mapping[str, NDArray[Any]]
    meta: Mapping[str, Any] = field(default_factory=dict)


class TrainedRepresentation(Representation):
    """A representation that mmbench trains: CCA, GMC, MulT, ...

    The trained state is an artifact: keyed by everything that made it, trained once, and its
    content hash enters every store key, so two fits that differ in the last bit never mix.
    """

    @abstractmethod
    def fit(self, data: FitData, ctx: Context) -> None:
        """Learn from ``data``; deterministic for ``ctx.seed`` on the CPU."""

    @abstractmethod
    def state(self) -> State:
        """What was learnt."""

    @abstractmethod
    def load_state(self, state: State) -> None:
        """Become what :meth:`state` described: the same vectors, bit for bit."""
