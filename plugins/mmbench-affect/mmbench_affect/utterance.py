"""CMU-MOSI as one vector an utterance and stream: the features of the contextual LSTM's authors.

Text by a CNN, audio by openSMILE, vision by a 3-D CNN. Each network learnt them on the repository's
own training split, so that split is the honest one.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from mmbench.api import (
    DataError,
    DataMissing,
    Dataset,
    DatasetInfo,
    DataStatus,
    MmbenchError,
    UsageError,
)
from mmbench_affect.features import STREAMS, Chosen, FeatureCollection, Packed
from mmbench_affect.files import first_file, read_text, shown

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from mmbench.api import Collection, DataSource

__all__ = ["JOINED", "MosiUtterance", "Split"]

NAME = "mosi-utterance"
VERSION = "1"
JOINED = "mosi_utterance_joined.npz"
LABELS = "label.csv"
Split = Literal["repo", "official"]

_LEAK = (
    "mosi-utterance: the features were learnt on the repository's training split, which holds "
    "videos of the official test split; figures on the official split are inflated (split=repo "
    "is the honest one)"
)
#: Width of each stream; what follows in a line is the two-class label.
_WIDTHS = {"text": 100, "audio": 73, "vision": 100}
_TABLES = {"text": "text", "audio": "audio", "vision": "video"}
_OFFICIAL = {"train": "train", "dev": "valid", "valid": "valid", "test": "test"}


@dataclass(frozen=True)
class _Table:
    """All utterances.

    Attributes:
        ids: One a row, ``<video>_<segment>``.
        labels: Sentiment, NaN where there is none.
        features: By stream, [utterances, width].
        repo: ``train`` or ``test``.
        official: ``train``, ``valid``, ``test``, or empty.
        file: Names the bytes of the files.
        where: The file, for errors.
    """

    ids: list[str]
    labels: NDArray[np.float32]
    features: Mapping[str, NDArray[np.float32]]
    repo: list[str]
    official: list[str]
    file: str
    where: str


class MosiUtterance(Dataset):
    """CMU-MOSI, one vector an utterance and stream: 2,195 utterances with a score.

    Collections ``train``, ``valid`` (unless ``valid_share=0``) and ``test``; streams ``text``
    [100], ``audio`` [73] and ``vision`` [100]; columns ``sentiment`` (-3..3) and ``video``. Four
    utterances without a score are left out.

    Args:
        split: ``repo``: the split that the features were learnt on; no video is in both parts.
            ``official``: CMU-MOSI's, of which test videos were learnt from: figures are inflated,
            and every record says so.
        valid_share: Of the repository's 62 training videos, this share becomes ``valid``: drawn
            from seed 0. The official split has its own.
    """

    advice: ClassVar[str] = (
        "https://github.com/declare-lab/multimodal-deep-learning has "
        "contextual-utterance-level-multimodal-sentiment-analysis/data: put its transcripts.csv, "
        "text_{train,test}.csv, text/, audio/ and video/ into "
        "<data root>/mosi-utterance/utterance, and CMU-MOSI's label.csv beside it; "
        "`mmbench data sample mosi-utterance --root DIR` makes some up"
    )

    def __init__(self, *, split: Split = "repo", valid_share: float = 0.2) -> None:
        if not 0.0 <= valid_share < 1.0:
            raise UsageError(f"valid_share={valid_share} is no share of the videos", where=NAME)
        self.split = split
        self.valid_share = valid_share

    @property
    def info(self) -> DatasetInfo:
        """What it is."""
        return DatasetInfo(
            name=NAME,
            version=VERSION,
            licence="MIT (features); CMU-MOSI is for research only",
            citation="Poria et al.: Context-Dependent Sentiment Analysis in User-Generated Videos, "
            "ACL 2017; Zadeh et al.: MOSI, 2016",
            url="https://github.com/declare-lab/multimodal-deep-learning",
            leaks=(_LEAK,) if self.split == "official" else (),
        )

    def collections(self, source: DataSource) -> Mapping[str, Collection]:
        """The splits."""
        table = _read(source, self.advice)
        return {name: _collection(name, rows, table) for name, rows in self._rows(table).items()}

    def status(self, source: DataSource) -> DataStatus:
        """Which files are there."""
        try:
            path = _place(source.root, self.advice)
            if path.name != JOINED:
                _files(path, source.root, self.advice)
        except DataMissing as error:
            return DataStatus(False, missing=(error.where,), advice=error.fix)
        except MmbenchError as error:
            return DataStatus(False, advice=str(error))
        return DataStatus(True, found=(shown(path.relative_to(source.root)),), advice=self.advice)

    def remarks(self, source: DataSource) -> tuple[str, ...]:
        """Sizes, and who has no score."""
        import numpy as np

        table = _read(source, self.advice)
        rows = self._rows(table)
        without = int(np.isnan(table.labels).sum())
        said = [", ".join(f"{len(each):,} {name}" for name, each in rows.items())]
        if without:
            said.append(f"{without} utterances without a score are left out")
        return tuple(said)

    def write_sample(self, root: Path, *, items: int, seed: int) -> None:
        """Write made-up utterances as the repository has them."""
        from mmbench_affect.sample_others import write_utterances

        write_utterances(root, items=items, seed=seed)

    def _rows(self, table: _Table) -> dict[str, list[int]]:
        """The rows of each split.

        Raises:
            DataError: One is empty.
        """
        import numpy as np

        scored = [row for row in range(len(table.ids)) if not np.isnan(table.labels[row])]
        if self.split == "official":
            said = {row: table.official[row] for row in scored}
            names = ["train", "valid", "test"]
        else:
            said = {row: table.repo[row] for row in scored}
            names = ["train", "valid", "test"] if self.valid_share else ["train", "test"]
            videos = sorted({_video(table.ids[row]) for row in scored if said[row] == "train"})
            count = max(round(self.valid_share * len(videos)), int(self.valid_share > 0))
            drawn = np.random.default_rng(0).permutation(len(videos))[:count]
            held = {videos[number] for number in drawn}
            said |= {
                row: "valid"
                for row in scored
                if said[row] == "train" and _video(table.ids[row]) in held
            }
        found = {name: [row for row in scored if said[row] == name] for name in names}
        empty = [name for name, rows in found.items() if not rows]
        if empty:
            raise DataError(f"has no utterance of {empty[0]} ({self.split})", where=table.where)
        return found


def _collection(name: str, rows: list[int], table: _Table) -> Collection:
    places = [(0, row) for row in rows]
    features = {
        stream: Chosen([Packed(table.features[stream], f"{table.file}/{stream}", "Array")], places)
        for stream in STREAMS
    }
    columns: dict[str, list[Any]] = {
        "sentiment": [float(table.labels[row]) for row in rows],
        "video": [_video(table.ids[row]) for row in rows],
    }
    ids = [table.ids[row] for row in rows]
    return FeatureCollection(
        name, ids, features, columns, reader=f"{NAME}-{VERSION}", where=table.where
    )


def _video(item: str) -> str:
    return item.rpartition("_")[0]


def _place(root: Path, advice: str) -> Path:
    """The file to begin with.

    Raises:
        DataMissing: There is none.
    """
    path = first_file(root, (JOINED, "utterance/transcripts.csv", "transcripts.csv"))
    if path is None:
        raise DataMissing(
            "it is not there", where=shown(root / "utterance" / "transcripts.csv"), fix=advice
        )
    return path


def _read(source: DataSource, advice: str) -> _Table:
    path = _place(source.root, advice)
    table = _joined(path, source) if path.name == JOINED else _tables(path, source, advice)
    counts = {len(table.labels), len(table.repo), len(table.official)}
    counts |= {len(each) for each in table.features.values()}
    if counts != {len(table.ids)} or len(set(table.ids)) < len(table.ids):
        raise DataError("is of unequal lengths, or has an id twice", where=table.where)
    return table


def _joined(path: Path, source: DataSource) -> _Table:
    """The tables and their labels, joined in one ``.npz``."""
    import numpy as np

    where = shown(path)
    try:
        with np.load(path, allow_pickle=False) as file:
            found: dict[str, Any] = {name: file[name] for name in file.files}
    except Exception as error:  # a damaged file raises all kinds of things
        raise DataError(f"can't be read, or is cut off: {str(error)[:200]}", where=where) from error
    wanted = ("id", "label", "repo_split", "official_split", *STREAMS)
    if lacking := [name for name in wanted if name not in found]:
        raise DataError(f"has no {lacking[0]!r}", where=where)
    for name in STREAMS:
        if found[name].ndim != 2 or found[name].dtype.kind != "f":
            raise DataError(f"{name} is no array [utterances, features]", where=where)
    return _Table(
        [str(each) for each in found["id"]],
        found["label"].astype(np.float32).reshape(-1),
        {name: found[name].astype(np.float32) for name in STREAMS},
        [str(each) for each in found["repo_split"]],
        [_OFFICIAL.get(str(each), "") for each in found["official_split"]],
        source.hash_file(path),
        where,
    )


def _tables(path: Path, source: DataSource, advice: str) -> _Table:
    """The repository's tables; a row of ``text_train.csv`` begins with its line's number."""
    import numpy as np

    files = _files(path, source.root, advice)
    names = [row[0] for row in _lines(path)]
    ids: list[str] = []
    repo: list[str] = []
    parts: dict[str, list[list[list[float]]]] = {name: [] for name in STREAMS}
    for split in ("train", "test"):
        index = files[f"text_{split}.csv"]
        numbers = [int(row[0]) for row in _numbers(index, 1)]
        if any(not 0 <= number < len(names) for number in numbers):
            raise DataError(f"names a line that {path.name} lacks", where=shown(index))
        ids += [names[number] for number in numbers]
        repo += [split] * len(numbers)
        for stream, prefix in _TABLES.items():
            table = files[f"{prefix}_{split}0.csv"]
            parts[stream].append(_numbers(table, _WIDTHS[stream]))
    scores = _scores(files[LABELS])
    return _Table(
        ids,
        np.array([scores.get(item, (np.nan, ""))[0] for item in ids], dtype=np.float32),
        {
            name: np.array([row for part in each for row in part], dtype=np.float32)
            for name, each in parts.items()
        },
        repo,
        [scores.get(item, (np.nan, ""))[1] for item in ids],
        "+".join(source.hash_file(file) for file in files.values()),
        shown(path),
    )


def _files(path: Path, root: Path, advice: str) -> dict[str, Path]:
    """The repository's tables by name, with the transcripts' and the scores'.

    Raises:
        DataMissing: One of them is not there.
    """
    folder = path.parent
    found = {path.name: path}
    places = {LABELS: (root / LABELS, folder / LABELS)}
    for split in ("train", "test"):
        places[f"text_{split}.csv"] = (folder / f"text_{split}.csv",) * 2
        for prefix in _TABLES.values():
            file = f"{prefix}_{split}0.csv"
            places[file] = (folder / prefix / file, folder / file)
    for name, candidates in places.items():
        there = [each for each in candidates if each.is_file()]
        if not there:
            raise DataMissing("the file is not there", where=shown(candidates[0]), fix=advice)
        found[name] = there[0]
    return found


def _scores(path: Path) -> dict[str, tuple[float, str]]:
    """Score and official split by id, of ``id,text,label,mode`` or MMSA's ``video_id,clip_id``."""
    found = {}
    for number, row in enumerate(csv.DictReader(io.StringIO(read_text(path))), 2):
        where = f"{shown(path)}:{number}"
        try:
            item = row["id"] if "id" in row else f"{row['video_id']}_{row['clip_id']}"
            label, mode = float(row["label"]), row["mode"]
        except (KeyError, TypeError, ValueError) as error:
            raise DataError("is no line with id, label and mode", where=where) from error
        if not abs(label) <= 3.0:
            raise DataError(f"the label {label:g} is out of range: sentiment is -3..3", where=where)
        found[item] = (label, _OFFICIAL.get(mode, ""))
    return found


def _lines(path: Path) -> list[list[str]]:
    if not path.is_file():
        raise DataError("the file is not there", where=shown(path))
    return [row for row in csv.reader(io.StringIO(read_text(path))) if row]


def _numbers(path: Path, width: int) -> list[list[float]]:
    """The first so many numbers of each line."""
    found = []
    for number, row in enumerate(_lines(path), 1):
        try:
            values = [float(each) for each in row[:width]]
        except ValueError as error:
            raise DataError("is no line of numbers", where=f"{shown(path)}:{number}") from error
        if len(values) < width:
            where = f"{shown(path)}:{number}"
            raise DataError(f"has {len(values)} numbers, not {width}", where=where)
        found.append(values)
    return found
