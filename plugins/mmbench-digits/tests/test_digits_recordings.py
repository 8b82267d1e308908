"""Recordings and the pairs made of them: the recipe of mhd_mini, and what the splits share."""

from __future__ import annotations

import gzip
import json
import struct
import wave
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from mmbench.api import DataError, DataMissing, MmbenchError, UsageError
from mmbench_digits.archives import read_digits
from mmbench_digits.pairing import Recipe, build
from mmbench_digits.sources import images_of, recorded_sounds, sound_of, trajectories_of
from mmbench_digits.spectrogram import RATE, doubled, mel_spectrogram

if TYPE_CHECKING:
    from collections.abc import Callable

SPEAKERS = ("ann", "bob", "cat")


def write_wav(path: Path, samples: Any, rate: int = 8000, channels: int = 1) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((np.asarray(samples) * 32767).astype("<i2").tobytes())


def write_idx(path: Path, magic: int, values: Any) -> None:
    header = struct.pack(f">{1 + values.ndim}I", magic, *values.shape)
    path.write_bytes(gzip.compress(header + values.astype(np.uint8).tobytes()))


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Ten made-up recordings a digit and source: images by brightness, tones, and lines."""
    root = tmp_path_factory.mktemp("sources")
    rng = np.random.default_rng(0)
    found = {name: root / name for name in ("mnist", "fsdd", "pendigits")}
    for folder in found.values():
        folder.mkdir()
    labels = np.arange(200) % 10
    pixels = rng.integers(0, 256, (200, 28, 28))
    write_idx(found["mnist"] / "t10k-images-idx3-ubyte.gz", 2051, pixels)
    write_idx(found["mnist"] / "t10k-labels-idx1-ubyte.gz", 2049, labels)
    times = np.arange(2400) / 8000
    for digit in range(10):
        for pitch, speaker in enumerate(SPEAKERS):
            tone = 0.5 * np.sin(2 * np.pi * (300 + 150 * digit + 20 * pitch) * times)
            for take in range(2):
                write_wav(
                    found["fsdd"] / f"{digit}_{speaker}_{take}.wav",
                    tone * (1 - 0.3 * take) + 0.001 * rng.standard_normal(len(times)),
                )
    for name in ("tra", "tes"):
        lines = [
            ", ".join(map(str, [*rng.integers(0, 101, 16), digit]))
            for digit in range(10)
            for _ in range(8)
        ]
        (found["pendigits"] / f"pendigits.{name}").write_text("\n".join(lines) + "\n", "ascii")
    return found


Made = tuple[Path, Any]


@pytest.fixture(scope="module")
def made(folders: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Made:
    out = tmp_path_factory.mktemp("made") / "paired_digits"
    return out, build(**folders, out=out, recipe=Recipe(train=6, test=2, seed=1))


def rows_of(out: Path, split: str) -> list[list[Any]]:
    rows: list[list[Any]] = json.loads((out / f"mhd_{split}_sources.json").read_text())["rows"]
    return rows


# --- pairs ----------------------------------------------------------------------------------------


def test_everything_in_an_item_is_of_its_digit(folders: dict[str, Path], made: Made) -> None:
    out, built = made
    images, digits = images_of(folders["mnist"])
    assert built.items == {"train": 60, "test": 20}
    for split, ending in (("train", "tra"), ("test", "tes")):
        pens, written = trajectories_of(folders["pendigits"] / f"pendigits.{ending}")
        stored = read_digits(out / f"mhd_{split}.pt")
        rows = rows_of(out, split)
        assert np.bincount(stored.labels).tolist() == [len(rows) // 10] * 10
        low, high = stored.sound_scale["min"], stored.sound_scale["max"]
        for row, (digit, image, pen, name) in enumerate(rows):
            assert stored.labels[row] == digits[image] == written[pen] == int(name[0]) == digit
            assert np.array_equal(stored.images[row], images[image])
            assert np.array_equal(stored.trajectories[row], pens[pen])
            decibels = stored.sounds[row].reshape(128, 32) * (high - low) + low
            assert decibels == pytest.approx(sound_of(folders["fsdd"] / name), abs=1e-3)


def test_splits_share_no_speaker_writer_or_image(made: Made) -> None:
    out, built = made
    rows = {split: rows_of(out, split) for split in ("train", "test")}
    speakers = {split: {row[3].split("_")[1] for row in rows[split]} for split in rows}
    assert speakers["test"] == set(built.test_speakers)
    assert not speakers["train"] & speakers["test"]
    assert len(built.test_speakers) == 2
    images = {split: [row[1] for row in rows[split]] for split in rows}
    assert max(images["train"]) < 100 <= min(images["test"])
    for listed in rows.values():
        for column in (1, 2):
            used = [row[column] for row in listed]
            assert len(set(used)) == len(used)


def test_sounds_go_round_evenly_and_the_note_says_so(made: Made) -> None:
    out, built = made
    used = [row[3] for row in rows_of(out, "train")]
    counts = {name: used.count(name) for name in used}
    assert set(counts.values()) == {3}  # one speaker, two takes, six items a digit
    assert built.repeats == {"train": 3, "test": 1}
    note = (out / "NOTE.txt").read_text("utf-8")
    assert note == built.note == read_digits(out / "mhd_test.pt").sound_scale["note"]
    for said in ("not the MHD data set", "up to 3 training", "MNIST's test images"):
        assert said in note
    assert all(speaker in note for speaker in built.test_speakers)


def test_sounds_are_scaled_by_the_training_items(made: Made) -> None:
    train, test = (read_digits(made[0] / f"mhd_{split}.pt") for split in ("train", "test"))
    assert (train.sounds.min(), train.sounds.max()) == (0.0, 1.0)
    assert train.sound_scale == test.sound_scale
    assert "seed 1; not MHD" in str(train.sound_scale["variant"])


def test_the_seed_makes_the_files(folders: dict[str, Path], made: Made, tmp_path: Path) -> None:
    for name, seed in (("same", 1), ("other", 2)):
        build(**folders, out=tmp_path / name, recipe=Recipe(train=6, test=2, seed=seed))
    for file in ("mhd_train.pt", "mhd_test.pt", "mhd_train_sources.json", "NOTE.txt"):
        content = (made[0] / file).read_bytes()
        assert (tmp_path / "same" / file).read_bytes() == content
        assert (tmp_path / "other" / file).read_bytes() != content


def test_halves_may_be_drawn_and_speakers_named(folders: dict[str, Path], tmp_path: Path) -> None:
    recipe = Recipe(train=2, test=2, halves="random", test_speakers=("bob",))
    built = build(**folders, out=tmp_path, recipe=recipe)
    rows = {split: {row[1] for row in rows_of(tmp_path, split)} for split in ("train", "test")}
    assert min(rows["test"]) < 100
    assert not rows["train"] & rows["test"]
    assert built.test_speakers == ("bob",)
    assert "bob speaks in the test items" in built.note
    assert "t10k by random" in str(read_digits(tmp_path / "mhd_test.pt").sound_scale["variant"])


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        ({"test_speakers": ("eve",)}, "no recording is of 'eve'"),
        ({"test_speakers": SPEAKERS}, "3 of 3 speakers"),
        ({"train": 9}, "8 trajectories of the digit 0 to train with, fewer than 9"),
        ({"test": 11}, "10 images of the digit 0 to test with"),
    ],
)
def test_a_recipe_that_can_not_be_followed(
    folders: dict[str, Path], tmp_path: Path, recipe: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        build(**folders, out=tmp_path, recipe=Recipe(**{"train": 2, "test": 2, **recipe}))
    assert not list(tmp_path.iterdir())


def test_nothing_is_overwritten(folders: dict[str, Path], made: Made) -> None:
    with pytest.raises(UsageError, match="has such files already"):
        build(**folders, out=made[0], recipe=Recipe(train=1, test=1))
    with pytest.raises(UsageError, match="train must be at least 1"):
        Recipe(train=0)
    with pytest.raises(UsageError, match="is no folder"):
        build(**folders, out=made[0] / "NOTE.txt", recipe=Recipe(train=1, test=1))


# --- spectrograms ---------------------------------------------------------------------------------


def test_the_recipe_is_mhd_minis(digits_folder: Path) -> None:
    """Images, trajectories and spectrograms of one source row are those of the stored set."""
    images, _ = images_of(digits_folder / "mnist")
    largest = 0.0
    for split, ending in (("train", "tra"), ("test", "tes")):
        stored = read_digits(digits_folder / "mhd_mini" / f"mhd_{split}.pt")
        listed = json.loads((digits_folder / "mhd_mini" / f"mhd_{split}_sources.json").read_text())
        pens, _ = trajectories_of(digits_folder / "pendigits" / f"pendigits.{ending}")
        low, high = stored.sound_scale["min"], stored.sound_scale["max"]
        for row, (image, pen, name) in enumerate(
            listed["sources_mnist_index_pendigits_row_fsdd_file"][:20]
        ):
            assert stored.images[row] == pytest.approx(images[image], abs=1e-7)
            assert stored.trajectories[row] == pytest.approx(pens[pen], abs=2e-7)
            decibels = stored.sounds[row].reshape(128, 32).astype(np.float64) * (high - low) + low
            own = sound_of(digits_folder / "fsdd" / "recordings" / name)
            largest = max(largest, float(np.abs(own - decibels).max()))
    assert largest < 1e-4  # decibels, of a scale of 132: what float32 keeps


def test_a_tone_is_in_its_band_while_it_sounds() -> None:
    times = np.arange(RATE // 2) / RATE
    found = mel_spectrogram(np.sin(2 * np.pi * 1000 * times))
    assert found.shape == (128, 32)
    # 1 kHz is 15 mel on Slaney's scale, whose 8 kHz are 45.2: band 15 / 45.2 * 129 - 1.
    assert abs(int(found[:, 8].argmax()) - 41.8) < 1.5
    assert (found[:, 20:] == -100.0).all()
    assert found[:, 8].max() > 0


def test_doubling_keeps_a_tone() -> None:
    times = np.arange(4000) / 8000
    tone = np.sin(2 * np.pi * 440 * times)
    found = doubled(tone)
    wanted = np.sin(2 * np.pi * 440 * np.arange(8000) / 16000)
    assert found[100:-100] == pytest.approx(wanted[100:-100], abs=2e-3)
    assert found[::2][20:-20] == pytest.approx(tone[20:-20], abs=2e-3)


def test_only_the_first_second_counts() -> None:
    rng = np.random.default_rng(0)
    long = rng.standard_normal(20_000)
    assert np.array_equal(mel_spectrogram(long), mel_spectrogram(long[:RATE]))


# --- broken sources -------------------------------------------------------------------------------


def broken_wav(path: Path) -> None:
    path.write_bytes(b"RIFF")


def cut_off(path: Path, bytes_: int) -> None:
    write_wav(path, np.zeros(800))
    path.write_bytes(path.read_bytes()[:-bytes_])


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (broken_wav, "no wav file"),
        (lambda path: write_wav(path, np.zeros(800), channels=2), "2 channels of 16 bits"),
        (lambda path: write_wav(path, np.zeros(800), rate=44100), "at 44100 Hz"),
        (lambda path: write_wav(path, []), "0 bytes"),
        (lambda path: cut_off(path, 101), "cut off: 800 samples"),
        (lambda path: cut_off(path, 100), "cut off: 800 samples"),
    ],
)
def test_another_sound_is_refused(
    tmp_path: Path, write: Callable[[Path], None], message: str
) -> None:
    path = tmp_path / "0_ann_0.wav"
    write(path)
    with pytest.raises(DataError, match=message) as caught:
        sound_of(path)
    assert caught.value.where == str(path)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("1,2,3\n", ":1: is not seventeen"),
        ("0," * 16 + "3\n" + "0," * 15 + "101,3\n", ":2: is not sixteen numbers in 0..100"),
        ("0," * 16 + "10\n", "and a digit"),
        ("a," * 16 + "1\n", "whole numbers"),
        ("\n", "is empty"),
    ],
)
def test_another_table_is_refused(tmp_path: Path, lines: str, message: str) -> None:
    path = tmp_path / "pendigits.tra"
    path.write_text(lines, "ascii")
    with pytest.raises(DataError, match=message):
        trajectories_of(path)


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (b"junk", b"junk", "no gzip file"),
        (gzip.compress(b"\0" * 16), b"", "is not MNIST's"),
        (gzip.compress(b"abc"), b"", "is not MNIST's: it begins with 616263"),
        (gzip.compress(struct.pack(">4I", 2051, 2, 28, 28) + b"\0" * 784), b"", "not hold 2 items"),
        (
            gzip.compress(struct.pack(">4I", 2051, 1, 28, 28) + b"\0" * 784),
            gzip.compress(struct.pack(">2I", 2049, 2) + b"\1\2"),
            "1 images for 2 labels",
        ),
    ],
)
def test_other_images_are_refused(
    tmp_path: Path, images: bytes, labels: bytes, message: str
) -> None:
    (tmp_path / "t10k-images-idx3-ubyte.gz").write_bytes(images)
    (tmp_path / "t10k-labels-idx1-ubyte.gz").write_bytes(labels)
    with pytest.raises(DataError, match=message):
        images_of(tmp_path)


@pytest.mark.parametrize(
    "read", [images_of, recorded_sounds, lambda path: trajectories_of(path / "a")]
)
def test_what_is_not_there_says_what_to_get(tmp_path: Path, read: Callable[[Path], Any]) -> None:
    with pytest.raises(DataMissing) as caught:
        read(tmp_path)
    assert isinstance(caught.value, MmbenchError)
    assert "get " in caught.value.fix
