"""Three jobs over the same pictures, with the run's spool and without it.

Pictures (JPEG, 640 x 360) are made in a temporary folder. Two tasks' global vectors by two
representations and the dense maps of one of them are three jobs; encoding costs next to nothing,
so what is timed is decoding, the spool and the runner. Pairs of runs follow each other, each in
this process and in a fresh cache; the median of their ratios is shown. Needs Pillow.

    python benchmarks/perf/decode_once.py --items 300 --pairs 5
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from mmbench.api import (
    Collection,
    DerivedCollection,
    Evaluation,
    Image,
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
    View,
)
from mmbench.registry import Entry, PluginInfo, Registry
from mmbench.results.store import RecordStore
from mmbench.runner.catalog import Catalog
from mmbench.runner.plan import make_plan
from mmbench.runner.settings import RunSettings
from mmbench.runner.spool import run_spool
from mmbench.runner.suite import RepresentationChoice, Suite, TaskChoice
from mmbench.runner.workshop import JobResult, Workshop

BOXES = ([0.0, 0.0, 0.5, 0.5], [0.25, 0.25, 0.75, 0.75], [0.5, 0.5, 1.0, 1.0])


class Corner(Representation):
    """Looks at one pixel, or at four."""

    batch_size = 32

    @property
    def info(self) -> RepresentationInfo:
        """Global vectors and maps."""
        slot = Slot("image", "image", ("Image",))
        offers = [Offer("global", frozenset({"image"}), 3), Offer("dense", frozenset({"image"}), 3)]
        return RepresentationInfo("corner", "1", (slot,), frozenset(offers))

    def encode(self, batch: Any) -> Any:
        """[B, 3]."""
        return np.stack([each.pixels[0, 0] for each in batch["image"]]).astype(np.float32)

    def encode_dense(self, batch: Any) -> Any:
        """[B, 2, 2, 3]."""
        return np.stack([each.pixels[:2, :2] for each in batch["image"]]).astype(np.float32)


class Pictures(Collection):
    """Files."""

    parallel_loads = True
    loads = 0

    def __init__(self, files: list[Path]) -> None:
        self.name = "pictures"
        self.ids = [path.stem for path in files]
        self.streams = {"image": Stream("image", "image", "Image")}
        self.columns: dict[str, Any] = {}
        self.files = files

    def load(self, row: int, stream: str) -> Image:
        """Decode a file."""
        import PIL.Image

        Pictures.loads += 1
        with PIL.Image.open(self.files[row]) as picture:
            return Image(np.asarray(picture.convert("RGB")))

    def content_keys(self, stream: str) -> list[str | None]:
        """The names."""
        return list(self.ids)


class Mean(Task):
    """Scores the first number; ``what`` is encoded."""

    collection: Pictures

    def __init__(self, *, what: str) -> None:
        self.what = what

    @property
    def info(self) -> TaskInfo:
        """One mean."""
        metric = MetricInfo("mean", ("value",), bounds=(None, None), unit="1")
        return TaskInfo("mean", "1", "speed", "mean", (metric,))

    def collections(self, datasets: Any) -> dict[str, Collection]:
        """The pictures, or three crops of each."""
        if self.what != "crops":
            return {"items": self.collection}
        rows = [row for row in range(len(self.collection)) for _ in BOXES]
        views = [[View("crop", {"box": BOXES[n % len(BOXES)]})] for n in range(len(rows))]
        crops = DerivedCollection("crops", self.collection, "image", rows, views)
        return {"scenes": self.collection, "items": crops}

    def requests(self, offers: Any) -> list[Request]:
        """One vector or map an item."""
        kind = "dense" if self.what == "dense" else "global"
        return [Request("x", "items", ("image",), kind)]  # type: ignore[arg-type]

    def score(self, inputs: Any) -> Evaluation:
        """The first number."""
        values = inputs.arrays["x"].reshape(len(inputs.arrays["x"]), -1)[:, 0]
        table = ItemTable(inputs.tables["items"].ids, {"value": values.astype(np.float64)})
        return Evaluation({"items": table})


def registry() -> Registry:
    """A registry of the classes above."""
    plugin = PluginInfo("perf", "0", "perf", __name__)
    found = Registry()
    found.representations["corner"] = Entry(
        RepresentationSpec("corner", f"{__name__}:Corner"), plugin
    )
    found.tasks["mean"] = Entry(TaskSpec("mean", f"{__name__}:Mean"), plugin)
    return found


def make_pictures(folder: Path, count: int) -> list[Path]:
    """Write smooth random pictures with grain, about 45 KB each."""
    import PIL.Image

    rng = np.random.default_rng(0)
    files = []
    for number in range(count):
        coarse = PIL.Image.fromarray(rng.integers(0, 256, (9, 16, 3), dtype=np.uint8))
        pixels = np.asarray(coarse.resize((640, 360), PIL.Image.Resampling.BICUBIC), dtype=np.int16)
        grainy = (pixels + rng.integers(-8, 9, pixels.shape)).clip(0, 255).astype(np.uint8)
        files.append(folder / f"{number:05d}.jpg")
        PIL.Image.fromarray(grainy).save(files[-1], quality=85)
    return files


def seconds(whats: list[str], root: Path, spool_bytes: int | None) -> dict[str, float]:
    """Seconds of a whole run, of each of its encode jobs, and how often a picture was decoded."""
    settings = RunSettings(
        root / "results", root / "cache", root / "data", resamples=100, spool_bytes=spool_bytes
    )
    tasks = tuple(TaskChoice("mean", what, {"what": what}) for what in whats)
    suite = Suite("once", tasks, (RepresentationChoice("corner", "corner"),))
    settings.cache.mkdir()
    Pictures.loads = 0
    start, cpu = time.perf_counter(), time.process_time()
    known = registry()
    catalog = Catalog(known, settings.data_root, settings.cache)
    plan = make_plan(suite, catalog, RecordStore(settings.results), settings)
    said: dict[str, float] = {"plan": time.perf_counter() - start}
    results: dict[str, JobResult] = {}
    with ExitStack() as stack:
        spool = stack.enter_context(run_spool(settings.cache, plan.shared, spool_bytes))
        if spool is not None:
            settings = replace(settings, spool=spool.folder, spool_bytes=spool.limit)
        shop = Workshop(known, settings, "once", "cpu", lambda _done, _total, _what: None)
        for key, job in plan.jobs.items():
            results[key] = shop.do(job, results)
            if job.kind == "encode":
                said[job.task.label] = results[key].seconds
            if spool is not None:
                spool.ended(key)
    said["run"] = time.perf_counter() - start
    said["processor"] = time.process_time() - cpu
    said["decoded"] = Pictures.loads / len(Mean.collection)
    return said


def main() -> None:
    """Print the median of the ratios, run by run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=300)
    parser.add_argument("--pairs", type=int, default=5)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        Mean.collection = Pictures(make_pictures(Path(folder), given.items))
        seconds(["global"], Path(tempfile.mkdtemp(dir=folder)), 0)  # warm the page cache
        for whats in (["global"], ["global", "dense", "crops"]):
            pairs = []
            for _ in range(given.pairs):
                once = seconds(whats, Path(tempfile.mkdtemp(dir=folder)), None)
                again = seconds(whats, Path(tempfile.mkdtemp(dir=folder)), 0)
                pairs.append((once, again))
            print(f"{', '.join(whats)}: {given.items} pictures")
            for name in ("run", "processor", *whats):
                ratio = statistics.median(once[name] / again[name] for once, again in pairs)
                with_spool, without = (
                    statistics.median(each[side][name] for each in pairs) * 1e3 / given.items
                    for side in (0, 1)
                )
                times = f"{with_spool:6.2f} / {without:6.2f} ms a picture"
                print(f"  {name:9} {times}   ratio {ratio:.2f}")
            once, again = pairs[0]
            print(f"  decoded   {once['decoded']:.2f} / {again['decoded']:.2f} times")


if __name__ == "__main__":
    main()
