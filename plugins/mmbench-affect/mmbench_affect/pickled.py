"""The pickles of MulT and GMC, and those of MMSA: splits of feature arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mmbench.api import DataError, ItemError
from mmbench.api.unpickling import load_pickle
from mmbench_affect.features import STREAMS, Packed
from mmbench_affect.files import shown
from mmbench_affect.folds import SPLITS, video_of
from mmbench_affect.segments import Segments, unique

if TYPE_CHECKING:
    from pathlib import Path

    from mmbench_affect.features import Features

__all__ = ["read_pickle"]

#: Keys of the labels: MMSA's, MulT's.
_LABELS = ("regression_labels", "labels")


def read_pickle(path: Path, file: str) -> dict[str, Segments]:
    """The splits of a pickle; nothing that it names is run.

    Args:
        path: MulT's, GMC's or MMSA's pickle; its keys say which.
        file: Names the file's bytes, for content keys.

    Raises:
        DataError: It can't be read, names more than arrays, or is no such table.
    """
    try:
        content = load_pickle(path)
    except ItemError as error:
        raise DataError(error.what, where=error.where, fix=error.fix) from error
    where = shown(path)
    if not isinstance(content, dict):
        raise DataError(f"is no table of splits but a {type(content).__name__}", where=where)
    missing = [split for split in SPLITS if not isinstance(content.get(split), dict)]
    if missing:
        raise DataError(f"has no split {missing[0]!r}", where=where)
    return {
        split: _segments(content[split], split, f"{where}[{split}]", f"{file}/{split}")
        for split in SPLITS
    }


def _segments(table: dict[str, Any], split: str, where: str, file: str) -> Segments:
    """One split."""
    features: dict[str, Features] = {}
    for name in STREAMS:
        if name not in table:
            raise DataError(f"has no {name!r}", where=where)
        content = _feature_array(table[name], f"{where}[{name}]")
        lengths = _lengths(table.get(f"{name}_lengths"), len(content), f"{where}[{name}_lengths]")
        features[name] = Packed(content, f"{file}/{name}", lengths=lengths)
    counts = {name: len(table[name]) for name in STREAMS}
    count = counts["text"]
    if table.get("raw_text") is not None:
        words = _rows(table["raw_text"], f"{where}[raw_text]")
        counts["raw_text"] = len(words)
        features["raw_text"] = Packed([_text(each) for each in words], f"{file}/raw_text", "Text")
    labels = _labels(table, where)
    counts["labels"] = len(labels)
    ids, videos = _ids(table.get("id"), split, count, where)
    counts["id"] = len(ids)
    if len(set(counts.values())) > 1:
        said = ", ".join(f"{number} of {name}" for name, number in counts.items())
        raise DataError(f"is of unequal lengths: {said}", where=where)
    if not count:
        raise DataError("holds no utterance", where=where)
    return Segments(ids, videos, labels, features)


def _feature_array(values: Any, where: str) -> Any:
    """An array [items, steps, features] of numbers."""
    import numpy as np

    if not isinstance(values, np.ndarray) or values.dtype.kind not in "fiu" or values.ndim != 3:
        said = (
            f"{values.dtype} {values.shape}"
            if isinstance(values, np.ndarray)
            else type(values).__name__
        )
        raise DataError(f"is no array of numbers [items, steps, features]: {said}", where=where)
    if not all(values.shape[1:]):
        raise DataError(f"has no steps or no features: {values.shape}", where=where)
    return values


def _rows(values: Any, where: str) -> list[Any]:
    """Row by row, of an array or a list."""
    found = values.tolist() if hasattr(values, "tolist") else values
    if not isinstance(found, list):
        raise DataError(f"is no list but a {type(values).__name__}", where=where)
    return found


def _lengths(values: Any, count: int, where: str) -> list[int] | None:
    if values is None:
        return None
    found = _rows(values, where)
    if len(found) != count or not all(isinstance(each, int) and each >= 0 for each in found):
        raise DataError(f"is no list of {count} lengths", where=where)
    return found


def _labels(table: dict[str, Any], where: str) -> list[float]:
    """Sentiment, the first of the labels that an item has."""
    import numpy as np

    name = next((each for each in _LABELS if each in table), None)
    if name is None:
        raise DataError("has no 'labels' (MulT) and no 'regression_labels' (MMSA)", where=where)
    try:
        values = np.asarray(table[name], dtype=np.float64)
        labels = values.reshape(len(values), -1)[:, 0] if values.size else values.reshape(-1)
    except (TypeError, ValueError, IndexError) as error:
        raise DataError("are no numbers, one an item", where=f"{where}[{name}]") from error
    wrong = np.flatnonzero(~(np.abs(labels) <= 3.0 + 1e-6))
    if len(wrong):
        row = int(wrong[0])
        raise DataError(
            f"the label {labels[row]:g} is out of range: sentiment is -3..3",
            where=f"{where}[{name}][{row}]",
        )
    return [float(np.float32(label)) for label in labels]


def _ids(values: Any, split: str, count: int, where: str) -> tuple[list[str], list[str]]:
    """Ids and videos: rows of (video, start, end), ``video$_$clip``, or numbers where none are."""
    if values is None:
        return [f"{split}/{row:05d}" for row in range(count)], [""] * count
    ids: list[str] = []
    videos: list[str] = []
    for row in _rows(values, f"{where}[id]"):
        parts = [_text(part) for part in _flat(row)]
        if not parts or not parts[0]:
            raise DataError(f"{row!r} is no id", where=f"{where}[id][{len(ids)}]")
        video = video_of(parts[0])
        ids.append(f"{parts[0]}[{'-'.join(parts[1:])}]" if len(parts) > 1 else parts[0])
        videos.append(video)
    return unique(ids), videos


def _flat(value: Any) -> list[Any]:
    """The parts of an id, however deep they lie."""
    value = value.tolist() if hasattr(value, "tolist") else value
    if isinstance(value, list):
        return [part for each in value for part in _flat(each)]
    return [value]


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
