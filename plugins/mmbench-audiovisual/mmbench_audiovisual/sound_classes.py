"""Zero-shot classification of ESC-50's and ESC-10's sounds by the names of their classes."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from mmbench.api import Evaluation, ItemTable, MetricInfo, ScoreInputs, TaskInfo
from mmbench.protocols.zeroshot import ZeroShotTask, fill_templates, prompt_collection
from mmbench_audiovisual.clips import Part, Short  # noqa: TC001 - options are read by hint
from mmbench_audiovisual.splits import split_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mmbench.api import Collection, Datasets

__all__ = ["EscZeroShot"]

_FOLDS = MetricInfo(
    "mean over folds",
    ("top1", "fold"),
    aggregator="macro_mean",
    description="mean over the official folds of the fold's top-1; top-1 itself where no "
    "recording was dropped",
)


class EscZeroShot(ZeroShotTask):
    """Name the sound: each of the recordings of all five folds, by prompts of its classes.

    Nothing is trained, so the five official folds are tested together; each has the same number of
    recordings, so the accuracy over all of them is the mean over the folds, which is reported, too.

    Args:
        templates: Prompts, ``{}`` standing for the class. The default is LAION-CLAP's own for
            ESC-50.
        split: ``esc50`` (2,000 recordings of 50 classes) or ``esc10`` (400 of ten of them).
        per_template: ``l2`` scales each prompt's vector to length 1 before the mean of its class,
            ``none`` averages the vectors as they are.
        absent_classes: Mean class accuracy where a class has no item left: ``skip`` averages over
            the classes present, ``nan`` leaves it undefined.
        ties: Rank of the true class among equal scores.
        clip: Part of the sound: all of it, or so many seconds from its start or its centre.
        clip_seconds: How many.
        short: What is done with a sound that is shorter: kept, repeated, filled up with zeros.
    """

    name = "esc50-zeroshot"
    description = "environmental sounds of 5 s are named by prompts of their classes"
    citation = "Piczak: ESC: Dataset for Environmental Sound Classification, ACM MM 2015"

    def __init__(
        self,
        *,
        templates: tuple[str, ...] = ("This is a sound of {}",),
        split: Literal["esc50", "esc10"] = "esc50",
        per_template: Literal["l2", "none"] = "l2",
        absent_classes: Literal["skip", "nan"] = "skip",
        ties: Literal["expected", "optimistic", "pessimistic"] = "expected",
        clip: Part = "full",
        clip_seconds: float = 10.0,
        short: Short = "keep",
    ) -> None:
        super().__init__(
            stream="audio", per_template=per_template, absent_classes=absent_classes, ties=ties
        )
        self.templates = templates
        self.split = split
        self.sound = {"clip": clip, "clip_seconds": clip_seconds, "short": short}

    @property
    def info(self) -> TaskInfo:
        """The protocol's metrics, and the mean over folds."""
        info = super().info
        return replace(info, metrics=(*info.metrics, _FOLDS))

    def collections(self, datasets: Datasets) -> Mapping[str, Collection]:
        """The recordings of all folds, and the prompts of the list's classes."""
        sounds = split_of(datasets.open("esc50", **self.sound), self.split, "esc50")
        names = sorted(set(sounds.columns["label"]))
        prompts = prompt_collection(fill_templates(names, self.templates), stream=self.text)
        return {"items": sounds, "prompts": prompts}

    def score(self, inputs: ScoreInputs) -> Evaluation:
        """As the protocol scores, with each recording's fold.

        Raises:
            ValueError: NaN, zero or constant embeddings: errors, not numbers.
            DataError: A recording of a class without prompts.
        """
        scored = super().score(inputs)
        items, folds = scored.tables["items"], list(inputs.tables[self.items]["fold"])
        table = ItemTable(items.ids, {**items.columns, "fold": folds})
        counts = Counter(folds)
        named = ", ".join(f"{fold}: {counts[fold]}" for fold in sorted(counts))
        note = f"nothing is trained, so all folds are tested together; recordings a fold: {named}"
        return replace(scored, tables={**scored.tables, "items": table}, notes=(note,))

    def reference_levels(self, inputs: ScoreInputs) -> Mapping[str, Mapping[str, float]]:
        """As the protocol's; over folds a constant answer is known only where they are alike."""
        levels = {name: dict(values) for name, values in super().reference_levels(inputs).items()}
        levels["chance"][_FOLDS.name] = levels["chance"]["top-1"]
        return levels
