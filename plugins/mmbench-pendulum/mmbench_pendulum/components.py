"""DCA of a pendulum's representations: does a stream alone put states where both put them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from mmbench.api import FitSpec
from mmbench.protocols.dca import DCATask

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mmbench.api import Collection, Datasets

__all__ = ["PendulumDca"]


class PendulumDca(DCATask):
    """DCA of the image's and the sound's representations (E) against the complete ones (R).

    Vectors are compared as they are, as GMC does, of its 2,000 test frames.

    Args:
        frames: At most so many frames that a representation learns from (paper 20,000).
        normalisation: What test frames are normalised by: ``train``, or their ``own`` range as
            released.
        scaling: Vectors before they are compared: as they are (``raw``), of length 1 (``unit``), or
            whichever the representation compares by (``similarity``).
        points: At most this many items for precision and recall.
        quality_points: At most this many items for the quality.
        rays: Rays shot from each point (T); the original's is 10,000, on a GPU.
        min_cluster_size: Smallest component (mcs).
        seed: Of the draws and the rays; not the cell's.
    """

    name = "pendulum-dca"
    description = "Pendulum: DCA of image and sound, each against both"
    citation = (
        "Poklukar et al.: Geometric Multimodal Contrastive Representation Learning, ICML 2022; "
        "Poklukar et al.: Delaunay Component Analysis, ICLR 2022"
    )
    items = "test"

    def __init__(
        self,
        *,
        frames: int = 2_000,
        normalisation: Literal["train", "own"] = "train",
        scaling: Literal["similarity", "unit", "raw"] = "raw",
        points: int = 2_000,
        quality_points: int = 500,
        rays: int = 100,
        min_cluster_size: int = 10,
        seed: int = 0,
    ) -> None:
        super().__init__(
            streams=("image", "sound"),
            scaling=scaling,
            points=points,
            quality_points=quality_points,
            rays=rays,
            min_cluster_size=min_cluster_size,
            seed=seed,
        )
        self.opened = {"frames": frames, "normalisation": normalisation}

    def collections(self, datasets: Datasets) -> Mapping[str, Collection]:
        """As of the controller, so that what was trained for it is taken here."""
        return dict(datasets.open("pendulum", **self.opened))

    def fit_spec(self) -> FitSpec:
        """Complete frames, no target."""
        return FitSpec("train", None, self.streams)
