"""Probes against scikit-learn's own pipeline, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mmbench.protocols.probe import LOGISTIC_C, RIDGE_ALPHA, fit_probe


def data(kind, n=120, width=6, seed=0, noise=0.5):
    rng = np.random.default_rng(seed)
    vectors = rng.normal(loc=3.0, scale=2.0, size=(n, width)).astype(np.float32)
    values = vectors[:, 0] - 3.0 + noise * rng.normal(size=n)
    return vectors, values if kind == "value" else np.digitize(values, [-1.5, 1.5])


@pytest.mark.parametrize(
    ("kind", "estimator"),
    [("class", LogisticRegression(C=0.3, max_iter=1000)), ("value", Ridge(alpha=0.3))],
)
def test_it_is_the_standardised_scikit_learn_model(kind, estimator):
    vectors, targets = data(kind)
    unseen, _ = data(kind, seed=1)
    probe = fit_probe(vectors, targets, kind=kind, strength=0.3)
    pipeline = make_pipeline(StandardScaler(), estimator).fit(vectors.astype(np.float64), targets)
    expected = pipeline.predict(unseen.astype(np.float64))
    if kind == "class":
        assert (probe.predict(unseen) == expected).all()
    else:
        np.testing.assert_allclose(probe.predict(unseen), expected, rtol=1e-9)
    assert probe.parameters["value"] == 0.3
    assert probe.parameters["chosen_on"] == "option"


@pytest.mark.parametrize(("kind", "grid"), [("class", LOGISTIC_C), ("value", RIDGE_ALPHA)])
def test_the_strength_is_the_best_on_validation_items(kind, grid):
    vectors, targets = data(kind, n=20, width=12, noise=2.0)
    valid = data(kind, n=200, width=12, seed=1, noise=2.0)
    probe = fit_probe(vectors, targets, kind=kind, valid=valid)
    scores = []
    for strength in grid:
        predicted = fit_probe(vectors, targets, kind=kind, strength=strength).predict(valid[0])
        hits = predicted == valid[1] if kind == "class" else -np.abs(predicted - valid[1])
        scores.append(float(np.mean(hits)))
    np.testing.assert_allclose(probe.parameters["validation"]["scores"], scores)
    assert probe.parameters["value"] == grid[int(np.argmax(scores))]
    assert len(set(scores)) > 1


def test_among_equals_the_most_regularised_wins():
    _, targets = data("class")
    probe = fit_probe(np.eye(3)[targets], targets, kind="class", valid=(np.eye(3), [0, 1, 2]))
    assert set(probe.parameters["validation"]["scores"]) == {1.0}
    assert probe.parameters["value"] == LOGISTIC_C[0] == min(LOGISTIC_C)
    assert max(RIDGE_ALPHA) == RIDGE_ALPHA[0]


def test_without_validation_items_the_strength_is_one():
    probe = fit_probe(*data("value"), kind="value")
    assert (probe.parameters["value"], probe.parameters["chosen_on"]) == (1.0, "default")


def test_classes_may_be_text():
    vectors, targets = data("class")
    names = np.array(["low", "middle", "high"])[targets]
    predicted = fit_probe(vectors, names, kind="class").predict(vectors)
    assert np.mean(predicted == names) > 0.8


def test_a_constant_dimension_does_no_harm():
    vectors, targets = data("value")
    wider = np.concatenate([vectors, np.full((len(vectors), 1), 1e6, dtype=np.float32)], axis=1)
    expected = fit_probe(vectors, targets, kind="value").predict(vectors)
    found = fit_probe(wider, targets, kind="value").predict(wider)
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_it_says_when_it_did_not_converge(monkeypatch):
    monkeypatch.setattr("mmbench.protocols.probe._MOST_STEPS", 1)
    assert not fit_probe(*data("class"), kind="class").parameters["converged"]


@settings(deadline=None)
@given(
    seed=st.integers(0, 10_000),
    n=st.integers(2, 64),
    scale=st.sampled_from([1e-3, 1.0, 1e3]),
    shift=st.sampled_from([-5.0, 0.0, 5.0]),
)
def test_scale_shift_and_order_of_the_vectors_do_not_matter(seed, n, scale, shift):
    rng = np.random.default_rng(seed)
    vectors = rng.integers(0, 3, size=(n, 3)).astype(np.float64)  # ties
    vectors[0], vectors[1] = 0.0, 1.0  # never all alike
    targets = rng.integers(-3, 4, size=n).astype(np.float64)
    order = rng.permutation(n)
    expected = fit_probe(vectors, targets, kind="value").predict(vectors)
    moved = vectors[order] * scale + shift
    found = fit_probe(moved, targets[order], kind="value").predict(moved)
    np.testing.assert_allclose(found, expected[order], atol=1e-6)
    assert np.abs(found).max() <= np.abs(targets - targets.mean()).sum() + 3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"vectors": np.ones((120, 6))}, "training vectors"),
        ({"vectors": np.full((120, 6), np.nan)}, "training vectors"),
        ({"targets": np.zeros(120, dtype=int)}, "only .*0"),
        ({"targets": np.zeros(119, dtype=int)}, "one for each of 120"),
        ({"targets": np.linspace(0, 1, 120)}, "whole numbers or text"),
        ({"strength": 0.0}, "above 0"),
        ({"strength": np.inf}, "above 0"),
        ({"kind": "value", "targets": np.full(120, np.nan)}, "finite numbers"),
        ({"kind": "value", "targets": np.array(["x"] * 120)}, "finite numbers"),
    ],
)
def test_what_can_not_be_fitted_is_refused(change, message):
    vectors, targets = data("class")
    given = {"vectors": vectors, "targets": targets, "kind": "class", **change}
    with pytest.raises(ValueError, match=message):
        fit_probe(given.pop("vectors"), given.pop("targets"), **given)


@pytest.mark.parametrize(
    ("vectors", "message"),
    [
        (np.ones((5, 6)), "image"),
        (np.full((5, 6), np.inf), "image"),
        (np.eye(5), "5 dimensions.*trained on 6"),
    ],
)
def test_what_can_not_be_predicted_is_refused(vectors, message):
    probe = fit_probe(*data("class"), kind="class")
    with pytest.raises(ValueError, match=message):
        probe.predict(vectors, name="image")
