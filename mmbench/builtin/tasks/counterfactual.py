"""Counterfactual recognition on the numbers world: is the dialled digit in the scene at all?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mmbench.api import FitSpec
from mmbench.protocols.counterfactual import CounterfactualTask

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mmbench.api import Collection, Datasets

__all__ = ["NumbersCounterfactual"]


class NumbersCounterfactual(CounterfactualTask):
    """Tell scenes that show the digit that sounds from scenes that do not, and find it."""

    name = "numbers-counterfactual"
    description = "200 scenes that show the dialled digit against 200 that do not"

    def collections(self, datasets: Datasets) -> Mapping[str, Collection]:
        """Sounding and silent test scenes, and single digits to learn from."""
        numbers = datasets.open("numbers")
        return {
            "positives": numbers["scenes-test"],
            "negatives": numbers["scenes-silent"],
            "train": numbers["digits-train"],
            "valid": numbers["digits-valid"],
        }

    def fit_spec(self) -> FitSpec:
        """Single digits, in other handwriting; no scene."""
        return FitSpec(train="train", valid="valid")
