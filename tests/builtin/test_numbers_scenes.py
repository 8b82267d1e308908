"""Scenes: the boxes hold the ink, the sounding digit is where its box is, or truly absent."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from numbers_samples import peaks

from mmbench.builtin.numbers import dtmf, words
from mmbench.builtin.numbers.scenes import CANVAS, GRAIN, INK

SCENES = ["scenes-valid", "scenes-test", "scenes-silent"]


def pixels(box) -> tuple[slice, slice]:
    corners = np.array(box) * CANVAS
    np.testing.assert_allclose(corners, np.rint(corners), atol=1e-9)
    x1, y1, x2, y2 = np.rint(corners).astype(int)
    return np.s_[y1:y2, x1:x2]


@pytest.mark.parametrize("name", SCENES)
def test_boxes_hold_all_ink_and_nothing_but(world, name):
    scenes = world[name]
    for row in range(len(scenes)):
        picture = scenes.load(row, "image").pixels[:, :, 0]
        ink = picture >= INK
        assert (picture < GRAIN).mean() > 0.5
        for box in scenes.columns["objects"][row]:
            inside = ink[pixels(box)]
            assert inside[0].any()
            assert inside[-1].any()
            assert inside[:, 0].any()
            assert inside[:, -1].any()
        for box in scenes.columns["objects"][row]:
            ink[pixels(box)] = False
        assert not ink.any()


@pytest.mark.parametrize("name", SCENES)
def test_three_to_five_different_digits_that_do_not_overlap(world, name):
    scenes = world[name]
    assert len(scenes) in (100, 200)
    counts = set()
    for row in range(len(scenes)):
        shown = scenes.columns["shown"][row]
        counts.add(len(shown))
        assert len(set(shown)) == len(shown) == len(scenes.columns["objects"][row])
        for a, b in combinations(scenes.columns["objects"][row], 2):
            assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]
    assert counts == {3, 4, 5}


@pytest.mark.parametrize("name", ["scenes-valid", "scenes-test"])
def test_the_sounding_digit_has_the_box(world, name):
    columns = world[name].columns
    for digit, label, boxes, objects, shown in zip(
        *(columns[c] for c in ("digit", "label", "boxes", "objects", "shown")), strict=True
    ):
        assert boxes == [objects[shown.index(digit)]]
        assert label == words.DIGITS[digit]


def test_in_silent_scenes_the_digit_is_absent(world):
    columns = world["scenes-silent"].columns
    assert all(boxes == [] for boxes in columns["boxes"])
    assert not any(d in s for d, s in zip(columns["digit"], columns["shown"], strict=True))


@pytest.mark.parametrize("name", SCENES)
def test_the_sound_is_the_digit(world, name):
    scenes = world[name]
    for row in range(0, len(scenes), 5):
        heard = peaks(scenes.load(row, "audio").samples[0])
        expected = dtmf.FREQUENCIES[scenes.columns["digit"][row]]
        assert heard == pytest.approx(list(expected), abs=12)


def test_neither_size_nor_digit_gives_the_sounding_one_away(world):
    columns = world["scenes-test"].columns
    ranks = []
    for boxes, objects in zip(columns["boxes"], columns["objects"], strict=True):
        areas = [(x2 - x1) * (y2 - y1) for x1, y1, x2, y2 in objects]
        (box,) = boxes
        ranks.append(np.mean(np.array(areas) < areas[objects.index(box)]))
    assert np.mean(ranks) == pytest.approx(0.375, abs=0.08)  # (k - 1) / 2k for k = 3, 4, 5
    for name in SCENES:
        assert np.bincount(world[name].columns["digit"], minlength=10).min() >= 3
