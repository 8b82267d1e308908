"""The prompts of the papers, word for word."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from mmbench_pointcloud.classes import MODELNET40, SCANOBJECTNN
from mmbench_pointcloud.prompts import PROMPTS, templates_of

if TYPE_CHECKING:
    from pathlib import Path


def test_sets() -> None:
    ulip, uni3d = PROMPTS["modelnet40_64"], PROMPTS["uni3d_49"]
    assert (len(ulip), len(set(ulip)), len(uni3d), len(set(uni3d))) == (64, 64, 49, 49)
    assert ulip[0] == uni3d[0] == "a point cloud model of {}."
    # Neither list has a full stop there.
    assert ulip[51] == "a black and white photo of a {}"
    assert [each for each in (*ulip, *uni3d) if each[-1] != "."] == [ulip[51], uni3d[44]]
    assert all(each.count("{}") == 1 for each in (*ulip, *uni3d))


def test_own_templates_replace_a_set() -> None:
    assert templates_of("modelnet40_64", ("a {}",)) == ("a {}",)
    assert templates_of("name", ()) == ("{}",)


def test_classes() -> None:
    assert len(MODELNET40) == len(set(MODELNET40)) == 40
    assert list(MODELNET40) == sorted(MODELNET40)
    assert len(SCANOBJECTNN) == 15


def test_the_papers_files_say_the_same(shared: Path) -> None:
    folder = shared / "data" / "modelnet"
    ulip, uni3d, labels, others = (
        json.loads((folder / f"{name}.json").read_text("utf-8"))
        for name in ("ulip_templates", "uni3d_templates", "ulip_labels", "uni3d_labels")
    )
    assert list(PROMPTS["modelnet40_64"]) == ulip["modelnet40_64"] == uni3d["modelnet40_64"]
    assert list(PROMPTS["uni3d_49"]) == uni3d["3D_48prompt"]
    assert [name.replace("_", " ") for name in MODELNET40] == labels["modelnet40"]
    assert list(SCANOBJECTNN) == others["scanobjnn_openshape"]
    names = folder / "modelnet40_normal_resampled" / "modelnet40_shape_names.txt"
    assert list(MODELNET40) == names.read_text("utf-8").split()
