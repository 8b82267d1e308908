"""Two spaces side by side, as they are: what connecting them is compared with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mmbench.api import (
    Connector,
    DataError,
    PluginError,
    RepresentationInfo,
    State,
    UsageError,
)
from mmbench_cmcr.checks import require
from mmbench_cmcr.junction import Junction, two_bases

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from mmbench.api import Context, CorpusRequest

__all__ = ["Unconnected"]


class Unconnected(Connector):
    """Both spaces with no training: modality gap, alignment and uniformity before connecting.

    Vectors are scaled to length 1, and those of the narrower space filled up with zeros. Retrieval
    between the leaves is by chance: the axes of the two spaces have nothing to do with each other.

    Args:
        first: The representation that is the first space.
        second: The representation that is the second space.
        first_options: Options of the first.
        second_options: Options of the second.
        first_fit_on: What the first is trained on, as a suite's ``fit_on``, where that is not what
            the task offers.
        second_fit_on: The same of the second.
        shared: The slot that both take; the joined space takes it through the first.
        first_leaf: A slot of the first space besides the shared one.
        second_leaf: The slot of the second space.
        more_slots: Further slots of the first space.
        dim: Length of the joined vectors, where the spaces don't say theirs; None: the longer's.
    """

    def __init__(
        self,
        *,
        first: str,
        second: str,
        first_options: dict[str, Any] | None = None,
        second_options: dict[str, Any] | None = None,
        first_fit_on: dict[str, Any] | None = None,
        second_fit_on: dict[str, Any] | None = None,
        shared: str = "text",
        first_leaf: str = "image",
        second_leaf: str = "audio",
        more_slots: tuple[str, ...] = (),
        dim: int | None = None,
    ) -> None:
        require("above 0", "unconnected", dim=1 if dim is None else dim)
        self.junction = Junction(shared, first_leaf, second_leaf, shared, more_slots)
        self.bases = two_bases(
            first, second, first_options, second_options, first_fit_on, second_fit_on
        )
        self.routes = self.junction.routes
        self.dim = dim
        self._described: int | None = None
        self._length: int | None = None

    @property
    def name(self) -> str:
        """What it is."""
        first, second = (ref.name for ref in self.bases.values())
        return f"unconnected({first}, {second}; {self.junction.shared})"

    def describe(self, bases: Mapping[str, RepresentationInfo]) -> RepresentationInfo:
        """All slots, in vectors of one length.

        Raises:
            UsageError: The spaces share no stream, one lacks a slot, or a length is unknown.
        """
        self.junction.check(bases, meeting=False)
        widths = self.junction.widths(bases)
        known = [width for width in widths.values() if width is not None]
        if self.dim is None and len(known) < len(widths):
            lacking = next(bases[base].name for base, width in widths.items() if width is None)
            raise UsageError(
                f"{lacking} does not say how long its vectors are", where=self.name,
                fix="say how long the longer space's are: -o dim=N",
            )  # fmt: skip
        if self.dim is not None and known and max(known) > self.dim:
            raise UsageError(
                f"dim is {self.dim}, and there are vectors of {max(known)} numbers",
                where=self.name, fix="leave dim out",
            )  # fmt: skip
        self._described = self.dim or max(known)
        return RepresentationInfo(
            name=f"unconnected({bases['first'].name}, {bases['second'].name}; "
            f"{self.junction.shared})",
            version="1",
            slots=self.junction.slots(bases),
            offers=self.junction.offers(bases, self._described),
            seeded=any(base.seeded for base in bases.values()),
            parameters=0,
        )

    def needs(self) -> list[CorpusRequest]:
        """Nothing."""
        return []

    def fit_vectors(self, arrays: Mapping[str, NDArray[Any]], ctx: Context) -> None:
        """Nothing is learnt: its length is the one that was described."""
        self._length = self._described or self.dim

    def project(self, base: str, slot: str, vectors: NDArray[Any]) -> NDArray[np.float32]:
        """Unit vectors, with zeros behind them.

        Raises:
            PluginError: It has no length yet, or there is no such space.
            DataError: The vectors are longer than the joined space's.
        """
        if self._length is None:
            raise PluginError("is not trained: call fit_vectors or load_state", where=self.name)
        if base not in self.bases:
            raise PluginError(f"has no space {base!r}, but first and second", where=self.name)
        width = vectors.shape[-1]
        if width > self._length:
            raise DataError(
                f"vectors of {slot} have {width} numbers, and should have {self._length} or fewer",
                where=self.name,
            )
        out = np.zeros((*vectors.shape[:-1], self._length), dtype=np.float32)
        lengths = np.linalg.norm(np.asarray(vectors, np.float64), axis=-1, keepdims=True)
        out[..., :width] = vectors / np.maximum(lengths, 1e-12)
        return out

    def state(self) -> State:
        """The length of its vectors."""
        if self._length is None:
            raise PluginError("is not trained: call fit_vectors or load_state", where=self.name)
        return State({}, {"dim": self._length})

    def load_state(self, state: State) -> None:
        """Become what was described."""
        self._length = int(state.meta["dim"])
