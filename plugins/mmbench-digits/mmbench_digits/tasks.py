"""What is left of a digit when streams are missing: GMC's classifier, and DCA of single streams."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, Literal

from mmbench.api import Evaluation, FitSpec, ScoreInputs
from mmbench.protocols.dca import DCATask
from mmbench.protocols.missing import MissingModalitiesTask

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mmbench.api import Collection, Datasets

__all__ = ["MhdDca", "MhdMissing", "PairedDigitsDca", "PairedDigitsMissing"]

_GMC = "Poklukar et al.: Geometric Multimodal Contrastive Representation Learning, ICML 2022"
_STREAMS = ("image", "sound", "trajectory", "label")
_SPLITS = ("train", "valid", "test")
_PAIRED = "digits paired from recordings (not MHD)"


def _with_variant(evaluation: Evaluation, inputs: ScoreInputs, split: str) -> Evaluation:
    """Scores that say which set they are of, and what it is where it is not MHD."""
    (variant,) = set(inputs.tables[split]["variant"])
    parameters = {**evaluation.parameters, "variant": variant}
    notes = () if variant == "MHD" else (f"the set: {variant}",)
    return replace(evaluation, parameters=parameters, notes=(*evaluation.notes, *notes))


class MhdMissing(MissingModalitiesTask):
    """Name the digit from every subset of image, sound, trajectory and label.

    GMC's setting: a classifier is trained on the representations of complete training items, as
    they are (``scaling=raw``: means of several codes are shorter than 1), and meets every subset of
    the test items' streams. The label is a stream, as in the paper, so that a subset with it holds
    the answer: those are marked, and no part of the primary metric.

    The released code also trains its classifier while the frozen encoder of sounds normalises by
    the statistics of each batch; here the encoder is as it is tested.

    Args:
        streams: The modalities; at least two.
        head: ``probe``: what ``probe`` names, trained on complete training embeddings.
            ``predict``: the representation's own predictions, [n, 10].
        strategy: What a missing stream is. ``drop``: it is not handed over. ``zero``: it is filled
            with zeros and handed over. ``mean``: vectors are filled, not payloads.
        scaling: Vectors before the probe: as they are (``raw``), of length 1 (``unit``), or
            whichever the representation compares by (``similarity``).
        averaging: ``sample``, or the released code's ``batch_mean`` (mean of the accuracies of
            consecutive batches, a short last one weighing as much as a full one).
        batch_size: Items a batch under ``batch_mean``.
        regularisation: ``C`` of the logistic probe; None: chosen on the validation items.
        probe: ``mlp``: GMC's downstream classifier, seeded by the cell. ``linear``: a plain one.
        probe_epochs: Passes of the ``mlp`` over the training items (released code 100).
        valid: The share of the training file that is held out.
        split_seed: Which rows those are; the original draws them with no seed.
    """

    name = "mhd-missing"
    description = "digits of MHD from every subset of image, sound, trajectory and label"
    citation = _GMC
    answers: ClassVar[tuple[str, ...]] = ("label",)
    dataset: ClassVar[str] = "mhd"
    expected_failures: ClassVar[Mapping[str, str]] = {
        "vector_length_does_not_matter": "scaling=raw is GMC's: its means of several codes are "
        "shorter than 1, and its classifier sees that",
    }

    def __init__(
        self,
        *,
        streams: tuple[str, ...] = _STREAMS,
        head: Literal["probe", "predict"] = "probe",
        strategy: Literal["drop", "zero", "mean"] = "drop",
        scaling: Literal["similarity", "unit", "raw"] = "raw",
        averaging: Literal["sample", "batch_mean"] = "sample",
        batch_size: int = 64,
        regularisation: float | None = None,
        probe: Literal["linear", "mlp"] = "mlp",
        probe_epochs: int = 100,
        valid: float = 0.1,
        split_seed: int = 0,
    ) -> None:
        super().__init__(
            streams=streams,
            head=head,
            strategy=strategy,
            scaling=scaling,
            averaging=averaging,
            batch_size=batch_size,
            regularisation=regularisation,
            probe=probe,
            probe_epochs=probe_epochs,
        )
        self.split = {"valid": valid, "split_seed": split_seed}

    def splits(self, datasets: Datasets) -> Mapping[str, Collection]:
        """The training file's rows in two, and the test file's."""
        opened = datasets.open(self.dataset, **self.split)
        return {split: opened[split] for split in _SPLITS}

    def score(self, inputs: ScoreInputs) -> Evaluation:
        """As the protocol scores, with the set that it is of.

        Raises:
            ValueError: NaN or constant embeddings, predictions that do not fit the target.
        """
        return _with_variant(super().score(inputs), inputs, self.test)


class PairedDigitsMissing(MhdMissing):  # noqa: D101 - it is the line below
    __doc__ = (MhdMissing.__doc__ or "").replace(
        "Name the digit from", "Name the digit, paired from recordings (not MHD), from", 1
    )
    name = "paired-digits-missing"
    description = f"{_PAIRED}, from every subset of image, sound, trajectory and label"
    dataset = "paired_digits"


class MhdDca(DCATask):
    """DCA of each single stream's representations (E) against the complete ones (R).

    Vectors are compared as they are, as GMC does. The label's E are its ten distinct vectors, whose
    share of all edges is small by their number: its score is a diagnostic.

    Args:
        streams: The streams; R is of all of them, E of each.
        scaling: Vectors before they are compared: as they are (``raw``), of length 1 (``unit``), or
            whichever the representation compares by (``similarity``).
        points: At most this many items for precision and recall. The original takes all 10,000.
        quality_points: At most this many items for the quality.
        rays: Rays shot from each point (T); the original's is 10,000, on a GPU.
        min_cluster_size: Smallest component (mcs).
        seed: Of the draws and the rays; not the cell's.
        valid: The share of the training file that is held out, as of the classifier.
        split_seed: Which rows those are.
    """

    name = "mhd-dca"
    description = "MHD: DCA of each single stream's representations against the complete ones"
    citation = f"{_GMC}; Poklukar et al.: Delaunay Component Analysis, ICLR 2022"
    items = "test"
    distinct: ClassVar[tuple[str, ...]] = ("label",)
    dataset: ClassVar[str] = "mhd"

    def __init__(
        self,
        *,
        streams: tuple[str, ...] = _STREAMS,
        scaling: Literal["similarity", "unit", "raw"] = "raw",
        points: int = 2_000,
        quality_points: int = 500,
        rays: int = 100,
        min_cluster_size: int = 10,
        seed: int = 0,
        valid: float = 0.1,
        split_seed: int = 0,
    ) -> None:
        super().__init__(
            streams=streams,
            scaling=scaling,
            points=points,
            quality_points=quality_points,
            rays=rays,
            min_cluster_size=min_cluster_size,
            seed=seed,
        )
        self.split = {"valid": valid, "split_seed": split_seed}

    def collections(self, datasets: Datasets) -> Mapping[str, Collection]:
        """As of the classifier, so that what was trained for it is taken here."""
        opened = datasets.open(self.dataset, **self.split)
        return {split: opened[split] for split in _SPLITS}

    def fit_spec(self) -> FitSpec:
        """The classifier's: complete training items, no target."""
        return FitSpec("train", "valid", self.streams)

    def score(self, inputs: ScoreInputs) -> Evaluation:
        """As the protocol scores, with the set that it is of.

        Raises:
            ValueError: NaN, zero or constant embeddings, or of unequal widths.
        """
        return _with_variant(super().score(inputs), inputs, self.items)


class PairedDigitsDca(MhdDca):  # noqa: D101 - it is the line below
    __doc__ = (MhdDca.__doc__ or "").replace("DCA of", "Digits paired from recordings: DCA of", 1)
    name = "paired-digits-dca"
    description = f"{_PAIRED}: DCA of each single stream's representations against the complete"
    dataset = "paired_digits"
