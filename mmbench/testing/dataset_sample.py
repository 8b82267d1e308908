"""Checks: a sample is written, as it should be, and reads nothing of this machine."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from mmbench.api import SAMPLE_MARKER, Collection, Dataset, MmbenchError
from mmbench.testing.checks import Blocked, NotRelevant, conformance, described, fail
from mmbench.testing.datasets import SAMPLE_ITEMS, SMALL_ITEMS, DatasetSubject, write_marked_sample
from mmbench.testing.surroundings import random_states

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_SEED = "draw everything from numpy.random.default_rng(seed); write no times, and sort sets"


def _needs_folder(subject: DatasetSubject) -> None:
    if subject.info.bundled:
        raise NotRelevant("it is bundled: it reads no folder")


def _bytes(root: Path) -> dict[str, bytes]:
    """Every file of a sample, by its place in it."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and path.name != SAMPLE_MARKER
    }


@conformance("sample", "datasets")
def it_writes_a_sample(subject: DatasetSubject) -> None:
    """``write_sample`` fills an empty folder.

    With it ``mmbench data sample`` shows the layout to anyone, and every test reads true files
    without the licensed data. Write what the reader reads, a few items, made up.
    """
    _needs_folder(subject)
    if subject.cls.write_sample is Dataset.write_sample:
        fail(
            expected="write_sample() to write generated items in the layout of the real data",
            seen="it is not implemented",
            change="def write_sample(self, root, *, items, seed): ...",
        )
    root = subject.workspace / "written" / subject.name
    try:
        write_marked_sample(subject.new(), root, items=SMALL_ITEMS, seed=0)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a plugin raises is seen
        fail(
            expected=f"write_sample(root, items={SMALL_ITEMS}, seed=0) to write a sample",
            seen=f"it raised {described(error)}",
            change="mend write_sample(); root is there, and empty",
        )
    if not _bytes(root):
        fail(
            expected="files in the folder that write_sample() was handed",
            seen="there are none",
            change="write below root",
        )


@conformance("sample", "datasets")
def sample_is_read_back(subject: DatasetSubject) -> None:
    """The reader opens what ``write_sample`` wrote, and finds items in it.

    What writes and what reads have to agree about the layout.
    """
    root = subject.workspace / "nothing" if subject.info.bundled else subject.sample
    try:
        found = subject.open(root)
        items = sum(len(each) for each in found.values())
        wrong = [name for name, each in found.items() if not isinstance(each, Collection)]
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a plugin raises is seen
        fail(
            expected="collections() to open a sample",
            seen=f"it raised {described(error)}",
            change="make write_sample() and collections() agree about the layout",
        )
    if wrong:
        fail(
            expected="collections() to return a mapping of names to Collection",
            seen=f"{wrong[0]!r} is a {type(found[wrong[0]]).__name__}",
            change="derive it from mmbench.api.Collection, or use MemoryCollection",
        )
    if not items:
        fail(
            expected="items in the collections",
            seen=f"{len(found)} collections without an item",
            change="make write_sample() and collections() agree about the layout",
        )


@conformance("sample", "datasets")
def smallest_sample_is_read_back(subject: DatasetSubject) -> None:
    """A sample of one item can be written and opened, or is refused by an error of mmbench.

    ``mmbench data sample --items 1`` may be typed. A split without items can be left out.
    """
    _ = subject.collections  # one of usual size can
    _needs_folder(subject)
    root = subject.workspace / "smallest" / subject.name
    try:
        write_marked_sample(subject.new(), root, items=1, seed=0)
        subject.open(root)
    except MmbenchError:
        return
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a plugin raises is seen
        fail(
            expected="a sample of 1 item, or a UsageError that says how many it needs",
            seen=described(error),
            change="spread the items over splits and classes so that one is enough",
        )


@conformance("sample", "datasets")
def sample_follows_items(subject: DatasetSubject) -> None:
    """A sample of more items has more items.

    ``items`` is how many things there are of what the dataset lists most of; a test asks for few,
    a trial run for many.
    """
    _ = subject.collections
    _needs_folder(subject)
    many = sum(len(each) for each in subject.collections.values())
    few = sum(len(each) for each in subject.open(subject.small).values())
    if many <= few:
        fail(
            expected=f"more items in a sample of {SAMPLE_ITEMS} than in one of {SMALL_ITEMS}",
            seen=f"{many} and {few}",
            change="write as many items as asked for",
        )


@conformance("sample", "datasets")
def same_seed_same_sample(subject: DatasetSubject) -> None:
    """The same seed writes the same bytes, in another process and at another time too.

    Figures from a sample can only be repeated if the sample can. Not repeated are: the time, the
    order of a set or a listed folder, global random state, times inside archives.
    """
    _needs_folder(subject)
    first = _bytes(subject.write_sample(items=SMALL_ITEMS))
    report = subject.process.finished("write_sample()", "sample_reads_nothing_of_this_machine")
    second = _bytes(report.root)
    other = sorted(
        name for name in first.keys() | second.keys() if first.get(name) != second.get(name)
    )
    if other:
        fail(
            expected="the same bytes from write_sample() for the same items and seed",
            seen=f"{len(other)} of {len(first)} files differ in another process: {other[0]}",
            change=_SEED,
        )


@conformance("sample", "datasets")
def another_seed_another_sample(subject: DatasetSubject) -> None:
    """Another seed writes another sample.

    It shows that ``seed`` is used; and with it one tries whether a result hangs on one sample.
    """
    _needs_folder(subject)
    samples = [_bytes(subject.write_sample(items=SMALL_ITEMS, seed=seed)) for seed in (0, 1)]
    if samples[0] == samples[1]:
        fail(
            expected="write_sample() to write other items for another seed",
            seen="seeds 0 and 1 write the same bytes",
            change=_SEED,
        )


@conformance("sample", "datasets")
def sample_reads_nothing_of_this_machine(subject: DatasetSubject) -> None:
    """Writing a sample looks at no file of this machine, besides Python's packages.

    It has to work for those who have nothing: no real data, no home folder, no cache. Besides, a
    sample may be published, and the real data may not. Make the items up, or ship a few that may
    be copied inside the package.
    """
    _needs_folder(subject)
    _ = subject.small  # it can be written at all
    report = subject.process
    if report.read:
        fail(
            expected="write_sample() to make everything up",
            seen=f"it looked into {report.read[0]}",
            change="draw the items from numpy.random.default_rng(seed)",
        )
    if report.step == "write_sample()" and report.error:
        fail(
            expected="write_sample() to work in a new process, with an empty home folder",
            seen=report.error,
            change="let it depend on items and seed alone",
        )


@conformance("sample", "datasets")
def dataset_reads_only_its_folder(subject: DatasetSubject) -> None:
    """Reading looks at no file but those of the data folder, and of Python's packages.

    A list or a caption that lies elsewhere is on its author's machine only, and in no content key.
    Put it into the data folder, or ship it inside the package. What an option names may be read,
    and so may caches (``~/.cache``). Opening the collections and loading their first items is
    watched.
    """
    report = subject.process
    if report.looked:
        fail(
            expected="collections() and load() to look into the data folder alone",
            seen=f"they looked into {report.looked[0]}",
            change="read what lies below source.root, or ship it inside the package",
        )
    report.finished("collections()", "sample_is_read_back")


@conformance("sample", "datasets")
def dataset_writes_only_its_sample(subject: DatasetSubject) -> None:
    """Nothing is written but the sample: neither by writing it elsewhere, nor by reading it.

    Data folders are shared and often read-only. mmbench keeps what is costly, as vectors; a
    reader that unpacks or indexes in silence surprises its user. What compiled code writes, or a
    process that it started, is looked for in the data folder, the working folder and the home
    folder that the check gives it; elsewhere it can't be seen.
    """
    report = subject.process
    if report.written:
        fail(
            expected="files below the root of write_sample(), and none from reading",
            seen=f"it wrote {report.written[0]}",
            change="write below root only; for what is temporary use the module tempfile",
        )
    report.finished("collections()", "sample_is_read_back")


@conformance("sample", "datasets")
def dataset_uses_no_network(subject: DatasetSubject) -> None:
    """Nothing is downloaded, by writing a sample or by reading.

    mmbench never fetches data behind its user's back, and cluster nodes have no network. Say in
    ``status`` where to get it.
    """
    report = subject.process
    if report.network:
        fail(
            expected="no access to the network",
            seen=f"it asked for {report.network[0]}",
            change="raise DataMissing with the address in fix=, and let the user download",
        )


@conformance("sample", "datasets")
def dataset_prints_nothing(subject: DatasetSubject) -> None:
    """Nothing is printed to standard output, by writing a sample or by reading.

    ``--json`` is read by programs, and progress is mmbench's to show.
    """
    report = subject.process
    if report.printed:
        fail(
            expected="nothing on standard output",
            seen=f"it printed {report.printed.splitlines()[0]!r}",
            change="take the print() out, or use logging",
        )


@conformance("sample", "datasets")
def dataset_leaves_random_state(subject: DatasetSubject) -> None:
    """Global random state is left as it was, by writing a sample and by reading.

    ``numpy.random.seed`` in one plugin changes what another one draws.
    """
    _ = subject.loaded  # what is imported is imported
    before = random_states()
    if not subject.info.bundled:
        _ = subject.write_sample(items=SMALL_ITEMS, seed=2)
    dataset = subject.new()
    root = subject.workspace / "nothing" if subject.info.bundled else subject.sample
    collections = dataset.collections(subject.source(root))
    for collection in collections.values():
        _load_first(collection)
    after = random_states()
    changed = [name for name, state in before.items() if after.get(name) != state]
    if changed:
        fail(
            expected="global random state to stay as it was",
            seen=f"{changed[0]} changed",
            change="use a generator of your own: numpy.random.default_rng(seed)",
        )


def _load_first(collection: Collection) -> None:
    """Load every stream of the first item; what raises is told by a check of its own."""
    for stream in collection.streams:
        if len(collection) and collection.content_keys(stream)[0] is not None:
            try:
                collection.load(0, stream)
            except (Exception, SystemExit) as error:
                raise Blocked(f"load() raised {described(error)}: see every_item_loads") from error


@conformance("sample", "datasets")
def marker_is_ignored(subject: DatasetSubject) -> None:
    """The file that marks a sample changes nothing of what is read.

    ``mmbench data sample`` leaves ``.mmbench-generated`` in the folder. A reader that takes every
    file of the folder for an item trips over it.
    """
    _ = subject.collections
    with_marker = _read(subject, subject.small)
    root = subject.workspace / "unmarked" / subject.name
    if not root.exists():
        shutil.copytree(subject.small, root, ignore=shutil.ignore_patterns(SAMPLE_MARKER))
    without = _read(subject, root)
    if with_marker != without:
        fail(
            expected="the same items with and without the marker",
            seen=f"{with_marker} with {SAMPLE_MARKER}, {without} without",
            change="leave out names that begin with a dot when listing a folder",
        )


def _read(subject: DatasetSubject, root: Path) -> Mapping[str, list[str]] | str:
    """Ids of every collection, or what opening raised."""
    try:
        return {name: list(each.ids) for name, each in subject.open(root).items()}
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a plugin raises is compared
        return described(error)
