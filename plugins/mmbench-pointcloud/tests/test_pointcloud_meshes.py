"""OFF files: all kinds of headers, damage by line, and points by area."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from mmbench.api import ItemError
from mmbench_pointcloud.meshes import MeshCloud, load_mesh
from mmbench_pointcloud.preparation import AS_STORED

if TYPE_CHECKING:
    from pathlib import Path

#: A square of area 1, and a triangle of area 0.25 above it.
SQUARE = """OFF
7 3 0
0 0 0
1 0 0
1 1 0
0 1 0
0 0 5
1 0 5
0 0.5 5
3 0 1 2
3 0 2 3
3 4 5 6
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "shape.off"
    path.write_text(text, "utf-8")
    return path


@pytest.mark.parametrize(
    "text",
    [
        SQUARE,
        SQUARE.replace("OFF\n", "OFF"),
        SQUARE.replace("OFF\n", "OFF "),
        SQUARE.replace("\n", "\r\n"),
        SQUARE.replace("7 3 0\n", "# a comment\n\n7 3 0 # and another\n"),
        SQUARE.replace("3 0 1 2\n", "3 0 1 2 255 0 0\n"),
        SQUARE.replace("3 0 1 2\n3 0 2 3\n", "4 0 1 2 3\n").replace("7 3 0", "7 2 0"),
        "\ufeff" + SQUARE,
    ],
)
def test_headers_and_faces(tmp_path: Path, text: str) -> None:
    mesh = load_mesh(written(tmp_path, text))
    assert mesh.vertices.shape == (7, 3)
    assert mesh.area == pytest.approx(1.25)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "a file of 0 bytes"),
        (" \n", "is empty"),
        ("PLY\n" + SQUARE, ":1: is no OFF file"),
        ("OFF\n", ":1: the mesh is cut off: no counts"),
        (SQUARE.replace("7 3 0", "seven"), ":2: 'seven' are no counts"),
        (SQUARE.replace("7 3 0", "7 0 0"), ":2: the mesh has 7 corners and 0 faces"),
        (SQUARE.replace("7 3 0", "0 0 0"), ":2: the mesh has 0 corners and 0 faces"),
        (SQUARE[:-8], r":11: the mesh is cut off: 9 of 7 \+ 3 lines"),
        (SQUARE[: len(SQUARE) // 2], "the mesh is cut off"),
        (SQUARE.replace("1 1 0", "1 one 0"), ":5: '1 one 0' is no corner"),
        (SQUARE.replace("1 1 0", "1 1"), ":5: '1 1' is no corner"),
        (SQUARE.replace("1 1 0", "nan 1 0"), ":5: the mesh holds NaN"),
        (SQUARE.replace("3 0 2 3", "3 0 2 7"), ":11: '3 0 2 7' is no face"),
        (SQUARE.replace("3 0 2 3", "3 0 2 -1"), ":11: '3 0 2 -1' is no face"),
        (SQUARE.replace("3 0 2 3", "4 0 2 3"), ":11: '4 0 2 3' is no face"),
        ("OFF\n3 1 0\n0 0 0\n1 1 1\n2 2 2\n3 0 1 2\n", "has no surface: its area is 0"),
    ],
)
def test_damage_is_said_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(ItemError, match=said) as caught:
        load_mesh(path)
    assert str(path) in str(caught.value)


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    path = tmp_path / "shape.off"
    path.write_bytes(SQUARE.encode() + b"\xff\xfe")
    with pytest.raises(ItemError, match=":13: holds bytes that are no UTF-8"):
        load_mesh(path)
    with pytest.raises(ItemError, match="is not there"):
        load_mesh(tmp_path / "none.off")


def test_points_are_sampled_by_area_from_the_seed(tmp_path: Path) -> None:
    path = written(tmp_path, SQUARE)
    clouds = [MeshCloud(path, seed, 20_000).load(AS_STORED)[0] for seed in (0, 0, 1)]
    np.testing.assert_array_equal(clouds[0], clouds[1])
    assert not np.array_equal(clouds[0], clouds[2])
    low = clouds[0][:, 2] < 1
    assert np.mean(low) == pytest.approx(0.8, abs=0.01)  # 1 of 1.25
    np.testing.assert_allclose(clouds[0][low].mean(axis=0), [0.5, 0.5, 0], atol=0.01)
    assert clouds[0][low, :2].min() >= 0
    assert clouds[0][low, :2].max() <= 1


def test_real_meshes(shared: Path) -> None:
    folder = shared / "data" / "modelnet" / "off"
    counts = {"bathtub_0001": (3514, 3546), "bathtub_0002": (700, 664), "bed_0003": (2644, 2440)}
    for name, (corners, faces) in counts.items():
        mesh = load_mesh(folder / name.split("_")[0] / f"{name}.off")
        assert (len(mesh.vertices), len(mesh.faces)) == (corners, faces)
    glued = (folder / "bathtub" / "bathtub_0001.off").read_text("utf-8")
    assert glued.startswith("OFF3514 3546 0")
