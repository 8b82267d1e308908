"""The tasks: classes, prompts, options, and the scores of the original codes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from mmbench.api import Collection, DataMissing, DataSource, ItemTable, ScoreInputs
from mmbench.metrics.aggregation import aggregate
from mmbench_pointcloud.classes import MODELNET40
from mmbench_pointcloud.modelnet import ModelNet40
from mmbench_pointcloud.objaverse_lvis import ObjaverseLvis
from mmbench_pointcloud.prompts import PROMPTS
from mmbench_pointcloud.scanobjectnn import ScanObjectNN
from mmbench_pointcloud.tasks import (
    ModelNet40ZeroShot,
    ObjaverseLvisZeroShot,
    ScanObjectNNZeroShot,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    Sources = Callable[..., DataSource]

READERS = {"modelnet40": ModelNet40, "scanobjectnn": ScanObjectNN, "objaverse_lvis": ObjaverseLvis}


class Opened:
    """Datasets of one sample, and the options that they were asked for with."""

    def __init__(self, found: DataSource) -> None:
        self.found = found
        self.asked: dict[str, Any] = {}

    def open(self, name: str, **options: Any) -> Mapping[str, Collection]:
        self.asked = options
        return READERS[name](**options).collections(self.found)


@pytest.mark.parametrize(
    ("task", "items", "classes", "said"),
    [
        (ModelNet40ZeroShot(points=64), 3, 40, "a photo of a range hood."),
        (ScanObjectNNZeroShot(split="openshape"), 3, 15, "a photo of a display."),
        (
            ObjaverseLvisZeroShot(split="all", underscores="keep"),
            8,
            6,
            "a photo of a Christmas_tree.",
        ),
    ],
)
def test_all_classes_are_named(
    source: Sources, task: Any, items: int, classes: int, said: str
) -> None:
    found = source()
    READERS[task.dataset]().write_sample(found.root, items=items, seed=0)
    collections = task.collections(Opened(found))
    assert len(collections["items"]) == items
    prompts = collections["prompts"]
    assert prompts.auxiliary
    assert len(prompts) == 64 * classes
    assert said in [prompts.load(row, "text").text for row in range(len(prompts))]
    assert set(collections["items"].columns["label"]) <= set(prompts.columns["class"])


def test_options_reach_the_dataset_and_the_prompts(source: Sources) -> None:
    found = source()
    ModelNet40().write_sample(found.root, items=3, seed=0)
    task = ModelNet40ZeroShot(
        layout="openshape", points=32, sampling="fps", sampling_seed=3, axes="yz-swapped",
        prompts="uni3d_49", underscores="keep",
    )  # fmt: skip
    datasets = Opened(found)
    collections = task.collections(datasets)
    wanted = {"layout": "openshape", "points": 32, "sampling": "fps", "axes": "yz-swapped"}
    assert wanted.items() <= datasets.asked.items()
    prompts = collections["prompts"]
    assert len(prompts) == 49 * 40
    rows = [row for row, each in enumerate(prompts.columns["class"]) if each == "tv_stand"]
    assert prompts.load(rows[4], "text").text == "a 3D object of a tv_stand."
    own = ModelNet40ZeroShot(templates=("a {}",)).collections(datasets)["prompts"]
    assert own.load(rows[0] // 49, "text").text == "a tv stand"
    with pytest.raises(DataMissing, match="the split 'train' is not there, only test"):
        ModelNet40ZeroShot(split="train").collections(datasets)


def test_the_original_scores(shared: Path) -> None:
    folder = shared / "oracles" / "metrics"
    with np.load(folder / "zeroshot_cls.npz") as oracle:
        features, texts, labels = (
            oracle[name] for name in ("features", "template_embeddings", "labels")
        )
    said = json.loads((folder / "zeroshot_cls.json").read_text("utf-8"))
    ids = [str(number) for number in range(len(labels))]
    named = [MODELNET40[label] for label in labels]
    prompts = [(name, row) for name in MODELNET40 for row in range(texts.shape[1])]
    tables = {
        "items": ItemTable(ids, {"label": named, "layout": ["txt"] * len(ids)}),
        "prompts": ItemTable(
            [f"{name}/{row}" for name, row in prompts], {"class": [name for name, _ in prompts]}
        ),
    }
    arrays = {"items": features, "prompts": texts.reshape(-1, texts.shape[2])}
    found = {}
    for each in ("l2", "none"):
        task = ModelNet40ZeroShot(per_template=each)  # type: ignore[arg-type]
        scored = task.score(ScoreInputs(arrays, tables))
        assert scored.parameters["layout"] == "txt"
        assert scored.parameters["present_classes"] == 39
        found[each] = {
            metric.name: aggregate(
                metric.aggregator, [scored.tables["items"][name] for name in metric.columns]
            )
            for metric in task.info.metrics
        }
    top = [100 * found["l2"][f"top-{k}"] for k in (1, 3, 5)]
    np.testing.assert_allclose(top, said["ulip_top1_top3_top5"], atol=1e-4)
    mean = found["l2"]["mean class accuracy"]
    assert mean == pytest.approx(said["mean_class_acc_over_present"], abs=1e-6)
    assert 100 * found["none"]["top-1"] == pytest.approx(said["raw_mean_prompt_top1"], abs=1e-4)


def test_defaults_are_the_papers() -> None:
    task = ModelNet40ZeroShot()
    assert task.said == PROMPTS["modelnet40_64"]
    assert (task.per_template, task.absent_classes, task.underscores) == ("l2", "skip", "space")
    assert task.clouds["normalise"] == "unit-sphere"
    assert task.clouds["axes"] == "as-stored"
