"""Made-up CMU-MOSEI and CMU-MOSI: MulT's and MMSA's pickles, the SDK's files, and a fold list."""

from __future__ import annotations

import json
import pickle
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from mmbench_affect.sample_features import Opinions, labels, share, video_name

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from mmbench_affect.layouts import Layout

__all__ = ["write_sample"]

#: Width of each stream by dataset: MulT's pickles and the SDK's files; MMSA's have BERT's 768.
_WIDTHS = {
    "cmu-mosei": {"text": 300, "audio": 74, "vision": 35},
    "cmu-mosi": {"text": 300, "audio": 5, "vision": 20},
}
_BERT = 768
_STEPS = 50
_UNALIGNED = {"text": 50, "audio": 60, "vision": 40}  # truly 500 and 375: samples are small
_PROTOCOL = 4


@dataclass(frozen=True)
class _Said:
    """One utterance: its video, its number there, when, what, and how it is meant."""

    video: str
    clip: int
    start: float
    label: float
    words: list[str]

    @property
    def end(self) -> float:
        return self.start + 0.5 * len(self.words)


def write_sample(root: Path, name: str, layout: Layout, *, items: int, seed: int) -> None:
    """Write ``items`` utterances, at least six, in every layout."""
    rng = np.random.default_rng(seed)
    widths = _WIDTHS[name]
    opinions = Opinions.invent(widths, rng)
    splits = {split: _say(count, opinions, rng) for split, count in share(items).items()}
    bert = Opinions.invent({**widths, "text": _BERT}, rng)
    even = dict.fromkeys(widths, _STEPS)
    for variant, how, steps in (
        ("mult", opinions, even),
        ("mult-noalign", opinions, _UNALIGNED),
        ("mmsa", bert, even),
        ("mmsa-unaligned", bert, _UNALIGNED),
    ):
        table = {
            split: _table(said, how, steps, rng, mmsa=variant.startswith("mmsa"), name=name)
            for split, said in splits.items()
        }
        if variant == "mult":
            _spoil(table)
        with (root / layout.pickles[variant]).open("wb") as file:
            pickle.dump(table, file, _PROTOCOL)
    _write_csd(root, layout, opinions, splits, rng)
    videos = {split: sorted({each.video for each in said}) for split, said in splits.items()}
    (root / layout.folds[0]).write_text(json.dumps(videos, indent=1), "utf-8")


def _say(count: int, opinions: Opinions, rng: np.random.Generator) -> list[_Said]:
    """Utterances, two in a video."""
    found: list[_Said] = []
    for number, label in enumerate(labels(count, rng)):
        later = number % 2
        video = found[-1].video if later else video_name(rng)
        start = found[-1].end + 1.0 if later else 0.5
        words = opinions.words(label, int(rng.integers(4, 12)), rng)
        found.append(_Said(video, later, start, label, words))
    return found


def _table(
    said: list[_Said], opinions: Opinions, steps: dict[str, int], rng: np.random.Generator, *,
    mmsa: bool, name: str,
) -> dict[str, Any]:  # fmt: skip
    """One split of a pickle: MulT pads in front, MMSA behind."""
    table: dict[str, Any] = {}
    for stream, longest in steps.items():
        width = len(opinions.axes[stream])
        values = np.zeros((len(said), longest, width), dtype=np.float32)
        lengths = []
        for row, each in enumerate(said):
            many = 1 if longest == _STEPS else 3
            length = min(len(each.words) * many, longest)
            place = slice(0, length) if mmsa else slice(longest - length, longest)
            values[row, place] = opinions.steps(stream, each.label, length, rng)
            lengths.append(length)
        table[stream] = values
        if mmsa and stream != "text" and longest != _STEPS:
            table[f"{stream}_lengths"] = lengths
    meant = np.array([each.label for each in said], dtype=np.float32)
    if mmsa:
        table["id"] = [f"{each.video}$_${each.clip}" for each in said]
        table["raw_text"] = np.array([" ".join(each.words) for each in said], dtype=object)
        table["regression_labels"] = meant
        return table
    table["labels"] = meant.reshape(-1, 1, 1)
    rows = [(each.video, f"{each.start:.3f}", f"{each.end:.3f}") for each in said]
    if name == "cmu-mosi":  # rows of bytes
        table["id"] = np.array([[part.encode() for part in row] for row in rows], dtype=object)
    else:
        table["id"] = np.array(rows)
    return table


def _spoil(table: dict[str, Any]) -> None:
    """COVAREP's -inf in one training and one test utterance, as the true files have it."""
    for split in ("train", "test"):
        table[split]["audio"][0, -1, :2] = -np.inf


def _write_csd(
    root: Path, layout: Layout, opinions: Opinions, splits: dict[str, list[_Said]],
    rng: np.random.Generator,
) -> None:  # fmt: skip
    """One file a modality, keys are videos: words at their times, frames ten a second."""
    videos: dict[str, list[_Said]] = {}
    for said in splits.values():
        for each in said:
            videos.setdefault(each.video, []).append(each)
    tables: dict[str, dict[str, tuple[NDArray[Any], NDArray[Any]]]] = {
        name: {} for name in layout.csd
    }
    for video, said in videos.items():
        words = [(each, at, word) for each in said for at, word in enumerate(each.words)]
        times = np.array([_times(each, at) for each, at, _ in words])
        spoken = np.array([[word.encode()] for _, _, word in words], dtype="S16")
        tables["words"][video] = times, spoken
        text = [opinions.steps("text", each.label, 1, rng)[0] for each, _, _ in words]
        tables["text"][video] = times, np.stack(text)
        seconds = np.arange(0.0, said[-1].end + 0.5, 0.1)
        for stream in ("audio", "vision"):
            loud = [next((e.label for e in said if e.start <= t < e.end), 0.0) for t in seconds]
            frames = [opinions.steps(stream, label, 1, rng)[0] for label in loud]
            tables[stream][video] = np.stack([seconds, seconds + 0.1], axis=1), np.stack(frames)
        meant = np.array([[each.label, *([0.0] * 6)] for each in said])
        tables["labels"][video] = np.array([(each.start, each.end) for each in said]), meant
    for name, table in tables.items():
        file_name = layout.csd[name][0]
        with h5py.File(root / file_name, "w", track_order=False) as file:
            data = file.create_group(f"{file_name.removesuffix('.csd')}/data")
            for video, (times, values) in table.items():
                group = data.create_group(video)
                group.create_dataset("intervals", data=times, track_times=False)
                group.create_dataset("features", data=values, track_times=False)


def _times(said: _Said, word: int) -> tuple[float, float]:
    return said.start + 0.5 * word, said.start + 0.5 * (word + 1)
