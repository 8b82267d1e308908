"""Clouds: what becomes of them, on what their vectors depend, and what is refused."""

from __future__ import annotations

import logging

import numpy as np
import pytest
import torch

from mmbench.api import Context, ItemError, PointCloud
from mmbench_ulip.clouds import starts
from mmbench_ulip.grouping import farthest_points, nearest_points, squared_distances
from mmbench_ulip.representation import ULIP


def encoded(made, *clouds):
    return made.encode({"pointcloud": list(clouds)})


def test_a_cloud_has_one_vector_whatever_is_beside_it(loaded, ulip, ulip2, clouds):
    for options in (ulip, ulip2):
        made = loaded(options, max_points=50)
        together = encoded(made, *clouds)
        for row, cloud in enumerate(clouds):
            torch.testing.assert_close(encoded(made, cloud)[0], together[row])
        backwards = encoded(made, *clouds[::-1]).flip(0)
        torch.testing.assert_close(backwards, together)


def test_groups_are_the_same_alone_and_in_a_batch(loaded, ulip):
    points = torch.randn(7, 90, 3, generator=torch.Generator().manual_seed(2)).half().float()
    encoder = loaded(ulip)._model.points
    start = torch.arange(7)
    neighbours, centres = encoder.grouped(points, start)
    for row in range(7):
        alone = encoder.grouped(points[row : row + 1], start[row : row + 1])
        assert torch.equal(alone[0][0], neighbours[row])
        assert torch.equal(alone[1][0], centres[row])


def test_groups_depend_on_the_seed_and_on_the_cloud(loaded, ulip, clouds):
    first, other = (encoded(loaded(ulip, seed=seed), clouds[1]) for seed in (0, 1))
    again = ULIP(**ulip)
    again.load(Context(seed=0))
    assert torch.equal(first, encoded(again, clouds[1]))
    assert not torch.allclose(first, other)
    drawn = {tuple(starts(cloud, 0, 2)) for cloud in clouds}
    assert len(drawn) == len(clouds)
    assert torch.equal(*(encoded(loaded(ulip, seed=s, start="first"), clouds[1]) for s in (0, 1)))


def test_global_random_states_do_not_matter(loaded, ulip, clouds):
    first = encoded(loaded(ulip), clouds[0])
    torch.manual_seed(99)
    np.random.seed(99)  # noqa: NPY002 - the global one is meant
    before = torch.random.get_rng_state()
    made = ULIP(**ulip)
    made.load(Context())
    assert torch.equal(encoded(made, clouds[0]), first)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_place_and_scale_do_not_matter_in_the_unit_ball(loaded, ulip, clouds):
    moved = PointCloud(clouds[0].xyz * np.float32(8) + np.float32(3))
    inside = loaded(ulip, start="first")
    torch.testing.assert_close(
        encoded(inside, clouds[0]), encoded(inside, moved), atol=1e-3, rtol=0
    )
    raw = loaded(ulip, start="first", unit_ball=False)
    assert not torch.allclose(encoded(raw, clouds[0]), encoded(raw, moved), atol=1e-2)


def test_larger_clouds_are_sampled_down_to_their_farthest_points(loaded, ulip, clouds):
    cloud = clouds[1]
    xyz = torch.from_numpy(cloud.xyz)[None]
    kept = farthest_points(xyz, 60, torch.tensor([0]))[0]
    fewer = loaded(ulip, start="first", unit_ball=False, max_points=60)
    sampled = PointCloud(cloud.xyz[kept])
    assert torch.equal(encoded(fewer, cloud), encoded(fewer, sampled))
    assert not torch.equal(encoded(fewer, cloud), encoded(fewer, PointCloud(cloud.xyz[:60])))


def test_colours_are_seen_where_the_checkpoint_has_them(loaded, ulip, ulip2, clouds):
    cloud = clouds[1]
    grey = PointCloud(cloud.xyz, np.full_like(cloud.xyz, 0.4))
    bare = PointCloud(cloud.xyz)
    seeing, blind = loaded(ulip2), loaded(ulip)
    assert torch.equal(encoded(seeing, grey), encoded(seeing, bare))
    assert not torch.allclose(encoded(seeing, cloud), encoded(seeing, bare), atol=1e-3)
    assert torch.equal(encoded(blind, cloud), encoded(blind, bare))
    black = loaded(ulip2, grey=0.0)
    assert not torch.allclose(encoded(black, bare), encoded(seeing, bare), atol=1e-3)


def test_colours_that_are_not_seen_are_not_looked_at(loaded, ulip, clouds):
    wrong = PointCloud(clouds[1].xyz, np.full_like(clouds[1].xyz, np.nan))
    assert torch.equal(encoded(loaded(ulip), wrong), encoded(loaded(ulip), clouds[1]))


def changed(xyz, row, value):
    xyz = xyz.copy()
    xyz[row] = value
    return xyz


_XYZ = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)
_BAD = [
    (PointCloud(np.zeros((0, 3), np.float32)), "the cloud has no points"),
    (PointCloud(np.full((50, 3), 2, np.float32)), "all 50 points are equal, and have no shape"),
    (PointCloud(_XYZ[:1]), "one point has no shape"),
    (PointCloud(changed(_XYZ, 3, np.nan)), "1 of 50 points have coordinates that are no finite"),
    (PointCloud(changed(_XYZ, slice(2, 5), np.inf)), "3 of 50 points have coordinates"),
    (PointCloud(_XYZ[:, :2]), r"a cloud of shape \[50, 2\]: expected \[points, 3\]"),
    (PointCloud(_XYZ, changed(_XYZ, 0, np.nan)), "1 of 50 points have colours"),
    (PointCloud(_XYZ, _XYZ[:9]), r"50 points and colours of shape \[9, 3\]"),
]


@pytest.mark.parametrize("unit_ball", [True, False])
@pytest.mark.parametrize(("cloud", "message"), _BAD, ids=[text[:20] for _, text in _BAD])
def test_clouds_that_are_refused(loaded, ulip2, clouds, cloud, message, unit_ball):
    made = loaded(ulip2, unit_ball=unit_ball)
    with pytest.raises(ItemError, match=message):
        encoded(made, clouds[0], cloud)


def test_fewer_points_than_groups_repeat_groups_and_are_said_once(ulip, clouds, caplog):
    made = ULIP(**ulip)
    made.load(Context(log=logging.getLogger("ulip.few")))
    with caplog.at_level("WARNING", "ulip.few"):
        for size in (2, 3, 7, 12):  # fewer than points in a group, too
            found = encoded(made, PointCloud(clouds[0].xyz[:size]))
            assert torch.isfinite(found).all()
    assert [record.getMessage() for record in caplog.records] == [
        "clouds of fewer points (2) than groups (16): groups repeat"
    ]


def test_points_that_are_taken_already_are_not_taken_before_all_others():
    points = torch.tensor([[[0.0, 0, 0], [1, 0, 0], [1, 0, 0], [5, 0, 0]]])
    assert farthest_points(points, 6, torch.tensor([1])).tolist() == [[1, 3, 0, 0, 0, 0]]


def test_among_equally_near_points_the_first_come_first():
    rng = np.random.default_rng(5)
    points = torch.from_numpy(rng.integers(0, 4, (3, 80, 3)).astype(np.float32))
    centres = points[:, :9]
    found = nearest_points(points, centres, 30)
    for cloud, around, index in zip(points, centres, found, strict=True):
        wanted = squared_distances(cloud, around).sort(dim=-1, stable=True).indices[:, :30]
        assert torch.equal(index, wanted)
