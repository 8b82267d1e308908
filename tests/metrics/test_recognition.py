"""Average precision and max-F1 of pairs against scikit-learn, by hand, and their properties."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.metrics import average_precision_score, f1_score

from mmbench.metrics.recognition import MODES, REFUSED, average_precision, check_mode, max_f1

many = settings(deadline=None)


@st.composite
def pairs(draw):
    """Scores with many ties and labels with at least one match."""
    n = draw(st.integers(1, 64))
    scores = draw(
        hnp.arrays(np.float64, n, elements=st.sampled_from([-1.0, -0.25, 0.0, 0.25, 0.5, 1.0]))
    )
    labels = draw(hnp.arrays(np.int64, n, elements=st.integers(0, 1)))
    labels[draw(st.integers(0, n - 1))] = 1
    return scores, labels


def naive_max_f1(scores, labels, weights=None):
    return max(
        f1_score(labels, scores >= t, sample_weight=weights, zero_division=0)
        for t in np.unique(scores)
    )


def test_a_hand_worked_example():
    # By falling score: match | match, none (tied) | none | match.
    scores, labels = [0.9, 0.8, 0.8, 0.5, 0.1], [1, 1, 0, 0, 1]
    expected = 1 * 1 / 3 + (2 / 3) * 1 / 3 + (3 / 5) * 1 / 3
    assert average_precision(scores, labels) == pytest.approx(expected)
    assert max_f1(scores, labels) == pytest.approx(6 / 8)  # all accepted: 3 of 5, recall 1


@many
@given(pair=pairs())
def test_equal_to_scikit_learn(pair):
    scores, labels = pair
    found = average_precision(scores, labels)
    assert isinstance(found, float)
    assert found == pytest.approx(average_precision_score(labels, scores), abs=1e-12)


@settings(deadline=None)
@given(pair=pairs())
def test_max_f1_is_the_best_over_all_thresholds(pair):
    assert max_f1(*pair) == pytest.approx(naive_max_f1(*pair), abs=1e-12)


@many
@given(pair=pairs(), data=st.data())
def test_weights_are_repetitions(pair, data):
    scores, labels = pair
    counts = data.draw(hnp.arrays(np.int64, (2, 3, len(scores)), elements=st.integers(0, 3)))
    for figure in (average_precision, max_f1):
        found = figure(scores, labels, counts)
        assert found.shape == (2, 3)
        for at in np.ndindex(2, 3):
            drawn, marks = np.repeat(scores, counts[at]), np.repeat(labels, counts[at])
            if marks.sum() == 0:
                assert np.isnan(found[at])
            else:
                assert found[at] == pytest.approx(figure(drawn, marks), abs=1e-12)
        assert figure(scores, labels, np.ones(len(scores))) == figure(scores, labels)


@many
@given(pair=pairs(), data=st.data())
def test_bounds_permutation_monotone_and_perfect(pair, data):
    scores, labels = pair
    order = data.draw(st.permutations(range(len(scores))))
    better = scores + data.draw(st.sampled_from([0.0, 0.25, 0.5, 3.0])) * labels
    for figure in (average_precision, max_f1):
        value = figure(scores, labels)
        assert 0 < value <= 1 + 1e-12
        assert figure(scores[order], labels[order]) == pytest.approx(value, abs=1e-12)
        assert figure(better, labels) >= value - 1e-12
        assert figure(labels, labels) == 1
        assert figure(np.exp(scores), labels) == value
    share = labels.mean()
    assert average_precision(np.zeros(len(labels)), labels) == pytest.approx(share)
    assert max_f1(scores, labels) >= 2 * share / (1 + share) - 1e-12  # accept everything


def test_many_resamples_are_worked_in_blocks():
    rng = np.random.default_rng(0)
    n = 5000
    scores, labels = rng.random(n).round(2), rng.integers(0, 2, n)
    counts = rng.multinomial(n, np.full(n, 1 / n), size=1000)
    found = average_precision(scores, labels, counts)
    for row in (0, 419, 420, 999):
        expected = average_precision_score(labels, scores, sample_weight=counts[row])
        assert found[row] == pytest.approx(expected, abs=1e-12)
    assert max_f1(scores, labels, counts[:2])[1] == pytest.approx(
        naive_max_f1(scores, labels, counts[1]), abs=1e-12
    )


@pytest.mark.parametrize("figure", [average_precision, max_f1])
@pytest.mark.parametrize(
    ("scores", "labels", "weights", "message"),
    [
        ([0.1, np.nan], [0, 1], None, "1 of 2 scores are NaN or infinite, the first at item 1"),
        ([np.inf], [1], None, "NaN or infinite"),
        ([0.1, 0.2], [0, 2], None, "labels must be 0"),
        ([0.1, 0.2], [0.0, np.nan], None, "labels must be 0"),
        ([0.1, 0.2], [0, 0], None, "no pair is labelled 1"),
        ([], [], None, "no pair is labelled 1"),
        ([0.1], [0, 1], None, r"must be \[n\] both"),
        ([0.1], [1], [1, 2], r"must be \[..., 1\]"),
        ([0.1], [1], [-1], "at least 0"),
        ([0.1], [1], [np.inf], "must be finite"),
    ],
)
def test_bad_input_is_refused(figure, scores, labels, weights, message):
    with pytest.raises(ValueError, match=message):
        figure(scores, labels, weights)


def test_modes_are_scored_or_refused_by_name():
    for mode in MODES:
        check_mode(mode)
    assert set(MODES) == {"slavc", "pair"}
    for mode in ("acl_rounded", "acl_confidence", "cmcr"):
        with pytest.raises(ValueError, match=f"recognition mode '{mode}' .{{20}}"):
            check_mode(mode)
    assert set(REFUSED) == {"acl_rounded", "acl_confidence", "cmcr"}
    with pytest.raises(ValueError, match="unknown recognition mode 'ap': choose one of slavc"):
        check_mode("ap")
