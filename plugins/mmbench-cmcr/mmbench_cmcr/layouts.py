"""Layouts: which projector a published checkpoint holds, and which of its heads is whose.

In ``clap_clip.pt`` Head_A is CLAP's and Head_B CLIP's; in ``ulip_clip.pt`` Head_A is CLIP's. Files
of Ex-MCR hold the one head of the space that is projected.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["PUBLISHED", "HeadA", "Layout", "Projector", "Space", "parameter_count"]

#: Architecture of a head.
Projector = Literal["mlp", "mlp-half", "ex-mcr"]
#: One of the two spaces.
Space = Literal["first", "second"]
#: Which space is Head_A; ``published``: as in the published file of the same architecture.
HeadA = Literal["published", "first", "second"]

#: Projector to the file that was published with it, CLIP being the first space.
PUBLISHED: dict[Projector, str] = {
    "mlp": "clap_clip.pt",
    "mlp-half": "ulip_clip.pt",
    "ex-mcr": "ex_clap.pt",
}
_HEAD_A: dict[Projector, Space] = {"mlp": "second", "mlp-half": "first", "ex-mcr": "second"}


@dataclass(frozen=True)
class Layout:
    """How the heads are built, and what they are called in a checkpoint.

    Attributes:
        projector: Their architecture.
        frozen: Whether the first space has none, and is the joined space.
        head_a: Which space is Head_A.
    """

    projector: Projector = "mlp"
    frozen: bool = False
    head_a: HeadA = "published"

    @property
    def spaces(self) -> tuple[Space, ...]:
        """The spaces that have a head, in the order of the file."""
        first = _HEAD_A[self.projector] if self.head_a == "published" else self.head_a
        both: tuple[Space, ...] = ("first", "second") if first == "first" else ("second", "first")
        return ("second",) if self.frozen else both

    def prefix(self, space: Space) -> str:
        """What stands before a head's names."""
        if self.frozen and self.projector == "ex-mcr":
            return ""
        first = _HEAD_A[self.projector] if self.head_a == "published" else self.head_a
        return "Head_A." if space == first else "Head_B."


def parameter_count(projector: Projector, width: int, dim: int) -> int:
    """Trained parameters of one head."""
    if projector == "mlp":
        hidden = 2 * width
        return (width + 1) * hidden + 2 * hidden + (hidden + 1) * dim + 2 * dim
    if projector == "mlp-half":
        return (width + 1) * dim + 2 * dim
    return (width + 1) * dim + 2 * parameter_count("mlp", dim, dim)
