"""Ex-VGGSS and Ex-FlickrNet: is what is heard in the picture at all?

C-MCR reports "AP" and "max-F1" on them without saying whether a source has to be found, too. So
``slavc`` (it has to) and ``pair`` (it has not) stand side by side.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from mmbench.protocols.counterfactual import CounterfactualTask
from mmbench_audiovisual.clips import Part, Short  # noqa: TC001 - options are read by hint
from mmbench_audiovisual.picture import Framing  # noqa: TC001 - options are read by hint
from mmbench_audiovisual.splits import split_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mmbench.api import Collection, Datasets

__all__ = ["ExFlickrNet", "ExVggss"]

_SLAVC = "Mo and Morgado: A Closer Look at Weakly-Supervised Audio-Visual Source Localization, 2022"


class ExVggss(CounterfactualTask):
    """VGG-SS against as many pictures with a sound whose source they do not show.

    Args:
        mode: ``slavc`` (needs dense maps), ``pair``, or ``both`` side by side.
        confidence: For ``slavc``: the mean of the ``top_quarter`` of the map, as SLAVC has it, or
            the similarity of the ``global`` vectors.
        preset: Whose rules bring a map to a mask. Each further option changes one rule of it; None
            keeps it.
        upsampling: How a map is brought to the frame.
        normalisation: Of each map, before the threshold.
        tau: Temperature of the maps, for ``fixed_range``.
        threshold: How the cut is chosen.
        threshold_value: Its parameter.
        comparison: Whether a pixel at the cut counts.
        box_format: How the annotations say a box: corners, or corner, width and height.
        box_extent: What the far border of the frame is called in them.
        ground_truth: The ``union`` of an item's boxes, or the ``consensus`` of annotators.
        split: The list of the positives: of VGG-SS ``test``, ``test-4911`` or ``test-4692``, of
            Flickr-SoundNet ``test`` or ``test-249``. There is one list of negatives.
        clip: Part of the sound: the 3 s at its ``centre`` are SLAVC's; encoders of whole clips,
            such as CLAP's, take all 10 s.
        clip_seconds: How many.
        short: What is done with a sound that is shorter: kept, repeated, filled up with zeros.
        framing: All of a frame, or the square in its middle; boxes stay those of the whole frame.
    """

    name = "ex-vggss"
    description = "5,158 VGG-SS scenes against 5,158 pictures that do not show what is heard"
    citation = f"{_SLAVC}, NeurIPS (Extended VGG-SS)"
    #: The dataset that is opened.
    dataset = "vggss"

    def __init__(
        self,
        *,
        mode: Literal["both", "slavc", "pair"] = "both",
        confidence: Literal["top_quarter", "global"] = "top_quarter",
        preset: str = "slavc",
        upsampling: str | None = None,
        normalisation: str | None = None,
        tau: float | None = None,
        threshold: str | None = None,
        threshold_value: float | None = None,
        comparison: str | None = None,
        box_format: Literal["xyxy", "xywh"] = "xyxy",
        box_extent: float = 1.0,
        ground_truth: Literal["union", "consensus"] = "union",
        split: str = "test",
        clip: Part = "centre",
        clip_seconds: float = 3.0,
        short: Short = "tile",
        framing: Framing = "whole",
    ) -> None:
        super().__init__(
            mode=mode,
            confidence=confidence,
            preset=preset,
            upsampling=upsampling,
            normalisation=normalisation,
            tau=tau,
            threshold=threshold,
            threshold_value=threshold_value,
            comparison=comparison,
            box_format=box_format,
            box_extent=box_extent,
            ground_truth=ground_truth,
        )
        self.split = split
        self.reading = {
            "clip": clip,
            "clip_seconds": clip_seconds,
            "short": short,
            "framing": framing,
        }

    def collections(self, datasets: Datasets) -> Mapping[str, Collection]:
        """The list as positives, and the silent pairs as negatives."""
        found = datasets.open(self.dataset, **self.reading)
        return {
            "positives": split_of(found, self.split, self.dataset),
            "negatives": split_of(found, "silent", self.dataset),
        }


class ExFlickrNet(ExVggss):
    """Flickr-SoundNet against as many pictures with the sound of another one.

    Its options are those of Ex-VGGSS; annotations are on a frame of 256 x 256
    (``box_extent = 256``), one box an annotator (``ground_truth = "consensus"``).
    """

    name = "ex-flickrnet"
    description = "250 Flickr-SoundNet scenes against 250 pictures with another one's sound"
    citation = f"{_SLAVC}, NeurIPS (Extended Flickr-SoundNet)"
    dataset = "flickr_soundnet"
