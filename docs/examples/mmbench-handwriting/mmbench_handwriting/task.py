"""The task: which label fits a picture?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mmbench.api import DataError, FitSpec
from mmbench.protocols.zeroshot import ZeroShotTask, fill_templates, prompt_collection

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mmbench.api import Collection, Datasets

#: Phrasings; the vectors of a class's prompts are averaged.
TEMPLATES = ("{}", "the digit {}", "a handwritten {}")


class HandwritingTask(ZeroShotTask):
    """Pictures are named by the prompt that they lie nearest to.

    This is an example that works, on data of its own. What is marked with YOUR CODE is yours to
    replace. The protocol is inherited: the requests, the scores with their intervals, the reference
    levels. Others are in `mmbench.protocols`: retrieval, localization, counterfactual, missing,
    alignment.
    """

    name = "handwriting"
    version = "1"  # YOUR CODE: raise it when the same vectors would score otherwise
    description = "897 handwritten digits of scikit-learn are named by prompts"
    citation = ""  # YOUR CODE: the paper that defines the task
    label = "label"  # YOUR CODE: the items' column with the class

    def collections(self, datasets: Datasets) -> Mapping[str, Collection]:
        """What is worked on: the items, the prompts, and what representations may learn from."""
        splits = datasets.open("handwriting")
        if missing := [split for split in ("test", "train") if split not in splits]:
            raise DataError(f"no item is of the split {missing[0]!r}", where=self.name)
        classes = sorted({str(label) for label in splits["test"].columns["label"]})
        prompts = prompt_collection(
            fill_templates(classes, TEMPLATES), stream=self.text, provenance="generated"
        )
        return {"items": splits["test"], "prompts": prompts, "train": splits["train"]}

    def fit_spec(self) -> FitSpec:
        """What a representation that is trained learns from; leave it out if there is nothing."""
        return FitSpec(train="train")
