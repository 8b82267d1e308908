"""Sentiment where whole streams are missing: every subset of text, audio and vision."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from mmbench.api import Evaluation, ScoreInputs, UsageError
from mmbench.protocols.missing import MissingModalitiesTask
from mmbench_affect.features import STREAMS
from mmbench_affect.layouts import Variant  # noqa: TC001 - options are read by hint
from mmbench_affect.notes import described, noted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mmbench.api import Collection, Datasets

__all__ = [
    "CmuMoseiMissing",
    "CmuMosiMissing",
    "MmmoMissing",
    "MosiUtteranceMissing",
    "YoutubeMissing",
]

_OWN = """
    streams: The modalities; at least two of text, audio and vision.
    head: ``probe``: logistic or ridge regression on complete training embeddings. ``predict``:
        the representation's own predictions, for those that learn the target.
    strategy: What a missing stream is. ``drop``: it is not handed over. ``zero``: it is filled
        with zeros. ``mean``: its vectors' mean over the training items stands for it.
    scaling: Vectors before the probe, as in the protocol: ``similarity``, ``unit`` or ``raw``.
    regularisation: ``C`` of the logistic or ``alpha`` of the ridge probe; None: chosen on the
        validation items."""

_CMU = (
    """

The metrics of MulT, GMC, MMSA, MISA, MultiBench and the SDK side by side; each metric's name says
whose rule it is.

Args:
    variant: Which files are read; ``auto`` takes the first that is there.
    folds: A list of video ids by split; empty = the pickle's own splits.
    padding: Steps of zeros at both ends are kept, or trimmed.
    steps: 0 keeps all steps; else the first so many, and zeros before shorter sequences.
    empty: A stream of nothing but zeros is kept as it is, or is one that the utterance lacks.
    empty_text: Utterances whose text is nothing but zeros are kept, or dropped (MultiBench).
"""
    + _OWN.lstrip("\n")
    + "\n"
)


class _AffectMissing(MissingModalitiesTask):
    """Sentiment from every subset of the streams, and what the record says of the data."""

    dataset: ClassVar[str] = ""

    def opened(self) -> Mapping[str, Any]:
        """The dataset's options."""
        raise NotImplementedError

    def splits(self, datasets: Datasets) -> Mapping[str, Collection]:
        """Training, validation and test utterances."""
        opened = datasets.open(self.dataset, **self.opened())
        return {split: opened[split] for split in ("train", "valid", "test") if split in opened}

    def score(self, inputs: ScoreInputs) -> Evaluation:
        """As the protocol scores, with the version of the data that was read.

        Raises:
            ValueError: NaN or constant embeddings, predictions that do not fit the target.
        """
        scored = super().score(inputs)
        splits = tuple(split for split in (self.train, self.valid, self.test) if split)
        return replace(
            scored,
            parameters={**scored.parameters, **described(inputs.tables, splits)},
            notes=(*scored.notes, *noted(self.dataset, inputs.tables, splits), *self.warnings()),
        )

    def warnings(self) -> tuple[str, ...]:
        """What else a reader must know."""
        return ()


class _CmuMissing(_AffectMissing):
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
        head: Literal["probe", "predict"] = "probe",
        strategy: Literal["drop", "zero", "mean"] = "drop",
        scaling: Literal["similarity", "unit", "raw"] = "similarity",
        regularisation: float | None = None,
    ) -> None:
        super().__init__(
            streams=streams, target="sentiment", target_kind="value", head=head,
            strategy=strategy, scaling=scaling, regularisation=regularisation,
        )  # fmt: skip
        self.data = {
            "variant": variant, "folds": folds, "padding": padding, "steps": steps,
            "empty": empty, "empty_text": empty_text,
        }  # fmt: skip

    def opened(self) -> Mapping[str, Any]:
        """The dataset's options."""
        return self.data


class CmuMoseiMissing(_CmuMissing):  # noqa: D101 - it is the line below
    __doc__ = "CMU-MOSEI: sentiment of an utterance from every subset of its streams." + _CMU

    name = "cmu-mosei-missing"
    dataset = "cmu-mosei"
    description = "sentiment of CMU-MOSEI's utterances, from every subset of text, audio, vision"
    citation = "Bagher Zadeh et al., ACL 2018; protocol of Poklukar et al.: GMC, ICML 2022"


class CmuMosiMissing(_CmuMissing):  # noqa: D101 - it is the line below
    __doc__ = "CMU-MOSI: sentiment of an utterance from every subset of its streams." + _CMU

    name = "cmu-mosi-missing"
    dataset = "cmu-mosi"
    description = "sentiment of CMU-MOSI's utterances, from every subset of text, audio, vision"
    citation = "Zadeh et al., 2016; protocol of Poklukar et al.: GMC, ICML 2022"


class MosiUtteranceMissing(_AffectMissing):  # noqa: D101 - it is the line below
    __doc__ = (
        """CMU-MOSI with one vector an utterance and stream.

    The features were learnt on the labels of the repository's training split: what is chosen on
    training or validation items fits them too well, the test figures are honest.

Args:
    split: ``repo`` holds no test video that the features were learnt on; ``official`` does, and
        its figures are inflated.
    valid_share: Of the repository's training videos, this share chooses the probe's strength; 0:
        none does, and the strength is 1 or the one given."""
        + _OWN
        + "\n"
    )

    name = "mosi-utterance-missing"
    dataset = "mosi-utterance"
    description = "sentiment of CMU-MOSI's utterances, from every subset of three vectors"
    citation = "Poria et al., ACL 2017; Zadeh et al.: MOSI, 2016"

    def __init__(
        self,
        *,
        split: Literal["repo", "official"] = "repo",
        valid_share: float = 0.2,
        streams: tuple[str, ...] = STREAMS,
        head: Literal["probe", "predict"] = "probe",
        strategy: Literal["drop", "zero", "mean"] = "drop",
        scaling: Literal["similarity", "unit", "raw"] = "similarity",
        regularisation: float | None = None,
    ) -> None:
        super().__init__(
            streams=streams, target="sentiment", target_kind="value", head=head,
            strategy=strategy, scaling=scaling, regularisation=regularisation,
        )  # fmt: skip
        if not 0.0 <= valid_share < 1.0:
            raise UsageError(
                f"valid_share={valid_share} is no share of the videos", where=f"task {self.name}"
            )
        self.data = {"split": split, "valid_share": valid_share}
        if split == "repo" and not valid_share:
            self.valid = None

    def opened(self) -> Mapping[str, Any]:
        """The dataset's options."""
        return self.data

    def warnings(self) -> tuple[str, ...]:
        """That the features saw labels."""
        if self.data["split"] == "official":
            said = (
                "split=official: its test videos are among those that the features were learnt on"
            )
            return (f"{said}, so these figures are inflated",)
        return ()


class _FoldMissing(_AffectMissing):
    """A fold of the word-level sequences."""

    _target: ClassVar[tuple[str, Literal["class", "value"]]] = ("sentiment", "value")

    def __init__(
        self,
        *,
        fold: int = 0,
        fold_seed: int = 0,
        padding: Literal["keep", "trim"] = "keep",
        empty: Literal["keep", "missing"] = "keep",
        streams: tuple[str, ...] = STREAMS,
        head: Literal["probe", "predict"] = "probe",
        strategy: Literal["drop", "zero", "mean"] = "drop",
        scaling: Literal["similarity", "unit", "raw"] = "similarity",
        regularisation: float | None = None,
    ) -> None:
        super().__init__(
            streams=streams, target=self._target[0], target_kind=self._target[1], head=head,
            strategy=strategy, scaling=scaling, regularisation=regularisation,
        )  # fmt: skip
        self.data = {"fold": fold, "fold_seed": fold_seed, "padding": padding, "empty": empty}

    def opened(self) -> Mapping[str, Any]:
        """The dataset's options."""
        return self.data

    def warnings(self) -> tuple[str, ...]:
        """Which fold, and what is not known of it."""
        said = f"fold {self.data['fold']} of five (seed {self.data['fold_seed']})"
        return (
            f"{said}, dealt out of the published valid and test parts; folds may share speakers",
        )


_FOLD = (
    """

Args:
    fold: Which of five is tested; the one before it is ``valid``. A suite lists five entries.
    fold_seed: Of the dealing.
    padding: Steps of zeros at both ends are kept, or trimmed.
    empty: A stream of nothing but zeros is kept as it is, or is one that the item lacks.
"""
    + _OWN.lstrip("\n")
    + "\n"
)


class YoutubeMissing(_FoldMissing):  # noqa: D101 - it is the line below
    __doc__ = "YouTube opinions: one of three classes, from every subset of the streams." + _FOLD

    name = "youtube-sentiment-missing"
    dataset = "youtube-sentiment"
    description = "three classes of YouTube opinions, a fold of five, from every subset of streams"
    citation = "Morency et al., ICMI 2011; features of Zadeh et al.: MFN, AAAI 2018"
    _target = ("label", "class")


class MmmoMissing(_FoldMissing):  # noqa: D101 - it is the line below
    __doc__ = "MMMO film reviews: the rating less 3, from every subset of the streams." + _FOLD

    name = "mmmo-sentiment-missing"
    dataset = "mmmo-sentiment"
    description = "ratings of film reviews, a fold of five, from every subset of the streams"
    citation = "Wollmer et al., 2013; features of Zadeh et al.: MFN, AAAI 2018"
