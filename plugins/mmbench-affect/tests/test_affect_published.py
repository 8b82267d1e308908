"""The figures of papers: each fits its task, and is as its source prints it."""

from __future__ import annotations

import json
import tomllib
from importlib import resources
from typing import TYPE_CHECKING

from mmbench_affect import mmbench_tasks
from mmbench_affect.tasks import CmuMosiMissing

if TYPE_CHECKING:
    from pathlib import Path

FIGURES = tomllib.loads(
    resources.files("mmbench_affect").joinpath("published.toml").read_text("utf-8")
)["figure"]
#: What the source calls a metric.
NAMES = {
    "complete acc2_non0": "Acc2 non0",
    "complete f1_non0": "F1 non0",
    "complete acc7": "Acc7",
    "complete mae": "MAE",
    "complete pearson": "Corr",
}


def test_every_figure_has_a_task_a_source_and_metrics_of_it() -> None:
    assert {each["task"] for each in FIGURES} <= {task.name for task in mmbench_tasks()}
    assert all(each["verified"] and each["citation"] for each in FIGURES)
    assert len(FIGURES) == 2
    measured = {metric.name for metric in CmuMosiMissing().info.metrics}
    for figure in FIGURES:
        assert set(figure["metrics"]) == set(NAMES) <= measured
        CmuMosiMissing(**figure["options"])


def test_they_are_what_the_source_prints(shared: Path) -> None:
    rows = json.loads((shared / "published_results.json").read_text("utf-8"))
    for figure in FIGURES:
        task = {"cmu-mosi-missing": "MOSI unaligned", "cmu-mosei-missing": "MOSEI unaligned"}
        wanted = {
            row["metric"]: row["value"]
            for row in rows
            if row["verified"] and row["task"] == task[figure["task"]]
        }
        found = {
            NAMES[name]: value if NAMES[name] in ("MAE", "Corr") else round(100 * value, 2)
            for name, value in figure["metrics"].items()
        }
        assert found == wanted
