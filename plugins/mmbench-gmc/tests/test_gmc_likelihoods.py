"""Likelihoods by kind of stream, their choice, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from generative_cases import np_log_likelihood

from mmbench.api import DataError, UsageError
from mmbench_gmc.inputs import Input
from mmbench_gmc.likelihoods import Likelihood, choose_likelihoods, log_likelihood

MHD = (
    Input("image", "Array", (1, 28, 28), "image"),
    Input("sound", "Array", (1, 32, 128), "audio"),
    Input("trajectory", "Array", (200,), "trajectory"),
    Input("label", "Array", (10,), "label"),
)


@pytest.mark.parametrize("kind", ["bernoulli", "gaussian", "categorical"])
def test_a_likelihood_is_scipys(kind) -> None:
    rng = np.random.default_rng(0)
    output = rng.normal(size=(4, 5))
    value = rng.uniform(size=(4, 5))
    if kind == "categorical":
        value = np.eye(5)[[0, 3, 3, 1]]
    found = log_likelihood(kind, torch.from_numpy(output), torch.from_numpy(value))
    np.testing.assert_allclose(found, np_log_likelihood(kind, output, value), rtol=1e-12)


def test_a_gaussian_is_the_squared_error_and_a_constant() -> None:
    output, value = torch.randn(2, 3, 4), torch.randn(3, 4)
    found = log_likelihood("gaussian", output, value)
    errors = ((output - value) ** 2).sum(dim=-1)
    assert torch.allclose(found + errors, torch.full((2, 3), -4 * 0.5 * float(np.log(np.pi))))


def test_leading_axes_are_kept_and_all_others_summed() -> None:
    output, value = torch.randn(7, 2, 3, 4, 5), torch.rand(3, 4, 5)
    found = log_likelihood("bernoulli", output, value)
    assert found.shape == (7, 2, 3)
    one = log_likelihood("bernoulli", output[6, 1, 2:], value[2:])
    assert torch.allclose(found[6, 1, 2], one[0])


def test_large_logits_stay_finite() -> None:
    value = torch.tensor([[1.0, 0.0]])
    for kind in ("bernoulli", "categorical"):
        found = log_likelihood(kind, torch.tensor([[-500.0, 500.0]]), value)
        assert -1001.0 < float(found) < -499.0


def test_the_usual_choice_for_mhd() -> None:
    found = choose_likelihoods(MHD)
    assert found == {
        "image": Likelihood("bernoulli", 1.0),
        "sound": Likelihood("gaussian", 1.0),
        "trajectory": Likelihood("gaussian", 50.0),
        "label": Likelihood("categorical", 50.0),
    }


def test_a_label_is_known_by_its_modality() -> None:
    inputs = (
        Input("digit", "Array", (10,), "label"),
        Input("frame", "Image", (3, 32, 32), "image"),
        Input("label", "Array", (10,), "table"),
    )
    found = choose_likelihoods(inputs, defaults={})
    assert [each.kind for each in found.values()] == ["categorical", "bernoulli", "gaussian"]


def test_streams_that_are_scaled_are_gaussian() -> None:
    # Generic trunks, and shapes the paper does not have, get arrays of mean 0 and deviation 1.
    assert {each.kind for each in choose_likelihoods(MHD, family="generic").values()} == {
        "gaussian"
    }
    odd = Input("image", "Array", (1, 20, 20), "image")
    assert choose_likelihoods([odd])["image"].kind == "gaussian"


def test_options_win() -> None:
    found = choose_likelihoods(MHD, {"image": "gaussian"}, {"image": 3, "label": 1})
    assert found["image"] == Likelihood("gaussian", 3.0)
    assert found["label"].weight == 1.0
    assert choose_likelihoods(MHD, defaults={})["trajectory"].weight == 1.0


@pytest.mark.parametrize(
    ("kinds", "weights", "said"),
    [
        ({"picture": "gaussian"}, {}, "no slot is called 'picture'"),
        ({"image": "poisson"}, {}, "'poisson' of slot 'image' is no likelihood"),
        ({}, {"images": 1.0}, "no slot is called 'images'"),
        ({}, {"image": -1.0}, "0 is the least of weights"),
        ({}, {"image": float("nan")}, "0 is the least of weights"),
    ],
)
def test_bad_options_are_misuse(kinds, weights, said) -> None:
    with pytest.raises(UsageError, match=said):
        choose_likelihoods(MHD, kinds, weights)


def test_values_out_of_range_are_named_with_the_way_out() -> None:
    with pytest.raises(DataError, match=r"slot 'image'.*0\.\.1(.|\n)*gaussian"):
        Likelihood("bernoulli").check("image", torch.tensor([[0.5, 1.5]]))
    with pytest.raises(DataError, match="one-hot"):
        Likelihood("categorical").check("label", torch.tensor([[0.5, 0.1]]))
    Likelihood("bernoulli").check("image", torch.tensor([[-1e-6, 1.0 + 1e-6]]))
    Likelihood("gaussian").check("sound", torch.tensor([[-80.0, 3.0]]))
    Likelihood("categorical").check("label", torch.eye(3))
