"""What the tasks open, what they learn from, and what a record says of the data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from mmbench.api import Collection, ItemTable, ScoreInputs, Task, UsageError
from mmbench_affect.components import CmuMoseiDca, MosiUtteranceDca
from mmbench_affect.curves import CmuMosiRobustness, MosiUtteranceNoise
from mmbench_affect.notes import described, noted
from mmbench_affect.sentiment import CmuMosei, CmuMosi
from mmbench_affect.sequences import MmmoSentiment, YoutubeSentiment
from mmbench_affect.tasks import (
    CmuMoseiMissing,
    CmuMosiMissing,
    MmmoMissing,
    MosiUtteranceMissing,
    YoutubeMissing,
)
from mmbench_affect.utterance import MosiUtterance

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from mmbench.api import DataSource

READERS: dict[str, Any] = {
    "cmu-mosei": CmuMosei,
    "cmu-mosi": CmuMosi,
    "mosi-utterance": MosiUtterance,
    "youtube-sentiment": YoutubeSentiment,
    "mmmo-sentiment": MmmoSentiment,
}


class Samples:
    """Datasets on samples, and what they were opened with."""

    def __init__(self, sources: Mapping[str, DataSource]) -> None:
        self.sources = sources
        self.opened: list[tuple[str, dict[str, Any]]] = []

    def open(self, name: str, **options: Any) -> Mapping[str, Collection]:
        self.opened.append((name, options))
        found: Mapping[str, Collection] = READERS[name](**options).collections(self.sources[name])
        return found


@pytest.fixture(scope="session")
def samples(
    tmp_path_factory: pytest.TempPathFactory, mosei: DataSource, mosi: DataSource
) -> Samples:
    sources = {"cmu-mosei": mosei, "cmu-mosi": mosi}
    for name in ("mosi-utterance", "youtube-sentiment", "mmmo-sentiment"):
        place: Path = tmp_path_factory.mktemp(name)
        READERS[name]().write_sample(place, items=20, seed=0)
        sources[name] = type(mosi)(place, mosi.hash_file)
    return Samples(sources)


@pytest.mark.parametrize(
    ("task", "dataset", "wanted"),
    [
        (CmuMoseiMissing(variant="mmsa", steps=20), "cmu-mosei", {"variant": "mmsa", "steps": 20}),
        (CmuMosiMissing(padding="trim"), "cmu-mosi", {"padding": "trim", "empty": "keep"}),
        (CmuMosiMissing(empty="missing"), "cmu-mosi", {"empty": "missing", "empty_text": "keep"}),
        (MosiUtteranceMissing(split="official"), "mosi-utterance", {"split": "official"}),
        (MmmoMissing(fold=3, fold_seed=2), "mmmo-sentiment", {"fold": 3, "fold_seed": 2}),
        (YoutubeMissing(empty="missing"), "youtube-sentiment", {"empty": "missing"}),
        (CmuMosiRobustness(empty_text="drop"), "cmu-mosi", {"empty_text": "drop"}),
        (MosiUtteranceNoise(split="official"), "mosi-utterance", {"split": "official"}),
        (CmuMoseiDca(variant="mult-noalign"), "cmu-mosei", {"variant": "mult-noalign"}),
        (MosiUtteranceDca(), "mosi-utterance", {"split": "repo"}),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Task) else None,
)
def test_options_reach_the_reader(
    samples: Samples, task: Task, dataset: str, wanted: dict[str, Any]
) -> None:
    samples.opened.clear()
    found = task.collections(samples)
    assert {"train", "valid", "test"} <= set(found)
    ((name, options),) = samples.opened
    assert name == dataset
    assert wanted.items() <= options.items()


def test_what_learns_the_target_is_told_it() -> None:
    for task in (CmuMosiMissing(head="predict"), CmuMoseiDca(), CmuMosiRobustness(head="predict")):
        spec = task.fit_spec()
        assert spec is not None
        assert (spec.target, spec.target_kind) == ("sentiment", "value")
        assert spec.streams == ("text", "audio", "vision")
    assert YoutubeMissing(head="predict").fit_spec().target_kind == "class"
    assert CmuMoseiDca(supervised=False).fit_spec().target is None
    assert MosiUtteranceMissing(valid_share=0.0).fit_spec().valid is None
    with pytest.raises(UsageError, match="is no share of the videos"):
        MosiUtteranceMissing(valid_share=1.5)


def test_a_record_says_which_version_what_was_cleaned_and_who_is_empty() -> None:
    tables = {
        "train": ItemTable(
            ["a", "b"], {"variant": ["mult"] * 2, "cleaned": [0, 3], "empty": ["audio", ""]}
        ),
        "test": ItemTable(["c"], {"variant": ["mult"], "cleaned": [0], "empty": ["text+audio"]}),
    }
    splits = ("train", "valid", "test")
    assert described(tables, splits) == {
        "items_by_split": {"train": 2, "test": 1},
        "variant": "mult",
    }
    said = "utterances have nothing but zeros, and count as if they had it"
    assert noted("cmu-mosei", tables, splits) == [
        "cmu-mosei, variant mult: 2 train, 1 test utterances",
        "train: 3 audio values of -inf in 1 utterances became 0",
        f"text: 1 of 1 test {said}",
        f"audio: 1 of 2 train, 1 of 1 test {said}",
    ]


def test_warnings_stand_in_the_record(samples: Samples) -> None:
    task = MmmoMissing(fold=2)
    opened = task.collections(samples)
    tables = {key: ItemTable(each.ids, each.columns) for key, each in opened.items()}
    empty = ScoreInputs({}, tables, "dot")
    arrays = task.reference_arrays("perfect", empty, np.random.default_rng(0))
    scored = task.score(ScoreInputs(arrays, tables, "dot"))
    assert scored.notes[-1].startswith("fold 2 of five (seed 0), dealt out of the published")
    assert scored.parameters["items_by_split"] == {"train": 12, "valid": 4, "test": 4}
