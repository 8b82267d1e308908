"""CLIP from files to a record, beside the bare forward loop and the bare decode loop.

Pictures (JPEG, 640 x 480) are made in a temporary folder; the model is ViT-B/32 with seeded random
weights, read from a file. The whole path plans, decodes, preprocesses, encodes, stores, scores and
writes a record, in this process; loading the model is shown apart. Needs `mmbench-openclip`.

    python benchmarks/perf/clip_encoding.py --items 256 --precision bf16 --memory
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from mmbench.api import (
    Collection,
    Context,
    Evaluation,
    Image,
    ItemTable,
    MetricInfo,
    Representation,
    RepresentationSpec,
    Request,
    Stream,
    Task,
    TaskInfo,
    TaskSpec,
)
from mmbench.registry import Entry, PluginInfo, Registry
from mmbench.results.store import RecordStore
from mmbench.runner.catalog import Catalog
from mmbench.runner.plan import make_plan
from mmbench.runner.settings import RunSettings
from mmbench.runner.suite import RepresentationChoice, Suite, TaskChoice
from mmbench.runner.workshop import JobResult, Workshop

CLIP = "mmbench_openclip.representation:OpenCLIP"
BATCH = 64


class Pictures(Collection):
    """Files, each of which may come several times under ids of its own."""

    parallel_loads = True

    def __init__(self, files: list[Path], items: int) -> None:
        self.name = "pictures"
        self.ids = [f"{row:06d}" for row in range(items)]
        self.streams = {"image": Stream("image", "image", "Image")}
        self.columns: dict[str, Any] = {}
        self.files = files

    def load(self, row: int, stream: str) -> Image:
        """Decode a file."""
        return decode(self.files[row % len(self.files)])

    def content_keys(self, stream: str) -> list[str | None]:
        """The ids."""
        return list(self.ids)


class Brightest(Task):
    """Scores the first coordinate, so that scoring costs nothing."""

    collection: Pictures

    @property
    def info(self) -> TaskInfo:
        """One mean."""
        metric = MetricInfo("mean", ("value",), bounds=(None, None), unit="1")
        return TaskInfo("brightest", "1", "speed", "mean", (metric,))

    def collections(self, datasets: Any) -> dict[str, Collection]:
        """The pictures."""
        return {"pictures": self.collection}

    def requests(self, offers: Any) -> list[Request]:
        """One vector a picture."""
        return [Request("x", "pictures", ("image",))]

    def score(self, inputs: Any) -> Evaluation:
        """The first coordinate."""
        table = inputs.tables["pictures"]
        return Evaluation({"items": ItemTable(table.ids, {"value": inputs.arrays["x"][:, 0]})})


def decode(path: Path) -> Image:
    """A file's pixels."""
    import PIL.Image

    with PIL.Image.open(path) as picture:
        return Image(np.asarray(picture.convert("RGB")))


def make_pictures(folder: Path, count: int) -> list[Path]:
    """Write smooth random pictures with grain, about 60 KB each."""
    import PIL.Image

    rng = np.random.default_rng(0)
    files = []
    for number in range(count):
        coarse = PIL.Image.fromarray(rng.integers(0, 256, (12, 16, 3), dtype=np.uint8))
        pixels = np.asarray(coarse.resize((640, 480), PIL.Image.Resampling.BICUBIC), dtype=np.int16)
        grainy = (pixels + rng.integers(-8, 9, pixels.shape)).clip(0, 255).astype(np.uint8)
        files.append(folder / f"{number:04d}.jpg")
        PIL.Image.fromarray(grainy).save(files[-1], quality=85)
    return files


def make_weights(folder: Path) -> Path:
    """Write random weights of ViT-B/32."""
    import open_clip
    import torch
    from safetensors.torch import save_file

    torch.manual_seed(0)
    model = open_clip.create_model("ViT-B-32-quickgelu")
    path = folder / "weights.safetensors"
    save_file({name: value.contiguous() for name, value in model.state_dict().items()}, path)
    return path


class Bare:
    """The loops to compare with.

    Args:
        weights: The model's weights.
        precision: What it computes in.
    """

    def __init__(self, weights: Path, precision: str) -> None:
        import open_clip
        import torch

        self.model = open_clip.create_model("ViT-B-32-quickgelu", pretrained=str(weights)).eval()
        self.pixels = torch.randn(BATCH, 3, 224, 224)
        self.half = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(precision)

    def forward(self, items: int) -> tuple[float, float]:
        """Seconds of the model over ready tensors, by the clock and of the processor."""
        import torch

        half = self.half
        with torch.inference_mode(), torch.autocast("cpu", dtype=half, enabled=half is not None):
            self.model.encode_image(self.pixels)
            start, cpu = time.perf_counter(), time.process_time()
            for done in range(0, items, BATCH):
                self.model.encode_image(self.pixels[: items - done])
            return time.perf_counter() - start, time.process_time() - cpu

    @staticmethod
    def decode(files: list[Path], items: int) -> float:
        """Seconds of decoding, one file after the other."""
        start = time.perf_counter()
        for row in range(items):
            decode(files[row % len(files)])
        return time.perf_counter() - start


def whole_path(files: list[Path], items: int, weights: Path, precision: str) -> dict[str, float]:
    """Seconds from files to a record, those of loading, and the peak of the memory in MB."""
    from mmbench_openclip.representation import OpenCLIP

    seconds = {"load": 0.0, "load cpu": 0.0}
    Brightest.collection = Pictures(files, items)

    def timed_load(self: Representation, ctx: Context) -> None:
        start, cpu = time.perf_counter(), time.process_time()
        OpenCLIP.load(self, ctx)
        seconds["load"] += time.perf_counter() - start
        seconds["load cpu"] += time.process_time() - cpu

    Timed = type("Timed", (OpenCLIP,), {"load": timed_load})  # noqa: N806 - a class
    globals()["Timed"] = Timed
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        settings = RunSettings(
            root / "results", root / "cache", root / "data", resamples=100, precision=precision
        )
        options = {"pretrained": str(weights)}
        suite = Suite(
            "speed", (TaskChoice("brightest", "t"),), (RepresentationChoice("clip", "r", options),)
        )
        start, cpu = time.perf_counter(), time.process_time()
        known = registry()
        catalog = Catalog(known, settings.data_root, settings.cache)
        plan = make_plan(suite, catalog, RecordStore(settings.results), settings)
        shop = Workshop(known, settings, "speed", "cpu", lambda _done, _total, _what: None)
        results: dict[str, JobResult] = {}
        for key, job in plan.jobs.items():
            results[key] = shop.do(job, results)
        seconds["whole"] = time.perf_counter() - start
        seconds["whole cpu"] = time.process_time() - cpu
        assert sum(result.encoded for result in results.values()) == items
    peaks = [result.peak_memory_mb for result in results.values() if result.peak_memory_mb]
    return {**seconds, "peak": max(peaks, default=float("nan"))}


def registry() -> Registry:
    """A registry of CLIP and the task above."""
    plugin = PluginInfo("perf", "0", "perf", __name__)
    found = Registry()
    found.representations["clip"] = Entry(RepresentationSpec("clip", f"{__name__}:Timed"), plugin)
    found.tasks["brightest"] = Entry(TaskSpec("brightest", f"{__name__}:Brightest"), plugin)
    return found


def main() -> None:
    """Print rates and the ratio; its bound is 1.1."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=256)
    parser.add_argument("--precision", choices=["fp32", "bf16"], default="fp32")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--memory", action="store_true", help="also ten times as many items")
    asked = parser.parse_args()
    items, precision = asked.items, asked.precision
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        files, weights = make_pictures(root, min(items, 128)), make_weights(root)
        bare = Bare(weights, precision)
        clock, cpu = [], []
        for _ in range(asked.repeats):  # in turn, so that the ratio holds when the speed drifts
            before, read = bare.forward(items), bare.decode(files, items)
            ours = whole_path(files, items, weights, precision)
            forward = (np.array(before) + np.array(bare.forward(items))) / 2
            working = ours["whole"] - ours["load"]
            clock.append(working / max(forward[0], read))
            cpu.append((ours["whole cpu"] - ours["load cpu"]) / forward[1])
            print(
                f"{precision}: forward {items / forward[0]:6.1f}/s, decode {items / read:6.1f}/s, "
                f"mmbench {items / working:6.1f}/s (loading {ours['load']:.1f} s apart): "
                f"ratio {clock[-1]:.3f}, of processor time {cpu[-1]:.3f}"
            )
        print(
            f"{precision}: median ratio {np.median(clock):.3f}   (bound 1.1); "
            f"of processor time {np.median(cpu):.3f}"
        )
        if asked.memory:
            more = whole_path(files, 10 * items, weights, precision)
            print(f"peak memory: {ours['peak']:.0f} MB for {items} items, "
                  f"{more['peak']:.0f} MB for {10 * items}")  # fmt: skip


if __name__ == "__main__":
    main()
