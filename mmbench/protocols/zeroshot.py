"""Zero-shot classification: derive from :class:`ZeroShotTask`, name the items and the prompts.

Source: the prompt ensembles of CLIP, ULIP (salesforce/ULIP, commit f194ddb) and OpenShape
(Colin97/OpenShape_code, commit abe5aa4). Where they disagree each variant is an option; the
defaults are ULIP's unit length before the mean, and mean class accuracy over the classes present.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from mmbench.api import (
    DataError,
    Evaluation,
    ItemTable,
    MemoryCollection,
    MetricInfo,
    Offers,
    Request,
    ScoreInputs,
    Stream,
    Task,
    TaskInfo,
    Text,
)

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from mmbench.api import Provenance
    from mmbench.api.task import Level

__all__ = ["ZeroShotTask", "fill_templates", "prompt_collection"]

KS = (1, 3, 5)
_MEAN_CLASS = "mean class accuracy"


class ZeroShotTask(Task):
    """Items are classified by the class whose prompts they lie nearest to.

    A subclass gives ``name``, ``version`` and :meth:`collections` with the items under ``"items"``
    (with a column :attr:`label`) and, under ``"prompts"``, what :func:`prompt_collection` made of
    *all* classes. A class without items counts as a candidate.

    Class vectors are scaled to length 1, so a representation that compares by dot product is ranked
    by cosine too: the length of an item's vector cannot change the order of its classes.

    Args:
        stream: The items' stream that is classified.
        text: The name of the prompts' text stream.
        per_template: ``l2`` scales each prompt's vector to length 1 before the mean of its class,
            ``none`` averages the vectors as they are.
        absent_classes: Mean class accuracy where a class has no item: ``skip`` averages over the
            classes present, ``nan`` leaves it undefined (OpenShape divides by zero).
        ties: Rank of the true class among equal scores.
    """

    name = ""
    version = "1"
    description = ""
    citation = ""
    #: Key of the collection that is scored.
    items = "items"
    #: Key of the auxiliary collection with the prompts.
    prompts = "prompts"
    #: Column of the items with the class, as the prompts' column ``class`` names it.
    label = "label"
    refused: ClassVar[Mapping[str, str]] = {
        "averaging=batch_mean": "a mean over batches depends on the batch size; ULIP weighs its "
        "batches by their size, which is the mean over items that this task reports",
    }

    def __init__(
        self,
        *,
        stream: str = "image",
        text: str = "text",
        per_template: Literal["l2", "none"] = "l2",
        absent_classes: Literal["skip", "nan"] = "skip",
        ties: Literal["expected", "optimistic", "pessimistic"] = "expected",
    ) -> None:
        self.stream = stream
        self.text = text
        self.per_template = per_template
        self.absent_classes = absent_classes
        self.ties = ties

    @property
    def info(self) -> TaskInfo:
        """Accuracy among the first 1, 3 and 5 classes, and the mean over classes."""
        metrics = [
            MetricInfo(
                f"top-{k}",
                (f"top{k}",),
                ladder=("top", k),
                description=f"share of items whose class is among the {k} of highest cosine "
                "(ULIP's and OpenShape's top-k)",
            )
            for k in KS
        ]
        return TaskInfo(
            name=self.name,
            version=self.version,
            protocol="zero-shot",
            primary="top-1",
            metrics=(*metrics, self._mean_class_metric()),
            citation=self.citation,
            description=self.description,
        )

    def requests(self, offers: Offers) -> list[Request]:
        """One vector an item, and one a prompt."""
        return [
            Request(self.items, self.items, (self.stream,)),
            Request(self.prompts, self.prompts, (self.text,)),
        ]

    def score(self, inputs: ScoreInputs) -> Evaluation:
        """Rank of each item's class, and what it was taken for.

        Raises:
            ValueError: NaN, zero or constant embeddings: errors, not numbers.
            DataError: An item of a class without prompts.
        """
        from mmbench.metrics.classification import class_vectors, mean_class_accuracy, zero_shot

        classes, of_prompt, of_item = self._classes(inputs)
        weights = class_vectors(
            inputs.arrays[self.prompts],
            of_prompt,
            n_classes=len(classes),
            per_template=self.per_template,
        )
        scored = zero_shot(inputs.arrays[self.items], weights, of_item, ks=KS, ties=self.ties)
        taken_for = scored.pop("prediction").astype(int)
        columns: dict[str, Any] = {
            **scored,
            "class": [classes[i] for i in of_item],
            "prediction": [classes[i] for i in taken_for],
        }
        values = {}
        if self.absent_classes == "nan":
            values[_MEAN_CLASS] = mean_class_accuracy(
                scored["top1"], of_item, len(classes), absent_classes="nan"
            )
        return Evaluation(
            tables={"items": ItemTable(inputs.tables[self.items].ids, columns)},
            values=values,
            parameters={
                "classes": len(classes),
                "present_classes": len(set(of_item.tolist())),
                "prompts": len(of_prompt),
            },
        )

    def reference_levels(self, inputs: ScoreInputs) -> Mapping[str, Mapping[str, float]]:
        """A random ranking of the classes, and always naming the most frequent ones."""
        classes, _, of_item = self._classes(inputs)
        counts = [count for _, count in Counter(of_item.tolist()).most_common()]
        chance = {f"top-{k}": min(k / len(classes), 1.0) for k in KS}
        majority = {f"top-{k}": sum(counts[:k]) / max(len(of_item), 1) for k in KS}
        defined = self.absent_classes == "skip" or len(counts) == len(classes)
        for level, value in ((chance, 1 / len(classes)), (majority, 1 / max(len(counts), 1))):
            level[_MEAN_CLASS] = value if defined else float("nan")
        return {"chance": chance, "majority class": majority}

    def reference_arrays(
        self, level: Level, inputs: ScoreInputs, rng: np.random.Generator
    ) -> Mapping[str, Any]:
        """Items at their class's prompts (perfect), unrelated to them (random), or all alike."""
        import numpy as np

        classes, of_prompt, of_item = self._classes(inputs)
        prompts, items = len(of_prompt), len(of_item)
        if level == "constant":
            rows = np.ones((prompts, 64)), np.ones((items, 64))
        else:
            centres = rng.standard_normal((len(classes), 64))
            # A little noise: items of one class are alike, not equal.
            near = rng.normal(scale=1e-3, size=(items, 64)) + centres[of_item]
            rows = centres[of_prompt], near if level == "perfect" else rng.normal(size=(items, 64))
        return {
            name: values.astype(np.float32)
            for name, values in zip((self.prompts, self.items), rows, strict=True)
        }

    def _mean_class_metric(self) -> MetricInfo:
        if self.absent_classes == "skip":
            return MetricInfo(
                _MEAN_CLASS,
                ("top1", "class"),
                aggregator="macro_mean",
                description="mean over the classes present of the class's top-1, each counting the "
                "same (OpenShape's, without its 0 / 0)",
            )
        return MetricInfo(
            _MEAN_CLASS,
            no_interval="a resample that lacks a class has none",
            description="mean over all classes of the class's top-1; undefined if one is absent "
            "(OpenShape's)",
        )

    def _classes(
        self, inputs: ScoreInputs
    ) -> tuple[list[Hashable], NDArray[np.int64], NDArray[np.int64]]:
        """The classes in the prompts' order, and the class number of each prompt and item."""
        import numpy as np

        named, labels = inputs.tables[self.prompts]["class"], inputs.tables[self.items][self.label]
        number = {each: i for i, each in enumerate(dict.fromkeys(named))}
        unknown = dict.fromkeys(label for label in labels if label not in number)
        if unknown:
            raise DataError(
                f"{len(unknown)} classes of the items have no prompt: {next(iter(unknown))!r}, ...",
                where=f"column {self.label!r} of {self.items!r}",
                fix="prompts must be made from all class names, spelt as the items spell them",
            )
        of_prompt, of_item = (
            np.fromiter((number[each] for each in values), np.int64, len(values))
            for values in (named, labels)
        )
        return list(number), of_prompt, of_item


def prompt_collection(
    texts: Mapping[Any, Sequence[str]],
    *,
    name: str = "prompts",
    stream: str = "text",
    provenance: Provenance = "real",
) -> MemoryCollection:
    """The prompts of all classes, as an auxiliary collection with the columns class and template.

    Args:
        texts: Class, as the items' label column has it, to its prompts; classes may have different
            numbers of them.
        name: The collection's name.
        stream: The name of its text stream.
        provenance: ``generated`` where the prompts stand in for text that people wrote.

    Raises:
        DataError: A class without a prompt, or fewer than two classes.
    """
    if len(texts) < 2:
        raise DataError(f"{len(texts)} classes: nothing can be told apart", where=name)
    if empty := [each for each, prompts in texts.items() if not prompts]:
        raise DataError(f"the class {empty[0]!r} has no prompt", where=name)
    rows = [(each, i, said) for each, prompts in texts.items() for i, said in enumerate(prompts)]
    return MemoryCollection(
        name=name,
        ids=[f"{each}/{i}" for each, i, _ in rows],
        streams={stream: Stream(stream, "text", "Text", provenance=provenance)},
        payloads={stream: [Text(said) for _, _, said in rows]},
        columns={"class": [each for each, _, _ in rows], "template": [i for _, i, _ in rows]},
        auxiliary=True,
    )


def fill_templates(
    names: Mapping[Any, str] | Sequence[str],
    templates: Sequence[str],
    *,
    underscores: Literal["space", "keep"] = "space",
) -> dict[Any, list[str]]:
    """Each class's prompts: every template with its ``{}`` replaced by the class's name.

    Args:
        names: Class to the name that prompts say; a list where they are the same.
        templates: Such as ``"a photo of a {}."``.
        underscores: ``space`` says ``flower_pot`` as "flower pot" (ULIP, Uni3D on ModelNet40),
            ``keep`` leaves names as they are (Uni3D on Objaverse-LVIS).

    Raises:
        DataError: A template without ``{}``, or a class listed twice.
    """
    if plain := [template for template in templates if "{}" not in template]:
        raise DataError(f"the template {plain[0]!r} has no {{}} for the class name")
    if not isinstance(names, Mapping):
        twice = [each for each, count in Counter(names).items() if count > 1]
        if twice:
            raise DataError(f"the class {twice[0]!r} is listed more than once")
        names = {each: each for each in names}
    spaced = underscores == "space"
    said = {each: name.replace("_", " ") if spaced else name for each, name in names.items()}
    return {
        each: [template.replace("{}", name) for template in templates]
        for each, name in said.items()
    }
