"""ModelNet40 in all its layouts: the same shapes, and what is said of broken ones."""

from __future__ import annotations

import json
import pickle
import shutil
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest

from mmbench.api import DataError, DataMissing, DataSource, ItemError, UsageError
from mmbench_pointcloud.archives import coloured_points, points_of
from mmbench_pointcloud.modelnet import ModelNet40

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Sources = Callable[..., DataSource]

LAYOUTS = ("txt", "cache", "hdf5", "openshape", "off")
FOLDER = "modelnet40_normal_resampled"


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six shapes in every layout."""
    root = tmp_path_factory.mktemp("modelnet40")
    ModelNet40().write_sample(root, items=6, seed=0)
    return root


@pytest.fixture
def copied(sample: Path, source: Sources) -> DataSource:
    """The same, to be damaged."""
    found = source()
    shutil.copytree(sample, found.root, dirs_exist_ok=True)
    return found


def opened(found: DataSource, layout: str = "auto", split: str = "test", **options: Any) -> Any:
    return ModelNet40(layout=layout, **options).collections(found)[split]  # type: ignore[arg-type]


def broken(found: DataSource, layout: str, **options: Any) -> dict[str, str]:
    """Reasons by item."""
    dataset = ModelNet40(layout=layout, **options)  # type: ignore[arg-type]
    return {each.item: each.reason for each in dataset.check(found)}


def test_all_layouts_hold_the_same_shapes(sample: Path, source: Sources) -> None:
    found = DataSource(sample, source().hash_file)
    clouds = {name: opened(found, name) for name in LAYOUTS}
    wanted = ["airplane", "bathtub", "bed", "bench", "bookshelf", "bottle"]
    counts = {"txt": 10_000, "cache": 8_192, "hdf5": 2_048, "openshape": 10_000, "off": 10_000}
    txt = {label: clouds["txt"].load(row, "pointcloud").xyz for row, label in enumerate(wanted)}
    for name, each in clouds.items():
        assert sorted(each.columns["label"]) == wanted
        assert set(each.columns["layout"]) == {name}
        for row, label in enumerate(each.columns["label"]):
            cloud = each.load(row, "pointcloud")
            assert cloud.xyz.shape == (counts[name], 3)
            assert np.linalg.norm(cloud.xyz, axis=1).max() == pytest.approx(1, abs=1e-5)
            if name in ("cache", "hdf5"):  # the first points of the same ones
                taken = opened(found, "txt", points=counts[name])
                same = taken.load(list(taken.columns["label"]).index(label), "pointcloud").xyz
                np.testing.assert_allclose(cloud.xyz, same, atol=2e-5)
            if name == "openshape":
                np.testing.assert_allclose(cloud.xyz, txt[label], atol=2e-5)
                np.testing.assert_allclose(cloud.rgb, 100 / 255)
            if name == "off":  # other points of the same surface
                size, other = np.ptp(cloud.xyz, axis=0), np.ptp(txt[label], axis=0)
                assert np.argsort(size).tolist() == np.argsort(other).tolist()
    assert clouds["txt"].ids == clouds["cache"].ids == clouds["openshape"].ids
    assert sorted(clouds["off"].ids) == sorted(clouds["txt"].ids)


def test_auto_takes_the_first_layout_and_names_the_others(copied: DataSource) -> None:
    root = copied.root
    for layout, place in zip(
        LAYOUTS, (None, f"{FOLDER}/*/*.txt", FOLDER, "modelnet40_ply_hdf5_2048", "test_*"),
        strict=True,
    ):  # fmt: skip
        for path in [] if place is None else list(root.glob(place)):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        assert opened(copied).columns["layout"][0] == layout
        said = ModelNet40().status(copied).found
        assert said[0] == f"{layout}: 6 of 6 test clouds of 6 classes"
        others = LAYOUTS[LAYOUTS.index(layout) + 1 :]
        assert said[1:] == tuple(f"{name}: -o layout={name} reads it" for name in others)
    shutil.rmtree(root / "ModelNet40")
    with pytest.raises(DataMissing, match="in none of its layouts") as caught:
        opened(copied)
    assert f"{FOLDER}/modelnet40_test.txt" in str(caught.value)
    with pytest.raises(DataMissing, match=r"ModelNet40/airplane/test: is not there"):
        opened(copied, "off")


def test_the_training_list_makes_a_collection(copied: DataSource) -> None:
    listed = copied.root / FOLDER / "modelnet40_test.txt"
    ids = listed.read_text("utf-8").split()
    listed.write_text("\r\n".join(ids[:4]), "utf-8")
    listed.with_name("modelnet40_train.txt").write_text("\n".join(ids[4:]), "utf-8")
    assert opened(copied).ids == ids[:4]
    assert opened(copied, split="train").ids == ids[4:]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("aeroplane_0001", ":3: 'aeroplane' is none of ModelNet40's 40 classes"),
        ("bed", ":3: 'bed' is no id such as airplane_0627"),
        ("airplane_0101", ":3: the id 'airplane_0101' is in line 1 already"),
        ("../bed_0101", ":3: '../bed' is none"),
    ],
)
def test_broken_lists_name_their_line(copied: DataSource, line: str, said: str) -> None:
    path = copied.root / FOLDER / "modelnet40_test.txt"
    path.write_text(f"airplane_0101\n\n{line}\n", "utf-8")
    with pytest.raises(DataError) as caught:
        opened(copied)
    assert f"{path}{said}" in str(caught.value)


def test_broken_text_files_name_their_line(copied: DataSource) -> None:
    ids = opened(copied).ids
    paths = [copied.root / FOLDER / each.rsplit("_", 1)[0] / f"{each}.txt" for each in ids]
    lines = paths[0].read_text("utf-8").splitlines()
    for path, text in zip(
        paths,
        (
            "\n".join([*lines[:6], "0.1,0.2,x,0,0,1", *lines[7:]]),
            "\n".join([*lines[:9], "0.1,0.2,nan,0,0,1", *lines[10:]]),
            "\n".join([*lines[:99], "0.1,0.2"]),
            "",
            "0.5,0.5,0.5,0,0,1\n" * 10,
        ),
        strict=False,
    ):
        path.write_text(text, "utf-8")
    paths[5].unlink()
    said = broken(copied, "txt")
    assert said.keys() == set(ids)
    assert f"{paths[0]}:7: '0.1,0.2,x,0,0,1' is no point" in said[ids[0]]
    assert f"{paths[1]}:10: the cloud holds NaN or infinity" in said[ids[1]]
    assert f"{paths[2]}:100: 2 numbers are no point" in said[ids[2]]
    assert f"{paths[3]}: the cloud has no points: a file of 0 bytes" in said[ids[3]]
    assert f"{paths[4]}: all 10 points are equal" in said[ids[4]]
    assert f"{paths[5]}: the cloud is not there" in said[ids[5]]
    assert "modelnet40_test.txt" in said[ids[5]]
    few = broken(copied, "txt", points=8192)
    assert "the cloud has 10 points, fewer than the 8192 asked for" in few[ids[4]]


def test_a_forbidden_cache_runs_nothing(copied: DataSource) -> None:
    path = copied.root / FOLDER / "modelnet40_test_8192pts_fps.dat"

    class Trap:
        def __reduce__(self) -> Any:
            return (shutil.rmtree, (str(copied.root),))

    path.write_bytes(pickle.dumps([[Trap()], [0]]))
    said = broken(copied, "cache")
    assert len(said) == 6
    assert all(
        f"{path}: the pickle names shutil.rmtree" in each and "refused, nothing was run" in each
        for each in said.values()
    )
    path.with_name("modelnet40_test.txt").unlink()
    with pytest.raises(DataError, match=r"the pickle names shutil\.rmtree"):
        opened(copied, "cache")
    assert path.is_file()


def test_the_cache_agrees_with_its_list(copied: DataSource) -> None:
    path = copied.root / FOLDER / "modelnet40_test.txt"
    ids = path.read_text("utf-8").split()
    path.write_text("\n".join([ids[1], ids[0], *ids[2:], "xbox_0001"]), "utf-8")
    said = broken(copied, "cache")
    assert said.keys() == {ids[0], ids[1], "xbox_0001"}
    assert "[0]: the cloud is of class airplane, but the list says bathtub" in said[ids[1]]
    assert "[6]: has 6 clouds: none for this row" in said["xbox_0001"]
    path.unlink()
    alone = opened(copied, "cache")
    assert alone.ids[:2] == ["test/00000", "test/00001"]
    assert alone.columns["label"][:2] == ["airplane", "bathtub"]


def test_hdf5(copied: DataSource) -> None:
    with pytest.raises(UsageError, match="points=8192, but clouds in hdf5 have 2048"):
        opened(copied, "hdf5", points=8192)
    assert (
        len(opened(copied, "hdf5", points=8192, short="repeat").load(0, "pointcloud").xyz) == 8192
    )
    base = copied.root / "modelnet40_ply_hdf5_2048"
    with h5py.File(base / "ply_data_test1.h5", "r+") as file:
        file["data"][1] = np.nan
    said = broken(copied, "hdf5")
    assert list(said) == ["ply_data_test1/0001"]
    assert f"{base / 'ply_data_test1.h5'}[1]: the points hold NaN" in said["ply_data_test1/0001"]
    with h5py.File(base / "ply_data_test1.h5", "r+") as file:
        file["label"][2] = 40
    with pytest.raises(DataError, match=r"ply_data_test1\.h5\[2\]: the label 40 is no number"):
        opened(copied, "hdf5")
    with h5py.File(base / "ply_data_test1.h5", "w") as file:
        file["data"] = np.zeros((2, 8, 3))
    with pytest.raises(DataError, match=r"has no array 'label'"):
        opened(copied, "hdf5")
    with h5py.File(base / "ply_data_test1.h5", "w") as file:
        file["data"], file["label"] = np.ones((2, 8, 4)), np.zeros(2)
    with pytest.raises(DataError, match=r"data of the shape \(2, 8, 4\) and 2 labels, not \[N"):
        opened(copied, "hdf5")
    (base / "ply_data_test1.h5").unlink()
    with pytest.raises(DataMissing, match=r"ply_data_test1\.h5: the file is not there"):
        opened(copied, "hdf5")


def test_openshape(copied: DataSource) -> None:
    listed, packed = copied.root / "test_split.json", copied.root / "test_pc.npy"
    entries = json.loads(listed.read_text("utf-8"))
    tables = np.load(packed, allow_pickle=True)
    tables[0] = {"rgb": tables[0]["rgb"]}
    tables[1]["rgb"] = tables[1]["rgb"][:5]
    tables[2]["xyz"] = tables[2]["xyz"][:0]
    tables[2]["rgb"] = tables[2]["rgb"][:0]
    tables[3]["xyz"] = "points"
    np.save(packed, tables, allow_pickle=True)
    said = list(broken(copied, "openshape").values())
    for row, reason in enumerate(
        (
            "the cloud is no table with xyz",
            "5 colours for 10000 points",
            "the cloud has no points",
            "the cloud is no array of points [points, 3]: str",
        )
    ):
        assert f"{packed}[{row}]: {reason}" in said[row]
    np.save(packed, np.zeros((6, 100, 3)))
    assert all(
        "the file is no array of tables, one a cloud: shape (6, 100, 3)" in each
        for each in broken(copied, "openshape").values()
    )
    for change, reason in (
        ({"category": "aeroplane"}, r"\[1\]: 'aeroplane' is none of"),
        ({"name": entries[0]["name"]}, r"\[1\]: the name .* is there twice"),
        ({"name": 7}, r"\[1\]: an entry must have a name and a category"),
    ):
        listed.write_text(json.dumps([entries[0], {**entries[1], **change}]), "utf-8")
        with pytest.raises(DataError, match=reason):
            opened(copied, "openshape")
    listed.write_text("[{]", "utf-8")
    with pytest.raises(DataError, match=r"test_split\.json:1: is no JSON"):
        opened(copied, "openshape")
    packed.unlink()
    with pytest.raises(DataMissing, match=r"(?s)test_pc\.npy: the clouds are not there.*get both"):
        opened(copied, "openshape")


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (np.zeros((5, 2)), r"no array of points \[points, 3\]: shape \(5, 2\) of float64"),
        (np.zeros((5, 4)), r"no array of points \[points, 3\]: shape \(5, 4\) of float64"),
        (np.zeros(3), r"no array of points \[points, 3\]: shape \(3,\) of float64"),
        (np.array([["a", "b", "c"]]), r"shape \(1, 3\) of <U1"),
        ([[0.0, 0.0, 0.0]], "list"),
    ],
)
def test_what_is_no_array_of_points(values: Any, said: str) -> None:
    with pytest.raises(ItemError, match=f"^file: the cloud is .*{said}$"):
        points_of(values, "file")
    assert points_of(np.zeros((5, 6)), "file").shape == (5, 3)  # with normals
    rgba = {"xyz": np.zeros((5, 3)), "rgb": np.full((5, 4), 51)}
    assert coloured_points(rgba, "file", scale=255.0)[1] == pytest.approx(0.2)


def test_meshes_are_sampled_by_the_seed(copied: DataSource) -> None:
    first, again, other = (
        opened(copied, "off", points=64, sampling_seed=seed) for seed in (0, 0, 1)
    )
    assert first.content_keys("pointcloud") == again.content_keys("pointcloud")
    assert set(first.content_keys("pointcloud")).isdisjoint(other.content_keys("pointcloud"))
    one, two, three = (each.load(0, "pointcloud").xyz for each in (first, again, other))
    np.testing.assert_array_equal(one, two)
    assert not np.array_equal(one, three)
    assert len(opened(copied, "off", points=12_000).load(0, "pointcloud").xyz) == 12_000


def test_real_text_files_and_meshes(shared: Path, source: Sources) -> None:
    found = source()
    real = shared / "data" / "modelnet"
    shutil.copytree(real / FOLDER, found.root / FOLDER, symlinks=True)
    base = found.root / FOLDER
    (base / "modelnet40_test_mini.txt").rename(base / "modelnet40_test.txt")
    for folder in (real / "off").iterdir():
        place = found.root / "ModelNet40" / folder.name
        place.mkdir(parents=True)
        (place / "test").symlink_to(folder)
    assert ModelNet40().status(found).found == (
        "txt: 14 of 14 test clouds of 8 classes",
        "off: -o layout=off reads it",
    )
    for layout, count in (("txt", 14), ("off", 13)):
        clouds = opened(found, layout, points=2048)
        assert len(clouds) == count
        for row in range(count):  # each loads
            xyz = clouds.load(row, "pointcloud").xyz
            np.testing.assert_allclose(xyz.mean(axis=0), 0, atol=1e-6)
            assert np.linalg.norm(xyz, axis=1).max() == pytest.approx(1, abs=1e-6)
    with np.load(shared / "oracles" / "metrics" / "pointcloud_norm.npz") as oracle:
        row = opened(found, "txt").ids.index("airplane_0126")
        wanted = oracle["ulip"][list(oracle["names"]).index("airplane_0126")]
    xyz = opened(found, "txt", points=2048).load(row, "pointcloud").xyz
    np.testing.assert_allclose(xyz, wanted, atol=1e-6)
