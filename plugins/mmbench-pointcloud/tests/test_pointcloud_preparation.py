"""Which points are taken, and how they are centred and scaled."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from mmbench.api import ItemError, PointCloud, UsageError
from mmbench_pointcloud.preparation import Preparation, farthest_points, unit_sphere

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

#: Four corners of a square of side 6 around (4, 5, 1), and a fifth point in it.
SQUARE = np.array([[1, 2, 1], [7, 2, 1], [7, 8, 1], [1, 8, 1], [4, 5, 1]], dtype=np.float32)


def prepared(
    xyz: NDArray[np.float32] = SQUARE, content: str = "a", **options: object
) -> PointCloud:
    return Preparation(**options).apply(xyz, None, content=content, where="file")  # type: ignore[arg-type]


def test_points_lie_around_their_mean_within_the_unit_sphere() -> None:
    found = prepared()
    side = 1 / np.sqrt(2)
    wanted = [[-side, -side, 0], [side, -side, 0], [side, side, 0], [-side, side, 0], [0, 0, 0]]
    np.testing.assert_allclose(found.xyz, wanted, atol=1e-6)
    assert found.xyz.dtype == np.float32
    assert found.rgb is None
    np.testing.assert_array_equal(prepared(normalise="none").xyz, SQUARE)


def test_axes_change_over_before_scaling() -> None:
    found = prepared(axes="yz-swapped")
    np.testing.assert_allclose(found.xyz, prepared().xyz[:, [0, 2, 1]])


def test_the_farthest_points_come_first() -> None:
    assert farthest_points(SQUARE, 3, 0).tolist() == [0, 2, 1]
    assert sorted(farthest_points(SQUARE, 5, 4).tolist()) == [0, 1, 2, 3, 4]


def test_sampling() -> None:
    np.testing.assert_array_equal(prepared(points=2, normalise="none").xyz, SQUARE[:2])
    many = np.random.default_rng(0).normal(size=(500, 3)).astype(np.float32)
    for sampling in ("fps", "random"):
        options = {"points": 50, "sampling": sampling, "normalise": "none"}
        drawn = [
            prepared(many, content, **options, sampling_seed=seed).xyz
            for content, seed in (("a", 0), ("a", 0), ("a", 1), ("b", 0))
        ]
        assert len(np.unique(drawn[0], axis=0)) == 50
        assert {tuple(row) for row in drawn[0].tolist()} <= {tuple(row) for row in many.tolist()}
        np.testing.assert_array_equal(drawn[0], drawn[1])
        assert not np.array_equal(drawn[0], drawn[2])
        assert not np.array_equal(drawn[0], drawn[3])


def test_farthest_points_are_spread_wider_than_the_first() -> None:
    many = np.random.default_rng(0).normal(size=(500, 3)).astype(np.float32)
    gaps = []
    for sampling in ("first", "fps"):
        xyz = prepared(many, points=50, sampling=sampling, normalise="none").xyz
        apart = np.linalg.norm(xyz[:, None] - xyz[None], axis=2) + 99 * np.eye(50)
        gaps.append(apart.min())
    assert gaps[1] > 3 * gaps[0]


def test_too_few_points() -> None:
    with pytest.raises(ItemError, match=r"file: the cloud has 5 points, fewer than the 6 asked"):
        prepared(points=6)
    assert len(prepared(points=6, short="keep").xyz) == 5
    repeated = prepared(points=12, short="repeat", normalise="none").xyz
    np.testing.assert_array_equal(repeated, np.concatenate([SQUARE, SQUARE, SQUARE[:2]]))


@pytest.mark.parametrize(
    ("xyz", "said"),
    [
        (np.empty((0, 3)), "the cloud has no points"),
        (np.full((5, 3), 0.1), "all 5 points are equal"),
        (np.full((3, 3), 1000.1), "all 3 points are equal"),
        (SQUARE * 1e-8, "all 5 points are equal"),
        (np.array([[0, 0, 0], [1, np.nan, 0]]), r"NaN or infinity \(point 1\)"),
        (np.array([[0, np.inf, 0], [1, 0, 0]]), r"NaN or infinity \(point 0\)"),
    ],
)
def test_what_is_no_shape_is_said(xyz: NDArray[np.float64], said: str) -> None:
    with pytest.raises(ItemError, match=f"^file: .*{said}"):
        prepared(xyz.astype(np.float32))


def test_degenerate_clouds_become_zeros_where_asked_for() -> None:
    found = prepared(np.full((5, 3), 0.1, dtype=np.float32), degenerate="zeros")
    np.testing.assert_array_equal(found.xyz, np.zeros((5, 3)))


def test_colours() -> None:
    rgb = np.linspace(0, 1, 15, dtype=np.float32).reshape(5, 3)
    for colour, stored, wanted in (
        ("stored", rgb, rgb[:2]),
        ("stored", None, None),
        ("grey", rgb, rgb[:2]),
        ("grey", None, np.full((2, 3), np.float32(0.4))),
        ("none", rgb, None),
    ):
        options = Preparation(points=2, colour=colour)  # type: ignore[arg-type]
        found = options.apply(SQUARE, stored, content="a", where="file").rgb
        if wanted is None:
            assert found is None
        else:
            np.testing.assert_array_equal(found, wanted)
    with pytest.raises(ItemError, match="the colours hold NaN"):
        Preparation().apply(SQUARE, rgb * np.nan, content="a", where="file")


def test_every_option_that_matters_is_in_the_key() -> None:
    every = [
        {}, {"points": 2}, {"points": 3}, {"points": 2, "sampling": "fps"},
        {"points": 2, "sampling": "fps", "sampling_seed": 1}, {"points": 2, "short": "keep"},
        {"normalise": "none"}, {"degenerate": "zeros"}, {"axes": "yz-swapped"}, {"colour": "none"},
    ]  # fmt: skip
    keys = [Preparation(**options).key for options in every]  # type: ignore[arg-type]
    assert len(set(keys)) == len(keys)
    assert Preparation(sampling_seed=1).key == Preparation().key  # nothing is drawn


def test_counts_and_seeds_are_no_negative_numbers() -> None:
    for options in ({"points": -1}, {"sampling_seed": -1}):
        with pytest.raises(UsageError, match=next(iter(options))):
            Preparation(**options)  # type: ignore[arg-type]


def test_the_original_codes_do_the_same(shared: Path) -> None:
    with np.load(shared / "oracles" / "metrics" / "pointcloud_norm.npz") as oracle:
        known = {name: oracle[name] for name in oracle}
    for number, points in enumerate(known["points"]):
        xyz = np.ascontiguousarray(points[:, :3])
        ulip = prepared(xyz).xyz
        np.testing.assert_allclose(ulip, known["ulip"][number], rtol=0, atol=1e-6)
        swapped = prepared(xyz, axes="yz-swapped").xyz
        np.testing.assert_allclose(
            swapped, known["openshape_yz_swapped"][number], rtol=0, atol=1e-6
        )
        rows = farthest_points(xyz, 64, int(known["fps_start"][number]))
        np.testing.assert_array_equal(points[rows], known["fps64"][number])
    zeros = prepared(np.full((5, 3), 0.3, dtype=np.float32), degenerate="zeros")
    np.testing.assert_array_equal(zeros.xyz, known["openshape_degenerate"])
    assert np.isnan(known["ulip_degenerate"]).all()  # what degenerate=nan would be; it is refused


def test_unit_sphere_tells_the_radius() -> None:
    _, radius = unit_sphere(SQUARE)
    assert radius == pytest.approx(3 * np.sqrt(2))
