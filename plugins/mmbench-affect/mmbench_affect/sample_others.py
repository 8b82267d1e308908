"""Made-up utterance vectors of CMU-MOSI, and made-up sequences in MFN's files."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from mmbench_affect.sample_features import Opinions, labels, share, video_name
from mmbench_affect.sequence_files import FILES, PARTS

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = ["write_sequences", "write_utterances"]

_UTTERANCE = {"text": 100, "audio": 73, "vision": 100}
_SEQUENCE = {"text": 300, "audio": 74, "vision": 36}
_STEPS = 20


def write_utterances(root: Path, *, items: int, seed: int) -> None:
    """Write the repository's tables, two utterances a video, and CMU-MOSI's ``label.csv``.

    The repository has two splits: what would be ``valid`` is in its training part.
    """
    rng = np.random.default_rng(seed)
    opinions = Opinions.invent(_UTTERANCE, rng)
    counts = share(items)
    parts = {"train": counts["train"] + counts["valid"], "test": counts["test"]}
    folder = root / "utterance"
    transcripts: list[list[str]] = []
    scores = [["id", "text", "label", "mode"]]
    for split, count in parts.items():
        tables: dict[str, list[list[Any]]] = {name: [] for name in _UTTERANCE}
        index = []
        for number, label in enumerate(labels(count, rng)):
            video = transcripts[-1][0].rpartition("_")[0] if number % 2 else video_name(rng)
            item = f"{video}_{number % 2 + 1}"
            words = " ".join(opinions.words(label, 6, rng))
            index.append([len(transcripts)])
            transcripts.append([item, words.upper()])
            official = "dev" if split == "train" and number % 8 < 2 else split
            scores.append([item, words, f"{label:g}", official])
            for name, rows in tables.items():
                values = opinions.steps(name, label, 1, rng)[0]
                rows.append([*(f"{value:.6g}" for value in values), int(label > 0)])
        _write(folder / f"text_{split}.csv", index)
        for name, rows in tables.items():
            prefix = "video" if name == "vision" else name
            _write(folder / prefix / f"{prefix}_{split}0.csv", rows)
    _write(folder / "transcripts.csv", transcripts)
    _write(root / "label.csv", scores)


def write_sequences(root: Path, name: str, *, items: int, seed: int) -> None:
    """Write the parts ``test`` and ``valid``: at least ten items, a third in ``valid``."""
    rng = np.random.default_rng(seed)
    opinions = Opinions.invent(_SEQUENCE, rng)
    total = max(items, 10)
    for part in PARTS:
        count = total // 3 if part == "valid" else total - total // 3
        meant = rng.integers(0, 3, count)
        arrays: dict[str, Any] = {
            stream: np.zeros((count, _STEPS, width)) for stream, width in _SEQUENCE.items()
        }
        for row, each in enumerate(meant):
            length = int(rng.integers(5, _STEPS + 1))
            for stream, array in arrays.items():
                array[row, _STEPS - length :] = opinions.steps(stream, float(each) - 1, length, rng)
        if name == "youtube-sentiment":
            arrays["y"] = np.eye(3, dtype=np.float32)[meant]
        else:
            arrays["y"] = np.array([1.3, 2.7, 4.7])[meant]
        for stream, array in arrays.items():
            with h5py.File(root / FILES[stream].format(part), "w", track_order=False) as file:
                file.create_dataset("d1", data=array, track_times=False)


def _write(path: Path, rows: Iterable[list[Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)
