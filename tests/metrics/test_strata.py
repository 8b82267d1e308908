"""Means of group means keep their groups under resampling: exact cases, moments, coverage."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mmbench.metrics.aggregation import aggregate
from mmbench.metrics.bootstrap import (
    bootstrap_interval,
    bootstrap_interval_over_seeds,
    paired_bootstrap,
)
from mmbench.metrics.resampling import affordable, plan_resampling, resampled_values
from mmbench.metrics.strata import strata_of

many = settings(deadline=None)


@st.composite
def grouped(draw):
    n = draw(st.integers(1, 64))
    values = draw(hnp.arrays(np.float64, n, elements=st.sampled_from([0.0, 0.25, 1.0])))
    return values, draw(hnp.arrays(np.int64, n, elements=st.integers(0, 12)))


def bounds(interval):
    return interval.low, interval.high


def resampled(columns, resamples, seed=0):
    plan = plan_resampling("macro_mean", [columns])
    assert plan.method == "stratified"
    return resampled_values(plan, resamples, np.random.default_rng(seed))[0]


@many
@given(hnp.arrays(np.float64, st.integers(1, 64), elements=st.sampled_from([0.0, 0.25, 1.0])))
def test_with_one_item_a_group_it_is_the_interval_of_the_mean(values):
    groups = np.random.default_rng(0).permutation(len(values))
    assert aggregate("macro_mean", [values, groups]) == pytest.approx(values.mean())
    plain = bootstrap_interval("mean", [values], resamples=200)
    assert bootstrap_interval("macro_mean", [values, groups], resamples=200) == plain
    named = [f"class {group}" for group in groups]
    assert bootstrap_interval("macro_mean", [values, named], resamples=200) == plain


@pytest.mark.parametrize("continuous", [False, True])
def test_the_resampled_variance_is_the_unbiased_one(continuous):
    rng = np.random.default_rng(4)
    sizes = [2, 3, 5, 5, 40, 200]
    groups = np.repeat(np.arange(6), sizes)
    values = rng.normal(size=len(groups)) + groups
    if not continuous:
        values = (values > groups).astype(float) + groups
    expected = sum(values[groups == g].var(ddof=1) / n for g, n in enumerate(sizes)) / 6**2
    drawn = resampled([values, groups], 100_000)
    assert drawn.var() == pytest.approx(expected, rel=0.02)
    point = aggregate("macro_mean", [values, groups])
    assert drawn.mean() == pytest.approx(point, abs=4 * np.sqrt(expected / 100_000))


def test_groups_of_one_item_show_each_other_their_variance():
    groups = np.concatenate([np.arange(50), np.repeat([50, 51], 400)])
    values = np.concatenate([np.tile([0.0, 1.0], 25), np.ones(800)])
    held = strata_of([values], groups)
    assert sorted(stratum.groups for stratum in held) == [1, 1, 50]
    expected = 50 * 0.25 / 52**2  # fifty items of variance 1/4; the large groups have none
    assert resampled([values, groups], 50_000).var() == pytest.approx(expected * 50 / 49, rel=0.03)


def test_a_lone_group_of_one_item_joins_the_smallest_groups():
    groups = np.repeat(np.arange(20), [1, *range(2, 21)])
    held = strata_of([np.arange(len(groups), dtype=float)], groups)
    assert sorted(stratum.groups for stratum in held) == [1] * 10 + [10]
    pool = max(held, key=lambda stratum: stratum.groups)
    assert pool.sizes.sum() == sum(range(1, 11))
    assert (pool.share * pool.sizes).sum() == pytest.approx(10)  # each group weighs the same
    # nine batches of 64 and a last one of a single item, as in a batched evaluation
    batch = np.repeat(np.arange(10), [64] * 9 + [1])
    hits = np.random.default_rng(0).random(577) < 0.5
    interval = bootstrap_interval("macro_mean", [hits, batch])
    assert interval.high - interval.low > 0.08  # the last batch alone: 2 * 1.96 * 0.5 / 10 at most


@many
@given(grouped())
def test_resamples_stay_within_the_values_and_repeat(case):
    values, groups = case
    interval = bootstrap_interval("macro_mean", [values, groups], resamples=100)
    assert values.min() - 1e-12 <= interval.low <= interval.high <= values.max() + 1e-12
    assert interval == bootstrap_interval("macro_mean", [values, groups], resamples=100)


@many
@given(grouped())
def test_the_names_of_the_groups_do_not_matter(case):
    values, groups = case
    for renamed in (groups * 7 + 3, np.array([f"g{g:02d}" for g in groups])):
        assert bootstrap_interval("macro_mean", [values, renamed], resamples=100) == (
            bootstrap_interval("macro_mean", [values, groups], resamples=100)
        )


def test_equal_values_have_an_interval_of_no_width():
    groups = np.array([0, 1, 1, 2, 2, 2])
    assert bounds(bootstrap_interval("macro_mean", [np.ones(6), groups])) == (1.0, 1.0)


def test_both_sides_of_a_comparison_share_the_draws():
    rng = np.random.default_rng(0)
    groups = rng.integers(0, 30, 600)
    b = rng.normal(size=600)
    compared = paired_bootstrap("macro_mean", [b + 0.01, groups], [b, groups])
    assert compared.method == "stratified"
    assert bounds(compared) == pytest.approx((0.01, 0.01))
    one = bootstrap_interval("macro_mean", [b, groups])
    five = bootstrap_interval_over_seeds("macro_mean", [[b, groups]] * 5)
    assert bounds(five) == pytest.approx(bounds(one), abs=1e-12)


def test_sides_that_group_otherwise_are_drawn_from_all_groups_alike():
    rng = np.random.default_rng(0)
    values, groups = rng.normal(size=100), rng.integers(0, 4, 100)
    compared = paired_bootstrap("macro_mean", [values, groups], [values, groups[::-1].copy()])
    assert compared.method == "resampled"


def test_many_items_draw_fewer_resamples():
    rng = np.random.default_rng(0)
    plan = plan_resampling("macro_mean", [[rng.normal(size=50_000), rng.integers(0, 3, 50_000)]])
    assert affordable(plan, 10_000) == 2_000
    few = plan_resampling("macro_mean", [[rng.random(50_000) < 0.5, rng.integers(0, 3, 50_000)]])
    assert affordable(few, 10_000) == 10_000


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sizes", "differ", "low", "high"),
    [
        ([1] * 200, False, 0.92, 0.98),
        ([1] * 200, True, 0.94, 1.0),  # collapsed strata err to the wide side
        ([2] * 100, True, 0.90, 0.97),
        ([5] * 40, False, 0.92, 0.98),
        ([5] * 40, True, 0.91, 0.98),
        ([50] * 20, True, 0.91, 0.98),
        ([1, *[30] * 29], False, 0.90, 0.98),
        ([max(1, 200 // (i + 1)) for i in range(40)], True, 0.92, 0.995),
    ],
)
def test_coverage_is_near_nominal(sizes, differ, low, high):
    rng = np.random.default_rng(7)
    groups = np.repeat(np.arange(len(sizes)), sizes)
    covered = 0
    for seed in range(600):
        chance = rng.beta(1.2, 0.8, len(sizes)) if differ else np.full(len(sizes), 0.6)
        hits = rng.random(len(groups)) < chance[groups]
        interval = bootstrap_interval("macro_mean", [hits, groups], resamples=400, seed=seed)
        covered += interval.low - 1e-12 <= chance.mean() <= interval.high + 1e-12
    assert low <= covered / 600 <= high
