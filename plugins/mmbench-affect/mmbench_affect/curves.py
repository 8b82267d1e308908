"""Sentiment as frames are dropped or noise is added: curves of CMU-MOSEI and CMU-MOSI."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from mmbench_affect.features import STREAMS
from mmbench_affect.layouts import Variant  # noqa: TC001 - options are read by hint
from mmbench_affect.notes import described, noted
from mmbench_affect.robustness import (
    RATES,
    Degradation,
    RobustnessTask,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mmbench.api import Collection, Datasets, Evaluation, ScoreInputs

__all__ = ["CmuMoseiRobustness", "CmuMosiRobustness", "MosiUtteranceNoise"]

_OWN = """
    streams: The streams that are encoded together.
    degradation: ``frames``: a share of each stream's steps becomes zeros, drawn step by step.
        ``noise``: Gaussian noise of this deviation on each value, in the features' own unit.
    degraded: The streams that lose something; empty = all.
    rates: Shares of the steps, or deviations; rising, the first usually 0.
    view_seed: Of what is dropped or added; MMSA's is 1111. Streams draw apart.
    curve: The sentiment metrics that are scored at every rate.
    head: ``probe``: ridge regression on complete, clean training embeddings. ``predict``: the
        representation's own predictions.
    scaling: Vectors before the probe: ``similarity``, ``unit`` or ``raw``.
    regularisation: ``alpha`` of the probe; None: chosen on the validation items.
"""
_CMU = """

Args:
    variant: Which files are read; ``auto`` takes the first that is there.
    folds: A list of video ids by split; empty = the pickle's own splits.
    padding: Steps of zeros at both ends are kept, or trimmed.
    steps: 0 keeps all steps; else the first so many, and zeros before shorter sequences.
    empty: A stream of nothing but zeros is kept as it is, or is one that the utterance lacks.
    empty_text: Utterances whose text is nothing but zeros are kept, or dropped (MultiBench).
""" + _OWN.lstrip("\n")


class _AffectCurve(RobustnessTask):
    """A curve, and what the record says of the data."""

    dataset: ClassVar[str] = ""
    citation = "Yu et al.: MMSA (thuiar/MMSA); Liang et al.: MultiBench, NeurIPS 2021"

    def opened(self) -> Mapping[str, Any]:
        """The dataset's options."""
        raise NotImplementedError

    def splits(self, datasets: Datasets) -> Mapping[str, Collection]:
        """Training, validation and test utterances."""
        opened = datasets.open(self.dataset, **self.opened())
        return {split: opened[split] for split in ("train", "valid", "test")}

    def score(self, inputs: ScoreInputs) -> Evaluation:
        """As the protocol scores, with the version of the data that was read.

        Raises:
            ValueError: NaN or constant embeddings, predictions that do not fit the target.
        """
        scored = super().score(inputs)
        splits = ("train", "valid", "test")
        return replace(
            scored,
            parameters={**scored.parameters, **described(inputs.tables, splits)},
            notes=(*scored.notes, *noted(self.dataset, inputs.tables, splits)),
        )


class _CmuCurve(_AffectCurve):
    """CMU-MOSEI and CMU-MOSI; options as in ``_CMU``."""

    def __init__(
        self,
        *,
        variant: Variant = "auto",
        folds: str = "",
        padding: Literal["keep", "trim"] = "keep",
        steps: int = 0,
        empty: Literal["keep", "missing"] = "keep",
        empty_text: Literal["keep", "drop"] = "keep",
        streams: tuple[str, ...] = STREAMS,
        degradation: Degradation = "frames",
        degraded: tuple[str, ...] = (),
        rates: tuple[float, ...] = RATES,
        view_seed: int = 1111,
        curve: tuple[str, ...] = ("mae", "pearson", "acc2_non0", "f1_non0", "acc7"),
        head: Literal["probe", "predict"] = "probe",
        scaling: Literal["similarity", "unit", "raw"] = "similarity",
        regularisation: float | None = None,
    ) -> None:
        super().__init__(
            streams=streams, degradation=degradation, degraded=degraded, rates=rates,
            view_seed=view_seed, curve=curve, head=head, scaling=scaling,
            regularisation=regularisation,
        )  # fmt: skip
        self.data = {
            "variant": variant, "folds": folds, "padding": padding, "steps": steps,
            "empty": empty, "empty_text": empty_text,
        }  # fmt: skip

    def opened(self) -> Mapping[str, Any]:
        """The dataset's options."""
        return self.data


class CmuMoseiRobustness(_CmuCurve):  # noqa: D101 - it is the line below
    __doc__ = "CMU-MOSEI: sentiment as streams lose frames, or gain noise." + _CMU

    name = "cmu-mosei-robustness"
    dataset = "cmu-mosei"
    description = "sentiment of CMU-MOSEI's utterances as frames are lost or noise is added"


class CmuMosiRobustness(_CmuCurve):  # noqa: D101 - it is the line below
    __doc__ = "CMU-MOSI: sentiment as streams lose frames, or gain noise." + _CMU

    name = "cmu-mosi-robustness"
    dataset = "cmu-mosi"
    description = "sentiment of CMU-MOSI's utterances as frames are lost or noise is added"


class MosiUtteranceNoise(_AffectCurve):  # noqa: D101 - it is the line below
    __doc__ = (
        """CMU-MOSI, one vector an utterance and stream: sentiment under ever more noise.

The vectors' units differ (audio's reach hundreds), so the same noise is more to one stream than to
another: give ``degraded`` and ``rates`` to match.

Args:
    split: ``repo`` holds no test video that the features were learnt on; ``official`` does."""
        + _OWN
    )

    name = "mosi-utterance-noise"
    dataset = "mosi-utterance"
    description = "sentiment of CMU-MOSI's utterances, of three vectors, as noise is added"

    def __init__(
        self,
        *,
        split: Literal["repo", "official"] = "repo",
        streams: tuple[str, ...] = STREAMS,
        degradation: Degradation = "noise",
        degraded: tuple[str, ...] = (),
        rates: tuple[float, ...] = RATES,
        view_seed: int = 1111,
        curve: tuple[str, ...] = ("mae", "pearson", "acc2_non0", "f1_non0", "acc7"),
        head: Literal["probe", "predict"] = "probe",
        scaling: Literal["similarity", "unit", "raw"] = "similarity",
        regularisation: float | None = None,
    ) -> None:
        super().__init__(
            streams=streams, degradation=degradation, degraded=degraded, rates=rates,
            view_seed=view_seed, curve=curve, head=head, scaling=scaling,
            regularisation=regularisation,
        )  # fmt: skip
        self.data = {"split": split}

    def opened(self) -> Mapping[str, Any]:
        """The dataset's options."""
        return self.data
