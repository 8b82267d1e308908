"""Zero-shot classification of point clouds by the names of their classes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, Literal

from mmbench.api import DataMissing, Evaluation, ScoreInputs, UsageError
from mmbench.protocols.zeroshot import ZeroShotTask, fill_templates, prompt_collection
from mmbench_pointcloud.classes import MODELNET40, SCANOBJECTNN
from mmbench_pointcloud.collection import STREAM
from mmbench_pointcloud.modelnet import Layout  # noqa: TC001 - options are read by hint
from mmbench_pointcloud.preparation import (
    Axes,
    Colour,
    Degenerate,
    Normalise,
    Preparation,
    Sampling,
    Short,
)
from mmbench_pointcloud.prompts import PromptSet, templates_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mmbench.api import Collection, Datasets

__all__ = ["ModelNet40ZeroShot", "ObjaverseLvisZeroShot", "ScanObjectNNZeroShot"]

#: The options that the tasks share.
_ARGS = """

Args:
    split: Which collection of the dataset is classified.
    layout: Which layout of the files is read; ``auto`` takes the first that is there.
    prompts: ``modelnet40_64`` (ULIP's 64 templates, which OpenShape and Uni3D share),
        ``uni3d_49`` (Uni3D's ``3D_48prompt``, 49 of them), or the ``name`` alone.
    templates: Prompts of your own instead, ``{}`` standing for the class.
    underscores: ``space`` says ``flower_pot`` as "flower pot", ``keep`` as files spell it.
    per_template: ``l2`` scales each prompt's vector to length 1 before the mean of its class,
        ``none`` averages the vectors as they are.
    absent_classes: Mean class accuracy where a class has no item: ``skip`` averages over the
        classes present, ``nan`` leaves it undefined (OpenShape divides by zero).
    ties: Rank of the true class among equal scores.
    points: How many points of a cloud are taken; 0 takes all.
    sampling: The ``first`` points, the ``fps`` ones (farthest point sampling from a seeded
        start), or ``random`` ones.
    sampling_seed: Of farthest point sampling, the random draw and points on a mesh's surface.
    short: A cloud of fewer points is dropped, kept as it is, or its points are repeated.
    normalise: ``unit-sphere`` centres the points and scales the farthest to distance 1.
    degenerate: A cloud whose points are all equal is dropped, or becomes zeros (OpenShape).
    axes: As they are stored, or with y and z changed over (OpenShape, Uni3D).
    colour: As stored, if it is; ``grey`` (0.4) where none is stored; ``none`` takes none.
"""


class _CloudZeroShot(ZeroShotTask):
    """Name the shape, by prompts of all classes; options as in ``_ARGS``."""

    dataset: ClassVar[str] = ""
    refused: ClassVar[Mapping[str, str]] = {
        **ZeroShotTask.refused,
        "degenerate=nan": "ULIP divides by zero here, and NaN is no point: the item is dropped and "
        "listed, or becomes zeros as in OpenShape (degenerate=zeros)",
    }

    def __init__(
        self,
        *,
        split: str = "test",
        layout: Layout = "auto",
        prompts: PromptSet = "modelnet40_64",
        templates: tuple[str, ...] = (),
        underscores: Literal["space", "keep"] = "space",
        per_template: Literal["l2", "none"] = "l2",
        absent_classes: Literal["skip", "nan"] = "skip",
        ties: Literal["expected", "optimistic", "pessimistic"] = "expected",
        points: int = 0,
        sampling: Sampling = "first",
        sampling_seed: int = 0,
        short: Short = "drop",
        normalise: Normalise = "unit-sphere",
        degenerate: Degenerate = "drop",
        axes: Axes = "as-stored",
        colour: Colour = "stored",
    ) -> None:
        if layout != "auto" and self.dataset != "modelnet40":
            raise UsageError(
                f"layout={layout}: {self.dataset} has one layout a split",
                fix="choose a split instead; layouts are ModelNet40's",
            )
        super().__init__(
            stream=STREAM, per_template=per_template, absent_classes=absent_classes, ties=ties
        )
        self.split = split
        self.layout = layout
        self.said = templates_of(prompts, templates)
        self.underscores: Literal["space", "keep"] = underscores
        self.clouds = {
            "points": points,
            "sampling": sampling,
            "sampling_seed": sampling_seed,
            "short": short,
            "normalise": normalise,
            "degenerate": degenerate,
            "axes": axes,
            "colour": colour,
        }
        Preparation(points=points, sampling_seed=sampling_seed)  # says what is no number of them

    def classes(self, items: Collection) -> Sequence[str]:
        """All classes that an item may be of, in the order of their numbers."""
        raise NotImplementedError

    def collections(self, datasets: Datasets) -> Mapping[str, Collection]:
        """The clouds of the split, and the prompts of all classes."""
        options = {"layout": self.layout} if self.dataset == "modelnet40" else {}
        opened = datasets.open(self.dataset, **self.clouds, **options)
        if self.split not in opened:
            raise DataMissing(
                f"the split {self.split!r} is not there, only {', '.join(opened)}",
                where=f"dataset {self.dataset}",
                fix=f"`mmbench show {self.dataset}` says where to get it; or choose another split",
            )
        items = opened[self.split]
        texts = fill_templates(self.classes(items), self.said, underscores=self.underscores)
        return {"items": items, "prompts": prompt_collection(texts, stream=self.text)}


class ModelNet40ZeroShot(_CloudZeroShot):  # noqa: D101 - it is the line below
    __doc__ = "Name the CAD model: ModelNet40, one of 40 classes." + _ARGS

    name = "modelnet40-zeroshot"
    dataset = "modelnet40"
    description = "CAD models as point clouds are named by prompts of 40 classes"
    citation = "Xue et al.: ULIP, CVPR 2023 (salesforce/ULIP); Wu et al., CVPR 2015"

    def classes(self, items: Collection) -> Sequence[str]:
        """ModelNet40's, whether the split has all of them or not."""
        return MODELNET40

    def score(self, inputs: ScoreInputs) -> Evaluation:
        """As the protocol scores, with the layout that the clouds were read from.

        Raises:
            ValueError: NaN, zero or constant embeddings: errors, not numbers.
            DataError: An item of a class without prompts.
        """
        scored = super().score(inputs)
        layouts = sorted(set(inputs.tables[self.items]["layout"]))
        return replace(scored, parameters={**scored.parameters, "layout": ", ".join(layouts)})


class ScanObjectNNZeroShot(_CloudZeroShot):  # noqa: D101 - it is the line below
    __doc__ = "Name the scanned thing: ScanObjectNN, one of 15 classes." + _ARGS

    name = "scanobjectnn-zeroshot"
    dataset = "scanobjectnn"
    description = "scanned things as point clouds are named by prompts of 15 classes"
    citation = "Liu et al.: OpenShape, NeurIPS 2023; Uy et al.: ScanObjectNN, ICCV 2019"

    def classes(self, items: Collection) -> Sequence[str]:
        """ScanObjectNN's, in the order of their numbers."""
        return SCANOBJECTNN


class ObjaverseLvisZeroShot(_CloudZeroShot):  # noqa: D101 - it is the line below
    __doc__ = "Name the model: Objaverse-LVIS, one of 1,156 classes." + _ARGS

    name = "objaverse-lvis-zeroshot"
    dataset = "objaverse_lvis"
    description = "Objaverse's models as point clouds are named by prompts of 1,156 classes"
    citation = "Liu et al.: OpenShape, NeurIPS 2023; Deitke et al.: Objaverse, CVPR 2023"

    def classes(self, items: Collection) -> Sequence[str]:
        """Those that the list names, sorted."""
        return sorted(set(items.columns["label"]))
