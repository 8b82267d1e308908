"""Does a stream alone put utterances where all streams put them? DCA on CMU-MOSEI and CMU-MOSI."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from mmbench.api import FitSpec
from mmbench.protocols.dca import DCATask
from mmbench_affect.features import STREAMS
from mmbench_affect.layouts import Variant  # noqa: TC001 - options are read by hint
from mmbench_affect.notes import described, noted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mmbench.api import Collection, Datasets, Evaluation, ScoreInputs

__all__ = ["CmuMoseiDca", "CmuMosiDca", "MosiUtteranceDca"]

_SPLITS = ("train", "valid", "test")
_GMC = "Poklukar et al.: GMC, ICML 2022; Delaunay Component Analysis, ICLR 2022"
_OWN = """
    supervised: What learns the target may learn it, as GMC does here; its vectors are compared,
        not its predictions (the released code compares those).
    streams: The streams; R is of all of them, E of each.
    scaling: Vectors before they are compared: as they are (``raw``), of length 1 (``unit``), or
        whichever the representation compares by (``similarity``).
    points: At most this many items for precision and recall; the original takes all.
    quality_points: At most this many items for the quality.
    rays: Rays shot from each point (T); the original's is 10,000, on a GPU.
    min_cluster_size: Smallest component (mcs).
    seed: Of the draws and the rays; not the cell's.
"""
_CMU = """

Args:
    variant: Which files are read; ``auto`` takes the first that is there.
    folds: A list of video ids by split; empty = the pickle's own splits.
    padding: Steps of zeros at both ends are kept, or trimmed.
    steps: 0 keeps all steps; else the first so many, and zeros before shorter sequences.
""" + _OWN.lstrip("\n")


class _AffectDca(DCATask):
    """DCA on the test utterances, and what the record says of the data."""

    items = "test"
    citation = _GMC
    dataset: ClassVar[str] = ""
    supervised = True

    def opened(self) -> Mapping[str, Any]:
        """The dataset's options."""
        raise NotImplementedError

    def collections(self, datasets: Datasets) -> Mapping[str, Collection]:
        """Training, validation and test utterances."""
        opened = datasets.open(self.dataset, **self.opened())
        return {split: opened[split] for split in _SPLITS if split in opened}

    def fit_spec(self) -> FitSpec:
        """The training utterances' streams, and their sentiment."""
        if self.supervised:
            return FitSpec("train", "valid", self.streams, "sentiment", "value")
        return FitSpec("train", "valid", self.streams)

    def score(self, inputs: ScoreInputs) -> Evaluation:
        """As the protocol scores, with the version of the data that was read.

        Raises:
            ValueError: NaN, zero or constant embeddings, or of unequal widths.
        """
        scored = super().score(inputs)
        return replace(
            scored,
            parameters={**scored.parameters, **described(inputs.tables, _SPLITS)},
            notes=(*scored.notes, *noted(self.dataset, inputs.tables, _SPLITS)),
        )


class _CmuDca(_AffectDca):
    """CMU-MOSEI and CMU-MOSI; options as in ``_CMU``."""

    def __init__(
        self,
        *,
        variant: Variant = "auto",
        folds: str = "",
        padding: Literal["keep", "trim"] = "keep",
        steps: int = 0,
        supervised: bool = True,
        streams: tuple[str, ...] = STREAMS,
        scaling: Literal["similarity", "unit", "raw"] = "raw",
        points: int = 2_000,
        quality_points: int = 500,
        rays: int = 100,
        min_cluster_size: int = 10,
        seed: int = 0,
    ) -> None:
        super().__init__(
            streams=streams, scaling=scaling, points=points, quality_points=quality_points,
            rays=rays, min_cluster_size=min_cluster_size, seed=seed,
        )  # fmt: skip
        self.supervised = supervised
        self.data = {"variant": variant, "folds": folds, "padding": padding, "steps": steps}

    def opened(self) -> Mapping[str, Any]:
        """The dataset's options."""
        return self.data


class CmuMoseiDca(_CmuDca):  # noqa: D101 - it is the line below
    __doc__ = "CMU-MOSEI: DCA of each single stream's representations against all." + _CMU

    name = "cmu-mosei-dca"
    dataset = "cmu-mosei"
    description = "CMU-MOSEI: DCA of each single stream's representations against the complete"


class CmuMosiDca(_CmuDca):  # noqa: D101 - it is the line below
    __doc__ = "CMU-MOSI: DCA of each single stream's representations against all." + _CMU

    name = "cmu-mosi-dca"
    dataset = "cmu-mosi"
    description = "CMU-MOSI: DCA of each single stream's representations against the complete"


class MosiUtteranceDca(_AffectDca):  # noqa: D101 - it is the line below
    __doc__ = (
        """CMU-MOSI, one vector a stream: DCA of each single stream's representations against all.

Args:
    split: ``repo`` holds no test video that the features were learnt on; ``official`` does."""
        + _OWN
    )

    name = "mosi-utterance-dca"
    dataset = "mosi-utterance"
    description = "CMU-MOSI by vectors: DCA of single streams' representations against the complete"

    def __init__(
        self,
        *,
        split: Literal["repo", "official"] = "repo",
        supervised: bool = True,
        streams: tuple[str, ...] = STREAMS,
        scaling: Literal["similarity", "unit", "raw"] = "raw",
        points: int = 2_000,
        quality_points: int = 500,
        rays: int = 100,
        min_cluster_size: int = 10,
        seed: int = 0,
    ) -> None:
        super().__init__(
            streams=streams, scaling=scaling, points=points, quality_points=quality_points,
            rays=rays, min_cluster_size=min_cluster_size, seed=seed,
        )  # fmt: skip
        self.supervised = supervised
        self.data = {"split": split}

    def opened(self) -> Mapping[str, Any]:
        """The dataset's options."""
        return self.data
