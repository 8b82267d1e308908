"""From a sample to records, through the installed command."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import tomllib
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from mmbench.api import ItemTable, ScoreInputs, UsageError
from mmbench.testing import CommandLine, measured_records
from mmbench_pendulum import mmbench_tasks
from mmbench_pendulum.components import PendulumDca
from mmbench_pendulum.control import PendulumControl

if TYPE_CHECKING:
    Record = dict[str, Any]

SUBSETS = ("image+sound", "image", "sound")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def mmbench(home: Path) -> CommandLine:
    return CommandLine(home, plugins=("pendulum",))


def records_of(folder: Path) -> dict[str, Record]:
    """The measured records in a results folder, by task."""
    return {each["task"]["label"]: each for each in measured_records(folder)}


@pytest.mark.slow
def test_the_sample_suite_runs(home: Path, mmbench: CommandLine) -> None:
    mmbench("data", "sample", "pendulum", "--root", "made", "--items", 40)
    mmbench("data", "check", "pendulum", "--root", "made")
    order = ("run", "pendulum-sample", "--data-root", "made", "--resamples", 50)
    plan = json.loads(mmbench(*order, "--dry-run", "--json").stdout)
    assert plan["counters"] == {"encodes": 120, "fits": 0, "reused": 0, "scores": 2}
    mmbench(*order, "--results", "suite")
    found = records_of(home / "suite")
    assert {name: each["status"] for name, each in found.items()} == {
        "pendulum-control-reduced": "ok", "pendulum-dca": "ok",
    }  # fmt: skip
    record = found["pendulum-control-reduced"]
    values = {name: each["value"] for name, each in record["metrics"].items()}
    assert set(values) == {"missing reward", *(f"{each} reward" for each in SUBSETS)}
    assert all(-16.28 < value < 0 for value in values.values())
    mean = (values["image reward"] + values["sound reward"]) / 2
    assert values["missing reward"] == pytest.approx(mean)
    assert record["provenance"] == "generated"
    assert (record["items_used"], record["items_total"]) == (4, 4)
    assert record["parameters"]["budget"] == "reduced"
    assert len(record["parameters"]["training"]) == 10
    assert any(note.startswith("reduced budget: 120 of 20,000 frames") for note in record["notes"])
    assert record["references"]["random torques"]["image reward"] < 0
    assert record["cost"]["seconds"]["interact"] > 0
    # Scored again without a controller, and not run again.
    mmbench("score", "suite/pendulum-sample")
    again = records_of(home / "suite")["pendulum-control-reduced"]
    assert again["metrics"] == record["metrics"]


@pytest.mark.slow
def test_a_run_that_was_killed_goes_on(home: Path, mmbench: CommandLine) -> None:
    """Killed while the controller learns, and run again: the same figures as without."""
    mmbench("data", "sample", "pendulum", "--root", "killed", "--items", 20)
    order = (
        "run", "-t", "pendulum-control-reduced", "-r", "random", "-o", "steps=400",
        "-o", "warm_up=100", "-o", "noise_steps=200", "-o", "episodes=2", "-o", "horizon=40",
        "--data-root", "killed", "--resamples", "50",
    )  # fmt: skip
    mmbench(*order, "--results", "whole", "--cache", "whole-cache")
    script = shutil.which("mmbench", path=str(Path(sys.executable).parent))
    assert script
    parts = [script, *map(str, order), "--results", "parts", "--cache", "parts-cache"]
    environment = {**os.environ, "MMBENCH_LOAD_PLUGINS": "pendulum", "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(
        parts, cwd=home, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as running:
        until = time.monotonic() + 60
        while not list(home.glob("parts-cache/checkpoints/*/controller.npz")):
            assert running.poll() is None, "it ended before it could be killed"
            assert time.monotonic() < until, "it kept nothing"
            time.sleep(0.02)
        running.kill()
    assert not records_of(home / "parts")
    mmbench(*order, "--results", "parts", "--cache", "parts-cache")
    logs = "".join(path.read_text() for path in home.glob("parts/**/logs/*.log"))
    assert "the controller goes on from step" in logs
    whole, found = (
        records_of(home / name)["pendulum-control-reduced"] for name in ("whole", "parts")
    )
    assert found["metrics"] == whole["metrics"]
    assert found["parameters"]["interaction"] == whole["parameters"]["interaction"]
    assert not list(home.glob("parts-cache/checkpoints/*"))


def test_without_data_the_suite_says_how_to_make_it(mmbench: CommandLine) -> None:
    plan = mmbench("run", "pendulum", "--data-root", "nowhere", "--dry-run", "--json")
    cells = json.loads(plan.stdout)["cells"]
    assert {cell["state"] for cell in cells} == {"skipped"}
    assert any("mmbench data build pendulum" in cell["reason"] for cell in cells)


def test_the_suites_hold_the_reduced_tasks() -> None:
    named = {}
    for name in ("pendulum.toml", "pendulum-sample.toml"):
        said = tomllib.loads(
            resources.files("mmbench_pendulum").joinpath(f"suites/{name}").read_text()
        )
        named[name] = [each["name"] for each in said["task"]]
    assert named["pendulum.toml"] == named["pendulum-sample.toml"]
    tasks = {task.name for task in mmbench_tasks()}
    assert tasks - set(named["pendulum.toml"]) == {"pendulum-control"}


def test_a_task_says_which_budget_it_has() -> None:
    (paper,) = (each.options for each in mmbench_tasks() if each.name == "pendulum-control")
    assert PendulumControl().info.name == "pendulum-control-reduced"
    assert PendulumControl(**paper).info.name == "pendulum-control"
    fewer = PendulumControl(**{**paper, "frames": 19_999})
    assert fewer.info.name == "pendulum-control-reduced"
    assert "reduced budget" in fewer.info.description
    defaults = PendulumControl(**paper)
    assert (defaults.replay, defaults.warm_up, defaults.episodes) == (25_000, 25_000, 100)


@pytest.mark.parametrize(
    ("count", "budget"), [(20_000, "paper"), (120, "reduced")], ids=["all", "a sample"]
)
def test_the_papers_budget_needs_its_frames_too(count: int, budget: str) -> None:
    """A folder with fewer frames than the paper's task asks for: its record says reduced."""
    (paper,) = (each.options for each in mmbench_tasks() if each.name == "pendulum-control")
    task = PendulumControl(**paper)
    inputs = ScoreInputs({}, {"train": ItemTable([str(row) for row in range(count)], {})})
    arrays = task.reference_arrays("perfect", inputs, np.random.default_rng(0))
    evaluation = task.score(replace(inputs, arrays=arrays))
    assert evaluation.parameters["budget"] == budget
    assert [note[:14] for note in evaluation.notes] == ["reduced budget"] * (budget == "reduced")


def test_both_tasks_learn_from_the_same() -> None:
    control, dca = PendulumControl(), PendulumDca()
    assert control.fit_spec() == dca.fit_spec()
    assert dca.opened == {"frames": control.frames, "normalisation": control.normalisation}


@pytest.mark.parametrize(
    "options", [{"steps": 0}, {"episodes": 0}, {"warm_up": 20_000}, {"frames": -1}]
)
def test_impossible_budgets_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        PendulumControl(**options)
