"""Zero-shot classification on the numbers world: which of 400 unseen numbers is it?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mmbench.api import FitSpec
from mmbench.protocols.zeroshot import ZeroShotTask, prompt_collection

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mmbench.api import Collection, Datasets

__all__ = ["NumbersZeroShot"]


class NumbersZeroShot(ZeroShotTask):
    """Name a number among 400 that no training item shows, each said in all phrasings.

    With images it is judged on recorded handwriting, so its records are ``real``: prompts are
    auxiliary.
    """

    name = "numbers-zeroshot"
    description = "400 unseen three-digit numbers are named by prompts in five phrasings"
    label = "number"

    def collections(self, datasets: Datasets) -> Mapping[str, Collection]:
        """The test numbers, their names, and the training numbers for those that need them."""
        from mmbench.builtin.numbers.words import NUMBER_PHRASINGS, say_number

        numbers = datasets.open("numbers")
        test = numbers["test"]
        texts = {
            number: [say_number(number, phrasing) for phrasing in NUMBER_PHRASINGS]
            for number in test.columns["number"]
        }
        prompts = prompt_collection(texts, stream=self.text, provenance="generated")
        return {
            "items": test,
            "prompts": prompts,
            "train": numbers["train"],
            "valid": numbers["valid"],
        }

    def fit_spec(self) -> FitSpec:
        """500 other numbers, in other handwriting."""
        return FitSpec(train="train", valid="valid")
