"""Retrieval on the numbers world: 400 unseen numbers, seen, heard, written or drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mmbench.api import FitSpec
from mmbench.protocols.retrieval import RetrievalTask

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mmbench.api import Collection, Datasets

__all__ = ["NumbersRetrieval"]


class NumbersRetrieval(RetrievalTask):
    """Retrieve a number's other form among 400 numbers that no training item shows."""

    name = "numbers-retrieval"
    description = "400 unseen three-digit numbers retrieve each other across modalities"
    label = "hundreds"

    def collections(self, datasets: Datasets) -> Mapping[str, Collection]:
        """The test numbers, and the training numbers for representations that need them."""
        numbers = datasets.open("numbers")
        return {"pairs": numbers["test"], "train": numbers["train"], "valid": numbers["valid"]}

    def fit_spec(self) -> FitSpec:
        """500 other numbers, in other handwriting."""
        return FitSpec(train="train", valid="valid")
