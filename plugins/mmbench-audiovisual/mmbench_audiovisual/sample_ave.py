"""A made-up AVE in the layout of its zip file: true mp4 files with sound, lists with a header."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mmbench_audiovisual.layouts import AVE_ANNOTATIONS, AVE_HEADER, AVE_SPLITS
from mmbench_audiovisual.sample_media import invent, paint, play, save_mp4, video_id

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["write_ave"]

_CATEGORIES = ("Church bell", "Male speech, man speaking", "Bark", "Violin, fiddle")
_ORDER = ("test", "train", "test", "valid")
_WIDTH, _HEIGHT, _FPS, _RATE = 64, 48, 4, 16_000


def write_ave(root: Path, *, items: int, seed: int) -> None:
    """Write ``items`` events; half of them are test, and of eight one is its video's second.

    The thing is in the picture while its event lasts, so that it matters which frame is taken.
    """
    rng = np.random.default_rng(seed)
    lines: dict[str, list[str]] = {"all": [], **{split: [] for split in AVE_SPLITS}}
    last = ""
    for item in range(items):
        kind = item // len(_ORDER) % len(_CATEGORIES)
        split = _ORDER[item % len(_ORDER)]
        thing = invent(kind, len(_CATEGORIES), rng)
        start = int(rng.integers(0, 7))
        end = int(rng.integers(start + 2, 11))
        video = video_id(rng)
        if item % 8 == 6:  # another event of the test video before the last
            video, start, end = last, *((0, 2) if start else (8, 10))
            line = f"{_CATEGORIES[(kind + 1) % len(_CATEGORIES)]}&{video}&good&{start}&{end}"
        else:
            empty = paint(None, _WIDTH, _HEIGHT, thing.seed)
            shown = paint(thing, _WIDTH, _HEIGHT)
            frames = [
                shown if start * _FPS <= number < end * _FPS else empty
                for number in range(10 * _FPS)
            ]
            channels = 1 + item % 2
            sound = play(thing, 10, _RATE, channels)
            save_mp4(root / "AVE" / f"{video}.mp4", frames, _FPS, sound, _RATE)
            line = f"{_CATEGORIES[kind]}&{video}&good&{start}&{end}"
        if split == "test":
            last = video
        lines["all"].append(line)
        lines[split].append(line)
    _write(root / AVE_ANNOTATIONS, [AVE_HEADER, *lines["all"]])
    for split, place in AVE_SPLITS.items():
        if lines[split]:
            _write(root / place, lines[split])


def _write(path: Path, lines: list[str]) -> None:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", newline="")
