"""Bootstrap intervals against the naive loop, scipy and closed forms."""

from __future__ import annotations

import itertools
import time

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
    paired_bootstrap_over_seeds,
)
from mmbench.metrics.resampling import affordable, plan_resampling

many = settings(deadline=None)


def naive(name, columns, resamples, seed):
    """The bootstrap as the textbook writes it: index, recompute, sort."""
    rng = np.random.default_rng(seed)
    n = len(columns[0])
    values = [
        aggregate(name, [column[rows] for column in columns])
        for rows in rng.integers(0, n, size=(resamples, n))
    ]
    return np.nanquantile(values, [0.025, 0.975])


def make(name, n, seed=0, levels=None):
    rng = np.random.default_rng(seed)
    a = rng.gamma(2.0, size=n)
    b = a + rng.normal(size=n)
    if levels:
        a, b = np.floor(a).clip(0, levels - 1), np.floor(b).clip(0, levels - 1)
    if name in {"weighted_f1", "macro_f1"}:
        return [(a > 1) * 1 + (a > 3), (b > 1) * 1 + (b > 3)]
    return [a] if name in {"mean", "median", "root_mean"} else [a, b]


@pytest.mark.parametrize(
    ("name", "n", "levels", "method"),
    [
        ("mean", 500, 2, "counts"),
        ("median", 500, 8, "counts"),
        ("weighted_f1", 500, None, "counts"),
        ("macro_f1", 500, None, "counts"),
        ("median", 101, None, "order_statistic"),
        ("median", 40, None, "order_statistic"),
        ("mean", 2001, None, "binned"),
        ("root_mean", 2001, None, "binned"),
        ("pearson", 4001, None, "binned"),
        ("ratio", 4001, None, "binned"),
        ("mean", 300, None, "resampled"),
        ("pearson", 300, None, "resampled"),
    ],
)
def test_every_method_agrees_with_the_naive_bootstrap(name, n, levels, method):
    columns = make(name, n, levels=levels)
    interval = bootstrap_interval(name, columns, resamples=20_000, seed=1)
    assert interval.method == method
    assert interval.resamples == 20_000
    low, high = naive(name, columns, 3_000, seed=2)
    # Two Monte Carlo bounds of one quantity; its error is about 0.05 widths at 3,000 resamples.
    assert interval.low == pytest.approx(low, abs=0.06 * (high - low))
    assert interval.high == pytest.approx(high, abs=0.06 * (high - low))


def test_binned_moments_are_exact_and_a_heavy_tail_keeps_its_skewness():
    from mmbench.metrics.resampling import plan_resampling, resampled_values

    values = np.random.default_rng(5).lognormal(sigma=2.0, size=3_000)
    plan = plan_resampling("mean", [[values]])
    assert plan.method == "binned"
    means = resampled_values(plan, 200_000, np.random.default_rng(0))[0]
    deviation = values.std() / np.sqrt(len(values))
    assert means.mean() == pytest.approx(values.mean(), abs=4 * deviation / np.sqrt(200_000))
    assert means.std() == pytest.approx(deviation, rel=0.02)
    skewness = ((values - values.mean()) ** 3).mean() / values.std() ** 3 / np.sqrt(len(values))
    assert skewness > 0.2  # the case is worth its name
    assert ((means - means.mean()) ** 3).mean() / means.std() ** 3 == pytest.approx(
        skewness, abs=0.05
    )


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
def test_drawn_medians_have_the_probabilities_of_all_resamples(count):
    from mmbench.metrics.resampling import _medians

    values = np.arange(count) ** 2.0
    everything = np.array(list(itertools.product(values, repeat=count)))
    expected, ways = np.unique(np.median(everything, axis=1), return_counts=True)
    drawn = _medians(values, 100_000, np.random.default_rng(count))
    found, times = np.unique(drawn, return_counts=True)
    assert set(found) <= set(expected)
    shares = np.array([times[found == value].sum() for value in expected]) / len(drawn)
    assert shares == pytest.approx(ways / len(everything), abs=0.006)  # over 3.7 standard errors


@pytest.mark.parametrize("name", ["mean", "root_mean"])
def test_a_binned_resample_stays_within_the_values(name):
    values = np.zeros(2_100)
    values[:200] = np.linspace(1e-12, 2e-12, 200)  # more distinct values than are counted
    values[0], values[1] = 1.0 / 600, 1.0  # one item spreads the lowest cell, one the grid
    for seed in range(20):
        for column in ([values], [1.0 - values])[: 2 if name == "mean" else 1]:
            interval = bootstrap_interval(name, column, resamples=500, seed=seed)
            assert interval.method == "binned"
            assert 0.0 <= interval.low <= interval.high <= 1.0


@pytest.mark.parametrize("cells", [1, 4, 512])
def test_binned_covariance_of_two_columns_is_exact(cells, monkeypatch):
    from mmbench.metrics import resampling
    from mmbench.metrics.resampling import plan_resampling, resampled_values

    monkeypatch.setattr(resampling, "_CELLS", cells)
    rng = np.random.default_rng(5)
    a = rng.gamma(1.0, size=5_000)
    b = 0.5 * a + rng.gamma(1.0, size=5_000)
    plan = plan_resampling("mean", [[a], [b]])
    assert plan.method == "binned"
    drawn = resampled_values(plan, 100_000, np.random.default_rng(0))
    expected = np.cov(a, b, ddof=0) / len(a)
    assert np.cov(drawn) == pytest.approx(expected, rel=0.03)


def test_scipy_agrees_on_a_mean():
    from scipy import stats

    values = np.random.default_rng(3).normal(size=400)
    theirs = stats.bootstrap(
        (values,),
        np.mean,
        method="percentile",
        n_resamples=9_999,
        random_state=np.random.default_rng(0),  # called rng from SciPy 1.15 on
    ).confidence_interval
    ours = bootstrap_interval("mean", [values])
    width = theirs.high - theirs.low
    assert ours.low == pytest.approx(theirs.low, abs=0.04 * width)
    assert ours.high == pytest.approx(theirs.high, abs=0.04 * width)


def test_coverage_of_a_proportion_is_near_nominal():
    rng = np.random.default_rng(11)
    hits = 0
    for seed in range(400):
        interval = bootstrap_interval("mean", [rng.random(300) < 0.3], resamples=1_000, seed=seed)
        hits += interval.low <= 0.3 <= interval.high
    assert 0.91 <= hits / 400 <= 0.98


@many
@given(
    hnp.arrays(np.float64, st.integers(1, 64), elements=st.sampled_from([0.0, 0.5, 1.0, 7.0])),
    st.sampled_from(["mean", "median"]),
    st.integers(0, 1000),
)
def test_bounds_are_ordered_within_the_data_and_repeatable(values, name, seed):
    interval = bootstrap_interval(name, [values], resamples=200, seed=seed)
    assert values.min() - 1e-9 <= interval.low <= interval.high <= values.max() + 1e-9
    assert interval == bootstrap_interval(name, [values], resamples=200, seed=seed)


@many
@given(
    hnp.arrays(np.int64, st.tuples(st.just(2), st.integers(1, 64)), elements=st.integers(0, 2)),
    st.integers(0, 1000),
)
def test_swapping_the_sides_of_a_comparison_mirrors_it(pair, seed):
    a, b = pair
    one = paired_bootstrap("mean", [a], [b], resamples=300, seed=seed)
    assert one.difference == pytest.approx(a.mean() - b.mean())
    assert 0.0 < one.p_value <= 1.0
    other = paired_bootstrap("mean", [b], [a], resamples=300, seed=seed)
    assert other.difference == pytest.approx(-one.difference)
    # The joint rows are numbered in another order, so the draws differ, but not what they say.
    assert abs(other.low + one.high) <= 0.5 * (one.high - one.low) + 2 / len(a)


def test_the_seed_matters_and_the_level_widens():
    values = np.random.default_rng(0).normal(size=100)
    first = bootstrap_interval("mean", [values], seed=0)
    assert first != bootstrap_interval("mean", [values], seed=1)
    wide = bootstrap_interval("mean", [values], level=0.99)
    assert wide.low < first.low < first.high < wide.high
    assert (wide.level, first.level) == (0.99, 0.95)


def test_items_that_take_no_part_are_not_drawn():
    values = np.array([1.0, np.nan, 2.0, 3.0, np.nan])
    assert bootstrap_interval("mean", [values]) == bootstrap_interval("mean", [values[[0, 2, 3]]])


def test_one_item_has_an_interval_of_no_width():
    for name in ("mean", "median"):
        interval = bootstrap_interval(name, [np.array([0.7])])
        assert (interval.low, interval.high) == (0.7, 0.7)


def test_undefined_aggregates_have_undefined_intervals():
    interval = bootstrap_interval("mean", [np.array([np.nan, np.nan])])
    assert interval.method == "undefined"
    assert np.isnan(interval.low)
    constant = bootstrap_interval("pearson", [np.ones(10), np.arange(10.0)])
    assert np.isnan(constant.low)
    assert np.isnan(constant.high)
    compared = paired_bootstrap(
        "pearson", [np.ones(10), np.arange(10.0)], [np.arange(10.0), np.arange(10.0)]
    )
    assert np.isnan(compared.p_value)


def test_an_aggregator_of_one_weight_vector_draws_fewer_resamples():
    rng = np.random.default_rng(0)
    boxes = (rng.random(200) < 0.5).astype(float)
    columns = [boxes, rng.random(200) * boxes, rng.normal(size=200) + boxes]
    interval = bootstrap_interval("slavc_ap", columns)
    assert interval.method == "repeated"
    assert interval.resamples == 1_000
    low, high = naive("slavc_ap", columns, 1_000, seed=3)
    assert interval.low == pytest.approx(low, abs=0.12 * (high - low))
    assert interval.high == pytest.approx(high, abs=0.12 * (high - low))


def test_average_precision_is_resampled_in_blocks():
    rng = np.random.default_rng(0)
    labels = rng.random(200) < 0.5
    columns = [rng.normal(size=200) + labels, labels]
    interval = bootstrap_interval("average_precision", columns)
    assert (interval.method, interval.resamples) == ("resampled", 10_000)
    low, high = naive("average_precision", columns, 1_000, seed=3)
    assert interval.low == pytest.approx(low, abs=0.12 * (high - low))
    assert interval.high == pytest.approx(high, abs=0.12 * (high - low))


def test_many_items_without_a_collapse_draw_fewer_resamples():
    rng = np.random.default_rng(0)
    scores = rng.normal(size=50_000)
    plan = plan_resampling("average_precision", [[scores, scores > 0]])
    assert plan.method == "resampled"
    assert affordable(plan, 10_000) == 2_000


def test_identical_seeds_over_the_same_items_have_the_interval_of_one():
    values = np.random.default_rng(2).random(300) < 0.4
    one = bootstrap_interval("mean", [values])
    five = bootstrap_interval_over_seeds("mean", [[values]] * 5)
    assert (five.low, five.high) == (one.low, one.high)
    # Own items for each seed: the mean of five has narrower bounds.
    own = bootstrap_interval_over_seeds("mean", [[values]] * 5, items="independent")
    assert (own.high - own.low) == pytest.approx((one.high - one.low) / np.sqrt(5), rel=0.08)


@pytest.mark.parametrize("items", ["shared", "independent"])
def test_the_spread_over_seeds_widens_the_interval(items):
    levels = [np.full(50, level) for level in (0.1, 0.2, 0.6)]
    interval = bootstrap_interval_over_seeds("mean", [[each] for each in levels], items=items)
    # Constant within a seed: only the three seeds are resampled, 27 equally likely outcomes.
    assert interval.low == pytest.approx(0.1)
    assert interval.high == pytest.approx(0.6)


def test_seeds_resampled_as_the_two_level_loop_does():
    rng = np.random.default_rng(9)
    seeds = [[rng.normal(loc, 1.0, size=60)] for loc in (0.0, 0.3, 0.5, 1.0)]
    loop = np.random.default_rng(1)
    for items in ("shared", "independent"):
        values = []
        for _ in range(4_000):
            rows = loop.integers(0, 60, size=60)
            drawn = []
            for chosen in loop.integers(0, 4, size=4):
                own = loop.integers(0, 60, size=60)
                drawn.append(seeds[chosen][0][rows if items == "shared" else own].mean())
            values.append(np.mean(drawn))
        low, high = np.quantile(values, [0.025, 0.975])
        interval = bootstrap_interval_over_seeds("mean", seeds, items=items)
        assert interval.low == pytest.approx(low, abs=0.05 * (high - low))
        assert interval.high == pytest.approx(high, abs=0.05 * (high - low))


def test_seeds_over_different_items_must_be_called_independent():
    seeds = [[np.ones(4)], [np.ones(5)]]
    with pytest.raises(ValueError, match="items='independent'"):
        bootstrap_interval_over_seeds("mean", seeds)
    assert bootstrap_interval_over_seeds("mean", seeds, items="independent").low == 1.0


def test_one_seed_a_side_is_the_paired_bootstrap():
    rng = np.random.default_rng(4)
    a, b = [rng.normal(size=80)], [rng.normal(size=80)]
    assert paired_bootstrap_over_seeds("mean", [a], [b]) == paired_bootstrap("mean", a, b)


def test_a_side_without_randomness_goes_with_all_seeds_of_the_other():
    rng = np.random.default_rng(5)
    fixed = rng.normal(size=80)
    seeds = [[fixed + 0.3 + 0.1 * rng.normal(size=80)] for _ in range(5)]
    one = paired_bootstrap_over_seeds("mean", seeds, [[fixed]], resamples=500)
    assert one == paired_bootstrap_over_seeds("mean", seeds, [[fixed]] * 5, resamples=500)
    assert 0.2 < one.low < one.difference < one.high < 0.4


def test_shared_seeds_take_out_what_both_sides_owe_to_the_seed():
    rng = np.random.default_rng(6)
    levels = (0.0, 1.0, 2.0, 3.0)
    b = [[level + rng.normal(size=60)] for level in levels]
    a = [[column[0] + 0.5] for column in b]
    shared = paired_bootstrap_over_seeds("mean", a, b, resamples=500)
    apart = paired_bootstrap_over_seeds("mean", a, b, seeds="independent", resamples=500)
    assert shared.difference == apart.difference == pytest.approx(0.5)
    assert (shared.low, shared.high) == (pytest.approx(0.5), pytest.approx(0.5))
    assert apart.low < -1.0 < 2.0 < apart.high


def test_paired_seeds_resampled_as_the_two_level_loop_does():
    rng = np.random.default_rng(10)
    a = [[rng.normal(0.3 * seed, 1.0, size=60)] for seed in range(4)]
    b = [[0.5 * column[0] + rng.normal(size=60)] for column in a]
    loop, values = np.random.default_rng(1), []
    for _ in range(4_000):
        rows = loop.integers(0, 60, size=60)
        drawn = loop.integers(0, 4, size=4)
        values.append(np.mean([a[s][0][rows].mean() - b[s][0][rows].mean() for s in drawn]))
    low, high = np.quantile(values, [0.025, 0.975])
    compared = paired_bootstrap_over_seeds("mean", a, b)
    assert compared.low == pytest.approx(low, abs=0.05 * (high - low))
    assert compared.high == pytest.approx(high, abs=0.05 * (high - low))


def test_the_interval_of_a_difference_over_five_seeds_covers_it():
    """Hits on the same 400 items with five seeds a side, as in results/cmcr-ablation."""
    rng = np.random.default_rng(12)
    true, covered, worlds = 0.08, 0, 200
    for world in range(worlds):
        hardness = rng.random(400)
        seeds = 0.02 * rng.normal(size=(2, 5))  # what a seed makes of R@1: two points
        a, b = (
            [[(hardness + 0.2 * rng.normal(size=400) < level + s) * 1.0] for s in seeds[side]]
            for side, level in enumerate((0.58, 0.50))
        )
        compared = paired_bootstrap_over_seeds("mean", a, b, resamples=400, seed=world)
        covered += compared.low <= true <= compared.high
    assert 0.90 <= covered / worlds <= 0.99


def test_seeds_that_can_not_be_paired():
    one, two = [[np.ones(3)]], [[np.ones(3)]] * 2
    with pytest.raises(ValueError, match="3 and 2 seeds can't be shared"):
        paired_bootstrap_over_seeds("mean", one * 3, two)
    assert paired_bootstrap_over_seeds("mean", one * 3, two, seeds="independent").p_value == 1.0
    with pytest.raises(ValueError, match="seeds must be"):
        paired_bootstrap_over_seeds("mean", one, two, seeds="paired")
    with pytest.raises(ValueError, match="no seeds"):
        paired_bootstrap_over_seeds("mean", [], two)


def test_p_values_of_null_comparisons_are_uniform():
    rng = np.random.default_rng(21)
    p_values = [
        paired_bootstrap(
            "mean", [rng.random(400) < 0.5], [rng.random(400) < 0.5], resamples=500, seed=i
        ).p_value
        for i in range(300)
    ]
    assert np.mean(np.array(p_values) < 0.05) < 0.09
    assert 0.4 < np.mean(p_values) < 0.6


def test_a_clear_difference_is_significant_and_an_equal_pair_is_not():
    rng = np.random.default_rng(0)
    b = rng.random(1_000) < 0.5
    a = b | (rng.random(1_000) < 0.2)
    clear = paired_bootstrap("mean", [a], [b])
    assert clear.p_value == pytest.approx(2 / 10_001)
    assert clear.low > 0
    same = paired_bootstrap("mean", [a], [a])
    assert (same.difference, same.low, same.high, same.p_value) == (0.0, 0.0, 0.0, 1.0)


def test_pairing_beats_two_separate_intervals():
    rng = np.random.default_rng(0)
    hard = rng.normal(scale=5.0, size=3_000)
    compared = paired_bootstrap("mean", [hard + 0.1 + 0.1 * rng.normal(size=3_000)], [hard])
    assert compared.p_value < 0.01
    alone = bootstrap_interval("mean", [hard])
    assert (compared.high - compared.low) < 0.1 * (alone.high - alone.low)


def test_sides_over_different_items_are_refused():
    with pytest.raises(ValueError, match="4 and 5 items"):
        paired_bootstrap("mean", [np.ones(4)], [np.ones(5)])
    with pytest.raises(ValueError, match="item 1 takes part only on one side"):
        paired_bootstrap("mean", [np.ones(2)], [np.array([1.0, np.nan])])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: bootstrap_interval("mean", [np.empty(0)]), "no items"),
        (lambda: bootstrap_interval("meen", [np.ones(3)]), "nearest: mean"),
        (lambda: bootstrap_interval("mean", [np.ones(3)], resamples=0), "at least 1"),
        (lambda: bootstrap_interval("mean", [np.ones(3)], level=1.0), "strictly between"),
        (lambda: bootstrap_interval_over_seeds("mean", []), "no seeds"),
        (
            lambda: bootstrap_interval_over_seeds("mean", [[np.ones(3)]], items="same"),
            "'shared' or 'independent'",
        ),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_binary_metric_of_5000_items_takes_milliseconds():
    hits = np.random.default_rng(0).random(5_000) < 0.3
    times = []
    for _ in range(5):
        start = time.perf_counter()
        bootstrap_interval("mean", [hits])
        times.append(time.perf_counter() - start)
    assert min(times) < 0.05
