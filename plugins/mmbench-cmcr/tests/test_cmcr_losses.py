"""Losses and every intermediate, against values computed by formula in float64."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from cmcr_worlds import read_json, rn, unit
from torch.nn.functional import normalize

from mmbench_cmcr.aggregation import soft_values
from mmbench_cmcr.completion import complete, completed
from mmbench_cmcr.corpora import Rows
from mmbench_cmcr.losses import LossWeights, Quad, info_nce, loss_terms

ORACLE = read_json("cmcr_loss_oracle.json")
CLOSE = {"rtol": 1e-9, "atol": 1e-12}


def intermediates(case):
    """Aggregates, completed and projected vectors of a case, as its recipe says."""
    s, b, d = 100 * case["seed"], case["B"], case["d"]
    text_i, text_a = (torch.from_numpy(unit(rn(s + k, (b, d)))) for k in (1, 2))
    images = Rows("images", (unit(rn(s + 3, (case["K_image"], d))),))
    sounds = Rows("sounds", (unit(rn(s + 4, (case["K_audio"], d))),))
    v = soft_values(text_i, images, temperature=case["tau1"], block=7)
    a = soft_values(text_a, sounds, temperature=case["tau1"], block=7)
    sigma = case["noise_variance"] ** 0.5
    noisy = [
        completed(x, torch.from_numpy(sigma * rn(s + 5 + i, (b, d))))
        for i, x in enumerate((text_i, v, text_a, a))
    ]
    maps = [torch.from_numpy(rn(s + k, (d, d)) / d**0.5) for k in (9, 9, 10, 10)]
    hats = [normalize(x @ w.T, dim=-1) for x, w in zip(noisy, maps, strict=True)]
    names = ("tI", "v", "tA", "a")
    found = {"v": v, "a": a}
    found |= {f"{name}_enh": x for name, x in zip(names, noisy, strict=True)}
    found |= {f"{name}_hat": x for name, x in zip(names, hats, strict=True)}
    return found


def quad_of(found):
    return Quad(*(found[name] for name in ("tI_hat", "v_hat", "tA_hat", "a_hat")))


@pytest.mark.parametrize("case", [0, 1])
def test_every_intermediate_is_the_oracles(case):
    found = intermediates(ORACLE["cases"][case])
    wanted = ORACLE["case0"] if case == 0 else ORACLE["case1_first_columns"]
    assert set(wanted) == set(found)
    for name, values in wanted.items():
        part = found[name].numpy()[:, : len(values[0])]
        np.testing.assert_allclose(part, values, err_msg=name, **CLOSE)


def test_every_intermediate_of_both_cases_in_full(oracles):
    with np.load(oracles / "cmcr_loss.npz") as file:
        for number in (0, 1):
            for name, values in intermediates(ORACLE["cases"][number]).items():
                np.testing.assert_allclose(values.numpy(), file[f"case{number}_{name}"], **CLOSE)


@pytest.mark.parametrize("case", ORACLE["cases"], ids=lambda case: str(case["seed"]))
def test_the_losses_are_the_oracles(case):
    quad = quad_of(intermediates(case))
    for norm, short in (("l2", "l2"), ("l2_squared", "sq")):
        weights = LossWeights(case["tau2"], case["tau3"], norm, case["lam"])
        terms = loss_terms(quad, weights)
        close = {"rel": 1e-9}
        assert terms.shared.item() == pytest.approx(case["L_ttc"], **close)
        assert terms.leaf.item() == pytest.approx(case["L_avc"], **close)
        assert (terms.shared + terms.leaf).item() == pytest.approx(case["L_inter"], **close)
        assert terms.intra.item() == pytest.approx(case[f"L_intra_{short}"], **close)
        assert terms.total.item() == pytest.approx(case[f"L_total_{short}"], **close)


def test_the_aggregates_are_shorter_and_noise_turns_vectors():
    for case in ORACLE["cases"]:
        found = intermediates(case)
        mean = found["v"].norm(dim=-1).mean().item()
        assert mean == pytest.approx(case["mean_norm_aggregated_v"], rel=1e-9)
    assert case["mean_cos_before_after_noise"] < 0.6  # at 512 numbers that is a lot


def test_noise_has_the_variance_that_was_asked_for():
    zeros = torch.zeros(1, 200_000, dtype=torch.float64)
    one = torch.cat([torch.ones(1, 1, dtype=torch.float64), zeros], dim=1)
    turned = complete(one, variance=0.004, generator=torch.Generator().manual_seed(0))[0]
    sigma_over_length = turned[1:].std().item()
    expected = 0.004**0.5 / (1 + 0.004 * 200_000) ** 0.5
    assert sigma_over_length == pytest.approx(expected, rel=0.02)
    still = complete(3 * one, variance=0.0, generator=torch.Generator())
    assert torch.equal(still, one)


def test_dense_alignment_adds_the_mixed_pairs():
    quad = quad_of(intermediates(ORACLE["cases"][0]))
    plain = loss_terms(quad, LossWeights())
    dense = loss_terms(quad, LossWeights(alignment="dense"))
    mixed = info_nce(quad.first_shared, quad.second_leaf, 0.02)
    mixed = mixed + info_nce(quad.first_leaf, quad.second_shared, 0.02)
    assert dense.mixed.item() == pytest.approx(mixed.item())
    assert dense.total.item() == pytest.approx((plain.total + mixed).item())
    assert plain.mixed.item() == 0.0


def test_weights_leave_terms_out():
    quad = quad_of(intermediates(ORACLE["cases"][0]))
    terms = loss_terms(quad, LossWeights(leaf_weight=0.0, intra_weight=0.0))
    assert terms.total.item() == terms.shared.item()
    terms = loss_terms(quad, LossWeights(shared_weight=0.0, intra_weight=0.0))
    assert terms.total.item() == terms.leaf.item()
