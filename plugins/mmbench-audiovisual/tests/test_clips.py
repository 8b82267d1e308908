"""Parts of recordings."""

from __future__ import annotations

import numpy as np
import pytest

from mmbench.api import UsageError
from mmbench_audiovisual.clips import WHOLE, Clip


def cut(clip: Clip, total: int, rate: int = 10) -> list[int]:
    """Which samples are taken, counted from 1; 0 stands for silence."""
    samples = np.arange(1, total + 1, dtype=np.float32)[None]
    first, last = clip.span(total, rate)
    return clip.fill(samples[:, first:last], rate)[0].astype(int).tolist()


def test_all_of_it() -> None:
    assert cut(WHOLE, 7) == [1, 2, 3, 4, 5, 6, 7]


def test_first_and_centre_seconds() -> None:
    assert cut(Clip("first", 0.3), 10) == [1, 2, 3]
    assert cut(Clip("centre", 0.4), 10) == [4, 5, 6, 7]


@pytest.mark.parametrize("part", ["first", "centre"])
def test_what_is_short_is_kept_repeated_or_filled_up(part: str) -> None:
    assert cut(Clip(part, 0.8, "keep"), 3) == [1, 2, 3]
    assert cut(Clip(part, 0.8, "tile"), 3) == [1, 2, 3, 1, 2, 3, 1, 2]
    assert cut(Clip(part, 0.8, "zeros"), 3) == [1, 2, 3, 0, 0, 0, 0, 0]


def test_centre_is_ez_vsls() -> None:
    # start = max(duration / 2 - 1.5, 0), then 3 s from there, repeated where there are fewer
    rate, total = 100, 1001
    start = round((total / rate / 2 - 1.5) * rate)
    assert cut(Clip("centre", 3.0, "tile"), total, rate) == list(range(start + 1, start + 301))


def test_a_section_of_a_long_recording() -> None:
    clip = Clip("first", 0.4, "zeros", start=0.5, length=0.4)
    assert cut(clip, 10) == [6, 7, 8, 9]
    assert cut(clip, 7) == [6, 7, 0, 0]
    assert clip.until == pytest.approx(0.9)


def test_keys_tell_clips_apart_and_ignore_what_has_no_meaning() -> None:
    clips = [
        WHOLE,
        Clip("first", 3.0),
        Clip("centre", 3.0),
        Clip("centre", 10.0),
        Clip("centre", 3.0, "tile"),
        Clip("centre", 3.0, "tile", start=1.0),
        Clip("centre", 3.0, "tile", start=1.0, length=5.0),
    ]
    assert len({clip.key for clip in clips}) == len(clips)
    assert Clip("full", 3.0, "tile").key == WHOLE.key


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("nan"), float("inf")])
def test_seconds_are_possible(seconds: float) -> None:
    with pytest.raises(UsageError, match="a clip lasts"):
        Clip("first", seconds)
