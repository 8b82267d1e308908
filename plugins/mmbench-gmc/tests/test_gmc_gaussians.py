"""Diagonal Gaussians: each closed form against scipy, and against its own definition."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from scipy.stats import norm

from mmbench_gmc.gaussians import (
    Gaussian,
    divergence,
    divergence_from_standard,
    log_density,
    mixture_log_density,
    mixture_moments,
    noise,
    product,
    sample,
    standard,
    symmetric_divergence,
)

MEANS = np.array([[0.3, -1.0], [2.0, 0.5]])
VARIANCES = np.array([[0.5, 2.0], [1.5, 0.1]])
OTHER_MEANS = np.array([[1.0, 0.0], [-0.5, 0.7]])
OTHER_VARIANCES = np.array([[1.2, 0.3], [0.9, 2.5]])


def gaussian(means, variances) -> Gaussian:
    return Gaussian(torch.from_numpy(means), torch.from_numpy(np.log(variances)))


ONE, OTHER = gaussian(MEANS, VARIANCES), gaussian(OTHER_MEANS, OTHER_VARIANCES)


def test_a_density_is_scipys() -> None:
    at = np.array([[0.0, 1.0], [1.0, -1.0]])
    expected = norm.logpdf(at, MEANS, np.sqrt(VARIANCES)).sum(axis=1)
    np.testing.assert_allclose(log_density(ONE, torch.from_numpy(at)), expected, rtol=1e-12)


def test_a_divergence_is_its_integral() -> None:
    found = divergence(ONE, OTHER)
    for row in range(2):
        total = 0.0
        for column in range(2):
            q = norm(MEANS[row, column], VARIANCES[row, column] ** 0.5)
            p = norm(OTHER_MEANS[row, column], OTHER_VARIANCES[row, column] ** 0.5)
            low, high = q.ppf(1e-15), q.isf(1e-15)
            total += quad(lambda z, q=q, p=p: q.pdf(z) * (q.logpdf(z) - p.logpdf(z)), low, high)[0]
        assert float(found[row]) == pytest.approx(total, abs=1e-9)


def test_a_divergence_from_the_prior_is_one_of_gaussians() -> None:
    assert torch.allclose(
        divergence_from_standard(ONE), divergence(ONE, standard(ONE.mean)), rtol=0, atol=1e-14
    )


def test_the_symmetric_divergence_is_muses() -> None:
    # 0.5 (d^2 + q) / p + 0.5 (d^2 + p) / q - 1, summed: the formula of its released code.
    d = (MEANS - OTHER_MEANS) ** 2
    expected = 0.5 * (d + VARIANCES) / OTHER_VARIANCES + 0.5 * (d + OTHER_VARIANCES) / VARIANCES - 1
    np.testing.assert_allclose(symmetric_divergence(ONE, OTHER), expected.sum(axis=1), rtol=1e-12)


def test_a_product_is_the_normalised_product_of_densities() -> None:
    found = product([ONE, OTHER])
    at = np.linspace(-8, 8, 20001)
    for row in range(2):
        for column in range(2):
            density = (
                norm.pdf(at, MEANS[row, column], VARIANCES[row, column] ** 0.5)
                * norm.pdf(at, OTHER_MEANS[row, column], OTHER_VARIANCES[row, column] ** 0.5)
                * norm.pdf(at)
            )
            density /= density.sum() * (at[1] - at[0])
            mean, log_variance = found.mean[row, column], found.log_variance[row, column]
            expected = norm.pdf(at, float(mean), float(log_variance.exp().sqrt()))
            np.testing.assert_allclose(density, expected, atol=1e-9)


def test_a_product_by_hand() -> None:
    # Precisions 2, 4 and the prior's 1; means 3 and -1: (2 x 3 - 4 x 1) / 7.
    experts = [
        gaussian(np.array([[3.0]]), np.array([[0.5]])),
        gaussian(np.array([[-1.0]]), np.array([[0.25]])),
    ]
    found = product(experts)
    assert float(found.mean) == pytest.approx(2 / 7, abs=1e-15)
    assert float(found.log_variance.exp()) == pytest.approx(1 / 7, abs=1e-15)
    without = product(experts, prior=False)
    assert float(without.mean) == pytest.approx(2 / 6, abs=1e-15)


def test_a_product_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        product([])


def test_a_mixture_is_the_mean_of_densities() -> None:
    at = np.array([[0.0, 1.0], [1.0, -1.0]])
    one = norm.pdf(at, MEANS, np.sqrt(VARIANCES)).prod(axis=1)
    other = norm.pdf(at, OTHER_MEANS, np.sqrt(OTHER_VARIANCES)).prod(axis=1)
    found = mixture_log_density([ONE, OTHER], torch.from_numpy(at))
    np.testing.assert_allclose(found, np.log((one + other) / 2), rtol=1e-12)


def test_moments_of_a_mixture_are_those_of_its_density() -> None:
    found = mixture_moments([ONE, OTHER])
    at = np.linspace(-25, 25, 200001)
    step = at[1] - at[0]
    for row in range(2):
        for column in range(2):
            density = 0.5 * norm.pdf(at, MEANS[row, column], VARIANCES[row, column] ** 0.5)
            density += 0.5 * norm.pdf(
                at, OTHER_MEANS[row, column], OTHER_VARIANCES[row, column] ** 0.5
            )
            mean = (density * at).sum() * step
            variance = (density * (at - mean) ** 2).sum() * step
            assert float(found.mean[row, column]) == pytest.approx(mean, abs=1e-9)
            assert float(found.log_variance[row, column].exp()) == pytest.approx(variance, abs=1e-8)


def test_draws_have_the_moments_and_pass_gradients() -> None:
    mean = torch.tensor([1.0, -2.0], dtype=torch.float64, requires_grad=True)
    log_variance = torch.tensor([0.5, -1.0], dtype=torch.float64, requires_grad=True)
    found = sample(Gaussian(mean, log_variance), torch.Generator().manual_seed(0), 200_000)
    assert found.shape == (200_000, 2)
    assert torch.allclose(found.mean(dim=0), mean, atol=0.02)
    assert torch.allclose(found.var(dim=0), log_variance.exp(), rtol=0.02)
    found.sum().backward()
    torch.testing.assert_close(mean.grad, torch.full((2,), 2e5).double())
    assert log_variance.grad is not None
    assert bool((log_variance.grad != 0).all())


def test_draws_follow_the_generator_alone() -> None:
    like = torch.zeros(3, 2)
    one = noise(like, torch.Generator().manual_seed(4), 5)
    torch.manual_seed(99)
    assert torch.equal(one, noise(like, torch.Generator().manual_seed(4), 5))
    assert one.shape == (5, 3, 2)
