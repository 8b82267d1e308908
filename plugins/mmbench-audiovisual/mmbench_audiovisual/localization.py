"""Sound source localization on VGG-SS, Flickr-SoundNet and MUSIC, by heat map or by boxes.

The evaluators of the papers differ in each step; a preset is one evaluator's steps, and every
further option changes one of them. What a preset can't say, because it happens before a model sees
the item, are options of the reader: the list, the frame's part, the part of the sound.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from mmbench.protocols.localization import LocalizationTask
from mmbench_audiovisual.clips import Part, Short  # noqa: TC001 - options are read by hint
from mmbench_audiovisual.music import FramePolicy  # noqa: TC001 - options are read by hint
from mmbench_audiovisual.picture import Framing  # noqa: TC001 - options are read by hint
from mmbench_audiovisual.splits import split_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mmbench.api import Collection, Datasets

__all__ = ["FlickrLocalization", "MusicLocalization", "VggssLocalization"]

BoxFormat = Literal["xyxy", "xywh"]
Truth = Literal["union", "consensus"]
Proposals = Literal["grid", "file"]
Scales = tuple[float, ...]


class VggssLocalization(LocalizationTask):
    """Where in a VGGSound frame is what is heard?

    Args:
        prediction: ``heatmap``: cosines of the sound with each cell of the picture's dense map.
            ``boxes``: proposals are cut out and encoded, and the one most like the sound is the
            mask, with no threshold.
        preset: Whose rules bring a map to a mask: ``ezvsl``, ``lvs``, ``slavc``, ``ssla``,
            ``dsol``, ...; None = ``ezvsl`` for heat maps, ``boxes`` for boxes. Each further option
            changes one rule of it; None keeps it.
        upsampling: How a map is brought to the frame.
        normalisation: Of each map.
        tau: Temperature of the maps, for ``fixed_range``.
        threshold: How the cut is chosen.
        threshold_value: Its parameter.
        comparison: Whether a pixel at the cut counts.
        success_at: cIoU that makes a success.
        success_comparison: ``>=`` or ``>``.
        skip_empty_gt: Leave items without a ground-truth pixel (2 of VGG-SS) out instead of
            scoring 0.
        box_format: How the annotations say a box: corners, or corner, width and height.
        box_extent: What the far border of the frame is called in them.
        ground_truth: The ``union`` of an item's boxes, or the ``consensus`` of annotators with a
            box each, half a vote of each, at most 1.
        proposals: A seeded multi-scale ``grid``, or the boxes of a ``file``.
        proposal_file: Its name, below ``proposals/`` of the dataset: a JSON table of ids to lists
            of [x1, y1, x2, y2, score], as shares of the frame.
        proposal_score: Boxes of the file with a lower score are left out.
        proposal_limit: At most so many boxes of the file an item, the best; 0 = all.
        proposal_scales: Sides of the grid's boxes, as shares of the frame.
        proposal_stride: Greatest distance between neighbours, as a share of their side.
        proposal_jitter: How far the grid moves by item.
        proposal_seed: Seed of that.
        ties: Which of several boxes with the best similarity is taken.
        split: The dataset's list: of VGG-SS ``test`` (5,158), ``test-4911`` (SSL-TIE's),
            ``test-4692`` (SSPL's), ``heard``, ``unheard``; of Flickr-SoundNet ``test`` (250) or
            ``test-249`` (lists with a misspelt id).
        clip: Part of the sound: the 3 s at its ``centre`` are EZ-VSL's and SLAVC's; LVS takes the
            ``first`` 10 s, encoders of whole clips such as CLAP's take all 10 s.
        clip_seconds: How many.
        short: What is done with a sound that is shorter: kept, repeated, filled up with zeros.
        framing: All of a frame, or the square in its middle, as LVS, SSL-TIE and TURN have it. The
            boxes stay those of the whole frame, so the square is for reproduction alone.
    """

    name = "vggss-localization"
    description = "5,158 VGGSound frames of 221 classes: where is what is heard?"
    citation = "Chen et al.: Localizing Visual Sounds the Hard Way, CVPR 2021"
    #: The dataset that is opened.
    dataset = "vggss"

    def __init__(
        self,
        *,
        prediction: Literal["heatmap", "boxes"] = "heatmap",
        preset: str | None = None,
        upsampling: str | None = None,
        normalisation: str | None = None,
        tau: float | None = None,
        threshold: str | None = None,
        threshold_value: float | None = None,
        comparison: str | None = None,
        success_at: float | None = None,
        success_comparison: str | None = None,
        skip_empty_gt: bool = False,
        box_format: BoxFormat = "xyxy",
        box_extent: float = 1.0,
        ground_truth: Truth = "union",
        proposals: Proposals = "grid",
        proposal_file: str = "proposals.json",
        proposal_score: float = 0.0,
        proposal_limit: int = 0,
        proposal_scales: Scales = (0.9, 0.6, 0.4, 0.25),
        proposal_stride: float = 0.5,
        proposal_jitter: float = 0.5,
        proposal_seed: int = 0,
        ties: Literal["largest", "smallest"] = "largest",
        split: str = "test",
        clip: Part = "centre",
        clip_seconds: float = 3.0,
        short: Short = "tile",
        framing: Framing = "whole",
    ) -> None:
        super().__init__(
            prediction=prediction,
            preset=preset,
            upsampling=upsampling,
            normalisation=normalisation,
            tau=tau,
            threshold=threshold,
            threshold_value=threshold_value,
            comparison=comparison,
            success_at=success_at,
            success_comparison=success_comparison,
            skip_empty_gt=skip_empty_gt,
            box_format=box_format,
            box_extent=box_extent,
            ground_truth=ground_truth,
            proposals=_source(proposals),
            proposal_scales=proposal_scales,
            proposal_stride=proposal_stride,
            proposal_jitter=proposal_jitter,
            proposal_seed=proposal_seed,
            ties=ties,
        )
        self.split = split
        self.reading = {
            "clip": clip,
            "clip_seconds": clip_seconds,
            "short": short,
            "framing": framing,
            **_filed(prediction, proposals, proposal_file, proposal_score, proposal_limit),
        }

    def sources(self, datasets: Datasets) -> Mapping[str, Collection]:
        """The scenes of the list."""
        scenes = datasets.open(self.dataset, **self.reading)
        return {"scenes": split_of(scenes, self.split, self.dataset)}


class FlickrLocalization(VggssLocalization):
    """Where in a Flickr frame is what is heard, by the consensus of three annotators?

    Its options are those of VGG-SS; annotations are on a frame of 256 x 256
    (``box_extent = 256``), one box an annotator (``ground_truth = "consensus"``).
    """

    name = "flickr-soundnet-localization"
    description = "250 Flickr frames with three annotators' boxes each: where is what is heard?"
    citation = (
        "Senocak et al.: Learning to Localize Sound Source in Visual Scenes, CVPR 2018; consensus "
        "map as in the evaluators of LVS and EZ-VSL"
    )
    dataset = "flickr_soundnet"


class MusicLocalization(LocalizationTask):
    """Where in a frame of a solo is the instrument?

    Args:
        prediction: ``heatmap``: cosines of the sound with each cell of the picture's dense map.
            ``boxes``: proposals are cut out and encoded, and the one most like the sound is the
            mask, with no threshold.
        preset: Whose rules bring a map to a mask, such as ``ezvsl`` or ``dsol``; None = ``ezvsl``
            for heat maps, ``boxes`` for boxes. Each further option changes one rule of it; None
            keeps it.
        upsampling: How a map is brought to the frame.
        normalisation: Of each map.
        tau: Temperature of the maps, for ``fixed_range``.
        threshold: How the cut is chosen.
        threshold_value: Its parameter.
        comparison: Whether a pixel at the cut counts.
        success_at: cIoU that makes a success; with one box it is plain IoU.
        success_comparison: ``>=`` or ``>``.
        skip_empty_gt: Leave items without a ground-truth pixel out (DSOL) instead of scoring 0.
        box_format: How the annotations say a box; DSOL's are corner, width and height.
        box_extent: What the far border of the frame is called in them.
        ground_truth: The ``union`` of an item's boxes, or their ``consensus``.
        proposals: A seeded multi-scale ``grid``, or the boxes of a ``file``.
        proposal_file: Its name, below ``proposals/`` of the dataset: a JSON table of ids to lists
            of [x1, y1, x2, y2, score], as shares of the frame.
        proposal_score: Boxes of the file with a lower score are left out.
        proposal_limit: At most so many boxes of the file an item, the best; 0 = all.
        proposal_scales: Sides of the grid's boxes, as shares of the frame.
        proposal_stride: Greatest distance between neighbours, as a share of their side.
        proposal_jitter: How far the grid moves by item.
        proposal_seed: Seed of that.
        ties: Which of several boxes with the best similarity is taken.
        frame_policy: All frames with one box (12,356), or the first of them a second (3,134). What
            C-MCR took is unknown.
        audio_seconds: Length of the sound, around the middle of the frame's second: 1 is DSOL's, 3
            EZ-VSL's, 10 that of encoders of whole clips.
        short: What is done where a track ends before: kept, repeated, filled up with zeros.
    """

    name = "music-solo-localization"
    description = "12,356 frames of 27 solos: where is the instrument that is heard?"
    citation = (
        "Hu et al.: Discriminative Sounding Objects Localization via Self-supervised Audiovisual "
        "Matching, NeurIPS 2020 (solotest.json); data: Zhao et al.: The Sound of Pixels, ECCV 2018"
    )

    def __init__(
        self,
        *,
        prediction: Literal["heatmap", "boxes"] = "heatmap",
        preset: str | None = None,
        upsampling: str | None = None,
        normalisation: str | None = None,
        tau: float | None = None,
        threshold: str | None = None,
        threshold_value: float | None = None,
        comparison: str | None = None,
        success_at: float | None = None,
        success_comparison: str | None = None,
        skip_empty_gt: bool = False,
        box_format: BoxFormat = "xywh",
        box_extent: float = 1.0,
        ground_truth: Truth = "union",
        proposals: Proposals = "grid",
        proposal_file: str = "proposals.json",
        proposal_score: float = 0.0,
        proposal_limit: int = 0,
        proposal_scales: Scales = (0.9, 0.6, 0.4, 0.25),
        proposal_stride: float = 0.5,
        proposal_jitter: float = 0.5,
        proposal_seed: int = 0,
        ties: Literal["largest", "smallest"] = "largest",
        frame_policy: FramePolicy = "one-box",
        audio_seconds: float = 1.0,
        short: Short = "keep",
    ) -> None:
        super().__init__(
            prediction=prediction,
            preset=preset,
            upsampling=upsampling,
            normalisation=normalisation,
            tau=tau,
            threshold=threshold,
            threshold_value=threshold_value,
            comparison=comparison,
            success_at=success_at,
            success_comparison=success_comparison,
            skip_empty_gt=skip_empty_gt,
            box_format=box_format,
            box_extent=box_extent,
            ground_truth=ground_truth,
            proposals=_source(proposals),
            proposal_scales=proposal_scales,
            proposal_stride=proposal_stride,
            proposal_jitter=proposal_jitter,
            proposal_seed=proposal_seed,
            ties=ties,
        )
        self.reading = {
            "frame_policy": frame_policy,
            "audio_seconds": audio_seconds,
            "short": short,
            **_filed(prediction, proposals, proposal_file, proposal_score, proposal_limit),
        }

    def sources(self, datasets: Datasets) -> Mapping[str, Collection]:
        """The frames of the solos."""
        return {"scenes": split_of(datasets.open("music", **self.reading), "solo", "music")}


def _source(proposals: Proposals) -> Literal["grid", "column"]:
    """Where the protocol finds the boxes: the reader makes a column of the file."""
    return "column" if proposals == "file" else "grid"


def _filed(
    prediction: str, proposals: Proposals, name: str, score: float, limit: int
) -> dict[str, object]:
    """What the reader is told of a file of proposals; nothing where none is read."""
    if prediction != "boxes" or proposals != "file":
        return {}
    return {"proposals": name, "proposal_score": score, "proposal_limit": limit}
