"""Alignment on the numbers world: how the two forms of 400 unseen numbers lie to each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mmbench.api import FitSpec
from mmbench.protocols.alignment import AlignmentTask

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mmbench.api import Collection, Datasets

__all__ = ["NumbersAlignment"]


class NumbersAlignment(AlignmentTask):
    """Compare the embeddings of 400 unseen numbers' two forms, as pairs and as clouds."""

    name = "numbers-alignment"
    description = "400 unseen three-digit numbers: do their two forms share one space?"

    def collections(self, datasets: Datasets) -> Mapping[str, Collection]:
        """The test numbers, and the training numbers for representations that need them."""
        numbers = datasets.open("numbers")
        return {"pairs": numbers["test"], "train": numbers["train"], "valid": numbers["valid"]}

    def fit_spec(self) -> FitSpec:
        """500 other numbers, in other handwriting."""
        return FitSpec(train="train", valid="valid")
