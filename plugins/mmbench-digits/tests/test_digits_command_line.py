"""From a sample to records and a picture, through the installed command; and the builder's."""

from __future__ import annotations

import csv
import json
import sys
import tomllib
from importlib import resources
from itertools import combinations
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from click.testing import CliRunner

from mmbench.api import DataSource
from mmbench.api.errors import MmbenchError
from mmbench.finished import finished_cells
from mmbench.testing import CommandLine, measured_records
from mmbench_digits import mmbench_tasks
from mmbench_digits.commands import digits
from mmbench_digits.mhd import Mhd
from mmbench_digits.picture import Panel, drawn, panels, umap_layout, write_picture

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    Record = dict[str, Any]

STREAMS = ("image", "sound", "trajectory", "label")
SUBSETS = [each for size in range(1, 5) for each in combinations(STREAMS, size)]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def mmbench(home: Path) -> CommandLine:
    return CommandLine(home, plugins=("digits",))


def records_of(folder: Path) -> dict[str, Record]:
    """The measured records in a results folder, by task."""
    return {each["task"]["label"]: each for each in measured_records(folder)}


@pytest.fixture(scope="module")
def sample(home: Path) -> Path:
    root = home / "samples"
    (root / "mhd").mkdir(parents=True)
    Mhd().write_sample(root / "mhd", items=40, seed=0)
    (root / "mhd" / ".mmbench-generated").write_text("made up\n")
    return root


@pytest.fixture(scope="module")
def measured(home: Path, sample: Path, mmbench: CommandLine) -> dict[str, Record]:
    """Both tasks on vectors that say the digit, but for the sound's, which say nothing."""
    place = DataSource(sample / "mhd", lambda path: path.name)
    folder = home / "vectors"
    rng = np.random.default_rng(0)
    for name, collection in Mhd().collections(place).items():
        (folder / name).mkdir(parents=True)
        (folder / name / "ids.txt").write_text("\n".join(collection.ids) + "\n", "utf-8")
        labels = np.asarray(collection.columns["label"])
        for subset in SUBSETS:
            if name == "test" or len(subset) == len(STREAMS):
                vectors = np.eye(10)[labels] + 0.02 * rng.standard_normal((len(labels), 10))
                if subset == ("sound",):
                    vectors = rng.standard_normal((len(labels), 10))
                if subset == ("label",):
                    vectors = np.eye(10)[labels]
                np.save(folder / name / f"{'+'.join(subset)}.npy", vectors.astype(np.float32))
    mmbench(
        "run", "-r", "arrays", "-o", "folder=vectors", "-t", "mhd-missing", "-t", "mhd-dca",
        "-o", "mhd-missing.probe_epochs=60", "-o", "mhd-dca.min_cluster_size=3",
        "--data-root", sample, "--resamples", "50", "--results", "run",
    )  # fmt: skip
    return records_of(home / "run")


def test_every_subset_is_scored_by_gmcs_classifier(measured: dict[str, Record]) -> None:
    record = measured["mhd-missing"]
    values = {name: each["value"] for name, each in record["metrics"].items()}
    assert set(values) == {"missing accuracy", "complete accuracy"} | {
        f"{'+'.join(each)} accuracy" for each in SUBSETS[:-1]
    }
    assert values["image accuracy"] == values["complete accuracy"] == values["label accuracy"] == 1
    assert values["sound accuracy"] < 0.4
    honest = [each for each in SUBSETS if "label" not in each]
    assert values["missing accuracy"] == pytest.approx(
        np.mean([values[f"{'+'.join(each)} accuracy"] for each in honest])
    )
    said = {each["name"]: each["description"] for each in record["task"]["metrics"]}
    assert all(
        ("HOLDS THE ANSWER" in said[name]) == ("label" in name or "complete" in name)
        for name in values
    )
    probe = record["parameters"]["probe"]
    wanted = {"estimator": "MLPClassifier", "epochs": 60, "scaling": "raw", "training_items": 108}
    assert wanted.items() <= probe.items()
    assert record["provenance"] == "generated"


def test_single_streams_are_compared_with_all(measured: dict[str, Record]) -> None:
    record = measured["mhd-dca"]
    values = {name: each["value"] for name, each in record["metrics"].items()}
    assert values["image precision"] == values["trajectory recall"] == 1.0
    assert values["sound DCA"] < 0.5 < values["image DCA"]
    honest = (values["image DCA"], values["sound DCA"], values["trajectory DCA"])
    assert values["mean DCA"] == pytest.approx(np.mean(honest))
    parameters = record["parameters"]
    assert {"T": 100, "B": 1.0, "mcs": 3, "seed": 0, "scaling": "raw"}.items() <= parameters.items()
    assert parameters["points"]["label"] == {
        "R": 40, "E": 10, "quality R": 40, "quality E": 10
    }  # fmt: skip


def test_records_say_which_set_they_are_of(measured: dict[str, Record]) -> None:
    for record in measured.values():
        assert record["parameters"]["variant"].endswith("where MHD has 50,000 + 10,000")
        assert any(note.startswith("the set: 120 + 40 items") for note in record["notes"])


def test_the_suites_hold_every_task() -> None:
    real, made_up = (
        tomllib.loads(resources.files("mmbench_digits").joinpath(f"suites/{name}").read_text())
        for name in ("missing-modalities.toml", "missing-modalities-sample.toml")
    )
    assert real["task"] == made_up["task"]
    own = [each["name"] for each in real["task"] if not each.get("optional")]
    assert sorted(own) == sorted(task.name for task in mmbench_tasks())
    names = [each["name"] for each in real["task"]]
    assert len(set(names)) == len(names)
    named = {each["name"]: each.get("optional", False) for each in real["representation"]}
    assert named.pop("random") is False
    assert all(named.values())
    assert set(named) == {"gmc", "mvae", "mmvae", "nexus", "muse", "mfm"}


@pytest.mark.slow
def test_the_sample_suite_runs(home: Path, mmbench: CommandLine) -> None:
    for name in ("mhd", "paired_digits"):
        mmbench("data", "sample", name, "--root", "made", "--items", 20)
        mmbench("data", "check", name, "--root", "made")
    mmbench(
        "run", "missing-modalities-sample", "--data-root", "made", "--resamples", "50",
        "--results", "suite",
    )  # fmt: skip
    found = records_of(home / "suite")
    own = [task.name for task in mmbench_tasks()]
    assert {name: found[name]["status"] for name in own} == dict.fromkeys(own, "ok")


@pytest.mark.slow
def test_without_data_the_suite_says_where_to_get_it(mmbench: CommandLine) -> None:
    plan = mmbench("run", "missing-modalities", "--data-root", "nowhere", "--dry-run", "--json")
    cells = json.loads(plan.stdout)["cells"]
    assert {cell["state"] for cell in cells} == {"skipped"}
    assert any("nexus_pytorch" in cell["reason"] for cell in cells)
    assert any("mmbench data build paired_digits" in cell["reason"] for cell in cells)


# --- the picture ----------------------------------------------------------------------------------


def first_two(points: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
    """A layout for tests: the first two numbers."""
    return points[:, :2] + seed


def test_a_finished_cell_is_drawn(home: Path, measured: dict[str, Record], tmp_path: Path) -> None:
    (cell,) = finished_cells(
        home / "run" / "adhoc", task="mhd-dca", cache=home / "cache", data_root=home / "samples"
    )
    found = panels(cell, seed=0, layout=first_two)
    assert [panel.stream for panel in found] == list(STREAMS)
    values = measured["mhd-dca"]["metrics"]
    for panel in found:
        left = values[f"{panel.stream} R outliers"], values[f"{panel.stream} E outliers"]
        assert panel.left_out == tuple(int(each["value"]) for each in left)
        alone = 10 if panel.stream == "label" else 40
        assert panel.complete == 40 - panel.left_out[0]
        assert len(panel.places) == 40 + alone - sum(panel.left_out)
    svg, table = write_picture(cell.name, found, tmp_path / "new" / "a.svg")
    rows = list(csv.DictReader(table.read_text("utf-8").splitlines()))
    assert len(rows) == sum(len(panel.places) for panel in found)
    image = [row for row in rows if row["stream"] == "image"]
    assert {row["side"] for row in image} == {"complete", "alone"}
    assert {row["item"] for row in rows if row["stream"] == "label" and row["side"] == "alone"} == {
        ""
    }
    # What stands beside an item is its class: the vectors of the test say it.
    for row in image:
        x, y = float(row["x"]), float(row["y"])
        assert (round(x), round(y)) == (int(row["class"] == "0"), int(row["class"] == "1"))
    ET.fromstring(svg.read_text("utf-8"))


def test_the_picture_holds_every_point_within_its_frame() -> None:
    places = np.array([[0.0, 0.0], [4.0, 2.0], [1.0, 2.0], [2.0, 1.0]])
    panel = Panel("image", places, 2, ("a", "b", "a", "b"), ("0", "1", "0", "1"), (3, 1))
    empty = Panel("so & so", np.empty((0, 2)), 0, (), (), (9, 9))
    tree = ET.fromstring(drawn("gmc < all", [panel, empty]))
    space = "{http://www.w3.org/2000/svg}"
    paths = [each.get("d", "") for each in tree.iter(f"{space}path")]
    assert [path.count("M") for path in paths] == [2, 2, 0, 0]
    frame = next(each for each in tree.iter(f"{space}rect") if each.get("x"))
    left, top, side = (float(frame.get(name, "")) for name in ("x", "y", "width"))
    points = [
        tuple(map(float, point.split()))
        for path in paths[:2]
        for point in path.removeprefix("M").replace("h.01", "").split("M")
    ]
    assert all(left < x < left + side and top < y < top + side for x, y in points)
    texts = {each.text: (each.get("x"), each.get("y")) for each in tree.iter(f"{space}text")}
    for said in (
        "gmc < all",
        "image",
        "all streams: 2 points, 3 outliers left out",
        "image alone: 2 points, 1 outliers left out",
        "so & so alone: 0 points, 9 outliers left out",
    ):
        assert said in texts
    # Each class is named beside its point of all streams, and within the frame.
    for name, (x, y) in zip(("0", "1"), points, strict=False):
        shown = tuple(map(float, texts[name]))  # type: ignore[arg-type]
        assert shown == pytest.approx((x + 13, y + 4))
        assert shown[0] + 8 < left + side


def test_many_classes_are_not_named_and_other_kinds_are_kept(tmp_path: Path) -> None:
    places = np.random.default_rng(0).random((30, 2))
    classes = tuple(f"{row / 10 - 1.5:.1f}" for row in range(30))
    panel = Panel("text", places, 30, ("a",) * 30, classes, (0, 0))
    svg, table = write_picture("values", [panel], tmp_path / "a.svg")
    assert "-1.5" not in svg.read_text("utf-8")
    rows = list(csv.DictReader(table.read_text("utf-8").splitlines()))
    assert tuple(row["class"] for row in rows) == classes


def test_without_umap_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "umap", None)
    with pytest.raises(MmbenchError, match="not installed") as caught:
        umap_layout(np.eye(8), 0)
    assert "pip install umap-learn" in caught.value.fix


@pytest.mark.slow
def test_umap_is_seeded() -> None:
    pytest.importorskip("umap")
    points = np.random.default_rng(0).standard_normal((60, 8))
    first, again, other = (umap_layout(points, seed) for seed in (0, 0, 1))
    assert first.shape == (60, 2)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_only_dca_is_drawn(home: Path, measured: dict[str, Record]) -> None:
    assert measured
    place = [
        "picture",
        str(home / "run" / "adhoc"),
        "--out",
        "a.svg",
        "--cache",
        str(home / "cache"),
    ]
    for more in (["-t", "mhd-missing"], ["--cell-seed", "7"]):
        done = CliRunner().invoke(digits, [*place, *more])
        assert isinstance(done.exception, MmbenchError)
        assert "0 finished cells match: none is of DCA" in str(done.exception)


def test_a_picture_that_would_be_its_own_table_is_refused(home: Path) -> None:
    done = CliRunner().invoke(digits, ["picture", str(home), "--out", "gmc.csv"])
    assert isinstance(done.exception, MmbenchError)
    assert r"must end in .svg" in str(done.exception)


# --- the builder ----------------------------------------------------------------------------------


def test_build_prints_what_it_is_not(digits_folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "paired_digits"
    folders = [
        part
        for name in ("mnist", "fsdd", "pendigits")
        for part in (f"--{name}", str(digits_folder / name))
    ]
    done = CliRunner().invoke(
        digits, ["build", *folders, "--out", str(out), "--train", "3", "--test", "1"]
    )
    assert done.exit_code == 0, done.output
    assert f"wrote 30 + 10 items to {out}" in done.output
    assert "not the MHD data set" in done.output
    assert "MNIST's test images (t10k), which do not say who wrote what" in done.output
    assert (out / "NOTE.txt").read_text("utf-8") in done.output
