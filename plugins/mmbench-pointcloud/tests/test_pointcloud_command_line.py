"""From a folder to records through the installed command: samples, damage, real data."""

from __future__ import annotations

import json
import os
import tomllib
from importlib import resources
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from mmbench.testing import CommandLine, measured_records
from mmbench_pointcloud import mmbench_datasets, mmbench_tasks
from mmbench_pointcloud.modelnet import ModelNet40
from mmbench_pointcloud.objaverse_lvis import ObjaverseLvis

if TYPE_CHECKING:
    from pathlib import Path

    Record = dict[str, Any]

TASKS = [task.name for task in mmbench_tasks()]
RUN = ("run", "-r", "random", "--resamples", "50", "--offline")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def mmbench(home: Path) -> CommandLine:
    return CommandLine(home, plugins=("pointcloud",))


def records_of(folder: Path) -> dict[str, Record]:
    """The measured records in a results folder, by task."""
    return {each["task"]["label"]: each for each in measured_records(folder)}


def dropped(record: Record) -> dict[str, str]:
    (entry,) = (each for each in record["data"] if each["name"] == "items")
    return {each["id"]: each["reason"] for each in entry["dropped"]}


@pytest.fixture(scope="module")
def samples(home: Path, mmbench: CommandLine) -> Path:
    for dataset in mmbench_datasets():
        mmbench("data", "sample", dataset.name, "--root", "samples", "--items", 6)
    return home / "samples"


def test_the_sample_suite_has_the_tasks_of_the_suite() -> None:
    real, made_up = (
        tomllib.loads(resources.files("mmbench_pointcloud").joinpath(f"suites/{name}").read_text())
        for name in ("pointcloud-zeroshot.toml", "pointcloud-zeroshot-sample.toml")
    )
    assert real["task"] == made_up["task"]
    assert [each["name"] for each in real["task"]] == TASKS


@pytest.mark.slow
def test_the_sample_suite_runs(home: Path, samples: Path, mmbench: CommandLine) -> None:
    mmbench(
        "run", "pointcloud-zeroshot-sample", "--data-root", samples, "--resamples", "50",
        "--results", "suite",
    )  # fmt: skip
    found = records_of(home / "suite")
    assert {name: found[name]["status"] for name in TASKS} == dict.fromkeys(TASKS, "ok")
    assert {each["provenance"] for each in found.values()} == {"generated"}
    assert {each["items_used"] for each in found.values()} == {6}
    one = found["modelnet40-zeroshot"]
    wanted = {
        "points": 8192, "sampling": "first", "normalise": "unit-sphere", "axes": "as-stored",
        "prompts": "modelnet40_64", "underscores": "space", "per_template": "l2",
        "absent_classes": "skip", "degenerate": "drop", "colour": "stored", "layout": "auto",
    }  # fmt: skip
    assert wanted.items() <= one["task"]["options"].items()
    assert one["parameters"] == {
        "classes": 40, "present_classes": 6, "prompts": 2560, "layout": "txt"
    }  # fmt: skip
    metrics = {each["name"] for each in one["task"]["metrics"]}
    assert metrics == {"top-1", "top-3", "top-5", "mean class accuracy"}


def test_without_data_the_suite_says_where_to_get_it(mmbench: CommandLine) -> None:
    plan = mmbench("run", "pointcloud-zeroshot", "--data-root", "nowhere", "--dry-run", "--json")
    cells = json.loads(plan.stdout)["cells"]
    assert {cell["state"] for cell in cells} == {"skipped"}
    for name in ("modelnet40", "scanobjectnn", "objaverse_lvis"):
        assert any(f"mmbench data sample {name}" in cell["reason"] for cell in cells)
    mmbench("data", "status", "modelnet40", "--data-root", "nowhere", code=1)


def test_broken_clouds_are_dropped_and_listed(home: Path, mmbench: CommandLine) -> None:
    root = home / "damaged"
    for name, dataset, items in (
        ("modelnet40", ModelNet40(layout="txt"), 7),
        ("objaverse_lvis", ObjaverseLvis(), 3),
    ):
        (root / name).mkdir(parents=True)
        dataset.write_sample(root / name, items=items, seed=0)
    base = root / "modelnet40" / "modelnet40_normal_resampled"
    ids = (base / "modelnet40_test.txt").read_text("utf-8").split()
    paths = [base / each.rsplit("_", 1)[0] / f"{each}.txt" for each in ids]
    lines = paths[0].read_text("utf-8").splitlines(keepends=True)
    for path, content in zip(
        paths,
        (
            [],
            ["0.5,0.5,0.5,0,0,1\n"] * 9000,
            [*lines[:41], "nan,0,0,0,0,1\n", *lines],
            lines[:5000],
            [*lines[:99], "<html>\n"],
        ),
        strict=False,
    ):
        path.write_text("".join(content), "utf-8")

    class Trap:
        def __reduce__(self) -> Any:
            return (os.mkdir, (str(home / "made"),))

    models = sorted((home / "damaged" / "objaverse_lvis" / "Objaverse").glob("*/*.npy"))
    table = np.empty((), dtype=object)
    table[()] = {"xyz": Trap()}
    np.save(models[0], table, allow_pickle=True)
    done = mmbench(
        *RUN, "-t", "modelnet40-zeroshot", "-t", "objaverse-lvis-zeroshot", "-o", "prompts=name",
        "--data-root", "damaged", "--results", "over",
    )  # fmt: skip
    found = records_of(home / "over")
    lost = dropped(found["modelnet40-zeroshot"])
    for item, path, said in zip(
        ids,
        paths,
        (
            "the cloud has no points", "all 8192 points are equal", ":42: the cloud holds NaN",
            "has 5000 points, fewer than the 8192 asked for", ":100: '<html>' is no point",
        ),
        strict=False,
    ):  # fmt: skip
        assert str(path) in lost[item]
        assert said in lost[item]
    assert len(lost) == 5
    assert found["modelnet40-zeroshot"]["items_used"] == 2
    ((_, said),) = dropped(found["objaverse-lvis-zeroshot"]).items()
    assert f"{models[0]}: the pickle names {os.mkdir.__module__}.mkdir" in said
    assert "5 items of 7 dropped from items" in done.stderr
    assert not (home / "made").exists()
    assert "refused, nothing was run" in said


@pytest.mark.slow
def test_broken_meshes_are_dropped_and_listed(home: Path, mmbench: CommandLine) -> None:
    mmbench("data", "sample", "modelnet40", "--root", "meshes", "--items", 4)
    places = sorted((home / "meshes" / "modelnet40" / "ModelNet40").glob("*/test/*.off"))
    text = places[0].read_text("utf-8")
    places[0].write_text(text[: len(text) // 2], "utf-8")
    places[1].write_text(text.replace("OFF", "PLY"), "utf-8")
    mmbench(
        *RUN, "-t", "modelnet40-zeroshot", "-o", "layout=off", "--data-root", "meshes",
        "--results", "meshed",
    )  # fmt: skip
    record = records_of(home / "meshed")["modelnet40-zeroshot"]
    said = list(dropped(record).values())
    assert f"{places[0]}:" in said[0]
    assert "the mesh is cut off" in said[0]
    assert f"{places[1]}:1: is no OFF file" in said[1]
    assert record["items_used"] == 2


def link(place: Path, target: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(target)


@pytest.fixture(scope="module")
def real(home: Path, shared: Path) -> Path:
    """Real clouds, meshes and Objaverse models in the datasets' layouts."""
    root = home / "real"
    source = shared / "data" / "modelnet"
    for folder in (source / "modelnet40_normal_resampled").iterdir():
        name = folder.name.replace("test_mini", "test")
        link(root / "modelnet40" / "modelnet40_normal_resampled" / name, folder)
    for folder in (source / "off").iterdir():
        link(root / "modelnet40" / "ModelNet40" / folder.name / "test", folder)
    entries = []
    for name in ("BBQ", "toilet", "train"):
        target = shared / "data" / "triplets_cmcr" / f"{name}.npy"
        link(root / "objaverse_lvis" / "Objaverse" / "000-000" / f"{name}-uid.npy", target)
        entries.append({"uid": f"{name}-uid", "group": "000-000", "category": name})
    (root / "objaverse_lvis" / "lvis.json").write_text(json.dumps(entries), "utf-8")
    return root


@pytest.mark.slow
def test_real_clouds_and_meshes(home: Path, real: Path, mmbench: CommandLine) -> None:
    for layout, count in (("txt", 14), ("off", 13)):
        mmbench(
            *RUN, "-t", "modelnet40-zeroshot", "-o", f"layout={layout}", "--data-root", real,
            "--results", layout,
        )  # fmt: skip
        record = records_of(home / layout)["modelnet40-zeroshot"]
        assert (record["items_used"], record["items_total"]) == (count, count)
        assert record["provenance"] == "real"
        board = json.loads((home / layout / "adhoc" / "leaderboard.json").read_text("utf-8"))
        (table,) = board["tables"]
        rows = {row["name"]: row for row in table["rows"]}
        assert "measured with sampling = fps" in rows["ULIP PointBERT"]["notes"]
        assert rows["ULIP PointBERT"]["rank"] is None


def test_real_features_of_three_models(
    home: Path, real: Path, shared: Path, mmbench: CommandLine
) -> None:
    """OpenCLIP's features of the models' pictures stand in for their clouds', two captions each.

    ULIP-2 was taught to put a cloud where bigG puts its pictures, so this is what it would reach at
    best: each of the three is named rightly, by a margin that is computed here from the file alone.
    """
    path = shared / "oracles" / "methods" / "real_objaverse3_clip_features.npz"
    with np.load(path) as oracle:
        known = {name: oracle[name] for name in oracle}
    names = list(known["classes"])
    for collection, stream, ids, vectors in (
        ("all", "pointcloud", [f"{name}-uid" for name in names], known["thumbnail_feat"]),
        (
            "prompts",
            "text",
            [f"{names[label]}/{row % 2}" for row, label in enumerate(known["caption_label"])],
            known["caption_feat"],
        ),
    ):
        folder = home / "vectors" / collection
        folder.mkdir(parents=True)
        (folder / "ids.txt").write_text("\n".join(ids) + "\n", "utf-8")
        np.save(folder / f"{stream}.npy", vectors)
    mmbench(
        "run", "-r", "arrays", "-o", "folder=vectors", "-t", "objaverse-lvis-zeroshot",
        "-o", 'templates=["{}", "a {}"]', "--data-root", real, "--resamples", "50",
        "--results", "features",
    )  # fmt: skip
    record = records_of(home / "features")["objaverse-lvis-zeroshot"]
    assert record["items_used"] == 3
    assert record["parameters"]["prompts"] == 6
    pictures, captions = (
        each / np.linalg.norm(each, axis=1, keepdims=True)
        for each in (known[name].astype(np.float64) for name in ("thumbnail_feat", "caption_feat"))
    )
    classes = np.stack(
        [captions[known["caption_label"] == label].mean(axis=0) for label in range(3)]
    )
    scores = pictures @ (classes / np.linalg.norm(classes, axis=1, keepdims=True)).T
    others = np.where(np.eye(3, dtype=bool), -1, scores).max(axis=1)
    assert (np.diag(scores) - others).min() > 0.14  # 0.331, 0.501 and 0.427, others 0.19 at most
    for metric in ("top-1", "mean class accuracy"):
        assert record["metrics"][metric]["value"] == 1


@pytest.mark.slow
def test_a_test_set_of_real_size(home: Path, mmbench: CommandLine) -> None:
    """2,468 clouds of 2,048 points in hdf5, and 64 prompts of 40 classes."""
    root = home / "large" / "modelnet40" / "modelnet40_ply_hdf5_2048"
    root.mkdir(parents=True)
    import h5py

    rng = np.random.default_rng(0)
    with h5py.File(root / "ply_data_test0.h5", "w") as file:
        file["data"] = rng.normal(size=(2468, 2048, 3)).astype(np.float32)
        file["label"] = (np.arange(2468) % 40)[:, None].astype(np.uint8)
    (root / "test_files.txt").write_text("ply_data_test0.h5\n", "utf-8")
    mmbench(
        *RUN, "-t", "modelnet40-zeroshot", "-o", "points=1024", "--data-root", "large",
        "--results", "large-results",
    )  # fmt: skip
    record = records_of(home / "large-results")["modelnet40-zeroshot"]
    assert record["items_used"] == 2468
    assert record["references"]["chance"]["top-1"] == pytest.approx(1 / 40)
    assert record["metrics"]["top-1"]["value"] == pytest.approx(1 / 40, abs=0.02)
