"""Nexus: its loss by hand, forced perceptual dropout, and which of its parts are bounds."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from generative_cases import (
    BATCH,
    LATENT,
    PLAIN,
    apply,
    has_gradient,
    np_divergence,
    np_encode,
    np_log_likelihood,
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
from scipy.stats import multivariate_normal, norm

from mmbench_gmc import nexus_network
from mmbench_gmc.gaussians import divergence_from_standard, sample
from mmbench_gmc.hierarchy import code_likelihood
from mmbench_gmc.nexus_network import NexusNetwork, kept_messages
from mmbench_gmc.variational import ContrastiveTerm

KEPT = torch.tensor([[True, True, True], [False, True, False]])


def network(**options) -> NexusNetwork:
    options = {"latent": LATENT, "hidden": 3, "layers": 1, "warm_up": 0.0, **options}
    return seeded(NexusNetwork(bottom(), SIZES, GAMMAS, **options))


def terms_of(model, batch=BATCH, *, seed=0, progress=1.0):
    with torch.no_grad():
        return model.losses(batch, None, generator=generator(seed), progress=progress)


def np_above(model, codes, kept=None):
    """Mean and variance of q(z | h), of the messages that are kept."""
    messages = np.stack([apply(model.messages[slot], code) for slot, code in codes.items()], axis=1)
    kept = np.ones(messages.shape[:2]) if kept is None else kept
    pooled = np.stack(
        [row[keep.astype(bool)].mean(axis=0) for row, keep in zip(messages, kept, strict=True)]
    )
    found = np_layers(model.node.body, pooled, "silu")
    return found[:, :LATENT], np.exp(found[:, LATENT:])


def by_hand(model, codes, draw, kept=None):
    """Reconstruction and divergence [B] of the upper level."""
    mean, variance = np_above(model, codes, kept)
    above = mean + np.sqrt(variance) * draw
    decoded = {slot: np_layers(model.code_decoders[slot], above, "silu") for slot in codes}
    return -np_code_likelihood(codes, decoded), np_divergence(mean, variance)


@pytest.mark.parametrize("training", [False, True])
def test_the_loss_of_two_items_by_hand(training, monkeypatch) -> None:
    monkeypatch.setattr(nexus_network, "kept_messages", lambda *_: KEPT)
    model = network(beta=0.7).train(training)
    *below, above = noise_of(generator(4), *SIZES.values(), LATENT)
    codes, reconstruction, divergence = np_bottom(model.bottom, below)
    top, top_divergence = by_hand(model, codes, above, KEPT.numpy() if training else None)
    expected = (reconstruction + top + 0.7 * (divergence + top_divergence)).mean()
    found = terms_of(model, seed=4)
    assert float(found["loss"]) == pytest.approx(expected, abs=1e-9)
    assert float(found["reconstruction"]) == pytest.approx(reconstruction.mean(), abs=1e-9)
    assert float(found["divergence"]) == pytest.approx(divergence.mean(), abs=1e-9)
    assert float(found["top_reconstruction"]) == pytest.approx(top.mean(), abs=1e-9)
    assert float(found["top_divergence"]) == pytest.approx(top_divergence.mean(), abs=1e-9)


def test_without_its_constant_the_upper_term_is_the_released_one() -> None:
    # gamma x sum of squared errors; codes with a gamma of 0 are left out.
    model = network()
    above = torch.randn(2, LATENT, generator=generator(), dtype=torch.float64)
    codes = {"sound": torch.randn(2, 3, generator=generator(1), dtype=torch.float64)}
    with torch.no_grad():
        found = code_likelihood(model.code_decoders, above, codes, {"sound": 10.0})
        errors = ((codes["sound"] - model.code_decoders["sound"](above)) ** 2).sum(dim=1)
        nothing = code_likelihood(model.code_decoders, above, codes, {"sound": 0.0})
    constant = 1.5 * float(np.log(np.pi / 10.0))
    np.testing.assert_allclose(found, -10.0 * errors - constant, rtol=1e-12)
    assert torch.equal(nothing, torch.zeros(2).double())


def test_the_representation_is_of_means_of_whatever_is_there() -> None:
    model = network().eval()
    for subset in (("sound",), ("picture", "label"), SLOTS):
        some = {slot: BATCH[slot] for slot in subset}
        means = {s: np_encode(model.bottom.encoders[s].body, BATCH[s])[0] for s in subset}
        np.testing.assert_allclose(
            model.represent(some).detach(), np_above(model, means)[0], rtol=1e-12
        )


def test_dropout_hits_its_share_and_each_number_as_often() -> None:
    kept = kept_messages(60_000, 4, 0.2, generator())
    dropped = (~kept).sum(dim=1)
    shares = torch.bincount(dropped, minlength=5) / len(kept)
    assert torch.allclose(shares, torch.tensor([0.8, 0.2 / 3, 0.2 / 3, 0.2 / 3, 0.0]), atol=0.006)
    of_stream = (~kept).float().mean(dim=0)
    assert float(of_stream.max() - of_stream.min()) < 0.006
    assert bool(kept_messages(50, 1, 1.0, generator()).all())
    assert bool(kept_messages(50, 3, 0.0, generator()).all())
    always = kept_messages(5000, 3, 1.0, generator())
    assert bool(always.any(dim=1).all())
    assert not bool(always.all(dim=1).any())


def test_there_is_no_dropout_in_evaluation() -> None:
    model = network(drop_rate=1.0)
    training, evaluation = terms_of(model.train()), terms_of(model.eval())
    assert float(training["reconstruction"]) == float(evaluation["reconstruction"])
    assert float(training["top_divergence"]) != float(evaluation["top_divergence"])


def test_no_gradient_of_the_upper_level_reaches_the_lower() -> None:
    model = network()
    found = model.losses(BATCH, None, generator=generator(), progress=1.0)
    (found["top_reconstruction"] + found["top_divergence"]).backward()
    for name, parameter in model.named_parameters():
        assert (parameter.grad is None) == name.startswith("bottom"), name


def test_gradients_reach_every_parameter() -> None:
    model = network(contrast=ContrastiveTerm(LATENT, 0.5))
    found = model.losses(BATCH, None, generator=generator(), progress=1.0)
    assert set(found) > {"loss", "contrastive"}
    found["loss"].backward()
    for name, parameter in model.named_parameters():
        assert has_gradient(parameter), name


@pytest.mark.parametrize("slot", SLOTS)
def test_the_lower_part_of_each_stream_is_a_bound(slot) -> None:
    model = bottom((slot,), PLAIN)
    decoder = model.generation.decoders[slot]
    size, draws = SIZES[slot], 100_000
    few = repeated({slot: BATCH[slot]}, 32)
    tightened(model, lambda draws: sum(part.mean() for part in model(few, draws)[-2:]))
    codes = np.random.default_rng(0).normal(size=(draws, size))
    many = repeated({slot: BATCH[slot]}, 20_000)
    with torch.no_grad():
        found = model(many, generator())
    bound = -(found.reconstruction + found.divergence).reshape(2, -1).mean(dim=1)
    for row in range(2):
        value = BATCH[slot].numpy()[row]
        logs = np_log_likelihood(PLAIN[slot].kind, apply(decoder, codes), value)
        evidence = np.log(np.exp(logs - logs.max()).mean()) + logs.max()
        assert evidence - 1.5 < float(bound[row]) < evidence + 0.02


def test_the_upper_part_is_a_bound_also_with_dropped_messages() -> None:
    # Decoders of codes without a hidden layer: then codes are jointly Gaussian, exactly.
    model = network().double()
    weights = {slot: (np.random.default_rng(row).normal(size=(SIZES[slot], LATENT)))
               for row, slot in enumerate(SLOTS)}  # fmt: skip
    for slot in SLOTS:
        layer = torch.nn.Linear(LATENT, SIZES[slot]).double()
        with torch.no_grad():
            layer.weight.copy_(torch.from_numpy(weights[slot]))
            layer.bias.zero_()
        model.code_decoders.modules_in_order[SLOTS.index(slot)] = layer
    stacked = np.vstack([weights[slot] for slot in SLOTS])
    variances = np.concatenate([np.full(SIZES[slot], 0.5 / GAMMAS[slot]) for slot in SLOTS])
    covariance = stacked @ stacked.T + np.diag(variances)
    rng = np.random.default_rng(5)
    codes = {slot: rng.normal(size=(2, SIZES[slot])) for slot in SLOTS}
    exact = multivariate_normal.logpdf(np.hstack(list(codes.values())), np.zeros(6), covariance)

    # By importance sampling too, from the prior: the same number, so the model is this one.
    above = rng.normal(size=(100_000, LATENT))
    density = np.zeros((2, len(above)))
    for slot in SLOTS:
        spread = np.sqrt(0.5 / GAMMAS[slot])
        density += norm.logpdf(
            codes[slot][:, None, :], above @ weights[slot].T, spread
        ).sum(axis=2)  # fmt: skip
    top = density.max(axis=1)
    sampled = np.log(np.exp(density - top[:, None]).mean(axis=1)) + top
    np.testing.assert_allclose(sampled, exact, atol=0.3)

    batch = {slot: torch.from_numpy(code) for slot, code in codes.items()}

    def parts(times, draws, kept):
        kept = None if kept is None else kept.repeat_interleave(times, dim=0)
        posterior = model.above(repeated(batch, times), kept)
        drawn = sample(posterior, draws)
        likelihood = code_likelihood(model.code_decoders, drawn, repeated(batch, times), GAMMAS)
        return likelihood - divergence_from_standard(posterior)

    for kept in (None, KEPT):
        tightened(model, lambda draws, kept=kept: -parts(32, draws, kept).mean(), steps=200)
        with torch.no_grad():
            bound = parts(20_000, generator(), kept).reshape(2, -1).mean(dim=1).numpy()
        assert (bound < exact + 0.02).all()
        assert (bound > exact - 3.0).all()
