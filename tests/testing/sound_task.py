"""A task that passes every check; mutants break one thing of it each."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from mmbench.api import (
    Audio,
    Evaluation,
    FitSpec,
    ItemTable,
    MemoryCollection,
    MetricInfo,
    Request,
    Stream,
    Task,
    TaskInfo,
    Text,
    UsageError,
)

CLASSES = ("bell", "drum", "flute", "whistle")
DIM = 16
SAID = "a sentence that says how it is computed"


class Sound(Task):
    """Sounds are named by the prompt whose vector lies nearest.

    Args:
        ties: Rank of the true class among equal scores.
        mean: Of the accuracies, by class or by item.
        strict: Whether ties are counted at all.
    """

    name = "sound"
    refused: ClassVar[dict[str, str]] = {
        "ties=topk": "which of several equal scores comes first is arbitrary",
        "strict=False": "a lax variant would hide ties",
    }

    def __init__(
        self,
        *,
        ties: Literal["expected", "pessimistic"] = "expected",
        mean: Literal["class", "item", "none"] = "class",
        strict: bool = True,
    ) -> None:
        if mean == "none":
            raise UsageError("mean='none' leaves nothing to report", where=self.name)
        self.ties = ties
        self.mean = mean
        self.strict = strict

    # What it says of itself

    @property
    def info(self) -> TaskInfo:
        return TaskInfo(
            name=self.name,
            version="1",
            protocol="sound",
            primary="top-1",
            metrics=self.metrics(),
            equal=(("top-1", "accuracy"),),
            description="a sound task",
        )

    def metrics(self):
        return (
            MetricInfo("top-1", ("top1",), ladder=("top", 1), description=SAID),
            MetricInfo("top-2", ("top2",), ladder=("top", 2), description=SAID),
            MetricInfo("accuracy", ("right",), description=SAID),
            MetricInfo(
                "mean rank",
                ("rank",),
                unit="rank",
                higher_is_better=False,
                bounds=(1.0, None),
                description=SAID,
            ),
            MetricInfo("mean class accuracy", no_interval="a class may be empty", description=SAID),
        )

    # What it works on

    def collections(self, datasets):
        return {
            "test": self.split("test", 32),
            "train": self.split("train", 16),
            "valid": self.split("valid", 8),
            "prompts": self.prompts(),
        }

    def split(self, name, count):
        labels = [CLASSES[row % 4] for row in range(count)]
        return self.collected(
            name=name,
            ids=[f"{name}-{row}" for row in range(count)],
            streams={
                "sound": Stream("sound", "audio", "Audio", (1, 40), 8_000, "generated"),
                "caption": Stream("caption", "text", "Text", provenance="generated"),
            },
            payloads={
                "sound": [self.tone(name, row) for row in range(count)],
                "caption": [
                    None if row == 3 else Text(f"it is a {labels[row]}") for row in range(count)
                ],
            },
            columns={"label": labels, "times": [[row, row + 0.5] for row in range(count)]},
        )

    def collected(self, **said):
        return MemoryCollection(**said)

    def tone(self, split, row):
        rng = np.random.default_rng([row, *split.encode()])
        return Audio(rng.normal(scale=0.1, size=(1, 40)).astype(np.float32), 8_000)

    def prompts(self):
        return MemoryCollection(
            name="prompts",
            ids=list(CLASSES),
            streams={"text": Stream("text", "text", "Text")},
            payloads={"text": [Text(f"the sound of a {each}") for each in CLASSES]},
            columns={"class": list(CLASSES)},
            auxiliary=True,
        )

    # What it wants

    def fit_spec(self):
        return FitSpec("train", "valid", ("sound",), "label", "class")

    def requests(self, offers):
        return [Request("sound", "test", ("sound",)), Request("prompt", "prompts", ("text",))]

    # What it makes of it

    def score(self, inputs):
        sounds, prompts = self.vectors(inputs)
        table, classes = inputs.tables["test"], list(inputs.tables["prompts"]["class"])
        truth = np.array([classes.index(label) for label in table["label"]])
        return self.evaluation(table, truth, self.ranks(sounds @ prompts.T, truth))

    def vectors(self, inputs):
        sounds, prompts = inputs.arrays["sound"], inputs.arrays["prompt"]
        if inputs.similarity == "cosine":
            return self.unit(sounds), self.unit(prompts)
        return self.checked(sounds), self.checked(prompts)

    def checked(self, vectors):
        """Vectors as they are, where they can be told apart."""
        self.unit(vectors)
        return np.asarray(vectors, dtype=np.float64)

    def unit(self, vectors):
        values = np.asarray(vectors, dtype=np.float64)
        if not np.isfinite(values).all():
            raise ValueError("vectors hold NaN or infinity")
        lengths = np.linalg.norm(values, axis=1, keepdims=True)
        if not lengths.all():
            raise ValueError("a vector has length zero")
        unit = values / lengths
        if np.allclose(unit, unit[0]):
            raise ValueError("all vectors are equal")
        return unit

    def ranks(self, scores, truth):
        own = scores[np.arange(len(truth)), truth][:, None]
        above, equal = (scores > own).sum(axis=1), (scores == own).sum(axis=1)
        return above + (equal if self.ties == "pessimistic" else (equal + 1) / 2)

    def evaluation(self, table, truth, ranks):
        columns = self.columns(ranks)
        classes = [columns["top1"][truth == each].mean() for each in range(len(CLASSES))]
        return Evaluation(
            {"items": ItemTable(list(table.ids), columns)},
            {"mean class accuracy": float(np.mean(classes))},
            {"classes": len(CLASSES)},
            ("one note",),
        )

    def columns(self, ranks):
        return {
            "top1": (ranks <= 1).astype(float),
            "top2": (ranks <= 2).astype(float),
            "right": (ranks <= 1).astype(float),
            "rank": ranks.astype(float),
        }

    # What it could come to

    def reference_levels(self, inputs):
        chance = {"top-1": 0.25, "top-2": 0.5, "accuracy": 0.25, "mean rank": 2.5}
        ceiling = dict.fromkeys(("top-1", "top-2", "accuracy", "mean rank"), 1.0)
        return {"chance": chance, "ceiling": ceiling}

    def reference_arrays(self, level, inputs, rng):
        labels = inputs.tables["test"]["label"]
        prompts = np.ones((len(CLASSES), DIM)) if level == "constant" else self.noise(rng, CLASSES)
        sounds = np.ones((len(labels), DIM)) if level == "constant" else self.noise(rng, labels)
        if level == "perfect":
            sounds = prompts[[CLASSES.index(label) for label in labels]] + 1e-3 * sounds
        return {"sound": sounds.astype(np.float32), "prompt": prompts.astype(np.float32)}

    def noise(self, rng, rows):
        return rng.normal(size=(len(rows), DIM))
