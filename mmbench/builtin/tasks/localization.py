"""Localization on the numbers world: which of the scattered digits is being dialled?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mmbench.api import FitSpec
from mmbench.protocols.localization import LocalizationTask

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mmbench.api import Collection, Datasets

__all__ = ["NumbersLocalization"]


class NumbersLocalization(LocalizationTask):
    """Find the digit that sounds among the three to five of a scene."""

    name = "numbers-localization"
    description = "200 scenes of scattered digits: where is the one whose keypad tone is heard?"
    #: With ``proposals=column``: the boxes of all digits of a scene, as a perfect detector's.
    proposal_column = "objects"

    def sources(self, datasets: Datasets) -> Mapping[str, Collection]:
        """The test scenes, and single digits to learn from."""
        numbers = datasets.open("numbers")
        return {
            "scenes": numbers["scenes-test"],
            "train": numbers["digits-train"],
            "valid": numbers["digits-valid"],
        }

    def fit_spec(self) -> FitSpec:
        """Single digits, in other handwriting; no scene."""
        return FitSpec(train="train", valid="valid")
