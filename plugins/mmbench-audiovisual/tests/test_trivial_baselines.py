"""What trivial masks reach on all of VGG-SS's boxes: it needs the annotations, and no media."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mmbench.api import ItemTable, ScoreInputs
from mmbench_audiovisual.localization import VggssLocalization
from mmbench_audiovisual.vggss import Vggss

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from mmbench.api import DataSource


@pytest.mark.slow
def test_all_ones_and_the_centre_square_on_vggss(
    assets: Path, source: Callable[..., DataSource]
) -> None:
    found = source("vggss")
    for folder in ("metadata", "frames", "audio"):
        (found.root / folder).mkdir()
    for name in ("vggss.json", "vggss_test.csv"):
        (found.root / "metadata" / name).symlink_to(assets / "vggss" / name)
    scenes = Vggss().collections(found)["test"]
    assert len(scenes) == 5158
    tables = {"scenes": ItemTable(scenes.ids, scenes.columns)}
    levels = VggssLocalization().reference_levels(ScoreInputs({}, tables))
    figures = {
        name: [round(100 * levels[name][metric], 2) for metric in ("cIoU@0.5", "AUC")]
        for name in ("all ones", "centre square")
    }
    assert figures == {"all ones": [21.95, 31.25], "centre square": [31.72, 36.93]}
