"""A pendulum's pictures and sounds as a dataset."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from mmbench.api import (
    Array,
    Collection,
    DataMissing,
    Dataset,
    DatasetInfo,
    DataStatus,
    MmbenchError,
    Stream,
    UsageError,
)
from mmbench_pendulum.doppler import SoundRange
from mmbench_pendulum.recording import FILES, Recording, read, record, write

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from mmbench.api import DataSource

__all__ = ["STREAMS", "Pendulum", "PendulumCollection"]

VERSION = "1"
STREAMS = {
    "image": Stream("image", "image", "Array", shape=(2, 60, 60), provenance="generated"),
    "sound": Stream("sound", "audio", "Array", shape=(2, 3, 2), provenance="generated"),
}
_ADVICE = (
    "`mmbench data build pendulum --out <data root>/pendulum` generates it; `mmbench data "
    "sample pendulum --root DIR` makes a small one"
)
#: More items to learn from than to be tested on, as in the paper.
_MORE = 3


class PendulumCollection(Collection):
    """The first items of one file.

    Args:
        name: The collection's name.
        path: The file.
        recording: What it holds.
        count: How many of its items.
        heard: The range by which its sounds are brought to 0..1.
        source: Where the dataset lies.
    """

    parallel_loads = True
    cheap_loads = True

    def __init__(
        self,
        name: str,
        path: Path,
        recording: Recording,
        count: int,
        heard: SoundRange,
        source: DataSource,
    ) -> None:
        self.name = name
        self.ids = [f"{path.stem}-{row:05d}" for row in range(count)]
        self.streams = STREAMS
        now = recording.states[:count, 1]
        self.columns: dict[str, Any] = {
            "angle": now[:, 0].tolist(),
            "speed": now[:, 1].tolist(),
            "sound_range": [heard.as_list()] * count,
        }
        self._path = path
        self._recording = recording
        self._heard = heard
        self._source = source

    def load(self, row: int, stream: str) -> Array:
        """One stream of one item, float32."""
        if stream == "image":
            return Array(self._recording.image(row))
        return Array(self._heard(self._recording.sounds[row]))

    def content_keys(self, stream: str) -> list[str | None]:
        """The file's hash and the row; of sounds also what they are normalised by."""
        content = self._source.hash_file(self._path)
        scale = f"/{self._heard.as_list()}" if stream == "sound" else ""
        return [
            f"pendulum-{VERSION}/{stream}/{content}/{row}{scale}" for row in range(len(self.ids))
        ]


class Pendulum(Dataset):
    """Gymnasium's pendulum under random torques: two pictures and two sounds an item.

    Collections ``train`` and ``test`` (other episodes) with the streams ``image`` [2, 60, 60], 0
    and 1, and ``sound`` [2, 3, 2]: of the step before and of now, frequency and amplitude at three
    receivers, each brought to 0..1. Columns: ``angle`` (from upright) and ``speed`` of now, and
    ``sound_range``, the lowest frequency and amplitude and the highest that became 0 and 1.

    Args:
        frames: At most so many training items; None: all.
        normalisation: What sounds to be tested on are normalised by. ``train``: the range of all
            training items, as training items are. ``own``: their own range, as the released
            generator has it, so that one sound has two values.
    """

    def __init__(
        self, *, frames: int | None = None, normalisation: Literal["train", "own"] = "train"
    ) -> None:
        if frames is not None and frames < 1:
            raise UsageError(f"frames must be at least 1, not {frames}", where="pendulum")
        self.frames = frames
        self.normalisation = normalisation

    @property
    def info(self) -> DatasetInfo:
        """What it is."""
        return DatasetInfo(
            name="pendulum",
            version=VERSION,
            licence="CC0 (generated; gymnasium is MIT)",
            citation="Poklukar et al.: Geometric Multimodal Contrastive Representation Learning, "
            "ICML 2022; Silva et al.: Playing Games in the Dark, AAMAS 2020",
            url="https://gymnasium.farama.org/environments/classic_control/pendulum/",
        )

    def collections(self, source: DataSource) -> Mapping[str, Collection]:
        """Training items, and those to be tested on.

        Raises:
            DataMissing: A file is not there.
            DataError: A file is broken.
        """
        paths = {split: source.root / name for split, name in FILES.items()}
        for path in paths.values():
            if not path.is_file():
                raise DataMissing("is not there", where=str(path), fix=_ADVICE)
        opened = {split: read(path) for split, path in paths.items()}
        ranges = {split: SoundRange.of(each.sounds) for split, each in opened.items()}
        if self.normalisation == "train":
            ranges["test"] = ranges["train"]
        counts = {split: len(each) for split, each in opened.items()}
        counts["train"] = min(counts["train"], self.frames or counts["train"])
        return {
            split: PendulumCollection(split, path, opened[split], counts[split], ranges[split],
                                      source)
            for split, path in paths.items()
        }  # fmt: skip

    def status(self, source: DataSource) -> DataStatus:
        """What is there of it."""
        try:
            found = self.collections(source)
        except DataMissing as error:
            return DataStatus(False, missing=(error.where,), advice=_ADVICE)
        except MmbenchError as error:
            return DataStatus(False, advice=str(error))
        sizes = ", ".join(f"{len(each):,} {name}" for name, each in found.items())
        return DataStatus(True, found=(f"{sizes} items",), advice=_ADVICE)

    def write_sample(self, root: Path, *, items: int, seed: int) -> None:
        """Generate few items: as many to be tested on, and three times as many to learn from."""
        write(root / FILES["train"], record(_MORE * items, seed, 0))
        write(root / FILES["test"], record(items, seed, 1))
