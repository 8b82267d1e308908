"""GMC's losses are those of the released code (and of the paper), with their gradients."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from gmc_oracles import read_arrays, read_json, rn, unit

from mmbench_gmc.contrast import gmc_loss, infonce, joints_as_negatives, paper
from mmbench_gmc.prediction import target_loss

ORACLE = read_json("gmc_loss.json")
CASES = ORACLE["cases"]
EXACT = {"rel": 1e-9, "abs": 1e-12}


def drawn(case):
    made = unit(rn(case["seed"], (case["M"] + 1, case["B"], case["D"])))
    return torch.tensor(made, requires_grad=True)


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["seed"]))
def test_losses_agree_with_the_released_code(case):
    vectors = drawn(case)
    args = (vectors[:-1], vectors[-1], case["tau"])
    assert infonce(*args).item() == pytest.approx(case["infonce_f64"], **EXACT)
    wanted = float(case["joints_as_negatives_f64"])
    assert joints_as_negatives(*args).item() == pytest.approx(wanted, **EXACT)
    if case["paper_equation_sum_f64"] is not None:
        assert paper(*args).item() == pytest.approx(case["paper_equation_sum_f64"], **EXACT)


@pytest.mark.parametrize("number", [0, 3, 5])
def test_gradients_agree_with_the_released_code(number):
    wanted = read_arrays("gmc_loss_grads.npz")[f"case{number}_grad_infonce"]
    case = next(c for c in CASES if (c["M"] + 1, c["B"], c["D"]) == wanted.shape)
    vectors = drawn(case)
    infonce(vectors[:-1], vectors[-1], case["tau"]).backward()
    np.testing.assert_allclose(vectors.grad.numpy(), wanted, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("case", CASES[:3], ids=lambda case: str(case["seed"]))
def test_the_supervised_loss_is_the_sum(case):
    vectors = drawn(case)
    predicted = torch.tensor(rn(case["pred_seed"], (case["B"], 1)))
    target = torch.tensor(rn(case["target_seed"], (case["B"], 1)).clip(-3, 3)[:, 0])
    task = (predicted[:, 0] - target).abs().mean()
    assert target_loss(predicted, target).item() == pytest.approx(task.item(), rel=1e-6)
    found = infonce(vectors[:-1], vectors[-1], case["tau"]) + task
    assert found.item() == pytest.approx(case["super_gmc_loss_f64"], **EXACT)
    assert task.item() == pytest.approx(case["l1_f64"], **EXACT)


def test_float32_is_close():
    case = CASES[1]
    vectors = drawn(case).detach().float()
    found = infonce(vectors[:-1], vectors[-1], case["tau"]).item()
    assert found == pytest.approx(case["infonce_f32"], rel=1e-5)


@pytest.mark.parametrize("batch", [2, 7])
def test_collapse_costs_the_logarithm_of_the_others(batch):
    vectors = torch.tensor(unit(rn(3, (1, 1, 8)))).expand(5, batch, 8)
    found = infonce(vectors[:-1], vectors[-1], 0.1).item()
    assert found == pytest.approx(4 * math.log(2 * batch - 1), rel=1e-12)


def test_modalities_that_agree_cost_little():
    wanted = ORACLE["aligned"]
    one = torch.tensor(unit(rn(wanted["seed"], (wanted["B"], wanted["D"]))))
    vectors = one.expand(wanted["M"], -1, -1)
    found = infonce(vectors, one, wanted["tau"]).item()
    assert found == pytest.approx(wanted["infonce_f64"], **EXACT)


def test_half_precision_is_lifted():
    case = CASES[0]
    vectors = drawn(case).detach()
    found = gmc_loss(vectors[:-1].bfloat16(), vectors[-1].bfloat16(), 0.1)
    assert found.dtype == torch.float32
    assert found.item() == pytest.approx(case["infonce_f64"], rel=0.02)


def test_the_joint_vectors_learn_too():
    vectors = drawn(CASES[2])
    for loss in ("infonce", "joints_as_negatives", "paper"):
        (found,) = torch.autograd.grad(gmc_loss(vectors[:-1], vectors[-1], 0.3, loss), vectors)
        assert (found.abs().sum(dim=(1, 2)) > 0).all()
