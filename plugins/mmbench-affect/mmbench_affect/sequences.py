"""YouTube and MMMO: short word-level sequences of opinions in videos, in MFN's files.

Of the training part only the labels are published, so the validation and test parts together are
dealt into five folds.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from mmbench.api import DataError, DataMissing, Dataset, DatasetInfo, DataStatus, UsageError
from mmbench_affect.features import STREAMS, FeatureCollection, Packed, Padding, Preparation
from mmbench_affect.files import first_file, shown
from mmbench_affect.folds import deal
from mmbench_affect.segments import Segments, empty_streams, without_empty
from mmbench_affect.sequence_files import FILES, PARTS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from mmbench.api import Collection, DataSource
    from mmbench_affect.features import Empty, Features

__all__ = ["FOLDS", "MmmoSentiment", "WordSequences", "YoutubeSentiment"]

VERSION = "1"
FOLDS = 5


class WordSequences(Dataset):
    """What the two have in common; options as in their docstrings."""

    name: ClassVar[str] = ""
    folder: ClassVar[str] = ""

    def __init__(
        self, *, fold: int = 0, fold_seed: int = 0, padding: Padding = "keep",
        empty: Literal["keep", "missing"] = "keep",
    ) -> None:  # fmt: skip
        if not 0 <= fold < FOLDS:
            raise UsageError(f"fold={fold}: there are folds 0 to {FOLDS - 1}", where=self.name)
        if fold_seed < 0:
            raise UsageError(f"fold_seed={fold_seed}: seeds begin at 0", where=self.name)
        self.fold = fold
        self.fold_seed = fold_seed
        self.preparation = Preparation(padding)
        self.empty: Empty = empty

    @property
    def advice(self) -> str:
        """Where to get it and where to put it."""
        return (
            f"https://github.com/pliang279/MFN has new_data/{self.folder}: put its *_valid*.h5 and "
            f"*_test*.h5 into <data root>/{self.name}; "
            f"`mmbench data sample {self.name} --root DIR` makes some up"
        )

    @abstractmethod
    def columns(self, labels: NDArray[np.float64], where: str) -> dict[str, list[Any]]:
        """The target's columns, from the stored labels.

        Raises:
            DataError: They are none.
        """

    def collections(self, source: DataSource) -> Mapping[str, Collection]:
        """Three folds to learn from, one to choose on, one to test on."""
        segments, columns = self._all(source)
        target = next(iter(columns.values()))
        folds = deal(target, FOLDS, self.fold_seed)
        if self.empty == "missing":
            segments = without_empty(segments)
        roles = {(self.fold + FOLDS - 1) % FOLDS: "valid", self.fold: "test"}
        found: dict[str, Collection] = {}
        for name in ("train", "valid", "test"):
            rows = [row for row, each in enumerate(folds) if roles.get(each, "train") == name]
            if not rows:
                raise DataError(f"has no item for {name}", where=shown(source.root))
            part = segments.take(rows)
            own = {key: [values[row] for row in rows] for key, values in columns.items()}
            own |= {
                "fold": [folds[row] for row in rows],
                "empty": list(empty_streams(part.features)),
            }
            found[name] = FeatureCollection(
                name, part.ids, part.features, own, reader=f"{self.name}-{VERSION}",
                preparation=self.preparation, where=shown(source.root),
            )  # fmt: skip
        return found

    def status(self, source: DataSource) -> DataStatus:
        """Which parts are there."""
        try:
            self._files(source.root)
        except DataMissing as error:
            return DataStatus(False, missing=(error.where,), advice=error.fix)
        return DataStatus(
            True, found=(f"the parts {' and '.join(PARTS)}, in {FOLDS} folds",), advice=self.advice
        )

    def remarks(self, source: DataSource) -> tuple[str, ...]:
        """How many items have nothing in a stream."""
        segments, _ = self._all(source)
        empty = empty_streams(segments.features)
        said = [f"{len(segments)} items in {FOLDS} folds"]
        for name in STREAMS:
            count = sum(name in each.split("+") for each in empty)
            if count:
                said.append(f"{count} of {len(segments)} items have nothing but zeros for {name}")
        return tuple(said)

    def write_sample(self, root: Path, *, items: int, seed: int) -> None:
        """Write made-up sequences in MFN's files."""
        from mmbench_affect.sample_others import write_sequences

        write_sequences(root, self.name, items=items, seed=seed)

    def _files(self, root: Path) -> dict[tuple[str, str], Path]:
        """Path by part and stream.

        Raises:
            DataMissing: One of them is not there.
        """
        found = {}
        for part in PARTS:
            for stream, pattern in FILES.items():
                name = pattern.format(part)
                path = first_file(root, (name, f"{self.folder}/{name}"))
                if path is None:
                    where = shown(root / name)
                    raise DataMissing("the file is not there", where=where, fix=self.advice)
                found[part, stream] = path
        return found

    def _all(self, source: DataSource) -> tuple[Segments, dict[str, list[Any]]]:
        """All items, in the parts' order, and their columns."""
        import numpy as np

        files = self._files(source.root)
        ids: list[str] = []
        labels = []
        for part in PARTS:
            labels.append(_array(files[part, "y"]))
            ids += [f"{part}/{row:03d}" for row in range(len(labels[-1]))]
        where = shown(files[PARTS[0], "y"])
        if len({each.shape[1:] for each in labels}) > 1:
            raise DataError("labels of the parts differ in shape", where=where)
        columns = self.columns(np.concatenate(labels), where)
        features: dict[str, Features] = {}
        for stream in STREAMS:
            arrays = [_array(files[part, stream]) for part in PARTS]
            path = shown(files[PARTS[0], stream])
            if any(each.ndim != 3 for each in arrays) or len({a.shape[1:] for a in arrays}) > 1:
                said = " and ".join(str(each.shape) for each in arrays)
                raise DataError(f"is no array [items, steps, features]: {said}", where=path)
            for part, one, two in zip(PARTS, arrays, labels, strict=True):
                if len(one) != len(two):
                    said = f"is of another length than the labels: {len(one)}, and {len(two)}"
                    raise DataError(said, where=shown(files[part, stream]))
            hashes = "+".join(source.hash_file(files[part, stream]) for part in PARTS)
            features[stream] = Packed(np.concatenate(arrays), hashes)
        return Segments(ids, [""] * len(ids), [0.0] * len(ids), features), columns


def _array(path: Path) -> NDArray[np.float64]:
    """The one array of a file.

    Raises:
        DataError: It can't be read, or has none.
    """
    import h5py
    import numpy as np

    try:
        with h5py.File(path, "r") as file:
            arrays = [file[name][...] for name in file if isinstance(file[name], h5py.Dataset)]
    except Exception as error:  # a damaged file raises all kinds of things
        what = f"can't be read, or is cut off: {error}"
        raise DataError(what.splitlines()[0][:200], where=shown(path)) from error
    if len(arrays) != 1 or arrays[0].dtype.kind not in "fiu" or not arrays[0].ndim:
        raise DataError("holds no one array of numbers", where=shown(path))
    return np.asarray(arrays[0], dtype=np.float64)


_ARGS = """

Collections ``train`` (three folds), ``valid`` and ``test``; streams ``text`` [20, 300] (GloVe),
``audio`` [20, 74] (COVAREP) and ``vision`` [20, 36] (FACET); a column with the target, ``fold``,
and ``empty`` (streams that hold nothing but zeros).

Args:
    fold: Which of the five is tested; the one before it is ``valid``.
    fold_seed: Of the dealing. Items of a label are dealt out one by one; whose video an item is
        part of is not published, so folds may share speakers.
    padding: Steps of zeros at both ends are kept, or trimmed.
    empty: A stream of nothing but zeros is kept as it is (a figure for it then rests on items that
        have nothing), or is one that the item lacks.
"""


class YoutubeSentiment(WordSequences):  # noqa: D101 - it is the line below
    __doc__ = (
        "YouTube opinions, three classes: 96 of 269 sequences. Two thirds of them hold nothing "
        "but zeros for audio, and for vision; ``label`` is 0, 1 or 2, whose order is not "
        "published." + _ARGS
    )

    name = "youtube-sentiment"
    folder = "youtube"

    @property
    def info(self) -> DatasetInfo:
        """What it is."""
        return DatasetInfo(
            name=self.name,
            version=VERSION,
            licence="MIT (features); the videos are YouTube's users'",
            citation="Morency, Mihalcea, Doshi: Towards Multimodal Sentiment Analysis, ICMI 2011; "
            "features of Zadeh et al.: Memory Fusion Network, AAAI 2018",
            url="https://github.com/pliang279/MFN",
        )

    def columns(self, labels: NDArray[np.float64], where: str) -> dict[str, list[Any]]:
        """``label``: the class, of one-hot rows.

        Raises:
            DataError: They are none.
        """
        import numpy as np

        if labels.ndim != 2 or not ((labels == 1).sum(axis=1) == 1).all():
            raise DataError("are no one-hot rows", where=where)
        if not np.isin(labels, (0.0, 1.0)).all():
            raise DataError("are no one-hot rows", where=where)
        return {"label": [int(each) for each in labels.argmax(axis=1)]}


class MmmoSentiment(WordSequences):  # noqa: D101 - it is the line below
    __doc__ = (
        "MMMO film reviews, rated 1 to 5: 120 of 340 sequences. ``sentiment`` is the rating "
        "less 3, so -2..2; ``rating`` is as stored." + _ARGS
    )

    name = "mmmo-sentiment"
    folder = "mmmo"

    @property
    def info(self) -> DatasetInfo:
        """What it is."""
        return DatasetInfo(
            name=self.name,
            version=VERSION,
            licence="MIT (features); the videos are YouTube's users'",
            citation="Wollmer et al.: YouTube Movie Reviews, IEEE Intelligent Systems 2013; "
            "features of Zadeh et al.: Memory Fusion Network, AAAI 2018",
            url="https://github.com/pliang279/MFN",
        )

    def columns(self, labels: NDArray[np.float64], where: str) -> dict[str, list[Any]]:
        """``sentiment`` and ``rating``.

        Raises:
            DataError: A rating is out of range.
        """
        import numpy as np

        ratings = labels.reshape(len(labels), -1)[:, 0]
        wrong = np.flatnonzero(~((ratings >= 1) & (ratings <= 5)))
        if len(wrong):
            said = f"the label {ratings[wrong[0]]:g} is out of range: ratings are 1..5"
            raise DataError(said, where=f"{where}[{int(wrong[0])}]")
        return {
            "sentiment": [float(each) - 3.0 for each in ratings],
            "rating": [float(each) for each in ratings],
        }
