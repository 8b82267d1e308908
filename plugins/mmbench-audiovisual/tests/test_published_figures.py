"""The figures of papers: each fits its task, and those at hand are as their source prints them."""

from __future__ import annotations

import json
import tomllib
from importlib import resources
from typing import TYPE_CHECKING

import pytest

from mmbench_audiovisual import mmbench_tasks

if TYPE_CHECKING:
    from pathlib import Path

    Figures = dict[tuple[str, str], dict[str, float]]

TEXT = resources.files("mmbench_audiovisual").joinpath("published.toml").read_text("utf-8")
#: What FreeBind's tables call the tasks and metrics.
TASKS = {
    "VGG-SS retrieval": "vggss-retrieval",
    "FlickrNet retrieval": "flickr-soundnet-retrieval",
    "ESC-50": "esc50-zeroshot",
}
METRICS = {"R@1": "R@1, way not said", "R@5": "R@5, way not said", "acc": "top-1"}


@pytest.fixture(scope="module")
def figures() -> Figures:
    found = tomllib.loads(TEXT)["figure"]
    by_row = {(each["task"], each["model"]): each["metrics"] for each in found}
    assert len(by_row) == len(found) == 37
    return by_row


def test_every_task_of_the_file_names_it() -> None:
    named = {task.name for task in mmbench_tasks() if task.published}
    figures = tomllib.loads(TEXT)["figure"]
    assert {each["task"] for each in figures} <= named
    assert all(each["verified"] and each["citation"] for each in figures)


@pytest.mark.parametrize(
    ("task", "model", "wanted"),
    [
        ("vggss-localization", "EZ-VSL (VGG-Sound 144k)", {"cIoU@0.5": 38.85, "AUC": 39.54}),
        ("vggss-localization", "FNAC", {"cIoU@0.5": 39.50, "AUC": 39.66}),
        (
            "vggss-localization",
            "SSL-Alignment (supervised encoders)",
            {"cIoU@0.5": 39.94},
        ),
        ("vggss-localization", "SSL-Alignment (pre-trained vision)", {"cIoU@0.5": 41.42}),
        ("vggss-localization-boxes", "TURN (zero-resource)", {"cIoU@0.5": 34.6, "AUC": 39.1}),
        (
            "flickr-soundnet-localization",
            "EZ-VSL (Flickr 10k)",
            {"cIoU@0.5": 81.93, "AUC": 62.58},
        ),
        (
            "flickr-soundnet-localization",
            "EZ-VSL (VGG-Sound 144k)",
            {"cIoU@0.5": 83.94, "AUC": 63.60},
        ),
        ("music-solo-localization", "DSOL", {"cIoU@0.5": 51.4, "AUC": 43.6}),
        ("music-solo-localization", "Sound of Pixels", {"cIoU@0.5": 40.5, "AUC": 43.3}),
        ("music-solo-localization", "Attention", {"cIoU@0.5": 37.2, "AUC": 38.7}),
        ("music-solo-localization-boxes", "TURN (zero-resource)", {"cIoU@0.5": 33.7, "AUC": 45.2}),
        (
            "ex-vggss",
            "SLAVC (VGG-Sound 144k)",
            {"slavc AP": 32.95, "slavc max-F1": 40.00, "LocAcc": 37.79},
        ),
        (
            "ex-flickrnet",
            "SLAVC (VGG-Sound 144k)",
            {"slavc AP": 51.63, "slavc max-F1": 59.10, "LocAcc": 83.60},
        ),
    ],
)
def test_anchors_of_the_papers(
    figures: Figures, task: str, model: str, wanted: dict[str, float]
) -> None:
    found = {name: round(100 * value, 2) for name, value in figures[task, model].items()}
    assert found == wanted


def test_freebinds_tables(figures: Figures, assets: Path) -> None:
    rows = json.loads((assets.parent / "published_results.json").read_text("utf-8"))
    wanted: Figures = {}
    for row in rows:
        if row["task"] in TASKS and row["verified"]:
            place = wanted.setdefault((TASKS[row["task"]], row["model"]), {})
            place[METRICS[row["metric"]]] = round(row["value"] / 100, 6)
    assert len(wanted) == 15
    assert {place: figures[place] for place in wanted} == wanted
