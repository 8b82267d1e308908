"""Tasks over the small world: retrieval that works, and one that fails as it is told to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from mmbench.api import (
    DerivedCollection,
    Evaluation,
    FitSpec,
    ItemTable,
    MetricInfo,
    Request,
    Task,
    TaskInfo,
    View,
)
from mmbench.protocols.retrieval import RetrievalTask
from mmbench_faulty.representations import end_process

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mmbench.api import Collection, Datasets, Offers, ScoreInputs


class PairsRetrieval(RetrievalTask):
    """Left and right retrieve each other."""

    name = "pairs"

    def __init__(
        self,
        *,
        query: str = "left",
        gallery: str = "right",
        items: int = 12,
        broken: tuple[str, ...] = (),
    ) -> None:
        super().__init__(query=query, gallery=gallery)
        self.items = items
        self.broken = broken

    def collections(self, datasets: Datasets) -> Mapping[str, Collection]:
        """Test and training pairs."""
        found = datasets.open("faulty-pairs", items=self.items, broken=self.broken)
        return {"pairs": found["test"], "train": found["train"]}

    def fit_spec(self) -> FitSpec:
        """The training pairs."""
        return FitSpec(train="train")


class NormTask(Task):
    """The mean norm of vectors: a task with nothing in it."""

    name = "norm"
    seeded = False

    @property
    def info(self) -> TaskInfo:
        """One number."""
        metrics = (
            MetricInfo("norm", ("norm",), unit="1", bounds=(0.0, None)),
            MetricInfo("above one", ("above",)),
        )
        return TaskInfo(self.name, "1", "probe", "norm", metrics, seeded=self.seeded)

    def collections(self, datasets: Datasets) -> Mapping[str, Collection]:
        """The test pairs."""
        return {"items": datasets.open("faulty-pairs")["test"]}

    def requests(self, offers: Offers) -> list[Request]:
        """One side."""
        return [Request("vectors", "items", ("left",))]

    def score(self, inputs: ScoreInputs) -> Evaluation:
        """Norms."""
        norm = np.linalg.norm(inputs.arrays["vectors"], axis=1).astype(np.float64)
        above = (norm > 1).astype(np.float64)
        table = ItemTable(inputs.tables["items"].ids, {"norm": norm, "above": above})
        return Evaluation({"items": table})


class AbsentTask(NormTask):
    """Its data is not there."""

    name = "absent"

    def collections(self, datasets: Datasets) -> Mapping[str, Collection]:
        """Never there."""
        return datasets.open("faulty-absent")


class SparseTask(NormTask):
    """Items that lack a side are encoded from the other, or leave."""

    name = "sparse"

    def __init__(self, *, partial: Literal["require", "available"] = "available") -> None:
        self.partial = partial

    def collections(self, datasets: Datasets) -> Mapping[str, Collection]:
        """Every fourth item lacks its right side, the next one its left."""
        return {"items": datasets.open("faulty-pairs", missing=4)["test"]}

    def requests(self, offers: Offers) -> list[Request]:
        """Both sides."""
        return [Request("vectors", "items", ("left", "right"), partial=self.partial)]


class CropsTask(NormTask):
    """Each item and two noisy children of it; and prompts, one of which may be broken."""

    name = "crops"

    def __init__(self, *, broken: tuple[str, ...] = (), prompts: bool = False) -> None:
        self.broken = broken
        self.prompts = prompts

    def collections(self, datasets: Datasets) -> Mapping[str, Collection]:
        """Parents, and children listed before them."""
        parents = datasets.open("faulty-pairs", broken=self.broken)["test"]
        rows = [row for row in range(len(parents)) for _ in range(2)]
        views = [[View("noise", {"level": 0.1}, seed=n)] for n in range(len(rows))]
        children = DerivedCollection(
            "children", parents, "left", rows, views, auxiliary=self.prompts
        )
        return {"children": children, "items": parents}

    def requests(self, offers: Offers) -> list[Request]:
        """Parents and children."""
        return [
            Request("crops", "children", ("left",)),
            Request("vectors", "items", ("left",)),
        ]


class DrawnTask(NormTask):
    """Scoring draws from its seed."""

    name = "drawn"
    seeded = True

    def score(self, inputs: ScoreInputs) -> Evaluation:
        """Norms with noise."""
        found = super().score(inputs).tables["items"]
        noise = np.random.default_rng(inputs.seed).random(len(found))
        return Evaluation(
            {"items": ItemTable(found.ids, {**found.columns, "norm": found["norm"] + noise})}
        )


class FaultyTask(NormTask):
    """Fails at one place, named by its option."""

    name = "faulty-task"

    def __init__(
        self,
        *,
        fault: Literal[
            "none", "raise", "segfault", "kill", "hang", "above", "lacks", "undefined",
            "collections", "requests", "request", "info",
        ] = "none",
    ) -> None:  # fmt: skip
        self.fault = fault

    @property
    def info(self) -> TaskInfo:
        """One number."""
        self._fail_at("info")
        return super().info

    def _fail_at(self, place: str) -> None:
        if self.fault == place:
            raise KeyError(f"broken {place} on purpose")

    def collections(self, datasets: Datasets) -> Mapping[str, Collection]:
        """The test pairs."""
        self._fail_at("collections")
        return super().collections(datasets)

    def requests(self, offers: Offers) -> list[Request]:
        """One side."""
        self._fail_at("requests")
        name = "nowhere" if self.fault == "request" else "items"
        return [Request("vectors", name, ("left",))]

    def score(self, inputs: ScoreInputs) -> Evaluation:
        """Fail."""
        self._fail_at("raise")
        end_process(self.fault)
        found = super().score(inputs).tables["items"]
        columns = dict(found.columns)
        if self.fault == "above":
            columns["above"] = columns["above"] + 1.5
        if self.fault == "lacks":
            del columns["above"]
        if self.fault == "undefined":
            columns["norm"] = np.full(len(found), np.nan)
        return Evaluation({"items": ItemTable(found.ids, columns)})
