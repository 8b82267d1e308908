"""Builds what a suite names: configured representations, tasks, and their opened collections."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mmbench.api import (
    Collection,
    Connector,
    Dataset,
    DataSource,
    FitSpec,
    MmbenchError,
    PluginError,
    Representation,
    Stream,
    Task,
    UsageError,
)
from mmbench.runner.file_hashes import FileHashes
from mmbench.runner.keys import key_of
from mmbench.runner.limit import limited

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from mmbench.api import TaskInfo
    from mmbench.registry import Configured, Registry
    from mmbench.runner.suite import FitOn, RepresentationChoice, TaskChoice

__all__ = ["Catalog", "FitSource", "OpenedTask"]


@dataclass(frozen=True)
class OpenedTask:
    """A configured task and its collections.

    Attributes:
        configured: The task with its options.
        info: What it says of itself.
        collections: Its collections by key, cut to ``--limit`` where that is given.
        fingerprints: Their fingerprints.
        datasets: Collection key to the dataset it (or its parent) came from, where known.
        leaks: Official leaks of the datasets it opened.
        samples: Keys of the collections that come from a generated sample.
    """

    configured: Configured[Task]
    info: TaskInfo
    collections: Mapping[str, Collection]
    fingerprints: Mapping[str, str]
    datasets: Mapping[str, str]
    leaks: tuple[str, ...]
    samples: frozenset[str] = frozenset()

    @property
    def task(self) -> Task:
        """The task itself."""
        return self.configured.object


@dataclass(frozen=True)
class FitSource:
    """What a trained representation learns from: the task's own choice or the suite's.

    Attributes:
        spec: Names the training collection, the target, the streams.
        collections: Where those names are found.
        samples: Keys of those that come from a generated sample.
        dataset: That the suite (or a connector) named; "" = the task's own choice.
    """

    spec: FitSpec
    collections: Mapping[str, Collection]
    samples: frozenset[str] = frozenset()
    dataset: str = ""

    def learnt(self) -> dict[str, Collection]:
        """The collections that are learnt from, by name."""
        names = filter(None, (self.spec.train, self.spec.valid))
        return {name: self.collections[name] for name in names}

    def streams(self) -> list[Stream]:
        """The training collection's streams that may be learnt from."""
        streams = self.collections[self.spec.train].streams
        return [
            s for name, s in streams.items() if not self.spec.streams or name in self.spec.streams
        ]

    def key(self) -> tuple[Any, ...]:
        """The part of a fit's recipe that the data makes; the streams enter by the binding."""
        spec = self.spec
        return (
            self.collections[spec.train].fingerprint(),
            self.collections[spec.valid].fingerprint() if spec.valid else None,
            spec.target,
            spec.target_kind,
        )


@dataclass
class _Opener:
    """The :class:`mmbench.api.Datasets` that a task is handed; remembers what it opened."""

    catalog: Catalog
    opened: dict[int, str] = field(default_factory=dict)
    leaks: list[str] = field(default_factory=list)

    def open(self, name: str, **options: Any) -> Mapping[str, Collection]:
        collections = self.catalog.dataset_collections(name, options)
        self.opened.update({id(collection): name for collection in collections.values()})
        info = self.catalog.dataset(name, options).object.info
        self.leaks += [leak for leak in info.leaks if leak not in self.leaks]
        return collections


class Catalog:
    """Everything that names turn into, built once and kept.

    Args:
        registry: The loaded plugins.
        data_root: One folder a dataset.
        cache: The store's root, for the memo of file hashes.
        limit: Keep only this many items of each evaluated collection.
    """

    def __init__(
        self, registry: Registry, data_root: Path, cache: Path, limit: int | None = None
    ) -> None:
        self.registry = registry
        self.data_root = data_root
        self.limit = limit
        self.hashes = FileHashes(cache)
        self._datasets: dict[str, Configured[Dataset]] = {}
        self._collections: dict[str, Mapping[str, Collection]] = {}
        self._tasks: dict[str, OpenedTask] = {}
        self._limited: dict[str, Mapping[str, Collection]] = {}
        # Collections are kept beside what is known of them, so that their id() stays their own.
        self._fingerprints: dict[int, tuple[Collection, str]] = {}
        self._keys: dict[tuple[int, str], tuple[Collection, Sequence[str | None]]] = {}

    def representation(
        self, choice: RepresentationChoice
    ) -> Configured[Representation | Connector]:
        """A new instance of a representation: bound, loaded and trained by its user alone."""
        return self.registry.configure(
            "representations", choice.name, choice.options, Representation, Connector
        )

    def dataset(self, name: str, options: Mapping[str, Any]) -> Configured[Dataset]:
        """A configured dataset."""
        key = key_of(name, options)
        if key not in self._datasets:
            self._datasets[key] = self.registry.configure(
                "datasets", name, options, Dataset  # type: ignore[type-abstract]
            )  # fmt: skip
        return self._datasets[key]

    def source(self, name: str) -> DataSource:
        """Where a dataset lies."""
        return DataSource(self.data_root / name, self.hashes)

    def dataset_collections(
        self, name: str, options: Mapping[str, Any]
    ) -> Mapping[str, Collection]:
        """A dataset's collections.

        Raises:
            DataMissing: It is not there.
            PluginError: The reader raised something of its own.
        """
        key = key_of(name, options)
        if key not in self._collections:
            dataset = self.dataset(name, options)
            try:
                self._collections[key] = dataset.object.collections(self.source(name))
            except (MmbenchError, OSError):
                raise
            except Exception as error:
                raise PluginError(
                    f"its reader raised {type(error).__name__}: {error}", where=f"dataset {name}"
                ) from error
        return self._collections[key]

    def corpora(self, name: str, options: Mapping[str, Any]) -> Mapping[str, Collection]:
        """A dataset's collections, cut to the limit, for connectors to learn from.

        Raises:
            DataMissing, PluginError: As :meth:`dataset_collections` does.
        """
        collections = self.dataset_collections(name, options)
        if self.limit is None:
            return collections
        key = key_of(name, options)
        if key not in self._limited:
            self._limited[key] = limited(collections, self.limit)
        return self._limited[key]

    def fingerprint(self, collection: Collection) -> str:
        """A collection's fingerprint, made once."""
        if id(collection) not in self._fingerprints:
            self._fingerprints[id(collection)] = (collection, collection.fingerprint())
        return self._fingerprints[id(collection)][1]

    def task(self, choice: TaskChoice) -> OpenedTask:
        """A configured task with its collections opened."""
        key = key_of(choice.name, choice.options)
        if key not in self._tasks:
            self._tasks[key] = self._open(choice)
        return self._tasks[key]

    def content_keys(self, collection: Collection, stream: str) -> Sequence[str | None]:
        """A collection's content keys, asked for once."""
        key = (id(collection), stream)
        if key not in self._keys:
            self._keys[key] = (collection, collection.content_keys(stream))
        return self._keys[key][1]

    def fit_source(self, opened: OpenedTask, fit_on: FitOn | None) -> FitSource | None:
        """What a trained representation learns from, or None where nobody names it."""
        if fit_on is not None:
            collections = self.dataset_collections(fit_on.dataset, fit_on.options)
            if self.limit is not None:
                collections = limited(collections, self.limit)
            spec = FitSpec(
                train=fit_on.train,
                valid=fit_on.valid,
                target=fit_on.target,
                target_kind=fit_on.target_kind,
            )
            samples = frozenset(collections if self.source(fit_on.dataset).is_sample else ())
            where = f"task {opened.info.name}, fit_on dataset {fit_on.dataset}"
        else:
            declared = opened.task.fit_spec()
            if declared is None:
                return None
            spec, collections, samples = declared, opened.collections, opened.samples
            where = f"task {opened.info.name}"
        for name in filter(None, (spec.train, spec.valid)):
            if name not in collections:
                wrong = PluginError if fit_on is None else UsageError
                raise wrong(
                    f"there is no collection {name!r} to fit on",
                    where=where,
                    fix=f"its collections are {', '.join(collections)}",
                )
        return FitSource(spec, collections, samples, fit_on.dataset if fit_on else "")

    def _open(self, choice: TaskChoice) -> OpenedTask:
        configured = self.registry.configure(
            "tasks", choice.name, choice.options, Task  # type: ignore[type-abstract]
        )  # fmt: skip
        opener = _Opener(self)
        step = "info"
        try:
            info = configured.object.info
            step = "collections()"
            collections = dict(configured.object.collections(opener))
            if self.limit is not None:
                collections = limited(collections, self.limit)
            step = "content_keys() of a collection"
            fingerprints = {name: each.fingerprint() for name, each in collections.items()}
        except (MmbenchError, OSError):
            raise
        except (Exception, SystemExit) as error:
            raise PluginError(
                f"its {step} raised {type(error).__name__}: {error}", where=f"task {choice.label}"
            ) from error
        datasets = {name: _dataset_of(each, opener.opened) for name, each in collections.items()}
        sampled = {name for name in datasets.values() if name and self.source(name).is_sample}
        return OpenedTask(
            configured,
            info,
            collections,
            fingerprints,
            datasets,
            tuple(opener.leaks),
            frozenset(key for key, name in datasets.items() if name in sampled),
        )


def _dataset_of(collection: Collection, opened: Mapping[int, str]) -> str:
    """The dataset that a collection, or the one it is derived from, came from."""
    current: Any = collection
    while current is not None:
        if id(current) in opened:
            return opened[id(current)]
        current = getattr(current, "parent", None)
    return ""
