"""Upsampling against stored reference maps, torch where there is one, and a loop over pixels."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mmbench.metrics.upsampling import upsample, upsampling_matrix

ORACLE = Path(__file__).parents[1] / "oracles" / "localization_vggss.npz"
RULES = ("torch_bilinear_align_corners", "torch_bicubic_align_corners", "cv2_bilinear")

many = settings(deadline=None)
few = st.sampled_from([-1.0, -0.25, 0.0, 0.5, 1.0, 3.0])
stacks = hnp.arrays(
    np.float32, st.tuples(st.integers(1, 3), st.integers(1, 9), st.integers(1, 9)), elements=few
)


def one_row(row, target, rule):
    """Resample one line pixel by pixel, from the definition."""
    source, out = len(row), []
    for i in range(target):
        if rule == "cv2_bilinear":
            at = (i + 0.5) * source / target - 0.5
        else:
            at = i * (source - 1) / (target - 1) if target > 1 else 0.0
        base = math.floor(at)
        t = at - base
        if rule == "torch_bicubic_align_corners":
            a = -0.75
            weights = {
                -1: a * (t + 1) ** 3 - 5 * a * (t + 1) ** 2 + 8 * a * (t + 1) - 4 * a,
                0: (a + 2) * t**3 - (a + 3) * t**2 + 1,
                1: (a + 2) * (1 - t) ** 3 - (a + 3) * (1 - t) ** 2 + 1,
                2: a * (2 - t) ** 3 - 5 * a * (2 - t) ** 2 + 8 * a * (2 - t) - 4 * a,
            }
        else:
            weights = {0: 1 - t, 1: t}
        out.append(sum(w * row[min(max(base + k, 0), source - 1)] for k, w in weights.items()))
    return np.array(out)


@pytest.mark.parametrize(
    ("rule", "stored"),
    [
        ("torch_bilinear_align_corners", "up_torch_first6_every5"),
        ("cv2_bilinear", "up_cv2_first6_every5"),
    ],
)
def test_stored_reference_maps(rule, stored):
    arrays = np.load(ORACLE)
    found = upsample(arrays["heat14"][:6, 0], 224, rule)
    np.testing.assert_allclose(found[:, ::5, ::5], arrays[stored], rtol=1e-6, atol=1e-6)


def test_bicubic_equals_torch():
    # torch 2.13, interpolate(arange(12).reshape(3, 4) ** 1.5, (5, 6), mode="bicubic",
    # align_corners=True), first and middle row.
    first = "0.0 0.41452980041503906 1.360978364944458 2.303323984146118 3.944576025 5.196152210"
    middle = "8.0 9.566575050354004 12.0128173828125 13.787310600280762 16.560184478 18.520259858"
    expected = [[float(v) for v in row.split()] for row in (first, middle)]
    source = np.arange(12.0).reshape(3, 4) ** 1.5
    rows = upsampling_matrix(3, 5, "torch_bicubic_align_corners")
    columns = upsampling_matrix(4, 6, "torch_bicubic_align_corners")
    np.testing.assert_allclose((rows @ source @ columns.T)[[0, 2]], expected, rtol=1e-6)


@pytest.mark.parametrize("side", [1, 2, 7, 14, 20])
@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
def test_equal_to_torch(side, mode):
    torch = pytest.importorskip("torch", reason="torch is not installed")
    maps = np.random.default_rng(side).normal(size=(2, side, side + 3)).astype(np.float32)
    expected = torch.nn.functional.interpolate(
        torch.from_numpy(maps)[:, None], (224, 224), mode=mode, align_corners=True
    )
    found = upsample(maps, 224, f"torch_{mode}_align_corners")
    np.testing.assert_allclose(found, expected[:, 0].numpy(), atol=2e-5)


@many
@given(maps=stacks, size=st.integers(1, 17), rule=st.sampled_from(RULES))
def test_equal_to_a_loop_over_pixels(maps, size, rule):
    expected = [
        np.apply_along_axis(one_row, 1, np.apply_along_axis(one_row, 0, m, size, rule), size, rule)
        for m in maps
    ]
    np.testing.assert_allclose(upsample(maps, size, rule), expected, atol=1e-5)


@many
@given(maps=stacks, size=st.integers(1, 17), rule=st.sampled_from(RULES))
def test_constants_stay_exactly_constant_and_bilinear_stays_within_bounds(maps, size, rule):
    flat = np.full_like(maps, np.float32(0.1) * (1 + maps[0, 0, 0]))
    assert (upsample(flat, size, rule) == flat[0, 0, 0]).all()
    if rule != "torch_bicubic_align_corners":
        found = upsample(maps, size, rule)
        assert found.min() >= maps.min()
        assert found.max() <= maps.max()


def test_none_passes_maps_of_the_frame_and_refuses_others():
    maps = np.random.default_rng(0).normal(size=(2, 8, 8)).astype(np.float32)
    np.testing.assert_array_equal(upsample(maps, 8, "none"), maps)
    with pytest.raises(ValueError, match="'none' needs maps of 8 px already, but these have 7"):
        upsample(maps[:, :7], 8, "none")


@pytest.mark.parametrize(
    ("shape", "size", "rule", "message"),
    [
        ((2, 8), 8, "none", r"must be \[N, h, w\]"),
        ((1, 4, 4), 8, "nearest", "unknown upsampling 'nearest'"),
        ((1, 0, 4), 8, "cv2_bilinear", "at least 1"),
    ],
)
def test_bad_input_is_refused(shape, size, rule, message):
    with pytest.raises(ValueError, match=message):
        upsample(np.zeros(shape), size, rule)
