"""What the checks of a dataset are handed: samples of its own writing, in folders of their own."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from mmbench.api import SAMPLE_MARKER, Dataset, DatasetInfo, DataSource
from mmbench.options import resolve_options
from mmbench.registry import load_object
from mmbench.runner.file_hashes import FileHashes
from mmbench.testing.checks import Blocked, NotRelevant
from mmbench.testing.representations import described

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from mmbench.api import Collection, DatasetSpec
    from mmbench.registry import Entry

__all__ = ["SAMPLE_ITEMS", "DatasetSubject", "write_marked_sample"]

#: Items that a sample for the checks has.
SAMPLE_ITEMS = 24


def write_marked_sample(dataset: Dataset, root: Path, *, items: int, seed: int) -> None:
    """Write a sample as ``mmbench data sample`` does: into a new folder, and marked."""
    root.mkdir(parents=True)
    dataset.write_sample(root, items=items, seed=seed)
    (root / SAMPLE_MARKER).touch()


@dataclass
class DatasetSubject:
    """One configured dataset under test.

    Attributes:
        entry: Its spec and plugin.
        given: Options given for the checks, over the spec's own.
        workspace: An empty folder for samples.
    """

    entry: Entry[DatasetSpec]
    given: Mapping[str, Any]
    workspace: Path

    @property
    def name(self) -> str:
        """What users type."""
        return self.entry.spec.name

    @property
    def expected_failures(self) -> Mapping[str, str]:
        """Check to the reason why it fails on purpose."""
        return dict(self.cls.expected_failures)

    @cached_property
    def cls(self) -> type[Dataset]:
        """Its class."""
        cls: type[Dataset] = load_object(self.entry.spec.path, self.entry)
        return cls

    @cached_property
    def options(self) -> dict[str, Any]:
        """Every option with its value."""
        return resolve_options(self.cls, self.entry.spec.options, self.given, where=self.name)

    def new(self, **changed: Any) -> Dataset:
        """A new instance."""
        return self.cls(**{**self.options, **changed})

    @cached_property
    def info(self) -> DatasetInfo:
        """What it says of itself."""
        try:
            return self.new().info
        except Exception as error:
            raise Blocked(f"info raised {described(error)}: see info_is_complete") from error

    def source(self, root: Path) -> DataSource:
        """A folder, and hashing that remembers nothing from one source to the next."""
        hashes = self.workspace / "hashes" / str(len(list(self.workspace.glob("hashes/*"))))
        hashes.mkdir(parents=True)
        return DataSource(root, FileHashes(hashes))

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
