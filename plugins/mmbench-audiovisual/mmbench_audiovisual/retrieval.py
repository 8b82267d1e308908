"""Audio-image retrieval on AVE, Flickr-SoundNet and VGG-SS: which picture goes with which sound?

C-MCR, whose paper reports these, published neither code nor lists, so every choice that it leaves
open is an option here: the list, the frame, the part of the sound, what repeated videos are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from mmbench.protocols.retrieval import RetrievalTask
from mmbench_audiovisual.clips import Part, Short  # noqa: TC001 - options are read by hint
from mmbench_audiovisual.splits import split_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mmbench.api import Collection, Datasets

__all__ = ["AveRetrieval", "FlickrRetrieval", "VggssRetrieval"]

Ties = Literal["expected", "optimistic", "pessimistic"]
_CMCR = "Wang et al.: Connecting Multi-modal Contrastive Representations, NeurIPS 2023"


class AveRetrieval(RetrievalTask):
    """Frames and sounds of AVE's events retrieve each other.

    Args:
        query: The stream that queries.
        gallery: The stream that is searched; the other direction is scored too.
        relevance: ``instance``: the event's own other stream is the one positive. ``class``: those
            of all events of its category are (MTEB's retrieval on AVE).
        ties: Rank of a positive among equal scores.
        own_pair: Whether, under class relevance, an event's own other stream counts.
        duplicates: Events of one video (45 videos of ``all`` have two or three) are ``distinct``
            items, ``joint`` positives of each other, or all but the ``first`` left out.
        split: The official test list of 402 events, another list, or ``all`` 4,143.
        frame: The frame at the centre of the event, at 5 s, or the first one. No paper says which.
        clip: Part of the sound track: all of it, or so many seconds from its start or its centre.
        clip_seconds: How many.
        short: What is done with a track that is shorter: kept, repeated, filled up with zeros.
    """

    name = "ave-retrieval"
    description = (
        "402 ten-second videos of 28 categories: a frame and the sound retrieve each other"
    )
    citation = f"{_CMCR}; data: Tian et al., ECCV 2018"
    group = "video"

    def __init__(
        self,
        *,
        query: str = "audio",
        gallery: str = "image",
        relevance: Literal["instance", "class"] = "instance",
        ties: Ties = "expected",
        own_pair: bool = True,
        duplicates: Literal["distinct", "joint", "first"] = "distinct",
        split: Literal["test", "valid", "train", "all"] = "test",
        frame: Literal["event-centre", "t=5.0", "first"] = "event-centre",
        clip: Part = "full",
        clip_seconds: float = 10.0,
        short: Short = "keep",
    ) -> None:
        super().__init__(
            query=query,
            gallery=gallery,
            relevance=relevance,
            ties=ties,
            own_pair=own_pair,
            duplicates=duplicates,
        )
        self.split = split
        self.frame = frame
        self.sound = {"clip": clip, "clip_seconds": clip_seconds, "short": short}

    def collections(self, datasets: Datasets) -> Mapping[str, Collection]:
        """The events of the list."""
        events = datasets.open("ave", frame=self.frame, **self.sound)
        return {"pairs": split_of(events, self.split, "ave")}


class FlickrRetrieval(RetrievalTask):
    """Frames and sounds of Flickr-SoundNet retrieve each other. It has no classes.

    Args:
        query: The stream that queries.
        gallery: The stream that is searched; the other direction is scored too.
        ties: Rank of a positive among equal scores.
        split: All 5,000 annotated pairs (``five-thousand``), the 250 of the tests, the 249 that
            lists with a misspelt id have, or the 4,750 others. C-MCR's choice is not confirmed.
        clip: Part of the sound: all of it, or so many seconds from its start or its centre.
        clip_seconds: How many.
        short: What is done with a sound that is shorter: kept, repeated, filled up with zeros.
    """

    name = "flickr-soundnet-retrieval"
    description = "5,000 Flickr frames and their sounds retrieve each other"
    citation = f"{_CMCR}; data: Senocak et al., CVPR 2018"

    def __init__(
        self,
        *,
        query: str = "audio",
        gallery: str = "image",
        ties: Ties = "expected",
        split: Literal["five-thousand", "test", "test-249", "supervised"] = "five-thousand",
        clip: Part = "full",
        clip_seconds: float = 10.0,
        short: Short = "keep",
    ) -> None:
        super().__init__(query=query, gallery=gallery, ties=ties)
        self.split = split
        self.sound = {"clip": clip, "clip_seconds": clip_seconds, "short": short}

    def collections(self, datasets: Datasets) -> Mapping[str, Collection]:
        """The pairs of the list, whether or not they have annotations."""
        pairs = datasets.open("flickr_soundnet", annotations="unused", **self.sound)
        return {"pairs": split_of(pairs, self.split, "flickr_soundnet")}


class VggssRetrieval(RetrievalTask):
    """Frames and sounds of VGG-SS retrieve each other.

    Args:
        query: The stream that queries.
        gallery: The stream that is searched; the other direction is scored too.
        relevance: ``instance``: the item's own other stream is the one positive. ``class``: those
            of all items of its VGGSound class are.
        ties: Rank of a positive among equal scores.
        own_pair: Whether, under class relevance, an item's own other stream counts.
        split: All 5,158 items, the 4,911 or 4,692 that SSL-TIE and SSPL had, or those of classes
            that are ``heard`` or ``unheard`` in training.
        clip: Part of the sound: all of it, or so many seconds from its start or its centre.
        clip_seconds: How many.
        short: What is done with a sound that is shorter: kept, repeated, filled up with zeros.
    """

    name = "vggss-retrieval"
    description = "5,158 VGGSound frames and their sounds retrieve each other"
    citation = (
        "Wang et al.: FreeBind, ICML 2024; data: Chen et al.: Localizing Visual Sounds the Hard "
        "Way, CVPR 2021"
    )

    def __init__(
        self,
        *,
        query: str = "audio",
        gallery: str = "image",
        relevance: Literal["instance", "class"] = "instance",
        ties: Ties = "expected",
        own_pair: bool = True,
        split: Literal["test", "test-4911", "test-4692", "heard", "unheard"] = "test",
        clip: Part = "full",
        clip_seconds: float = 10.0,
        short: Short = "keep",
    ) -> None:
        super().__init__(
            query=query, gallery=gallery, relevance=relevance, ties=ties, own_pair=own_pair
        )
        self.split = split
        self.sound = {"clip": clip, "clip_seconds": clip_seconds, "short": short}

    def collections(self, datasets: Datasets) -> Mapping[str, Collection]:
        """The items of the list."""
        return {"pairs": split_of(datasets.open("vggss", **self.sound), self.split, "vggss")}
