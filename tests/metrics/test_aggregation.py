"""Aggregators against numpy and scikit-learn, and the rule that a weight is a repetition."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.metrics import f1_score

from mmbench.metrics.aggregation import AGGREGATORS, aggregate, find_aggregator, participants

many = settings(deadline=None)
sizes = st.integers(1, 64)
few = st.sampled_from([-2.0, -0.5, 0.0, 0.5, 1.0, 3.0])
VECTORISED = sorted(name for name, entry in AGGREGATORS.items() if entry.vectorised)


@st.composite
def columns_and_weights(draw, name=None):
    """Columns with many ties that fit the named aggregator, and counts with zeros among them."""
    name = name or draw(st.sampled_from(VECTORISED))
    n = draw(sizes)
    elements = {
        "root_mean": st.sampled_from([0.0, 0.25, 1.0, 4.0]),
        "weighted_f1": st.sampled_from([0.0, 1.0, 2.0]),
        "macro_f1": st.sampled_from([0.0, 1.0, 2.0]),
        "average_precision": st.sampled_from([0.0, 1.0]),
        "max_f1": st.sampled_from([0.0, 1.0]),
    }.get(name, few)
    columns = [
        draw(hnp.arrays(np.float64, n, elements=elements)) for _ in AGGREGATORS[name].columns
    ]
    weights = draw(hnp.arrays(np.int64, n, elements=st.integers(0, 3)))
    return name, columns, weights


def same(a, b):
    return a == pytest.approx(b, abs=1e-12, nan_ok=True)


@many
@given(columns_and_weights())
def test_a_weight_is_a_repetition(case):
    name, columns, weights = case
    if weights.sum() == 0:
        assert np.isnan(aggregate(name, columns, weights))
        return
    repeated = [np.repeat(column, weights) for column in columns]
    assert same(aggregate(name, columns, weights), aggregate(name, repeated))


@many
@given(columns_and_weights(), st.randoms(use_true_random=False))
def test_the_order_of_items_does_not_matter(case, random):
    name, columns, weights = case
    order = list(range(len(weights)))
    random.shuffle(order)
    shuffled = [column[order] for column in columns]
    assert same(aggregate(name, columns, weights), aggregate(name, shuffled, weights[order]))


@many
@given(columns_and_weights(), st.integers(0, 2**32 - 1))
def test_a_block_of_weights_equals_its_rows(case, seed):
    name, columns, _ = case
    function = AGGREGATORS[name].function
    block = np.random.default_rng(seed).integers(1, 4, size=(2, 3, len(columns[0]))).astype(float)
    together = function(columns, block)
    assert together.shape == (2, 3)
    for i in range(2):
        for j in range(3):
            assert same(float(together[i, j]), float(function(columns, block[i, j])))


@many
@given(columns_and_weights(), st.integers(0, 64))
def test_an_item_that_takes_no_part_changes_nothing(case, where):
    name, columns, _ = case
    where = min(where, len(columns[0]))
    extended = [np.insert(column, where, 1.0) for column in columns]
    extended[0][where] = np.nan
    assert same(aggregate(name, extended), aggregate(name, columns))


@many
@given(columns_and_weights("median"))
def test_median_is_numpys(case):
    _, (values,), weights = case
    assert aggregate("median", [values]) == np.median(values)
    if weights.sum():
        assert aggregate("median", [values], weights) == np.median(np.repeat(values, weights))


@many
@given(columns_and_weights("weighted_f1"))
def test_f1_is_scikit_learns(case):
    _, (truth, predicted), _ = case
    for average in ("weighted", "macro"):
        expected = f1_score(truth, predicted, average=average, zero_division=0)
        assert same(aggregate(f"{average}_f1", [truth, predicted]), expected)


@many
@given(columns_and_weights("pearson"))
def test_pearson_is_numpys_and_undefined_for_a_constant(case):
    _, (p, y), _ = case
    value = aggregate("pearson", [p, y])
    if np.ptp(p) == 0 or np.ptp(y) == 0:
        assert np.isnan(value)
    else:
        assert value == pytest.approx(np.corrcoef(p, y)[0, 1], abs=1e-12)
        assert -1.0 <= value <= 1.0


def test_pearson_of_a_constant_with_a_rounded_mean_is_undefined():
    assert np.isnan(aggregate("pearson", [np.full(20, 0.1), np.arange(20.0)]))
    rng = np.random.default_rng(0)
    columns = [100.0 + rng.normal(size=200), rng.normal(size=200)]
    only_one_item = 7.0 * np.eye(200)
    assert np.isnan(AGGREGATORS["pearson"].function(columns, only_one_item)).all()


def test_pearson_far_from_zero_keeps_its_digits():
    rng = np.random.default_rng(1)
    p = rng.normal(size=500)
    y = p + rng.normal(size=500)
    assert aggregate("pearson", [p + 1e7, y - 1e7]) == pytest.approx(
        np.corrcoef(p, y)[0, 1], abs=1e-7
    )


def test_hand_worked_values():
    group = np.array([0, 0, 0, 1])
    hit = np.array([1, 1, 0, 0])
    assert aggregate("mean", [hit]) == 0.5
    assert aggregate("macro_mean", [hit, group]) == pytest.approx((2 / 3 + 0) / 2)
    assert aggregate("macro_mean", [hit, np.array(["a", "a", "b", "b"])]) == pytest.approx(0.5)
    assert aggregate("ratio", [hit, np.array([1.0, 2.0, 3.0, 2.0])]) == pytest.approx(2 / 8)
    assert np.isnan(aggregate("ratio", [hit, np.zeros(4)]))
    assert aggregate("root_mean", [np.array([9.0, 16.0])]) == pytest.approx(12.5**0.5)
    assert aggregate("weighted_f1", [np.array(["x", "y"]), np.array(["x", "z"])]) == 0.5


def test_an_absent_group_does_not_count():
    columns = [np.array([1.0, 0.0]), np.array([3, 5])]
    assert aggregate("macro_mean", columns, np.array([2, 0])) == 1.0


def test_macro_f1_follows_the_labels_present_in_the_weighted_items():
    columns = [np.array([0, 1, 2]), np.array([0, 1, 1])]
    assert aggregate("macro_f1", columns, np.array([1, 1, 0])) == 1.0


def test_all_items_out_is_undefined_not_an_error():
    assert np.isnan(aggregate("mean", [np.array([np.nan, np.nan])]))


@pytest.mark.parametrize("name", ["average_precision", "max_f1"])
def test_recognition_aggregators_take_counts(name):
    pytest.importorskip("mmbench.metrics.recognition")
    rng = np.random.default_rng(3)
    scores, labels = rng.normal(size=40).round(1), rng.random(40) < 0.4
    weights = rng.integers(0, 3, size=40)
    repeated = [np.repeat(scores, weights), np.repeat(labels, weights)]
    assert same(aggregate(name, [scores, labels], weights), aggregate(name, repeated))
    assert np.isnan(aggregate(name, [scores, np.zeros(40)]))


@pytest.mark.parametrize("name", ["slavc_ap", "slavc_max_f1"])
def test_slavc_aggregators_repeat_items(name):
    recognition = pytest.importorskip("mmbench.metrics.recognition")
    rng = np.random.default_rng(3)
    boxes = rng.integers(0, 3, size=60)
    columns = [boxes, rng.random(60) * (boxes > 0), rng.random(60)]
    weights = rng.integers(0, 3, size=60)
    repeated = [np.repeat(column, weights) for column in columns]
    expected = getattr(recognition, name)(*repeated)
    assert aggregate(name, columns, weights) == pytest.approx(float(expected))
    with pytest.raises(ValueError, match="whole-number"):
        aggregate(name, columns, weights + 0.5)


def test_an_unknown_name_gets_the_nearest():
    with pytest.raises(ValueError, match=r"'meen'; nearest: mean"):
        find_aggregator("meen")
    with pytest.raises(ValueError, match=r"nearest: average_precision, .*weighted_f1"):
        find_aggregator("zzzzzzzz")


@pytest.mark.parametrize(
    ("name", "columns", "message"),
    [
        ("mean", [], r"takes 1 column\(s\) \(value\), got 0"),
        ("mean", [np.empty(0)], "no items"),
        ("mean", [np.ones((2, 2))], "one-dimensional"),
        ("mean", [np.array([1.0, np.inf])], "'value' is not finite at row 1"),
        ("pearson", [np.array([1.0, np.nan, 3.0]), np.array([1.0, 2.0, np.nan])], "'y' .* row 2"),
        ("pearson", [np.ones(2), np.ones(3)], "differ in length"),
        ("mean", [np.array([1 + 2j])], "numbers or text"),
        ("mean", [np.array([None, 1.0], dtype=object)], "numbers or text"),
        ("root_mean", [np.array([-1.0])], "not negative"),
        ("weighted_f1", [np.array(["a"]), np.array([1])], "one kind"),
    ],
)
def test_columns_that_do_not_fit_are_refused(name, columns, message):
    with pytest.raises(ValueError, match=message):
        aggregate(name, columns)


def test_weights_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="shape"):
        aggregate("mean", [np.ones(2)], np.ones(3))
    with pytest.raises(ValueError, match="not negative"):
        aggregate("mean", [np.ones(2)], np.array([1.0, -1.0]))


def test_text_held_as_objects_is_text():
    kept, mask = participants("macro_mean", [np.ones(2), np.array(["a", "b"], dtype=object)])
    assert kept[1].dtype.kind == "U"
    assert mask.all()


def test_every_aggregator_is_described():
    for name, entry in AGGREGATORS.items():
        assert entry.name == name
        assert entry.doc
        assert entry.columns
