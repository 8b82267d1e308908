"""Runner overhead: items a second through planning, store and scoring when encoding costs nothing.

Prints the whole path (plan, encode, bundle, score, record) with an encoder that does nothing, and
store hits alone, beside one gather of the same rows from a plain numpy memory map.

    python benchmarks/perf/runner_overhead.py --items 200000
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from mmbench.api import (
    Array,
    Collection,
    Evaluation,
    ItemTable,
    MetricInfo,
    Offer,
    Representation,
    RepresentationInfo,
    RepresentationSpec,
    Request,
    Slot,
    Stream,
    Task,
    TaskInfo,
    TaskSpec,
)
from mmbench.registry import Entry, PluginInfo, Registry
from mmbench.results.store import RecordStore
from mmbench.runner.catalog import Catalog
from mmbench.runner.keys import digest_rows
from mmbench.runner.plan import make_plan
from mmbench.runner.settings import RunSettings
from mmbench.runner.suite import RepresentationChoice, Suite, TaskChoice
from mmbench.runner.vectors import SpaceWriter, VectorStore
from mmbench.runner.workshop import JobResult, Workshop

DIM = 64
PAYLOAD = Array(np.zeros(4, dtype=np.float32))


class Nothing(Representation):
    """Encodes in no time: rows of a block that was made beforehand."""

    batch_size = 1024
    block = np.random.default_rng(0).standard_normal((1024, DIM)).astype(np.float32)

    @property
    def info(self) -> RepresentationInfo:
        """One slot, one offer."""
        slot = Slot("x", "feature", ("Array",))
        return RepresentationInfo(
            "nothing", "1", (slot,), frozenset({Offer("global", frozenset({"x"}), DIM)})
        )

    def encode(self, batch: Any) -> Any:
        """The first rows of the block."""
        return self.block[: len(batch["x"])]


class Many(Collection):
    """Items that cost nothing to load."""

    def __init__(self, items: int) -> None:
        self.name = "many"
        self.ids = [f"item/{row:07d}" for row in range(items)]
        self.streams = {"x": Stream("x", "feature", "Array")}
        self.columns: dict[str, Any] = {}

    def load(self, row: int, stream: str) -> Array:
        """The one payload there is."""
        return PAYLOAD

    def content_keys(self, stream: str) -> list[str | None]:
        """The ids."""
        return list(self.ids)


class FirstAxis(Task):
    """Scores the first coordinate."""

    items = 0

    @property
    def info(self) -> TaskInfo:
        """One mean."""
        metric = MetricInfo("mean", ("value",), bounds=(None, None), unit="1")
        return TaskInfo("first-axis", "1", "overhead", "mean", (metric,))

    def collections(self, datasets: Any) -> dict[str, Collection]:
        """The items."""
        return {"many": Many(self.items)}

    def requests(self, offers: Any) -> list[Request]:
        """One vector an item."""
        return [Request("x", "many", ("x",))]

    def score(self, inputs: Any) -> Evaluation:
        """The first coordinate."""
        table = inputs.tables["many"]
        return Evaluation({"items": ItemTable(table.ids, {"value": inputs.arrays["x"][:, 0]})})


def registry() -> Registry:
    """A registry of the two classes above."""
    plugin = PluginInfo("perf", "0", "perf", __name__)
    found = Registry()
    found.representations["nothing"] = Entry(
        RepresentationSpec("nothing", f"{__name__}:Nothing"), plugin
    )
    found.tasks["first-axis"] = Entry(TaskSpec("first-axis", f"{__name__}:FirstAxis"), plugin)
    return found


def whole_path(items: int, root: Path) -> float:
    """Seconds from a suite to a record."""
    FirstAxis.items = items
    settings = RunSettings(root / "results", root / "cache", root / "data", resamples=1000)
    suite = Suite(
        "overhead", (TaskChoice("first-axis", "t"),), (RepresentationChoice("nothing", "r"),)
    )
    start = time.perf_counter()
    known = registry()
    catalog = Catalog(known, settings.data_root, settings.cache)
    plan = make_plan(suite, catalog, RecordStore(settings.results), settings)
    shop = Workshop(known, settings, "overhead", "cpu", lambda _done, _total, _what: None)
    results: dict[str, JobResult] = {}
    for key, job in plan.jobs.items():
        results[key] = shop.do(job, results)
    return time.perf_counter() - start


def store_hits(items: int, root: Path) -> tuple[float, float]:
    """Seconds to find and gather all items from the store, and from a bare memory map."""
    keys = [f"item/{row:07d}" for row in range(items)]
    digests, _ = digest_rows([keys])
    vectors = np.random.default_rng(1).standard_normal((items, DIM)).astype(np.float32)
    store = VectorStore(root / "hits")
    writer = SpaceWriter(store.space("ab" * 16))
    step = 50_000
    for start in range(0, items, step):
        writer.add(digests[start : start + step], vectors[start : start + step], 1.0)
    writer.flush()
    order = np.random.default_rng(2).permutation(items)
    wanted = digests[order]
    space = store.space("ab" * 16)
    space.refresh()
    start_time = time.perf_counter()
    found = space.gather(space.find(wanted))
    ours = time.perf_counter() - start_time
    assert np.array_equal(found, vectors[order])
    np.save(root / "bare.npy", vectors)
    bare = np.load(root / "bare.npy", mmap_mode="r")
    start_time = time.perf_counter()
    bare[order]
    return ours, time.perf_counter() - start_time


def main() -> None:
    """Print items a second; the bounds are 20,000 and 500,000."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=200_000)
    items = parser.parse_args().items
    with tempfile.TemporaryDirectory() as folder:
        seconds = whole_path(items, Path(folder))
        print(f"plan to record  {items / seconds:12,.0f} items/s   (bound 20,000)")
    with tempfile.TemporaryDirectory() as folder:
        ours, bare = store_hits(items, Path(folder))
        print(f"store hits      {items / ours:12,.0f} items/s   (bound 500,000)")
        print(f"bare gather     {items / bare:12,.0f} items/s   ratio {ours / bare:.2f}")


if __name__ == "__main__":
    main()
