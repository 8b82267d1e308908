"""What the checks of a dataset are handed: samples of its own writing, in folders of their own."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from mmbench.api import (
    SAMPLE_MARKER,
    Dataset,
    DatasetInfo,
    DataSource,
    MmbenchError,
)
from mmbench.runner.file_hashes import hash_file
from mmbench.testing.checks import Blocked, NotRelevant, described
from mmbench.testing.dataset_processes import DatasetReport, watched_dataset
from mmbench.testing.loaded import Loaded, load_all, load_one
from mmbench.testing.subject import Subject

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from mmbench.api import Collection
    from mmbench.testing.damaging import Trials

__all__ = ["SAMPLE_ITEMS", "SMALL_ITEMS", "DatasetSubject", "write_marked_sample"]

#: Items that a sample for the checks has.
SAMPLE_ITEMS = 24
#: Items of a sample that is written and read many times.
SMALL_ITEMS = 6
#: Items a collection that are loaded of a dataset that is bundled, and may be large.
_SPREAD = 6


def write_marked_sample(dataset: Dataset, root: Path, *, items: int, seed: int) -> None:
    """Write a sample as ``mmbench data sample`` does: into a new folder, and marked."""
    root.mkdir(parents=True)
    dataset.write_sample(root, items=items, seed=seed)
    (root / SAMPLE_MARKER).touch()


@dataclass
class DatasetSubject(Subject[Dataset]):
    """One configured dataset under test.

    Attributes:
        entry: Its spec and plugin.
        given: Options given for the checks, over the spec's own.
        workspace: An empty folder for samples.
    """

    @cached_property
    def info(self) -> DatasetInfo:
        """What it says of itself."""
        try:
            return self.new().info
        except Exception as error:
            raise Blocked(f"info raised {described(error)}: see dataset_info_is_typed") from error

    def source(self, root: Path) -> DataSource:
        """A folder, and hashing that remembers nothing."""
        return DataSource(root, hash_file)

    def write_sample(self, *, items: int = SAMPLE_ITEMS, seed: int = 0) -> Path:
        """Write a sample into a new folder, whose last part is the dataset's name.

        Raises:
            NotRelevant: It needs no folder.
            Blocked: ``write_sample`` raises.
        """
        if self.info.bundled:
            raise NotRelevant("it is bundled: it reads no folder")
        count = len(list(self.workspace.glob("sample-*")))
        root = self.workspace / f"sample-{count}" / self.name
        try:
            write_marked_sample(self.new(), root, items=items, seed=seed)
        except (Exception, SystemExit) as error:
            raise Blocked(
                f"write_sample() raised {described(error)}: see it_writes_a_sample"
            ) from error
        return root

    @cached_property
    def sample(self) -> Path:
        """A sample for checks that only read."""
        return self.write_sample()

    @cached_property
    def small(self) -> Path:
        """A sample of few items, for checks that only read."""
        return self.write_sample(items=SMALL_ITEMS)

    @cached_property
    def process(self) -> DatasetReport:
        """What a new, watched process wrote and read."""
        return watched_dataset(self, items=SMALL_ITEMS)

    @cached_property
    def trials(self) -> Trials:
        """What happens when one file of the small sample is damaged."""
        from mmbench.testing.damaging import Trials

        return Trials(self)

    @cached_property
    def loaded(self) -> list[Loaded]:
        """Every stream of every item of the sample (of a bundled dataset: of some items).

        Raises:
            Blocked: Content keys raise, or are not row-aligned.
        """
        collections = self.collections
        for name, collection in collections.items():
            for stream in collection.streams:
                try:
                    count = len(collection.content_keys(stream))
                except (Exception, SystemExit) as error:
                    raise Blocked(
                        f"content_keys({stream!r}) of {name!r} raised {described(error)}: "
                        "see content_keys_are_row_aligned"
                    ) from error
                if count != len(collection):
                    raise Blocked("keys and rows differ: see content_keys_are_row_aligned")
        return list(load_all(collections, _SPREAD if self.info.bundled else None))

    @cached_property
    def healthy(self) -> list[Loaded]:
        """The same, where all are payloads.

        Raises:
            Blocked: Something failed, or is no payload.
        """
        for each in self.loaded:
            if each.error is not None:
                raise Blocked(f"{each.label} does not load: see every_item_loads")
            try:
                _ = each.digest
            except (MmbenchError, TypeError) as error:
                raise Blocked(
                    f"{each.label} is no payload: see dataset_payloads_are_as_declared"
                ) from error
        return self.loaded

    @cached_property
    def steady(self) -> list[Loaded]:
        """The same, where what was loaded again is the same.

        Raises:
            Blocked: Something is not.
        """
        for each in self.healthy[:4]:
            if load_one(self.collections[each.collection], each).digest != each.digest:
                raise Blocked(f"{each.label} changes by itself: see loading_twice_is_equal")
        return self.healthy

    def fingerprints(self, collections: Mapping[str, Collection]) -> dict[str, str]:
        """Collection to fingerprint.

        Raises:
            Blocked: One raises.
        """
        try:
            return {name: each.fingerprint() for name, each in collections.items()}
        except (Exception, SystemExit) as error:
            raise Blocked(
                f"fingerprint() raised {described(error)}: see dataset_columns_are_plain"
            ) from error

    def open(self, root: Path) -> Mapping[str, Collection]:
        """The collections of a folder; exceptions pass."""
        return self.new().collections(self.source(root))

    @cached_property
    def collections(self) -> Mapping[str, Collection]:
        """The collections of the sample (or of itself, if it is bundled).

        Raises:
            Blocked: They don't open.
        """
        root = self.workspace / "nothing" if self.info.bundled else self.sample
        try:
            return self.open(root)
        except (Exception, SystemExit) as error:
            raise Blocked(
                f"collections() raised {described(error)}: see sample_is_read_back"
            ) from error
