"""Which video is in which split: fold lists of video ids, and folds that are dealt out."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Any

from mmbench.api import DataError
from mmbench_affect.files import read_json, read_text, shown

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["SPLITS", "deal", "read_folds", "video_of"]

SPLITS = ("train", "valid", "test")
#: The SDK's module names its lists so.
_LIST = re.compile(r"standard_(train|valid|test)_fold")
#: MMSA's `video$_$clip`, the SDK's `video[clip]`.
_PART = re.compile(r"\$_\$.*$|\[[^\[\]]*\]$")


def video_of(item: str) -> str:
    """The video of a segment: ``video$_$3`` and ``video[3]`` are of ``video``."""
    return _PART.sub("", item)


def read_folds(path: Path) -> dict[str, str]:
    """Video id to split, from JSON ``{"train": [...], "valid": [...], "test": [...]}``.

    The SDK's own module (``cmu_mosei_std_folds.py``) is read too: its lists are taken out of the
    text, and nothing in it is run.

    Raises:
        DataError: It is neither, lacks a list, or has a video in two of them.
    """
    lists = _of_module(path) if path.suffix == ".py" else read_json(path)
    if not isinstance(lists, dict) or not all(
        isinstance(lists.get(split), list) and lists[split] for split in SPLITS
    ):
        raise DataError("has no lists train, valid and test of video ids", where=shown(path))
    found: dict[str, str] = {}
    for split in SPLITS:
        for video in lists[split]:
            if not isinstance(video, str) or not video:
                raise DataError(f"{split} holds {video!r}, no video id", where=shown(path))
            if found.setdefault(video, split) != split:
                raise DataError(
                    f"the video {video!r} is in {found[video]} and in {split}", where=shown(path)
                )
    return found


def _of_module(path: Path) -> dict[str, Any]:
    """The lists of a Python module, read as text."""
    try:
        tree = ast.parse(read_text(path))
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise DataError("is no Python that can be read", where=shown(path)) from error
    found: dict[str, Any] = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            named = _LIST.fullmatch(node.targets[0].id)
            if named:
                try:
                    found[named[1]] = ast.literal_eval(node.value)
                except ValueError as error:
                    where = f"{shown(path)}:{node.lineno}"
                    raise DataError("is no list of video ids", where=where) from error
    return found


def deal(labels: Sequence[Any], folds: int, seed: int = 0) -> list[int]:
    """A fold for each item: the items of a label are shuffled and dealt out one by one.

    So folds differ by one item at most, and hold each label about equally often.
    """
    import numpy as np

    order = np.random.default_rng(seed).permutation(len(labels))
    place = np.empty(len(labels), dtype=int)
    place[order] = np.arange(len(labels))
    found = [0] * len(labels)
    for turn, row in enumerate(
        sorted(range(len(labels)), key=lambda row: (labels[row], place[row]))
    ):
        found[row] = turn % folds
    return found
