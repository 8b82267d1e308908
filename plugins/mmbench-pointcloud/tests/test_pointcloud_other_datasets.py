"""ScanObjectNN and Objaverse-LVIS: read back, and what is said of broken ones."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest

from mmbench.api import DataError, DataMissing, DataSource
from mmbench_pointcloud.classes import SCANOBJECTNN
from mmbench_pointcloud.objaverse_lvis import ObjaverseLvis
from mmbench_pointcloud.scanobjectnn import ScanObjectNN

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Sources = Callable[..., DataSource]


def save(path: Path, table: Any) -> None:
    whole = np.empty((), dtype=object)
    whole[()] = table
    np.save(path, whole, allow_pickle=True)


def test_scans_in_both_layouts(source: Sources) -> None:
    found = source()
    ScanObjectNN().write_sample(found.root, items=17, seed=0)
    sets = ScanObjectNN().collections(found)
    assert {name: len(each) for name, each in sets.items()} == {"openshape": 17, "obj-only": 8}
    assert sets["openshape"].columns["label"] == [*SCANOBJECTNN, "bag", "bin"]
    one, other = (sets[name].load(3, "pointcloud") for name in ("openshape", "obj-only"))
    np.testing.assert_array_equal(one.xyz, other.xyz)
    assert one.xyz.shape == (2048, 3)
    assert one.rgb is None
    grey = ScanObjectNN(colour="grey").collections(found)["openshape"].load(0, "pointcloud")
    np.testing.assert_allclose(grey.rgb, 0.4)
    assert ScanObjectNN().status(found).found == (
        "openshape: xyz_label.npy",
        "obj-only: main_split_nobg/test_objectdataset.h5",
    )


def test_stored_colours_of_scans(source: Sources) -> None:
    found = source()
    xyz = np.random.default_rng(0).normal(size=(2, 9, 3))
    save(found.root / "xyz_label.npy", {"xyz": xyz, "label": [0, 14], "rgb": xyz * 0 + 0.3})
    clouds = ScanObjectNN(colour="grey").collections(found)["openshape"]
    assert clouds.columns["label"] == ["bag", "toilet"]
    np.testing.assert_allclose(clouds.load(1, "pointcloud").rgb, 0.3)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ([1, 2], "is no table with xyz and label"),
        ({"xyz": np.zeros((2, 4, 3)), "label": [0]}, "has 2 clouds and 1 labels"),
        ({"xyz": np.zeros((1, 4, 3)), "label": [15]}, r"\[0\]: the label 15 is no number from 0"),
        ({"xyz": np.zeros((1, 4, 3)), "label": ["bag"]}, r"\[0\]: the label bag is no number"),
        ({"xyz": np.zeros((0, 4, 3)), "label": []}, "holds no clouds"),
    ],
)
def test_broken_tables_of_scans(source: Sources, table: Any, said: str) -> None:
    found = source()
    path = found.root / "xyz_label.npy"
    save(path, table)
    with pytest.raises(DataError, match=said) as caught:
        ScanObjectNN().collections(found)
    assert str(path) in str(caught.value)


def test_broken_scans(source: Sources) -> None:
    found = source()
    xyz = np.random.default_rng(0).normal(size=(4, 9, 3)).astype(np.float32)
    xyz[1], xyz[2, 5] = 0.25, np.nan
    path = found.root / "h5_files" / "main_split" / "test_objectdataset.h5"
    path.parent.mkdir(parents=True)
    with h5py.File(path, "w") as file:
        file["data"], file["label"] = xyz, np.arange(4)
    said = {each.item: each.reason for each in ScanObjectNN().check(found)}
    assert said == {
        "obj-bg/00001": f"{path}[1]: all 9 points are equal: no shape to scale",
        "obj-bg/00002": f"{path}[2]: the points hold NaN or infinity (point 5)",
    }
    path.unlink()
    with pytest.raises(DataMissing, match=r"xyz_label\.npy: no test set is there"):
        ScanObjectNN().collections(found)


def test_models_of_the_list(source: Sources) -> None:
    found = source()
    ObjaverseLvis().write_sample(found.root, items=8, seed=0)
    clouds = ObjaverseLvis().collections(found)["all"]
    assert len(clouds) == 8
    assert "Christmas_tree" in clouds.columns["label"]
    cloud = clouds.load(0, "pointcloud")
    assert cloud.xyz.shape == (10_000, 3)
    assert cloud.rgb is not None
    assert 0 <= cloud.rgb.min() <= cloud.rgb.max() <= 1
    # The list says where files were on somebody's disk: the group says it too.
    listed = found.root / "lvis.json"
    entries = json.loads(listed.read_text("utf-8"))
    for entry in entries:
        entry["data_path"] = "/mnt/data/" + entry["data_path"]
    listed.write_text(json.dumps(entries), "utf-8")
    again = ObjaverseLvis().collections(found)["all"]
    assert again.fingerprint() == clouds.fingerprint()
    gone = found.root / "Objaverse" / entries[2]["group"] / f"{entries[2]['uid']}.npy"
    gone.unlink()
    assert ObjaverseLvis().status(found).found == ("7 of 8 clouds of 6 classes",)
    (said,) = ObjaverseLvis().check(found)
    assert said.item == entries[2]["uid"]
    assert str(gone) in said.reason
    assert "lvis.json" in said.reason


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ([], "must be a list of models"),
        ([{"uid": "a", "group": "b"}], r"\[0\]: an entry must have uid, group, category"),
        ([{"uid": "../a", "group": "b", "category": "c"}], r"\[0\]: an entry must have"),
        ([{"uid": "a", "group": "b", "category": "c"}] * 2, r"\[1\]: the model 'a' is there twice"),
        ([{"uid": "a", "group": "b", "category": "c"}], "names one class"),
    ],
)
def test_broken_lists_of_models(source: Sources, entries: Any, said: str) -> None:
    found = source()
    path = found.root / "lvis.json"
    path.write_text(json.dumps(entries), "utf-8")
    with pytest.raises(DataError, match=said) as caught:
        ObjaverseLvis().collections(found)
    assert str(path) in str(caught.value)
