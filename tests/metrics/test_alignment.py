"""Modality gap, alignment and uniformity against their formulas and scipy's pairwise distances."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.spatial.distance import pdist

from mmbench.metrics import alignment as module
from mmbench.metrics.aggregation import aggregate
from mmbench.metrics.alignment import (
    NO_INTERVAL,
    alignment,
    gap_vector,
    modality_gap,
    pair_distances,
    uniformity,
)

many = settings(deadline=None)
entries = st.sampled_from([-1.0, -0.5, 0.0, 0.5, 1.0, 2.0])


def unit(x):
    return x / np.linalg.norm(x, axis=1, keepdims=True)


@st.composite
def pairs(draw, smallest=1):
    shape = (draw(st.integers(smallest, 64)), draw(st.integers(1, 5)))
    x, y = (draw(hnp.arrays(np.float64, shape, elements=entries)) for _ in range(2))
    assume(np.abs(x).sum(axis=1).all())
    assume(np.abs(y).sum(axis=1).all())
    return x, y


@many
@given(pairs())
def test_gap_and_alignment_are_their_formulas(pair):
    x, y = pair
    expected = unit(x).mean(axis=0) - unit(y).mean(axis=0)
    np.testing.assert_allclose(gap_vector(x, y), expected, atol=1e-12)
    assert modality_gap(x, y) == pytest.approx(np.linalg.norm(expected), abs=1e-12)
    distances = np.linalg.norm(unit(x) - unit(y), axis=1)
    for alpha in (1.0, 2.0):
        column = pair_distances(x, y, alpha=alpha)
        np.testing.assert_allclose(column, distances**alpha, atol=1e-7)
        assert alignment(x, y, alpha=alpha) == pytest.approx(aggregate("mean", [column]))
    assert 0 <= modality_gap(x, y) <= 2
    assert 0 <= alignment(x, y) <= 4


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("width", [2, 3, 7, 64])
def test_rounding_does_not_pass_the_bounds(width, dtype):
    for seed in range(20):
        x = np.tile(np.random.default_rng(seed).normal(size=width), (9, 1)).astype(dtype)
        assert modality_gap(x, -x) <= 2
        for alpha in (1.0, 2.0, 50.0):
            assert pair_distances(x, -x, alpha=alpha).max() <= 2**alpha
        assert -1e-5 <= uniformity(x) <= 0
        assert -32 <= uniformity(np.stack([x[0], -x[0]]), t=8.0) <= 0


@many
@given(pairs(smallest=2), st.sampled_from([0.5, 2.0, 8.0]), st.sampled_from([1, 3, 1024]))
def test_blocked_uniformity_is_the_naive_one(pair, t, block):
    x, _ = pair
    naive = np.log(np.mean(np.exp(-t * pdist(unit(x)) ** 2)))
    original = module._BLOCK
    module._BLOCK = block
    try:
        value = uniformity(x, t=t)
    finally:
        module._BLOCK = original
    assert value == pytest.approx(naive, abs=1e-9)
    assert -4 * t - 1e-9 <= value <= 1e-9


@many
@given(pairs(smallest=2), st.randoms(use_true_random=False), st.sampled_from([0.25, 4.0]))
def test_order_and_length_of_vectors_do_not_matter(pair, random, scale):
    x, y = pair
    order = list(range(len(x)))
    random.shuffle(order)
    for score in (alignment, modality_gap):
        assert score(scale * x[order], y[order]) == pytest.approx(score(x, y), abs=1e-9)
    assert uniformity(scale * x[order]) == pytest.approx(uniformity(x), abs=1e-9)


@many
@given(pairs())
def test_moving_a_pair_together_improves_alignment(pair):
    x, y = pair
    mended = y.copy()
    mended[0] = 3.0 * x[0]
    assert alignment(x, mended) <= alignment(x, y) + 1e-12
    assert alignment(x, 2.0 * x) == pytest.approx(0.0, abs=1e-12)
    assert modality_gap(x, 2.0 * x) == pytest.approx(0.0, abs=1e-12)


def test_hand_worked_values():
    right, up = np.array([[3.0, 0.0]]), np.array([[0.0, 0.5]])
    assert modality_gap(right, up) == pytest.approx(math.sqrt(2))
    assert alignment(right, up) == pytest.approx(2.0)
    assert alignment(right, up, alpha=1.0) == pytest.approx(math.sqrt(2))
    assert uniformity(np.concatenate([right, -right])) == pytest.approx(-8.0)
    assert uniformity(np.ones((5, 3))) == pytest.approx(0.0, abs=1e-12)


def test_a_narrow_kernel_does_not_underflow():
    x = np.array([[1.0, 0.0], [-1.0, 0.0]], dtype=np.float32)
    assert uniformity(x, t=100.0) == pytest.approx(-400.0)


def test_spread_directions_are_more_uniform_than_a_cone():
    rng = np.random.default_rng(0)
    spread = rng.normal(size=(3_000, 16)).astype(np.float32)
    assert uniformity(spread) < uniformity(spread + 2.0) < 0
    naive = np.log(np.mean(np.exp(-2 * pdist(unit(spread.astype(np.float64))) ** 2)))
    assert uniformity(spread) == pytest.approx(naive, abs=1e-5)


def test_torch_arrays_score_as_numpy_ones():
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 50, 8)).astype(np.float32)
    tx, ty = torch.from_numpy(x), torch.from_numpy(y)
    assert uniformity(tx) == pytest.approx(uniformity(x), abs=1e-5)
    assert alignment(tx, ty) == pytest.approx(alignment(x, y), abs=1e-5)
    assert modality_gap(tx, ty) == pytest.approx(modality_gap(x, y), abs=1e-5)


def test_what_has_no_interval_says_why():
    assert set(NO_INTERVAL) == {"modality_gap", "uniformity"}
    assert all(NO_INTERVAL.values())


X = 1.0 + np.eye(3)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: uniformity(X[:1]), "at least two"),
        (lambda: uniformity(X, t=0.0), "t must be"),
        (lambda: pair_distances(X, X, alpha=-1.0), "alpha must be"),
        (lambda: pair_distances(X, X[:2]), "3 rows and 2 rows"),
        (lambda: modality_gap(X, X[:, :2]), "3 dimensions and y 2"),
        (lambda: modality_gap(X, X * np.nan), "y: .*NaN"),
        (lambda: alignment(X * 0.0, X), "x: .*length zero"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
