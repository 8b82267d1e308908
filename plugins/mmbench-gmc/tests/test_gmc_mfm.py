"""MFM: its loss by hand, the kernel distance, surrogates, and what is a bound."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from generative_cases import (
    BATCH,
    LATENT,
    LIKELIHOODS,
    PLAIN,
    WIDTHS,
    apply,
    generator,
    has_gradient,
    linear,
    np_divergence,
    np_log_likelihood,
    repeated,
    tightened,
)
from hierarchy_cases import SIZES, SLOTS, noise_of, np_layers, seeded
from scipy.special import log_softmax
from torch import nn

from mmbench_gmc.mfm_network import MFMNetwork, maximum_mean_discrepancy
from mmbench_gmc.subsets import proper_subsets
from mmbench_gmc.variational import ContrastiveTerm


class Joint(nn.Module):
    """A linear layer of all streams side by side."""

    def __init__(self, slots, outputs: int) -> None:
        super().__init__()
        self.slots = slots
        self.layer = linear(sum(WIDTHS[slot] for slot in slots), outputs, 1)

    def forward(self, batch):
        return self.layer(torch.cat([batch[slot] for slot in self.slots], dim=1))


def network(slots=SLOTS, likelihoods=LIKELIHOODS, *, seed=7, **options) -> MFMNetwork:
    both = 2 if options.get("prior") == "kl" else 1
    encoders = {slot: linear(WIDTHS[slot], both * SIZES[slot] + LATENT, 5) for slot in slots}
    decoders = {slot: linear(2 * LATENT, WIDTHS[slot], 6) for slot in slots}
    model = MFMNetwork(
        Joint(slots, both * LATENT), encoders, decoders,
        {slot: likelihoods[slot] for slot in slots}, SIZES,
        latent=LATENT, **{"hidden": 4, **options},
    )  # fmt: skip
    return seeded(model, seed)


def terms_of(model, batch=BATCH, target=None, *, seed=0):
    with torch.no_grad():
        return model.losses(batch, target, generator=generator(seed), progress=1.0)


def np_discrepancy(codes, draws):
    """MMD by its double sums."""

    def mean_kernel(one, other):
        values = [np.exp(-((a - b) ** 2).mean() / len(a)) for a in one for b in other]
        return np.mean(values)

    return mean_kernel(draws, draws) + mean_kernel(codes, codes) - 2 * mean_kernel(draws, codes)


def np_factor(layers, code):
    return np.maximum(np_layers(layers[0], code, "relu"), 0.0)


def np_surrogate(model, evidence, subset):
    """z_y^S and z_m^S of one subset."""
    parts = [evidence[slot] * (slot in subset) for slot in SLOTS]
    told = np.tile([float(slot in subset) for slot in SLOTS], (len(parts[0]), 1))
    found = np_layers(model.surrogate, np.hstack([*parts, told]), "relu")
    edges = np.cumsum([LATENT, *SIZES.values()])[:-1]
    return dict(zip(("", *SLOTS), np.split(found, edges, axis=1), strict=True))


def np_encode_all(model):
    shared = apply(model.joint.layer, np.hstack([BATCH[slot].numpy() for slot in SLOTS]))
    found = {slot: apply(model.encoders[slot], BATCH[slot].numpy()) for slot in SLOTS}
    own = {slot: both[:, :-LATENT] for slot, both in found.items()}
    return shared, own, {slot: both[:, -LATENT:] for slot, both in found.items()}


def test_the_loss_of_two_items_by_hand() -> None:
    model = network(prior_weight=0.7, surrogate_weight=1.3)
    shared, own, evidence = np_encode_all(model)
    generation = 0.0
    for slot in SLOTS:
        factors = [np_factor(model.shared_factor, shared)]
        factors.append(np_factor(model.own_factors[slot], own[slot]))
        output = apply(model.generation.decoders[slot], np.hstack(factors))
        found = LIKELIHOODS[slot]
        cost = -np_log_likelihood(found.kind, output, BATCH[slot].numpy()).mean()
        generation += found.weight * cost / (1 if slot == "label" else WIDTHS[slot])
    draws = noise_of(generator(4), LATENT, *SIZES.values())
    prior = sum(
        np_discrepancy(code, draw)
        for code, draw in zip((shared, *own.values()), draws, strict=True)
    )
    surrogate = 0.0
    for subset in proper_subsets(SLOTS):
        inferred = np_surrogate(model, evidence, subset)
        surrogate += ((inferred[""] - shared) ** 2).mean()
        for slot in set(SLOTS) - set(subset):
            surrogate += ((inferred[slot] - own[slot]) ** 2).mean()
    terms = terms_of(model, seed=4)
    assert float(terms["reconstruction"]) == pytest.approx(generation, abs=1e-9)
    assert float(terms["prior"]) == pytest.approx(prior, abs=1e-9)
    assert float(terms["surrogate"]) == pytest.approx(surrogate, abs=1e-9)
    expected = generation + 0.7 * prior + 1.3 * surrogate
    assert float(terms["loss"]) == pytest.approx(expected, abs=1e-9)


def test_a_target_is_predicted_of_the_shared_factor() -> None:
    classes = network(outputs=3)
    shared, _, _ = np_encode_all(classes)
    scores = np_layers(classes.head, np_factor(classes.shared_factor, shared), "relu")
    terms = terms_of(classes, target=torch.tensor([2, 0]))
    expected = -log_softmax(scores, axis=1)[[0, 1], [2, 0]].mean()
    assert float(terms["task"]) == pytest.approx(expected, abs=1e-9)
    np.testing.assert_allclose(classes.predict(BATCH).detach(), scores, rtol=1e-10)
    assert float(terms["loss"] - terms_of(classes)["loss"]) == pytest.approx(expected, abs=1e-9)

    values = network(outputs=1)
    scores = np_layers(values.head, np_factor(values.shared_factor, shared), "relu")[:, 0]
    terms = terms_of(values, target=torch.tensor([0.5, -2.0]))
    assert float(terms["task"]) == pytest.approx(np.abs(scores - [0.5, -2.0]).mean(), abs=1e-9)


def test_the_representation_is_the_shared_code_or_what_is_inferred_of_it() -> None:
    model = network()
    shared, _, evidence = np_encode_all(model)
    np.testing.assert_allclose(model.represent(BATCH).detach(), shared, rtol=1e-12)
    for subset in proper_subsets(SLOTS):
        found = model.represent({slot: BATCH[slot] for slot in subset}).detach()
        expected = np_surrogate(model, evidence, subset)[""]
        np.testing.assert_allclose(found, expected, rtol=1e-10)


def test_without_a_target_nothing_is_predicted() -> None:
    with pytest.raises(NotImplementedError, match="without a target"):
        network().predict(BATCH)


def test_the_discrepancy_is_a_squared_distance() -> None:
    draws = generator(1)
    one = torch.randn(40, 3, generator=draws, dtype=torch.float64)
    assert float(maximum_mean_discrepancy(one, one)) == pytest.approx(0.0, abs=1e-15)
    assert float(maximum_mean_discrepancy(one, one.flip(0))) == pytest.approx(0.0, abs=1e-15)
    found = [
        float(maximum_mean_discrepancy(
            one + shift, torch.randn(60, 3, generator=draws, dtype=torch.float64)
        ))
        for shift in (0.0, 1.0, 3.0)
    ]  # fmt: skip
    assert 0.0 <= found[0] < found[1] < found[2]


def test_of_the_prior_it_falls_with_the_sample_to_zero() -> None:
    # The biased estimate of equal distributions is (1 - E k(a, b)) (1/n + 1/k) in the mean.
    found = []
    for size in (50, 400):
        draws = generator(size)
        values = [
            maximum_mean_discrepancy(
                torch.randn(size, 2, generator=draws), torch.randn(size, 2, generator=draws)
            )
            for _ in range(20)
        ]
        kernel = 1.0 / (1.0 + 4.0 / 4.0)  # E exp(-|a - b|^2 / 4), a - b ~ N(0, 2) in two dimensions
        found.append(float(torch.stack(values).mean()) / ((1.0 - kernel) * 2.0 / size))
    assert found == pytest.approx([1.0, 1.0], abs=0.35)


def test_gradients_reach_every_parameter() -> None:
    # A ReLU that is shut for both items passes nothing; with this seed none is shut for all.
    model = network(outputs=2, contrast=ContrastiveTerm(LATENT, 0.5), seed=18)
    found = model.losses(BATCH, torch.tensor([0, 1]), generator=generator(), progress=1.0)
    found["loss"].backward()
    for name, parameter in model.named_parameters():
        assert has_gradient(parameter), name


def test_one_stream_needs_no_surrogate() -> None:
    model = network(("sound",))
    some = {"sound": BATCH["sound"]}
    assert float(terms_of(model, some)["surrogate"]) == 0.0
    assert model.represent(some).shape == (2, LATENT)


def test_with_divergences_it_is_a_bound() -> None:
    model = network(("picture", "sound"), PLAIN, prior="kl", surrogate_weight=0.0)
    batch = {slot: BATCH[slot] for slot in ("picture", "sound")}
    few = repeated(batch, 32)

    def bound(draws, many=few):
        return model.losses(many, None, generator=draws, progress=1.0)["loss"]

    tightened(model, bound, moving=("joint", "encoders"), steps=150)
    rng = np.random.default_rng(0)
    draws = 100_000
    shared = np_factor(model.shared_factor, rng.normal(size=(draws, LATENT)))
    logs = np.zeros((2, draws))
    for slot in batch:
        own = np_factor(model.own_factors[slot], rng.normal(size=(draws, SIZES[slot])))
        output = apply(model.generation.decoders[slot], np.hstack([shared, own]))
        for row in range(2):
            logs[row] += np_log_likelihood(PLAIN[slot].kind, output, BATCH[slot].numpy()[row])
    top = logs.max(axis=1)
    evidence = (np.log(np.exp(logs - top[:, None]).mean(axis=1)) + top).mean()
    with torch.no_grad():
        found = -float(bound(generator(), repeated(batch, 10_000)))
    assert evidence - 3.0 < found < evidence + 0.03


def test_the_divergences_are_those_of_all_codes() -> None:
    model = network(prior="kl")
    both = apply(model.joint.layer, np.hstack([BATCH[slot].numpy() for slot in SLOTS]))
    expected = np_divergence(both[:, :LATENT], np.exp(both[:, LATENT:])).mean()
    for slot in SLOTS:
        found = apply(model.encoders[slot], BATCH[slot].numpy())[:, :-LATENT]
        size = SIZES[slot]
        expected += np_divergence(found[:, :size], np.exp(found[:, size:])).mean()
    assert float(terms_of(model)["prior"]) == pytest.approx(expected, abs=1e-9)
