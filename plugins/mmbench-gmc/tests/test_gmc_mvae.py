"""MVAE: its loss by hand, the exact product posterior, and that its terms are bounds."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from generative_cases import (
    BATCH,
    GAUSSIAN,
    LATENT,
    LIKELIHOODS,
    PLAIN,
    apply,
    decoders,
    encoders,
    generator,
    has_gradient,
    linear,
    np_divergence,
    np_encode,
    np_evidence,
    np_gaussian_evidence,
    np_log_likelihood,
    np_product,
    repeated,
    tightened,
)
from torch import nn

from mmbench_gmc.gaussians import sample
from mmbench_gmc.mvae_network import MVAENetwork
from mmbench_gmc.variational import ContrastiveTerm

SLOTS = ("picture", "sound", "label")


def network(slots=SLOTS, likelihoods=LIKELIHOODS, **options) -> MVAENetwork:
    options = {"warm_up": 0.0, "random_subsets": 0, **options}
    return MVAENetwork(encoders(slots), decoders(slots), likelihoods, **options)


def terms_of(model, batch, *, seed=0, progress=1.0):
    with torch.no_grad():
        return model.losses(batch, None, generator=generator(seed), progress=progress)


def by_hand(model, batch, subsets, noise, beta=1.0):
    """The loss from its formula: numpy only, one subset after the other."""
    values = {slot: value.numpy() for slot, value in batch.items()}
    experts = {slot: np_encode(model.encoders[slot].body, batch[slot]) for slot in model.slots}
    reconstruction = divergence = 0.0
    for subset, draw in zip(subsets, noise, strict=True):
        mean, variance = np_product([experts[slot] for slot in subset])
        code = mean + np.sqrt(variance) * draw
        for slot in subset:
            found = LIKELIHOODS[slot]
            output = apply(model.generation.decoders[slot], code)
            likelihood = np_log_likelihood(found.kind, output, values[slot])
            reconstruction -= found.weight * likelihood.mean()
        divergence += np_divergence(mean, variance).mean()
    return reconstruction + beta * divergence, reconstruction, divergence


def test_the_loss_of_two_items_by_hand() -> None:
    model = network(beta=0.7)
    subsets = [SLOTS, ("picture",), ("sound",), ("label",)]
    draws = generator(3)
    noise = [torch.randn(2, LATENT, generator=draws, dtype=torch.float64).numpy() for _ in subsets]
    found = terms_of(model, BATCH, seed=3)
    loss, reconstruction, divergence = by_hand(model, BATCH, subsets, noise, beta=0.7)
    assert float(found["loss"]) == pytest.approx(loss, abs=1e-9)
    assert float(found["reconstruction"]) == pytest.approx(reconstruction, abs=1e-9)
    assert float(found["divergence"]) == pytest.approx(divergence, abs=1e-9)


def test_drawn_subsets_join_the_terms() -> None:
    model = network(random_subsets=1)
    draws = generator(5)
    subsets = model.subsets(draws)
    assert subsets[:4] == [SLOTS, ("picture",), ("sound",), ("label",)]
    assert [len(subset) for subset in subsets] == [3, 1, 1, 1, 2]
    noise = [torch.randn(2, LATENT, generator=draws, dtype=torch.float64).numpy() for _ in subsets]
    loss, _, _ = by_hand(model, BATCH, subsets, noise)
    assert float(terms_of(model, BATCH, seed=5)["loss"]) == pytest.approx(loss, abs=1e-9)


def test_one_stream_has_one_term() -> None:
    assert network(("sound",)).subsets(generator()) == [("sound",)]


def test_beta_grows_over_the_warm_up() -> None:
    model = network(warm_up=0.5, beta=2.0)
    for progress, beta in ((0.0, 0.0), (0.25, 1.0), (0.5, 2.0), (1.0, 2.0)):
        found = terms_of(model, BATCH, progress=progress)
        expected = found["reconstruction"] + beta * found["divergence"]
        assert float(found["loss"]) == pytest.approx(float(expected), abs=1e-12)


def test_the_posterior_of_any_subset_is_the_exact_product() -> None:
    model = network()
    for subset in (("picture",), ("sound", "label"), SLOTS):
        some = {slot: BATCH[slot] for slot in subset}
        mean, variance = np_product([np_encode(model.encoders[s].body, BATCH[s]) for s in subset])
        found = model.posterior(some)
        np.testing.assert_allclose(found.mean.detach(), mean, rtol=1e-12)
        np.testing.assert_allclose(found.log_variance.detach().exp(), variance, rtol=1e-12)
        np.testing.assert_allclose(model.represent(some).detach(), mean, rtol=1e-12)


class Exact(nn.Module):
    """p(x|z) of x = W z + b + noise as a Gaussian of z, where W has orthogonal columns."""

    def __init__(self, layer: nn.Linear) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        weight, bias = self.layer.weight, self.layer.bias
        squares = (weight**2).sum(dim=0)
        mean = (x - bias) @ weight / squares
        return torch.cat([mean, (0.5 / squares).log().expand_as(mean)], dim=-1)


def test_with_the_true_experts_the_product_is_bayes_and_the_bound_is_tight() -> None:
    # x_m = W_m z + b_m + N(0, 1/2), columns of W_m orthogonal: then each expert p(x_m|z), as a
    # function of z, is a diagonal Gaussian, and their product with the prior p(z|x) itself.
    layers = {"sound": linear(LATENT, 2, 1), "motion": linear(LATENT, 3, 2)}
    with torch.no_grad():
        for layer in layers.values():
            left, _, _ = torch.linalg.svd(layer.weight, full_matrices=False)
            layer.weight.copy_(left * torch.tensor([1.3, 0.7]).double())
    encoding = {slot: Exact(layer) for slot, layer in layers.items()}
    model = MVAENetwork(encoding, layers, GAUSSIAN, random_subsets=0, warm_up=0.0)
    rng = np.random.default_rng(0)
    batch = {"sound": torch.from_numpy(rng.normal(size=(2, 2))),
             "motion": torch.from_numpy(rng.normal(size=(2, 3)))}  # fmt: skip

    weight = np.vstack([layer.weight.detach().numpy() for layer in layers.values()])
    bias = np.concatenate([layer.bias.detach().numpy() for layer in layers.values()])
    x = np.hstack([value.numpy() for value in batch.values()])
    covariance = np.linalg.inv(np.eye(LATENT) + 2.0 * weight.T @ weight)
    posterior = model.posterior(batch)
    np.testing.assert_allclose(
        posterior.mean.detach(), (x - bias) @ (2.0 * weight) @ covariance, rtol=1e-10
    )
    np.testing.assert_allclose(
        posterior.log_variance.detach().exp(), np.tile(np.diag(covariance), (2, 1)), rtol=1e-10
    )

    exact = np_gaussian_evidence(layers, batch).mean()
    for slot, layer in layers.items():
        exact += np_gaussian_evidence({slot: layer}, {slot: batch[slot]}).mean()
    found = -float(terms_of(model, repeated(batch, 60_000))["loss"])
    assert found == pytest.approx(exact, abs=0.02)


@pytest.mark.parametrize("subset", [("picture",), ("sound",), ("label",), SLOTS])
def test_each_term_is_a_bound_of_the_evidence(subset) -> None:
    model, batch = network(subset, PLAIN), {slot: BATCH[slot] for slot in subset}
    tightened(model, lambda draws: _loss(model, repeated(batch, 32), draws))
    decode = {slot: lambda z, s=slot: apply(model.generation.decoders[s], z) for slot in subset}
    evidence, error = np_evidence(decode, PLAIN, batch, draws=100_000)
    assert error.max() < 0.03
    for row in range(2):
        one = repeated({slot: value[row : row + 1] for slot, value in batch.items()}, 20_000)
        with torch.no_grad():
            posterior = model.posterior(one)
            code = sample(posterior, generator(row))
            likelihood = model.generation.weighted_sum(subset, code, one).mean()
        mean, log_variance = (part.numpy()[0] for part in posterior)
        divergence = np_divergence(mean, np.exp(log_variance))
        bound = float(likelihood) - divergence
        assert evidence[row] - 1.5 < bound < evidence[row] + 4 * error[row] + 0.02


def _loss(model, batch, draws):
    return model.losses(batch, None, generator=draws, progress=1.0)["loss"]


def test_the_loss_is_above_minus_the_evidence_of_its_terms() -> None:
    model, total = network(SLOTS, PLAIN), 0.0
    tightened(model, lambda draws: _loss(model, repeated(BATCH, 32), draws))
    for subset in (SLOTS, *((slot,) for slot in SLOTS)):
        decode = {slot: lambda z, s=slot: apply(model.generation.decoders[s], z) for slot in subset}
        some = {slot: BATCH[slot] for slot in subset}
        total += np_evidence(decode, PLAIN, some, draws=100_000)[0].mean()
    found = -float(terms_of(model, repeated(BATCH, 20_000))["loss"])
    assert total - 3.0 < found < total


def test_gradients_reach_every_parameter() -> None:
    model = network(random_subsets=1, contrast=ContrastiveTerm(LATENT, 0.5).double())
    model.losses(BATCH, None, generator=generator(), progress=1.0)["loss"].backward()
    for name, parameter in model.named_parameters():
        assert has_gradient(parameter), name


def test_the_contrastive_term_is_added_with_its_weight() -> None:
    torch.manual_seed(0)
    term = ContrastiveTerm(LATENT, 0.3).double()
    with_term, without = network(contrast=term), network()
    found, plain = terms_of(with_term, BATCH), terms_of(without, BATCH)
    assert float(found["loss"] - plain["loss"]) == pytest.approx(0.3 * float(found["contrastive"]))
    assert "contrastive" not in plain

    def project(slots):
        vectors = term.head(with_term.represent({slot: BATCH[slot] for slot in slots}))
        vectors = vectors.detach().numpy()
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    expected, joint = 0.0, project(SLOTS)
    for slot in SLOTS:
        rows = np.vstack([joint, project((slot,))])
        similar = np.exp(rows @ rows.T / 0.1)
        for row in range(4):
            others = similar[row].sum() - similar[row, row]
            expected -= np.log(similar[row, (row + 2) % 4] / others) / 4
    assert float(found["contrastive"]) == pytest.approx(expected, abs=1e-9)


def test_the_same_generator_gives_the_same_loss() -> None:
    model = network(random_subsets=1)
    torch.manual_seed(1)
    one = terms_of(model, BATCH, seed=8)["loss"]
    torch.manual_seed(2)
    assert torch.equal(one, terms_of(model, BATCH, seed=8)["loss"])
    assert not torch.equal(one, terms_of(model, BATCH, seed=9)["loss"])
