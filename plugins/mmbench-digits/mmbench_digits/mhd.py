"""Digits as image, sound, trajectory and label: MHD, and sets in its layout."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from mmbench.api import (
    Array,
    Collection,
    DataError,
    DataMissing,
    Dataset,
    DatasetInfo,
    DataStatus,
    ItemError,
    MmbenchError,
    Stream,
    UsageError,
)
from mmbench_digits.archives import CLASSES, Digits, read_digits

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from mmbench.api import DataSource

__all__ = ["FILES", "STREAMS", "DigitCollection", "Mhd", "PairedDigits"]

VERSION = "1"
#: In GMC's order, which numbers them from 0.
STREAMS = {
    "image": Stream("image", "image", "Array", shape=(1, 28, 28)),
    "sound": Stream("sound", "audio", "Array", shape=(1, 32, 128)),
    "trajectory": Stream("trajectory", "trajectory", "Array", shape=(200,)),
    "label": Stream("label", "label", "Array", shape=(CLASSES,)),
}
FILES = {"train": "mhd_train.pt", "test": "mhd_test.pt"}
#: How many items MHD has.
_OFFICIAL = {"train": 50_000, "test": 10_000}


class DigitCollection(Collection):
    """Rows of one file.

    Args:
        name: The collection's name.
        path: The file.
        digits: What it holds.
        rows: Which of its rows, in order.
        variant: What set this is, in words; a column, so that records say it.
        source: Where the dataset lies.
    """

    parallel_loads = True

    def __init__(
        self,
        name: str,
        path: Path,
        digits: Digits,
        rows: Sequence[int],
        variant: str,
        source: DataSource,
    ) -> None:
        split = path.stem.removeprefix("mhd_")
        self.name = name
        self.ids = [f"{split}-{row:05d}" for row in rows]
        self.streams = STREAMS
        labels = digits.labels[list(rows)].tolist()
        self.columns = {"label": labels, "variant": [variant] * len(labels)}
        self._path = path
        self._digits = digits
        self._rows = list(rows)
        self._source = source

    def load(self, row: int, stream: str) -> Array:
        """One stream of one item, float32.

        Raises:
            ItemError: It holds NaN or infinity.
        """
        place, digits = self._rows[row], self._digits
        if stream == "label":
            values = np.zeros(CLASSES, dtype=np.float32)
            values[digits.labels[place]] = 1.0
            return Array(values)
        stored = {
            "image": digits.images,
            "sound": digits.sounds,
            "trajectory": digits.trajectories,
        }[stream][place]
        values = np.array(stored, dtype=np.float32)
        if not np.isfinite(values).all():
            raise ItemError(
                f"the {stream} of item {place} holds NaN or infinity",
                where=str(self._path),
            )
        return Array(unstacked(values) if stream == "sound" else values)

    def content_keys(self, stream: str) -> list[str | None]:
        """The file's hash and the row: of labels too, since no two splits may share an item."""
        content = self._source.hash_file(self._path)
        return [f"mhd-{VERSION}/{stream}/{content}/{row}" for row in self._rows]


def unstacked(sound: NDArray[np.float32]) -> NDArray[np.float32]:
    """A spectrogram [1, 32, 128], frames by mel bands, as networks take it.

    Args:
        sound: [4, 32, 32] as it is stored: four blocks of 32 mel bands, each bands by frames.
    """
    return np.ascontiguousarray(sound.reshape(128, 32).T[None])


class Mhd(Dataset):
    """MHD: 50,000 and 10,000 handwritten digits as image, sound, trajectory and label.

    Collections ``train``, ``valid`` and ``test`` with the streams ``image`` [1, 28, 28], ``sound``
    [1, 32, 128] (a spectrogram, frames by mel bands), ``trajectory`` [200] (100 x, then 100 y) and
    ``label`` (one of ten set to 1), and the columns ``label`` and ``variant``. Tensors are mapped
    from the files, and read as they are used.

    Args:
        valid: The share of the training file that is held out. GMC's is 0.1.
        split_seed: Which rows those are. GMC draws them anew in every run, with no seed.
    """

    name: ClassVar[str] = "mhd"
    advice: ClassVar[str] = (
        "MHD's mhd_train.pt and mhd_test.pt (https://github.com/miguelsvasco/nexus_pytorch): put "
        "them into <data root>/mhd; `mmbench data sample mhd --root DIR` makes some up, `mmbench "
        "data build paired_digits` pairs real recordings in its layout"
    )

    def __init__(self, *, valid: float = 0.1, split_seed: int = 0) -> None:
        if not 0.0 < valid < 1.0:
            raise UsageError(f"valid is a share between 0 and 1, not {valid}", where=self.name)
        if split_seed < 0:
            raise UsageError(f"split_seed must be at least 0, not {split_seed}", where=self.name)
        self.valid = valid
        self.split_seed = split_seed

    @property
    def info(self) -> DatasetInfo:
        """What it is."""
        return DatasetInfo(
            name="mhd",
            version=VERSION,
            licence="none stated",
            citation="Vasco et al.: Leveraging hierarchy in multimodal generative models for "
            "effective cross-modality inference, Neural Networks 2022 (Nexus)",
            url="https://github.com/miguelsvasco/nexus_pytorch",
        )

    def collections(self, source: DataSource) -> Mapping[str, Collection]:
        """The training file's rows in two, and the test file's.

        Raises:
            DataMissing: A file is not there.
            DataError: A file is broken, or of another set.
        """
        paths = {split: source.root / name for split, name in FILES.items()}
        for path in paths.values():
            if not path.is_file():
                raise DataMissing("is not there", where=str(path), fix=self.advice)
        opened = {split: read_digits(path) for split, path in paths.items()}
        variant = self.variant(opened, source.root)
        count = len(opened["train"])
        held = max(1, round(self.valid * count))
        if held >= count:
            raise DataError(
                f"valid={self.valid} of {count} items leaves none to learn from",
                where=str(paths["train"]),
            )
        order = np.random.default_rng(self.split_seed).permutation(count)
        rows = {
            "train": ("train", np.sort(order[held:]).tolist()),
            "valid": ("train", np.sort(order[:held]).tolist()),
            "test": ("test", list(range(len(opened["test"])))),
        }
        return {
            name: DigitCollection(name, paths[split], opened[split], chosen, variant, source)
            for name, (split, chosen) in rows.items()
        }

    def variant(self, opened: Mapping[str, Digits], root: Path) -> str:
        """What set it is, in words.

        Raises:
            DataError: It is not MHD, and says so.
        """
        for split, digits in opened.items():
            if "made_by" in digits.sound_scale:
                raise DataError(
                    f"is not MHD, but made by {digits.sound_scale['made_by']}",
                    where=str(root / FILES[split]),
                    fix="put it into <data root>/paired_digits, and score paired-digits-missing",
                )
        sizes = {split: len(digits) for split, digits in opened.items()}
        if sizes == _OFFICIAL:
            return "MHD"
        return f"{sizes['train']:,} + {sizes['test']:,} items where MHD has 50,000 + 10,000"

    def status(self, source: DataSource) -> DataStatus:
        """What is there of it."""
        try:
            found = self.collections(source)
        except DataMissing as error:
            return DataStatus(False, missing=(error.where,), advice=self.advice)
        except MmbenchError as error:
            return DataStatus(False, advice=str(error))
        sizes = ", ".join(f"{len(each):,} {name}" for name, each in found.items())
        variant = found["test"].columns["variant"][0]
        said = f"{sizes} items (valid is drawn with split_seed={self.split_seed})"
        return DataStatus(True, found=(said, f"variant: {variant}"), advice=self.advice)

    def write_sample(self, root: Path, *, items: int, seed: int) -> None:
        """Write made-up digits, as many to be tested on."""
        from mmbench_digits.sample import write_sample

        write_sample(root, items=items, seed=seed)


class PairedDigits(Mhd):
    """Digits paired from real recordings, in MHD's layout; it is not MHD.

    ``mmbench data build paired_digits`` makes it of MNIST's test images, FSDD's recordings and
    pendigits' trajectories. Collections, streams and columns as of ``mhd``.

    Args:
        valid: The share of the training file that is held out.
        split_seed: Which rows those are.
    """

    name: ClassVar[str] = "paired_digits"
    advice: ClassVar[str] = (
        "`mmbench data build paired_digits` makes it of MNIST t10k, FSDD and pendigits; `mmbench "
        "data sample paired_digits --root DIR` makes some up"
    )

    @property
    def info(self) -> DatasetInfo:
        """What it is."""
        return DatasetInfo(
            name="paired_digits",
            version=VERSION,
            licence="CC BY-SA 4.0 (FSDD), CC BY-SA 3.0 (MNIST), CC BY 4.0 (pendigits)",
            citation="MNIST (LeCun et al., 1998), FSDD (Jackson et al.), pendigits (Alpaydin and "
            "Alimoglu, UCI 1998), paired by digit in MHD's layout",
            url="https://github.com/Jakobovski/free-spoken-digit-dataset",
            leaks=("images of both splits are of MNIST's t10k: one hand may have written in both",),
        )

    def variant(self, opened: Mapping[str, Digits], root: Path) -> str:
        """What set it is, in words.

        Raises:
            DataError: It is MHD, or train and test were made apart.
        """
        said = [str(digits.sound_scale.get("variant", "")) for digits in opened.values()]
        sizes = {split: len(digits) for split, digits in opened.items()}
        if sizes == _OFFICIAL and not any(said):
            raise DataError(
                "this is MHD by its size, not paired recordings",
                where=str(root / FILES["train"]),
                fix="put it into <data root>/mhd, and score mhd-missing",
            )
        if len(set(said)) > 1:
            raise DataError(
                f"its two files were not made together: {' and '.join(map(repr, said))}",
                where=str(root / FILES["test"]),
                fix="build them again",
            )
        return said[0] or f"{sizes['train']:,} + {sizes['test']:,} items of unknown making"
