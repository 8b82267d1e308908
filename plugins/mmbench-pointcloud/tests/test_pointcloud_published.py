"""The figures of papers: each fits its task, and those at hand are as their source prints them."""

from __future__ import annotations

import json
import tomllib
from importlib import resources
from typing import TYPE_CHECKING

import pytest

from mmbench_pointcloud import mmbench_tasks

if TYPE_CHECKING:
    from pathlib import Path

FIGURES = tomllib.loads(
    resources.files("mmbench_pointcloud").joinpath("published.toml").read_text("utf-8")
)["figure"]


def test_every_figure_has_a_task_and_a_source() -> None:
    assert {each["task"] for each in FIGURES} <= {task.name for task in mmbench_tasks()}
    assert all(each["verified"] and each["citation"] for each in FIGURES)
    assert len({(each["task"], each["model"]) for each in FIGURES}) == len(FIGURES) == 10


@pytest.mark.parametrize(
    ("task", "model", "wanted"),
    [
        ("modelnet40-zeroshot", "ULIP PointBERT", {"top-1": 60.3, "top-5": 84.0}),
        ("modelnet40-zeroshot", "OpenShape PointBERT (no LVIS)", {"top-1": 85.3, "top-5": 97.4}),
        (
            "objaverse-lvis-zeroshot",
            "OpenShape PointBERT (no LVIS)",
            {"top-1": 39.1, "top-5": 68.9},
        ),
        (
            "modelnet40-zeroshot",
            "ULIP-2 PointBERT (Objaverse + ShapeNet)",
            {"top-1": 84.7, "top-5": 97.1},
        ),
    ],
)
def test_anchors(task: str, model: str, wanted: dict[str, float]) -> None:
    (found,) = (each for each in FIGURES if (each["task"], each["model"]) == (task, model))
    assert {name: round(100 * value, 2) for name, value in found["metrics"].items()} == wanted


def test_ulips_table(shared: Path) -> None:
    rows = json.loads((shared / "published_results.json").read_text("utf-8"))
    wanted: dict[str, dict[str, float]] = {}
    for row in rows:
        if row["task"] == "ModelNet40 zero-shot" and row["verified"]:
            name = row["metric"].replace("top", "top-")
            wanted.setdefault(row["model"], {})[name] = round(row["value"] / 100, 6)
    assert len(wanted) == 4
    found = {each["model"]: each["metrics"] for each in FIGURES if each["model"] in wanted}
    assert found == wanted
