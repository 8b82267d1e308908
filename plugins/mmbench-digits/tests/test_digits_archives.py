"""MHD's files: what they hold, how sounds are unstacked, and everything that is refused."""

from __future__ import annotations

import os
import pickle
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from mmbench.api import DataError, DataMissing, ItemError, UsageError
from mmbench_digits.archives import Digits, read_digits, write_digits
from mmbench_digits.mhd import Mhd, PairedDigits

if TYPE_CHECKING:
    from collections.abc import Callable

    from mmbench.api import DataSource

    Source = Callable[..., DataSource]


def some(count: int = 12, seed: int = 0, **scale: str) -> Digits:
    rng = np.random.default_rng(seed)
    return Digits(
        np.arange(count, dtype=np.int64) % 10,
        rng.random((count, 1, 28, 28)).astype(np.float32),
        rng.random((count, 200)).astype(np.float32),
        rng.random((count, 4, 32, 32)).astype(np.float32),
        {"min": 0.0, "max": 1.0},
        {"min": -100.0, "max": 0.0, **scale},
    )


def write_both(root: Path, train: int = 30, test: int = 12, **scale: str) -> None:
    for split, count in (("train", train), ("test", test)):
        write_digits(root / f"mhd_{split}.pt", some(count, seed=count, **scale))


def saved(path: Path, *parts: Any, legacy: bool = False) -> Path:
    torch.save(parts, path, _use_new_zipfile_serialization=not legacy)
    return path


def tensors(digits: Digits) -> list[Any]:
    return [
        torch.from_numpy(each)
        for each in (digits.labels, digits.images, digits.trajectories, digits.sounds)
    ]


# --- what is read ---------------------------------------------------------------------------------


@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "before torch 1.6"])
def test_a_file_is_read_as_it_was_written(tmp_path: Path, legacy: bool) -> None:
    digits = some()
    path = saved(tmp_path / "a.pt", *tensors(digits), {"min": 0.0}, {"min": -100.0}, legacy=legacy)
    found = read_digits(path)
    for name in ("labels", "images", "trajectories", "sounds"):
        assert np.array_equal(getattr(found, name), getattr(digits, name))
    assert found.sound_scale == {"min": -100.0}


def test_scales_may_be_numpys(tmp_path: Path) -> None:
    scales = {"min": np.float64(0.5), "max": np.float32(2)}, {"min": np.int64(-100)}
    found = read_digits(saved(tmp_path / "a.pt", *tensors(some()), *scales))
    assert found.trajectory_scale == {"min": 0.5, "max": 2.0}


def test_streams_are_as_the_network_takes_them(source: Source) -> None:
    place = source()
    write_both(place.root)
    stored = read_digits(place.root / "mhd_test.pt")
    test = Mhd().collections(place)["test"]
    assert {name: each.shape for name, each in test.streams.items()} == {
        "image": (1, 28, 28), "sound": (1, 32, 128), "trajectory": (200,), "label": (10,)
    }  # fmt: skip
    for stream, declared in test.streams.items():
        values = test.load(3, stream).values  # type: ignore[union-attr]
        assert values.shape == declared.shape
        assert values.dtype == np.float32
    sound = test.load(3, "sound").values  # type: ignore[union-attr]
    for block in range(4):  # mel bands 32 * block ..., along the last axis; frames along the other
        part = stored.sounds[3, block]
        assert np.array_equal(sound[0, :, 32 * block : 32 * block + 32], part.T)
    label = test.load(3, "label").values  # type: ignore[union-attr]
    assert (label.sum(), label[test.columns["label"][3]]) == (1.0, 1.0)


def test_the_training_file_is_split_by_a_seed(source: Source) -> None:
    place = source()
    write_both(place.root, train=50)
    found = Mhd().collections(place)
    assert [len(found[name]) for name in ("train", "valid", "test")] == [45, 5, 12]
    assert sorted([*found["train"].ids, *found["valid"].ids]) == [
        f"train-{row:05d}" for row in range(50)
    ]
    assert list(Mhd().collections(place)["valid"].ids) == list(found["valid"].ids)
    other = Mhd(split_seed=1).collections(place)["valid"]
    assert list(other.ids) != list(found["valid"].ids)
    assert len(Mhd(valid=0.2).collections(place)["valid"]) == 10
    row = found["valid"].ids[0]
    stored = read_digits(place.root / "mhd_train.pt")
    image = found["valid"].load(0, "image").values  # type: ignore[union-attr]
    assert np.array_equal(image, stored.images[int(row[-5:])])


def test_tensors_stay_on_disk(source: Source) -> None:
    place = source()
    write_both(place.root)
    images = read_digits(place.root / "mhd_test.pt").images
    with Path("/proc/self/maps").open() as maps:
        assert any("mhd_test.pt" in line for line in maps)
    assert not images.flags.owndata


def test_real_recordings_are_read(digits_folder: Path, source: Source) -> None:
    place = replace(source(), root=digits_folder / "mhd_mini")
    found = PairedDigits().collections(place)
    assert [len(found[name]) for name in ("train", "valid", "test")] == [270, 30, 100]
    labels = found["test"].columns["label"]
    assert [labels.count(digit) for digit in range(10)] == [10] * 10
    sound = found["test"].load(0, "sound").values  # type: ignore[union-attr]
    # The speech comes first and silence after it, as in the recordings.
    assert sound[0, :8].mean() > sound[0, 24:].mean() + 0.1
    assert "300 + 100 items of unknown making" in found["test"].columns["variant"][0]
    assert PairedDigits().check(place) == []


# --- what is refused ------------------------------------------------------------------------------


class Trap:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "before torch 1.6"])
def test_code_is_named_and_not_run(tmp_path: Path, legacy: bool) -> None:
    made = tmp_path / "made"
    path = saved(tmp_path / "a.pt", *tensors(some()), {"min": Trap(made)}, {}, legacy=legacy)
    with pytest.raises(DataError, match="needs code to be read") as caught:
        read_digits(path)
    assert f"{os.mkdir.__module__}.mkdir" in caught.value.what
    assert caught.value.where == str(path)
    assert not made.exists()


@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "before torch 1.6"])
def test_code_is_named_in_files_of_other_protocols(tmp_path: Path, legacy: bool) -> None:
    """torch reads no protocol but 2, and does not say what others name."""
    made, path = tmp_path / "made", tmp_path / "a.pt"
    parts = (*tensors(some()), {"min": Trap(made)}, {})
    torch.save(parts, path, pickle_protocol=4, _use_new_zipfile_serialization=not legacy)
    with pytest.raises(DataError, match=rf"names {os.mkdir.__module__}\.mkdir, .*nothing was run"):
        read_digits(path)
    path.write_bytes(pickle.dumps({"min": Trap(made)}))
    with pytest.raises(DataError, match=rf"names {os.mkdir.__module__}\.mkdir"):
        read_digits(path)
    assert not made.exists()


def test_without_code_the_protocol_is_to_blame(tmp_path: Path) -> None:
    parts = (*tensors(some()), {"min": 0.0}, {"min": 0.0})
    torch.save(parts, tmp_path / "a.pt", pickle_protocol=4)
    with pytest.raises(DataError, match="another pickle protocol than 2"):
        read_digits(tmp_path / "a.pt")


def test_a_program_of_torchs_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.pt"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("data.pkl", "constants.pkl", "version"):
            archive.writestr(f"a/{name}", b"3\n")
    with pytest.raises(DataError, match="a TorchScript program; refused"):
        read_digits(path)


def test_a_trainable_tensor_is_a_tensor(tmp_path: Path) -> None:
    digits = some()
    labels, images, *others = tensors(digits)
    trainable = torch.nn.Parameter(images)
    found = read_digits(saved(tmp_path / "a.pt", labels, trainable, *others, {}, {}))
    assert np.array_equal(found.images, digits.images)


def test_a_class_of_somebodys_is_named(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.pt", *tensors(some()), {"min": Path("x")}, {})
    with pytest.raises(DataError, match=r"names pathlib\.\w*Path"):
        read_digits(path)


def relabelled(value: int) -> Any:
    labels = torch.arange(12) % 10
    labels[5] = value
    return labels


@pytest.mark.parametrize(
    ("part", "value", "message"),
    [
        (0, relabelled(10), "label of item 5 is 10, not 0..9"),
        (0, relabelled(-1), "label of item 5 is -1, not 0..9"),
        (0, torch.zeros(12), r"whole numbers \[items\]"),
        (0, torch.zeros(12, 10, dtype=torch.long), r"not int64 \[12, 10\]"),
        (0, torch.zeros(12, dtype=torch.bool), r"whole numbers \[items\], not bool \[12\]"),
        (0, torch.zeros(12, dtype=torch.complex64), r"not complex64 \[12\]"),
        (0, torch.zeros(0, dtype=torch.long), "holds no items"),
        (1, torch.rand(11, 1, 28, 28), "11 images for 12 labels"),
        (1, torch.rand(12, 28, 28), r"images should be floats \[items, 1, 28, 28\], not float32"),
        (2, torch.rand(12, 100, 2), r"trajectories should be floats \[items, 200\]"),
        (2, torch.rand(12, 200).to_sparse(), r"not sparse float32 \[12, 200\]"),
        (2, torch.rand(12, 200, device="meta"), r"not meta float32 \[12, 200\]"),
        (2, torch.rand(13, 200), "13 trajectories for 12 labels"),
        (3, torch.rand(12, 3, 32, 32), r"sounds should be floats \[items, 4, 32, 32\]"),
        (3, torch.zeros(12, 4, 32, 32, dtype=torch.uint8), "not uint8"),
        (3, [1, 2], "not a list"),
        (5, 3.0, "sounds' scale is a float, not a dict"),
    ],
)
def test_what_does_not_fit_is_said(tmp_path: Path, part: int, value: Any, message: str) -> None:
    parts = [*tensors(some()), {"min": 0.0}, {"min": 0.0}]
    parts[part] = value
    path = saved(tmp_path / "a.pt", *parts)
    with pytest.raises(DataError, match=message) as caught:
        read_digits(path)
    assert caught.value.where == str(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "is empty"), (b"no torch" * 9, "no file of torch.save"), (b"PK\3\4", "cut off")],
)
def test_other_bytes_are_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "a.pt"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_digits(path)


def test_a_cut_off_file_and_another_tuple_are_refused(tmp_path: Path) -> None:
    write_digits(tmp_path / "a.pt", some())
    whole = (tmp_path / "a.pt").read_bytes()
    (tmp_path / "a.pt").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match="cut off"):
        read_digits(tmp_path / "a.pt")
    with pytest.raises(DataError, match="a tuple of 2, not a tuple of six: labels, images"):
        read_digits(saved(tmp_path / "b.pt", torch.zeros(2), torch.zeros(2)))


def test_a_file_that_is_not_there_says_where_to_get_it(source: Source) -> None:
    place = source()
    with pytest.raises(DataMissing, match=r"mhd_train\.pt"):
        Mhd().collections(place)
    status = Mhd().status(place)
    assert not status.present
    assert "nexus_pytorch" in status.advice


def test_nan_is_the_items(source: Source) -> None:
    place = source()
    write_both(place.root)
    digits = some(12)
    digits.sounds[4, 1, 2, 3] = np.nan
    write_digits(place.root / "mhd_test.pt", digits)
    test = Mhd().collections(place)["test"]
    with pytest.raises(ItemError, match="sound of item 4 holds NaN"):
        test.load(4, "sound")
    assert [each.item for each in Mhd().check(place)] == ["test-00004"]


@pytest.mark.parametrize("options", [{"valid": 0.0}, {"valid": 1.0}, {"split_seed": -1}])
def test_options_that_make_no_sense_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=next(iter(options))):
        Mhd(**options)


def test_valid_may_not_take_all(source: Source) -> None:
    place = source()
    write_both(place.root, train=2)
    with pytest.raises(DataError, match="leaves none"):
        Mhd(valid=0.9).collections(place)


# --- which set it is ------------------------------------------------------------------------------


def test_paired_recordings_are_not_taken_for_mhd(source: Source) -> None:
    place = source()
    write_both(place.root, made_by="mmbench digits build", variant="paired, seed 3; not MHD")
    with pytest.raises(DataError, match="is not MHD, but made by mmbench digits build"):
        Mhd().collections(place)
    found = PairedDigits().collections(place)["test"]
    assert set(found.columns["variant"]) == {"paired, seed 3; not MHD"}
    write_digits(place.root / "mhd_test.pt", some(12, variant="another"))
    with pytest.raises(DataError, match="not made together"):
        PairedDigits().collections(place)


def test_mhd_is_known_by_its_size(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    place = source()
    write_both(place.root)
    small = Mhd().collections(place)["test"].columns["variant"][0]
    assert small == "30 + 12 items where MHD has 50,000 + 10,000"
    monkeypatch.setattr("mmbench_digits.mhd._OFFICIAL", {"train": 30, "test": 12})
    assert Mhd().collections(place)["test"].columns["variant"][0] == "MHD"
    with pytest.raises(DataError, match="this is MHD by its size"):
        PairedDigits().collections(place)
