"""GMC's downstream classifier: what it is made of, that it learns, its seed, what it refuses."""

from __future__ import annotations

import numpy as np
import pytest

from mmbench.protocols.mlp_probe import fit_mlp


def clusters(n=160, width=6, classes=4, seed=0):
    rng = np.random.default_rng(seed)
    targets = np.arange(n) % classes
    angles = 2 * np.pi * targets / classes
    centres = np.zeros((n, width))
    centres[:, 0], centres[:, 1] = np.cos(angles), np.sin(angles)
    return (centres + 0.1 * rng.standard_normal((n, width))).astype(np.float32), targets


def test_it_is_gmcs_classifier():
    vectors, targets = clusters()
    probe = fit_mlp(vectors, targets, seed=3, epochs=7)
    model = probe.model
    assert [each.shape for each in model.coefs_] == [(6, 256), (256, 128), (128, 4)]
    assert (model.activation, model.out_activation_, model.solver) == ("relu", "softmax", "adam")
    assert (model.alpha, model.learning_rate_init, model.batch_size) == (0.0, 1e-3, 64)
    assert (model.beta_1, model.beta_2, model.epsilon) == (0.9, 0.999, 1e-8)
    assert model.n_iter_ == 7
    assert model.t_ == 7 * len(vectors)
    wanted = {"epochs": 7, "seed": 3, "standardised": False, "hidden": [256, 128], "batch": 64}
    assert wanted.items() <= probe.parameters.items()


def test_its_first_step_is_adams_on_the_cross_entropy():
    """One batch, one epoch, by hand: the gradient of the mean cross-entropy, through Adam."""
    vectors, targets = clusters(40)
    probe = fit_mlp(vectors, targets, seed=0, epochs=1)
    start = fit_initial(vectors, targets)
    (w1, w2, w3), (b1, b2, b3) = start
    x = vectors.astype(np.float64)
    h1 = np.maximum(x @ w1 + b1, 0)
    h2 = np.maximum(h1 @ w2 + b2, 0)
    scores = h2 @ w3 + b3
    shares = np.exp(scores - scores.max(1, keepdims=True))
    shares /= shares.sum(1, keepdims=True)
    error = (shares - np.eye(4)[targets]) / len(x)
    gradient = h2.T @ error
    stepped = w3 - 1e-3 * gradient / (np.abs(gradient) + 1e-8)
    far = np.abs(gradient) > 1e-3  # elsewhere Adam's epsilon has its share
    assert far.mean() > 0.1
    assert probe.model.coefs_[2][far] == pytest.approx(stepped[far], abs=1e-5)


def fit_initial(vectors, targets):
    """The weights before the first step: a learning rate of nothing keeps them."""
    from sklearn.neural_network import MLPClassifier

    model = MLPClassifier(
        (256, 128), alpha=0.0, batch_size=40, learning_rate_init=1e-30, max_iter=1, random_state=0
    )
    with pytest.warns(UserWarning, match="converged"):
        model.fit(vectors, targets)
    return model.coefs_, model.intercepts_


def test_it_learns_and_the_seed_makes_it():
    vectors, targets = clusters()
    probe = fit_mlp(vectors, targets, seed=0, epochs=40)
    assert (probe.predict(vectors) == targets).mean() > 0.95
    again = fit_mlp(vectors, targets, seed=0, epochs=40)
    other = fit_mlp(vectors, targets, seed=1, epochs=40)
    assert np.array_equal(again.model.coefs_[0], probe.model.coefs_[0])
    assert not np.array_equal(other.model.coefs_[0], probe.model.coefs_[0])


def test_it_takes_vectors_as_they_are():
    vectors, targets = clusters()
    probe = fit_mlp(vectors, targets, seed=0, epochs=5)
    direct = probe.model.predict(vectors.astype(np.float64))
    assert np.array_equal(probe.predict(vectors), direct)
    assert not np.array_equal(
        probe.model.coefs_[0], fit_mlp(vectors * 3, targets, seed=0, epochs=5).model.coefs_[0]
    )


def test_classes_may_be_text():
    vectors, targets = clusters(40)
    names = np.array(["ah", "be", "ce", "de"])[targets]
    assert set(fit_mlp(vectors, names, seed=0, epochs=2).predict(vectors)) <= set(names)


@pytest.mark.parametrize(
    ("vectors", "targets", "message"),
    [
        (np.full((8, 3), np.nan), np.arange(8) % 2, "NaN"),
        (np.ones((8, 3)), np.arange(8) % 2, "equal"),
        (np.eye(8), np.zeros(8, dtype=int), "two classes"),
        (np.eye(8), np.arange(7), "8 items"),
        (np.eye(8), np.linspace(0, 1, 8), "whole numbers or text"),
    ],
)
def test_what_can_not_be_learnt_is_refused(vectors, targets, message):
    with pytest.raises(ValueError, match=message):
        fit_mlp(vectors, targets, seed=0, epochs=1)
