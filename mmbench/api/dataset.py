"""The contract of a dataset: it owns a layout on disk and gives named collections."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from mmbench.api.errors import MmbenchError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from mmbench.api.collection import Collection

__all__ = ["SAMPLE_MARKER", "BrokenItem", "DataSource", "DataStatus", "Dataset", "DatasetInfo"]


#: The file that ``mmbench data sample`` leaves in a generated dataset's folder, out of the way of
#: readers that list it.
SAMPLE_MARKER = ".mmbench-generated"


@dataclass(frozen=True)
class DatasetInfo:
    """What a dataset is.

    Attributes:
        name: Its name in the registry, and its folder's name under the data root.
        version: Of the reader; it is part of every content key.
        licence: Of the data.
        citation: The paper, as a reference or URL.
        url: Where a user gets it.
        bundled: True if it needs no folder (the embedded numbers world).
        leaks: Official leaks between splits, in words; they are repeated in every record.
    """

    name: str
    version: str
    licence: str = ""
    citation: str = ""
    url: str = ""
    bundled: bool = False
    leaks: tuple[str, ...] = ()


@dataclass(frozen=True)
class DataSource:
    """Where a dataset lies, and the runner's memoised file hashing.

    Attributes:
        root: The dataset's own folder (it need not exist).
        hash_file: Path to the hex digest of its bytes, memoised by path, size and time; to
            ``"missing"`` where there is no such file, so that a content key never raises for it.
    """

    root: Path
    hash_file: Callable[[Path], str]

    @property
    def is_sample(self) -> bool:
        """Whether the folder was written by ``mmbench data sample``.

        All streams of a sample count as generated, whatever the reader says.
        """
        return (self.root / SAMPLE_MARKER).exists()


@dataclass(frozen=True)
class DataStatus:
    """What is there of a dataset.

    Attributes:
        present: Whether its collections can be opened.
        found: What was found, in words: ``("402 of 402 videos",)``.
        missing: What was looked for and not found, as paths.
        advice: Where to get it and where to put it.
    """

    present: bool
    found: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    advice: str = ""


@dataclass(frozen=True)
class BrokenItem:
    """One item that can't be read.

    Attributes:
        collection: Its collection.
        item: Its id.
        stream: The stream that failed.
        reason: The error's message.
    """

    collection: str
    item: str
    stream: str
    reason: str


def _no_progress(done: int, total: int, what: str) -> None:
    """Report to nobody."""


class Dataset(ABC):
    """Owns the layout on disk; several tasks share it.

    Options (decode rates, splits, clip policies) are keyword arguments of ``__init__``.
    """

    #: Conformance check to the reason why this dataset fails it, on purpose.
    expected_failures: ClassVar[Mapping[str, str]] = {}

    @property
    @abstractmethod
    def info(self) -> DatasetInfo:
        """What it is."""

    @abstractmethod
    def collections(self, source: DataSource) -> Mapping[str, Collection]:
        """Named collections, read lazily.

        Raises:
            DataMissing: It is not there.
            DataError: It is there but its annotations are broken; names the file and the line.
        """

    @abstractmethod
    def status(self, source: DataSource) -> DataStatus:
        """What is there, what is missing, where to get it. Cheap: decodes nothing."""

    def check(
        self, source: DataSource, progress: Callable[[int, int, str], None] = _no_progress
    ) -> list[BrokenItem]:
        """Decode every stream of every item; list what is broken."""
        broken = []
        for name, collection in self.collections(source).items():
            for stream in collection.streams:
                keys = collection.content_keys(stream)
                for row, item in enumerate(collection.ids):
                    progress(row, len(collection), f"{name}/{stream}")
                    if keys[row] is None:
                        continue
                    try:
                        collection.load(row, stream)
                    except (MmbenchError, OSError, ValueError, EOFError) as error:
                        broken.append(BrokenItem(name, item, stream, str(error)))
        return broken

    def remarks(self, source: DataSource) -> tuple[str, ...]:
        """What ``mmbench data check`` says beside broken items: values that were cleaned, say."""
        return ()

    def write_sample(self, root: Path, *, items: int, seed: int) -> None:
        """Write a small generated dataset in the true layout under ``root``, an empty folder.

        It reads nothing of this machine: the same ``items`` and ``seed`` give the same bytes.
        ``mmbench data sample`` marks the folder, and records from it are ``generated``.
        """
        raise NotImplementedError
