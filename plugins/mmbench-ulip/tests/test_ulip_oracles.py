"""What the authors' own code gave: the point encoder, its sampling, the loss, prompt ensembles."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from mmbench.api import Context, ItemError, PointCloud, Text
from mmbench.metrics.classification import class_vectors
from mmbench_ulip.clouds import in_unit_ball, prepare
from mmbench_ulip.grouping import farthest_points, gather_points
from mmbench_ulip.loss import ulip_loss
from mmbench_ulip.pointbert import PointBERT, Sizes
from mmbench_ulip.representation import ULIP

NAMES = ("BBQ", "toilet", "train")


def draw_like_the_oracle(order, base):
    """The recipe of the oracles' weights."""
    state = {}
    for number, name, shape in order:
        drawn = np.random.RandomState(base + number).standard_normal(shape)
        if name.endswith("running_var"):
            drawn = 0.5 + 0.1 * np.abs(drawn)
        elif drawn.ndim >= 2:
            drawn = 1.4 * drawn / np.sqrt(np.prod(shape[1:]))
        elif name.endswith("weight"):
            drawn = 1 + 0.1 * drawn
        else:
            drawn = 0.1 * drawn
        state[name] = torch.from_numpy(drawn.astype(np.float32))
    return state


@pytest.fixture(scope="module")
def pointbert(assets):
    """The encoder's state, the clouds, and what the authors' code made of them."""
    folder = assets / "oracles" / "methods"
    described = json.loads((folder / "pointbert_forward_weights.json").read_text())
    state = draw_like_the_oracle(described["order"], described["weight_base_seed"])
    with np.load(folder / "real_objaverse3_points_2048.npz") as points:
        clouds = np.stack([points[name] for name in NAMES]).astype(np.float32)
    with np.load(folder / "pointbert_forward.npz") as found:
        return state, clouds, dict(found), described["params"]


def test_point_encoder(pointbert):
    state, clouds, expected, parameters = pointbert
    encoder = PointBERT(Sizes.of(state)).eval()
    encoder.load_state_dict(state, strict=False)
    assert sum(parameter.numel() for parameter in encoder.parameters()) == parameters
    points, start = torch.from_numpy(clouds[:1]), torch.zeros(1, dtype=torch.int64)
    with torch.inference_mode():
        neighbours, centres = encoder.grouped(points, start)
        tokens = encoder.encoder(neighbours)
        features = encoder(points, start)
    np.testing.assert_array_equal(centres[:, :8], expected["centers_first8"][:1])
    np.testing.assert_allclose(
        tokens.mean(1), expected["group_token_mean"][:1], rtol=1e-5, atol=1e-6
    )
    np.testing.assert_allclose(features, expected["feature"][:1], rtol=1e-5, atol=1e-5)


@pytest.mark.slow
def test_point_encoder_from_a_checkpoint(pointbert, tmp_path):
    state, clouds, expected, _ = pointbert
    named = {f"module.point_encoder.{name}": value for name, value in state.items()}
    projection = torch.from_numpy(np.random.default_rng(0).normal(size=(768, 512)))
    named["module.pc_projection"] = projection.float()
    torch.save({"state_dict": named}, tmp_path / "pointbert.pt")
    made = ULIP(
        checkpoint=str(tmp_path / "pointbert.pt"), towers="none", unit_ball=False, start="first",
        normalise=False,
    )  # fmt: skip
    made.load(Context())
    found = made.encode({"pointcloud": [PointCloud(cloud) for cloud in clouds]})
    wanted = expected["feature"] @ projection.float().numpy()
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("case", [0, 1])
def test_loss(assets, case):
    expected = json.loads((assets / "oracles/methods/ulip_loss.json").read_text())[case]
    shape = (expected["B"], expected["D"])
    clouds, texts, images = (
        torch.from_numpy(np.random.RandomState(10 * expected["seed"] + k).standard_normal(shape))
        for k in range(3)
    )
    scale = torch.tensor(expected["logit_scale"], dtype=torch.float64)
    found = ulip_loss(clouds, texts, images, scale)
    assert found.loss.item() == pytest.approx(expected["loss"], rel=1e-12)
    assert 100 * found.text_accuracy.item() == expected["pc_text_acc"]
    assert 100 * found.image_accuracy.item() == expected["pc_image_acc"]


def test_unit_ball_and_farthest_points(assets):
    with np.load(assets / "oracles/metrics/pointcloud_norm.npz") as expected:
        points, sampled = expected["points"], expected["fps64"]
        for number, cloud in enumerate(points):
            np.testing.assert_allclose(
                in_unit_ball(cloud[:, :3]), expected["ulip"][number], atol=1e-6
            )
        start = torch.from_numpy(expected["fps_start"])
    whole = torch.from_numpy(points)
    chosen = farthest_points(whole[..., :3], 64, start)
    np.testing.assert_array_equal(gather_points(whole, chosen), sampled)


def test_points_in_one_place_have_no_unit_ball():
    """The authors' code divides by zero here, and gives NaN."""
    cloud = PointCloud(np.full((5, 3), 0.7, dtype=np.float32))
    with pytest.raises(ItemError, match="all 5 points are equal"):
        prepare(cloud, unit_ball=True, colours=False, grey=0.4)


def test_prompt_ensemble_is_the_mean_of_unit_vectors(loaded, ulip):
    """mmbench's ensemble (held to the authors' figures in its own tests) of what is encoded."""
    prompts = ["a point cloud model of a chair.", "a chair.", "a point cloud of a lamp.", "a lamp"]
    raw = loaded(ulip, normalise=False).encode({"text": [Text(each) for each in prompts]}).numpy()
    unit = raw / np.linalg.norm(raw, axis=1, keepdims=True)
    means = unit.reshape(2, 2, -1).mean(axis=1)
    wanted = means / np.linalg.norm(means, axis=1, keepdims=True)
    for made in (raw, loaded(ulip).encode({"text": [Text(each) for each in prompts]}).numpy()):
        np.testing.assert_allclose(class_vectors(made, np.array([0, 0, 1, 1])), wanted, atol=1e-6)
