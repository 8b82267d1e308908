"""A plugin whose reader logs every load: what is decoded twice is seen twice.

The test copies this module into a folder of its own, beside the metadata that an installer makes.
"""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np

from mmbench.api import (
    Audio,
    Collection,
    Dataset,
    DatasetInfo,
    DatasetSpec,
    DataStatus,
    DerivedCollection,
    Evaluation,
    FitSpec,
    Image,
    ItemError,
    ItemTable,
    MetricInfo,
    Offer,
    Representation,
    RepresentationInfo,
    RepresentationSpec,
    Request,
    Slot,
    State,
    Stream,
    Task,
    TaskInfo,
    TaskSpec,
    TrainedRepresentation,
    View,
    hookimpl,
)

#: The variable that names the log.
LOG = "LOGGED_PLUGIN_LOG"
BOXES = ([0.0, 0.0, 0.5, 0.5], [0.25, 0.25, 1.0, 1.0], [0.0, 0.5, 1.0, 1.0])
HERE = "logged_plugin"
PYPROJECT = """\
[project]
name = "logged-plugin"
version = "1.0"
[project.entry-points.mmbench]
logged = "logged_plugin"
"""


def install(site: Path) -> None:
    """Install this module as a plugin into a folder that goes on the path."""
    from installing import write_metadata

    site.mkdir(parents=True)
    shutil.copy(__file__, site)
    write_metadata(site, PYPROJECT)


def write_items(root: Path, count: int) -> None:
    """Pictures and sounds; some are broken, one in each way, and one sound is missing."""
    rng = np.random.default_rng(0)
    root.mkdir(parents=True)
    for row in range(count):
        np.save(root / f"{row:03d}.image.npy", rng.integers(0, 256, (8, 12, 3), dtype=np.uint8))
        np.save(root / f"{row:03d}.audio.npy", rng.standard_normal((1, 40)).astype(np.float32))
    (root / "001.image.npy").write_bytes(b"")  # EOFError
    (root / "002.image.npy").write_bytes(b"no array at all")  # ValueError
    (root / "003.image.npy").unlink()  # FileNotFoundError
    (root / "004.audio.npy").write_bytes(b"refused")  # ItemError
    (root / "005.audio.npy").unlink()  # it has none


class Logged(Collection):
    """Reads files, and says so."""

    parallel_loads = True

    def __init__(self, source: Any, name: str, ids: list[str], delay: float) -> None:
        self.name = name
        self.ids = ids
        self.streams = {
            "image": Stream("image", "image", "Image"),
            "audio": Stream("audio", "audio", "Audio"),
        }
        self.columns: dict[str, Any] = {}
        self._source = source
        self._delay = delay

    def load(self, row: int, stream: str) -> Any:
        """Decode one file."""
        try:
            payload = self._decoded(self._path(row, stream), stream)
        except SystemError:  # of Python's own, before 3.11.8: the runner asks again
            raise
        except Exception:
            self._say(row, stream)
            raise
        self._say(row, stream)
        return payload

    def _say(self, row: int, stream: str) -> None:
        with Path(os.environ[LOG]).open("a") as log:
            log.write(f"{self.ids[row]} {stream}\n")

    def _decoded(self, path: Path, stream: str) -> Any:
        time.sleep(self._delay)
        if stream == "image":
            return Image(np.load(path, allow_pickle=False))
        if path.read_bytes() == b"refused":
            raise ItemError("is refused", where=path.name, fix="leave it")
        return Audio(np.load(path, allow_pickle=False), 8000)

    def content_keys(self, stream: str) -> list[str | None]:
        """Hashes of files, and names: broken ones differ in what is said of them."""
        paths = [self._path(row, stream) for row in range(len(self.ids))]
        return [
            None if stream == "audio" and not path.exists()
            else f"logged:{path.name}:{self._source.hash_file(path)}"
            for path in paths
        ]  # fmt: skip

    def _path(self, row: int, stream: str) -> Path:
        return Path(self._source.root / f"{self.ids[row]}.{stream}.npy")


class LoggedDataset(Dataset):
    """All items, and a training part that lies within them."""

    def __init__(self, *, delay: float = 0.0) -> None:
        self.delay = delay

    @property
    def info(self) -> DatasetInfo:
        """Its name."""
        return DatasetInfo(name="logged", version="1")

    def collections(self, source: Any) -> dict[str, Collection]:
        """``test`` and ``train``: the same files."""
        ids = sorted({path.name.split(".")[0] for path in source.root.iterdir()})
        whole = [*ids, *(["003"] if "003" not in ids else [])]
        return {
            "test": Logged(source, "test", whole, self.delay),
            "train": Logged(source, "train", ids[6:], self.delay),
        }

    def status(self, source: Any) -> DataStatus:
        """There."""
        return DataStatus(True)


class Means(Task):
    """The mean of the vectors' norms, over pictures and sounds."""

    name = "global"

    def __init__(self, *, delay: float = 0.0) -> None:
        self.delay = delay

    @property
    def info(self) -> TaskInfo:
        """One number."""
        metric = MetricInfo("norm", ("norm",), unit="1", bounds=(0.0, None))
        return TaskInfo(f"logged-{self.name}", "1", "probe", "norm", (metric,))

    def collections(self, datasets: Any) -> dict[str, Collection]:
        """The items."""
        return dict(datasets.open("logged", delay=self.delay))

    def fit_spec(self) -> FitSpec:
        """The training part."""
        return FitSpec(train="train")

    def requests(self, offers: Any) -> list[Request]:
        """Each stream."""
        return [Request("v", "test", ("image",)), Request("w", "test", ("audio",))]

    def score(self, inputs: Any) -> Evaluation:
        """Norms."""
        vectors = inputs.arrays["v"].reshape(len(inputs.arrays["v"]), -1)
        norm = np.linalg.norm(vectors.astype(np.float64), axis=1)
        table = inputs.tables[self.requests(None)[0].collection]
        return Evaluation({"items": ItemTable(table.ids, {"norm": norm})})


class Dense(Means):
    """Of maps of pictures."""

    name = "dense"

    def requests(self, offers: Any) -> list[Request]:
        """Maps."""
        return [Request("v", "test", ("image",), "dense"), Request("w", "test", ("audio",))]


class Crops(Means):
    """Of three crops a picture."""

    name = "crops"

    def collections(self, datasets: Any) -> dict[str, Collection]:
        """The items and their crops."""
        items = datasets.open("logged", delay=self.delay)["test"]
        rows = [row for row in range(len(items)) for _ in BOXES]
        views = [[View("crop", {"box": box})] for _ in range(len(items)) for box in BOXES]
        return {"test": items, "crops": DerivedCollection("crops", items, "image", rows, views)}

    def fit_spec(self) -> None:
        """Nothing to learn from."""
        return

    def requests(self, offers: Any) -> list[Request]:
        """The crops."""
        return [Request("v", "crops", ("image",)), Request("w", "test", ("audio",))]


class Brightness(Representation):
    """Means and deviations, times a factor."""

    batch_size = 4

    def __init__(self, *, factor: float = 1.0) -> None:
        self.factor = factor

    @property
    def info(self) -> RepresentationInfo:
        """Both streams, and maps of pictures."""
        slots = (Slot("image", "image", ("Image",)), Slot("audio", "audio", ("Audio",)))
        one = [Offer("global", frozenset({slot.name})) for slot in slots]
        return RepresentationInfo(
            "brightness", "1", slots, frozenset([*one, Offer("dense", frozenset({"image"}))])
        )

    def encode(self, batch: Any) -> Any:
        """[B, 2]."""
        (payloads,) = batch.values()
        values = [getattr(each, "pixels", getattr(each, "samples", None)) for each in payloads]
        vectors = [[value.mean(), value.std()] for value in values]
        return np.array(vectors, dtype=np.float32) * np.float32(self.factor)

    def encode_dense(self, batch: Any) -> Any:
        """[B, 8, 12, 3]."""
        pixels = np.stack([each.pixels for each in batch["image"]])
        return pixels.astype(np.float32) * np.float32(self.factor)


class Learnt(TrainedRepresentation):
    """Learns the mean picture in two passes."""

    batch_size = 4

    @property
    def info(self) -> RepresentationInfo:
        """Pictures and sounds, as above."""
        return Brightness().info

    def fit(self, data: Any, ctx: Any) -> None:
        """Pass over the pictures twice."""
        rows = data.train.complete_rows()
        for _ in range(2):
            pictures = data.train.batch(rows, ["image"])["image"]
        self.mean = np.mean([each.pixels.mean() for each in pictures], dtype=np.float64)

    def state(self) -> State:
        """The mean."""
        return State({"mean": np.array(self.mean)}, {})

    def load_state(self, state: State) -> None:
        """The mean."""
        self.mean = state.arrays["mean"]

    def encode(self, batch: Any) -> Any:
        """[B, 2]."""
        return Brightness().encode(batch) - np.float32(self.mean)

    def encode_dense(self, batch: Any) -> Any:
        """[B, 8, 12, 3]."""
        return Brightness().encode_dense(batch) - np.float32(self.mean)


@hookimpl
def mmbench_datasets() -> list[DatasetSpec]:
    """The one."""
    return [DatasetSpec("logged", f"{HERE}:LoggedDataset")]


@hookimpl
def mmbench_tasks() -> list[TaskSpec]:
    """The three."""
    return [TaskSpec(f"logged-{each.name}", f"{HERE}:{each.__name__}")
            for each in (Means, Dense, Crops)]  # fmt: skip


@hookimpl
def mmbench_representations() -> list[RepresentationSpec]:
    """The two."""
    return [
        RepresentationSpec("brightness", f"{HERE}:Brightness"),
        RepresentationSpec("learnt-brightness", f"{HERE}:Learnt"),
    ]
