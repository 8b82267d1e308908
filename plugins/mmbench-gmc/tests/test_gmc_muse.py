"""MUSE: its loss by hand with ALMA, the exact product above, and which parts are bounds."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from generative_cases import (
    BATCH,
    LATENT,
    has_gradient,
    np_divergence,
    np_encode,
    np_product,
    repeated,
    tightened,
)
from hierarchy_cases import (
    GAMMAS,
    SIZES,
    SLOTS,
    bottom,
    generator,
    noise_of,
    np_bottom,
    np_code_likelihood,
    np_layers,
    seeded,
)
from scipy.stats import multivariate_normal

from mmbench_gmc.gaussians import divergence_from_standard, product, sample
from mmbench_gmc.hierarchy import code_likelihood
from mmbench_gmc.muse_network import MUSENetwork
from mmbench_gmc.variational import ContrastiveTerm

SUBSETS = (
    ("picture",), ("sound",), ("label",),
    ("picture", "sound"), ("picture", "label"), ("sound", "label"),
)  # fmt: skip


def network(slots=SLOTS, **options) -> MUSENetwork:
    options = {"latent": LATENT, "hidden": 3, "layers": 1, **options}
    return seeded(MUSENetwork(bottom(slots), SIZES, GAMMAS, **options))


def terms_of(model, batch=BATCH, *, seed=0, progress=1.0):
    with torch.no_grad():
        return model.losses(batch, None, generator=generator(seed), progress=progress)


def np_experts(model, codes):
    """Mean and variance of each expert above."""
    found = {
        slot: np_layers(model.code_encoders[slot].body, z, "relu") for slot, z in codes.items()
    }
    return {slot: (both[:, :LATENT], np.exp(both[:, LATENT:])) for slot, both in found.items()}


def test_the_loss_of_two_items_by_hand() -> None:
    model = network(beta=0.7, delta=1.3, warm_up=0.5)
    *below, draw = noise_of(generator(4), *SIZES.values(), LATENT)
    codes, reconstruction, divergence = np_bottom(model.bottom, below)
    experts = np_experts(model, codes)
    mean, variance = np_product(list(experts.values()))
    above = mean + np.sqrt(variance) * draw
    decoded = {slot: np_layers(model.code_decoders[slot], above, "relu") for slot in codes}
    top, top_divergence = -np_code_likelihood(codes, decoded), np_divergence(mean, variance)
    alma = 0.0
    for subset in SUBSETS:
        mu, var = np_product([experts[slot] for slot in subset])
        alma = alma + np_divergence(mu, var, mean, variance) / 6
        alma = alma + np_divergence(mean, variance, mu, var) / 6
    expected = reconstruction + 0.7 * divergence + top + 0.7 * 0.5 * top_divergence + 1.3 * alma
    found = terms_of(model, seed=4, progress=0.25)
    assert float(found["loss"]) == pytest.approx(expected.mean(), abs=1e-9)
    assert float(found["alma"]) == pytest.approx(alma.mean(), abs=1e-9)
    assert float(found["top_divergence"]) == pytest.approx(top_divergence.mean(), abs=1e-9)


def test_the_representation_is_the_exact_product_of_whatever_is_there() -> None:
    model = network()
    for subset in (("sound",), ("picture", "label"), SLOTS):
        means = {s: np_encode(model.bottom.encoders[s].body, BATCH[s])[0] for s in subset}
        expected, _ = np_product(list(np_experts(model, means).values()))
        found = model.represent({slot: BATCH[slot] for slot in subset}).detach()
        np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_one_stream_has_no_alma() -> None:
    model = network(("sound",))
    assert float(terms_of(model, {"sound": BATCH["sound"]})["alma"]) == 0.0


def test_alma_teaches_both_sides() -> None:
    model = network()
    found = model.losses(BATCH, None, generator=generator(), progress=1.0)
    found["alma"].backward()
    for name, parameter in model.named_parameters():
        taught = parameter.grad is not None
        assert taught == name.startswith("code_encoders"), name


def test_gradients_reach_every_parameter() -> None:
    model = network(contrast=ContrastiveTerm(LATENT, 0.5))
    found = model.losses(BATCH, None, generator=generator(), progress=1.0)
    found["loss"].backward()
    for name, parameter in model.named_parameters():
        assert has_gradient(parameter), name


def linear_above(codes):
    """A model whose codes are jointly Gaussian, and their log density [B] under it."""
    model = network(layers=0)
    weight = np.vstack([model.code_decoders[s][0].weight.detach().numpy() for s in SLOTS])
    bias = np.concatenate([model.code_decoders[s][0].bias.detach().numpy() for s in SLOTS])
    variances = np.concatenate([np.full(SIZES[s], 0.5 / GAMMAS[s]) for s in SLOTS])
    covariance = weight @ weight.T + np.diag(variances)
    stacked = np.hstack([codes[slot] for slot in SLOTS])
    return model, np.atleast_1d(multivariate_normal.logpdf(stacked, bias, covariance))


def test_the_upper_part_without_alma_is_a_bound() -> None:
    rng = np.random.default_rng(1)
    codes = {slot: rng.normal(size=(2, SIZES[slot])) for slot in SLOTS}
    model, exact = linear_above(codes)
    batch = {slot: torch.from_numpy(code) for slot, code in codes.items()}

    def parts(times, draws, subset):
        many = repeated(batch, times)
        experts = model.experts({slot: many[slot] for slot in subset})
        posterior = product(list(experts.values()))
        likelihood = code_likelihood(model.code_decoders, sample(posterior, draws), many, GAMMAS)
        return likelihood - divergence_from_standard(posterior)

    for subset in (SLOTS, ("sound",)):
        tightened(model, lambda draws, some=subset: -parts(32, draws, some).mean(), steps=200)
        with torch.no_grad():
            bound = parts(20_000, generator(), subset).reshape(2, -1).mean(dim=1).numpy()
        assert (bound < exact + 0.02).all()
        assert (bound > exact - 1.5).all()


def test_importance_weights_above_have_the_evidence_as_mean() -> None:
    codes = {slot: np.full((1, SIZES[slot]), 0.4) for slot in SLOTS}
    model, exact = linear_above(codes)
    many = repeated({slot: torch.from_numpy(code) for slot, code in codes.items()}, 100_000)
    above = torch.randn(100_000, LATENT, generator=generator(), dtype=torch.float64)
    with torch.no_grad():
        logs = code_likelihood(model.code_decoders, above, many, GAMMAS)
    found = float(torch.logsumexp(logs, dim=0)) - np.log(len(logs))
    assert found == pytest.approx(float(exact[0]), abs=0.1)
