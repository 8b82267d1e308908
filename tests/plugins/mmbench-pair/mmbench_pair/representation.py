"""Pictures by CLIP, sounds and texts by CLAP, both of 512 numbers: real code, no real space.

It takes the tasks for pictures and sounds from files to records where no connector is at hand.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from mmbench.api import Representation, RepresentationInfo
from mmbench_clap.representation import CLAP
from mmbench_openclip.representation import OpenCLIP

if TYPE_CHECKING:
    from mmbench.api import Batch, Context


class Pair(Representation):
    """Two encoders whose vectors happen to be equally long.

    Args:
        model: Of CLIP.
        pretrained: Of CLIP.
        checkpoint: Of CLAP.
        amodel: Of CLAP.
        text_model: Of CLAP.
    """

    batch_size = 16

    def __init__(
        self,
        *,
        model: str = "",
        pretrained: str = "",
        checkpoint: str = "",
        amodel: str = "",
        text_model: str = "",
    ) -> None:
        self.pictures = {"model": model, "pretrained": pretrained}
        self.sounds = {"checkpoint": checkpoint, "amodel": amodel, "text_model": text_model}

    @cached_property
    def clip(self) -> OpenCLIP:
        """Of pictures."""
        return OpenCLIP(**self.pictures)

    @cached_property
    def clap(self) -> CLAP:
        """Of sounds and texts; the middle of long clips, so that no seed matters."""
        return CLAP(**self.sounds, backend="transformers", chunks="middle")

    @property
    def info(self) -> RepresentationInfo:
        """Pictures of the one, the rest of the other."""
        clip, clap = self.clip.info, self.clap.info
        image = frozenset({"image"})
        return replace(
            clap,
            name="pair",
            slots=(*(slot for slot in clip.slots if slot.name == "image"), *clap.slots),
            offers=clap.offers | {offer for offer in clip.offers if offer.slots == image},
        )

    def fingerprint(self) -> str:
        """Of both."""
        return self.clip.fingerprint() + self.clap.fingerprint()

    def load(self, ctx: Context) -> None:
        """Both."""
        self.clip.load(ctx)
        self.clap.load(ctx)

    def encode(self, batch: Batch) -> Any:
        """By whose it is."""
        return (self.clip if "image" in batch else self.clap).encode(batch)

    def encode_dense(self, batch: Batch) -> Any:
        """CLIP's patches."""
        return self.clip.encode_dense(batch)
