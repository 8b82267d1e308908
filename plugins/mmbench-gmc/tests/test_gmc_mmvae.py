"""MMVAE: each bound by hand, the exact mixture posterior, and that they are bounds in order."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from generative_cases import (
    BATCH,
    LATENT,
    LIKELIHOODS,
    PLAIN,
    apply,
    decoders,
    encoders,
    generator,
    has_gradient,
    np_divergence,
    np_encode,
    np_evidence,
    np_log_likelihood,
    repeated,
    tightened,
)
from scipy.special import logsumexp
from scipy.stats import norm

from mmbench_gmc.mmvae_network import MMVAENetwork
from mmbench_gmc.variational import ContrastiveTerm

SLOTS = ("picture", "sound", "label")
BOUNDS = ("loose-elbo", "elbo", "loose-iwae", "iwae")


def network(bound="elbo", likelihoods=LIKELIHOODS, **options) -> MMVAENetwork:
    options = {"warm_up": 0.0, "latent": LATENT, **options}
    return MMVAENetwork(
        encoders(SLOTS), decoders(SLOTS), likelihoods, bound=bound, **options
    ).double()


def terms_of(model, batch, *, seed=0):
    with torch.no_grad():
        return model.losses(batch, None, generator=generator(seed), progress=1.0)


def loss_of(model, batch, *, seed=0):
    return terms_of(model, batch, seed=seed)["loss"]


def backward(model, batch):
    """The loss, whose gradients are taken."""
    loss = model.losses(batch, None, generator=generator(), progress=1.0)["loss"]
    loss.backward()
    return loss.detach()


def by_hand(model, bound, samples, beta, noise):
    """The loss from its formula, numpy and scipy only."""
    experts = [np_encode(model.encoders[slot].body, BATCH[slot]) for slot in SLOTS]
    weights = np.zeros((len(SLOTS), samples, 2))
    likelihoods = np.zeros_like(weights)
    for m, (mean, variance) in enumerate(experts):
        for k in range(samples):
            code = mean + np.sqrt(variance) * noise[m][k]
            for slot in SLOTS:
                output = apply(model.generation.decoders[slot], code)
                found = np_log_likelihood(LIKELIHOODS[slot].kind, output, BATCH[slot].numpy())
                likelihoods[m, k] += LIKELIHOODS[slot].weight * found
            densities = [norm.pdf(code, mu, np.sqrt(var)).prod(axis=1) for mu, var in experts]
            prior, posterior = norm.pdf(code).prod(axis=1), np.mean(densities, axis=0)
            weights[m, k] = likelihoods[m, k] + beta * (np.log(prior) - np.log(posterior))
    if bound == "elbo":
        value = weights.mean(axis=(0, 1))
    elif bound == "loose-elbo":
        divergence = np.mean([np_divergence(mean, variance) for mean, variance in experts], axis=0)
        value = likelihoods.mean(axis=(0, 1)) - beta * divergence
    elif bound == "iwae":
        value = logsumexp(weights, axis=(0, 1)) - np.log(weights.shape[0] * samples)
    else:
        value = (logsumexp(weights, axis=1) - np.log(samples)).mean(axis=0)
    return -value.mean()


@pytest.mark.parametrize("bound", BOUNDS)
@pytest.mark.parametrize("samples", [1, 3])
def test_the_loss_of_two_items_by_hand(bound, samples) -> None:
    model = network(bound, samples=samples, beta=0.6)
    draws = generator(2)
    shape = (samples, 2, LATENT)
    noise = [torch.randn(shape, generator=draws, dtype=torch.float64).numpy() for _ in SLOTS]
    expected = by_hand(model, bound, samples, 0.6, noise)
    assert float(loss_of(model, BATCH, seed=2)) == pytest.approx(expected, abs=1e-9)


def test_the_representation_is_the_mean_of_the_mixture() -> None:
    model = network()
    for subset in (("sound",), ("picture", "label"), SLOTS):
        means = [np_encode(model.encoders[slot].body, BATCH[slot])[0] for slot in subset]
        found = model.represent({slot: BATCH[slot] for slot in subset}).detach()
        np.testing.assert_allclose(found, np.mean(means, axis=0), rtol=1e-12)


def test_the_bounds_are_bounds_and_in_order() -> None:
    decode = {
        slot: lambda z, layer=layer: apply(layer, z) for slot, layer in decoders(SLOTS).items()
    }
    evidence, error = np_evidence(decode, PLAIN, BATCH, draws=200_000)
    assert error.max() < 0.03
    found = {}
    model = network("elbo", PLAIN)
    few = repeated(BATCH, 32)
    tightened(model, lambda draws: model.losses(few, None, generator=draws, progress=1.0)["loss"])
    model.samples = 4
    for bound in BOUNDS:
        model.bound = bound
        found[bound] = -float(loss_of(model, repeated(BATCH, 5_000)))
    assert found["loose-elbo"] < found["elbo"] < found["loose-iwae"] < found["iwae"]
    assert evidence.mean() - 3.0 < found["elbo"]
    assert evidence.mean() - 0.5 < found["iwae"] < evidence.mean() + 4 * error.max()


def test_many_draws_bring_the_bound_to_the_evidence() -> None:
    decode = {
        slot: lambda z, layer=layer: apply(layer, z) for slot, layer in decoders(SLOTS).items()
    }
    evidence, _ = np_evidence(decode, PLAIN, BATCH, draws=200_000)
    found = -float(loss_of(network("iwae", PLAIN, samples=20_000), BATCH))
    assert found == pytest.approx(evidence.mean(), abs=0.1)


@pytest.mark.parametrize("bound", ["iwae", "loose-iwae"])
def test_the_doubly_reparametrised_gradient_has_the_same_mean(bound) -> None:
    found = {}
    for gradient in ("plain", "dreg"):
        model = network(bound, PLAIN, samples=3, gradient=gradient)
        loss = backward(model, repeated(BATCH, 10_000))
        found[gradient] = (loss, {n: p.grad for n, p in model.named_parameters()})
    assert torch.equal(found["plain"][0], found["dreg"][0])
    for name, plain in found["plain"][1].items():
        twice = found["dreg"][1][name]
        if plain is None:
            assert name == "prior_shares"
            assert twice is None
            continue
        assert torch.allclose(plain, twice, rtol=0.05, atol=0.07 * float(plain.abs().max())), name
        if name.startswith("encoders"):
            assert not torch.equal(plain, twice)


def test_a_learnt_prior_begins_as_the_standard_one_and_moves() -> None:
    model = network(learn_prior=True)
    assert torch.allclose(model.prior.log_variance, torch.zeros(LATENT).double(), atol=1e-15)
    assert torch.equal(loss_of(model, BATCH), loss_of(network(), BATCH))
    backward(model, BATCH)
    assert has_gradient(model.prior_shares)
    with torch.no_grad():
        model.prior_shares.copy_(torch.tensor([1.0, -1.0]))
    variances = model.prior.log_variance.exp().detach()
    assert float(variances.mean()) == pytest.approx(1.0)
    assert float(variances[0]) > 1.5


def test_the_contrastive_term_is_added_with_its_weight() -> None:
    term = ContrastiveTerm(LATENT, 0.3).double()
    found = terms_of(network(contrast=term), BATCH)
    plain = loss_of(network(), BATCH)
    assert float(found["loss"] - plain) == pytest.approx(0.3 * float(found["contrastive"]))
    assert float(found["contrastive"]) > 0.0
