"""A connector whose two spaces go through trained heads: what C-MCR and its upper bound share."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from mmbench.api import (
    Connector,
    DataError,
    PluginError,
    RepresentationInfo,
    State,
    UsageError,
)
from mmbench_cmcr.layouts import parameter_count

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from mmbench.api import Context, RepresentationRef
    from mmbench_cmcr.junction import Junction
    from mmbench_cmcr.layouts import Layout, Space
    from mmbench_cmcr.projectors import Head

__all__ = ["HeadConnector"]

#: Rows that are projected at once.
_CHUNK = 8192


class HeadConnector(Connector):
    """Two frozen spaces, a head each, or one for the second alone.

    Args:
        junction: Where the spaces meet.
        bases: ``first`` and ``second``.
        layout: The heads.
        dim: Length of the joined vectors; None: the longer of both spaces' vectors.
    """

    #: Whether it learns from what both spaces take.
    meeting: ClassVar[bool] = True

    def __init__(
        self, junction: Junction, bases: dict[str, RepresentationRef], layout: Layout,
        dim: int | None,
    ) -> None:  # fmt: skip
        self.junction = junction
        self.bases = bases
        self.routes = junction.routes
        self.layout = layout
        self.dim = dim
        self._device = "cpu"
        self._widths: dict[str, int | None] = {"first": None, "second": None}
        self._heads: dict[Space, Head] | None = None
        self._meta: dict[str, Any] = {}

    @property
    @abstractmethod
    def kind(self) -> str:
        """How it connects, in a word."""

    @property
    def name(self) -> str:
        """What it is, for messages."""
        first, second = (ref.name for ref in self.bases.values())
        return f"{self.kind}({first}, {second}; {self.junction.shared})"

    def describe(self, bases: Mapping[str, RepresentationInfo]) -> RepresentationInfo:
        """The joined space: all slots, in vectors of one length.

        Raises:
            UsageError: The spaces share no stream, or one lacks a slot.
        """
        self.junction.check(bases, meeting=self.meeting)
        self._widths = self.junction.widths(bases)
        dim = self._joined_dim(self._widths)
        widths = [self._widths[space] for space in self.layout.spaces]
        counts = [
            parameter_count(self.layout.projector, width, dim) if width and dim else None
            for width in widths
        ]
        known = [count for count in counts if count is not None]
        first, second = bases["first"].name, bases["second"].name
        return RepresentationInfo(
            name=f"{self.kind}({first}, {second}; {self.junction.shared})",
            version="1",
            slots=self.junction.slots(bases),
            offers=self.junction.offers(bases, dim),
            seeded=True,
            parameters=sum(known) if len(known) == len(counts) else None,
        )

    def load(self, ctx: Context) -> None:
        """Project where the runner computes."""
        self._device = ctx.device

    def project(self, base: str, slot: str, vectors: NDArray[Any]) -> NDArray[np.float32]:
        """Vectors or maps of a space as unit vectors of the joined one.

        Raises:
            PluginError: It is not trained, or has no such space.
            DataError: The vectors are of another width.
        """
        if self._heads is None:
            raise PluginError("is not trained: call fit_vectors or load_state", where=self.name)
        if base not in self.bases:
            raise PluginError(f"has no space {base!r}, but first and second", where=self.name)
        import torch
        from torch.nn.functional import normalize

        from mmbench_cmcr.threads import one_thread

        width = self._meta["widths"][base]
        head = self._heads.get("first" if base == "first" else "second")
        if head is not None:
            head.to(self._device)
        if vectors.shape[-1] != width:
            raise DataError(
                f"vectors of {slot} have {vectors.shape[-1]} numbers, and should have {width}",
                where=self.name,
            )
        flat = vectors.reshape(-1, vectors.shape[-1])
        out = np.empty((len(flat), self._meta["dim"]), dtype=np.float32)
        for start in range(0, len(flat), _CHUNK):
            chunk = np.array(flat[start : start + _CHUNK], dtype=np.float32)  # a copy: torch asks
            with one_thread(self._device), torch.inference_mode():
                unit = normalize(torch.from_numpy(chunk).to(self._device), dim=-1)
                joined = unit if head is None else normalize(head(unit), dim=-1)
                out[start : start + len(chunk)] = joined.cpu().numpy()
        return out.reshape(*vectors.shape[:-1], self._meta["dim"])

    def state(self) -> State:
        """The heads' tensors, by the names of a published checkpoint, and how they were made."""
        if self._heads is None:
            raise PluginError("is not trained: call fit_vectors or load_state", where=self.name)
        from mmbench_cmcr.checkpoints import named_state

        named = named_state(self._heads, self.layout)
        return State({name: value.numpy().copy() for name, value in named.items()}, self._meta)

    def load_state(self, state: State) -> None:
        """Become what was trained."""
        import torch

        from mmbench_cmcr.checkpoints import heads_of

        tensors = {name: torch.from_numpy(np.array(a)) for name, a in state.arrays.items()}
        self._heads = heads_of(tensors, self.layout, state.meta["widths"], where=self.name)
        self._meta = dict(state.meta)

    def write_checkpoint(self, path: Path) -> None:
        """Write the heads as the published files hold them.

        Raises:
            PluginError: It is not trained.
        """
        if self._heads is None:
            raise PluginError("is not trained: call fit_vectors or load_state", where=self.name)
        from mmbench_cmcr.checkpoints import named_state, write_checkpoint

        write_checkpoint(path, named_state(self._heads, self.layout))

    def _joined_dim(self, widths: Mapping[str, int | None]) -> int | None:
        """Length of the joined vectors.

        Raises:
            UsageError: It should differ from that of the frozen space.
        """
        first, second = widths["first"], widths["second"]
        if not self.layout.frozen:
            known = first is not None and second is not None
            return self.dim or (max(first or 0, second or 0) if known else None)
        if self.dim and first and self.dim != first:
            raise UsageError(
                f"the joined space is the first, whose vectors have {first} numbers",
                where=f"option dim={self.dim}", fix="leave dim out, or take frozen=none",
            )  # fmt: skip
        return first or self.dim

    def _keep(self, widths: Mapping[str, int], dim: int, **more: Any) -> None:
        """What is told of the heads, besides their tensors."""
        layout = self.layout
        self._meta = {
            "widths": dict(widths), "dim": dim,
            "layout": {"projector": layout.projector, "frozen": layout.frozen,
                       "head_a": layout.head_a},
            **more,
        }  # fmt: skip
