"""Checks: what a task works on can be read, and is told apart."""

from __future__ import annotations

import math
from numbers import Real
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from mmbench.api import Collection, DataMissing, Stream
from mmbench.api.payloads import KINDS
from mmbench.api.streams import Provenance
from mmbench.testing.checks import Blocked, NotRelevant, conformance, described, fail

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mmbench.testing.tasks import TaskSubject


@conformance("collections", "tasks")
def it_opens(subject: TaskSubject) -> None:
    """Its collections open: without data, from the samples that its datasets write.

    ``collections(datasets)`` names datasets by ``datasets.open("name")``, never by a path. Where a
    dataset needs a folder, the kit has it write a sample: implement ``Dataset.write_sample``.
    """
    try:
        found = subject.open()
    except DataMissing as error:
        fail(
            expected="collections() to open, from a generated sample where a folder is needed",
            seen=described(error),
            change="implement write_sample() of its dataset",
        )
    wrong = [each for each in found.values() if not isinstance(each, Collection)]
    if not found or wrong:
        fail(
            expected="collections() to return a mapping of names to collections",
            seen=f"a {type(wrong[0]).__name__} in it" if wrong else "nothing in it",
            change="return {'pairs': datasets.open('name')['test']}",
        )


@conformance("collections", "tasks")
def collections_are_not_empty(subject: TaskSubject) -> None:
    """Every collection has items.

    A cell without items has no score. Look at the split's list, or at the filter that emptied it.
    """
    for key, collection in subject.collections.items():
        if not len(collection):
            fail(
                expected=f"the collection {key!r} to have items",
                seen="none",
                change="mend what fills it, or leave it out of collections()",
            )


@conformance("collections", "tasks")
def item_ids_are_unique(subject: TaskSubject) -> None:
    """Ids are text, and no two items of a collection share one.

    Records, per-item scores and dropped items speak in ids. Where videos repeat, number the rows,
    and keep the video's id as a column.
    """
    for key, collection in subject.collections.items():
        ids = list(collection.ids)
        plain = [each for each in ids if not isinstance(each, str)]
        seen = ""
        if plain:
            seen = f"{plain[0]!r}, a {type(plain[0]).__name__}"
        elif len(set(ids)) < len(ids):
            seen = f"{next(each for each in ids if ids.count(each) > 1)!r} more than once"
        if seen:
            fail(
                expected=f"the ids of {key!r} to be unique text",
                seen=seen,
                change="make one id a row, such as f'{video}/{row}'",
            )


@conformance("collections", "tasks")
def columns_are_aligned(subject: TaskSubject) -> None:
    """Every column has one value an item.

    Scoring reads columns by row. Give ``None`` or NaN where an item has no value.
    """
    for key, collection in subject.collections.items():
        for name, values in collection.columns.items():
            if len(values) != len(collection):
                fail(
                    expected=f"the column {name!r} of {key!r} to have {len(collection)} values",
                    seen=f"{len(values)}",
                    change="give one value an item, in the order of the ids",
                )


@conformance("collections", "tasks")
def columns_are_plain(subject: TaskSubject) -> None:
    """Columns hold numbers, text, None, or nested lists of them.

    They are written beside the vectors as JSON, so that a cell can be scored again later. Turn
    dates into text, sets into sorted lists, tensors into lists.
    """
    for key, collection in subject.collections.items():
        for name, values in collection.columns.items():
            for row, value in enumerate(values):
                if not _is_plain(value):
                    fail(
                        expected=f"the column {name!r} of {key!r} to hold numbers, text or lists",
                        seen=f"a {type(value).__name__} at {collection.ids[row]!r}: {value!r:.60}",
                        change="turn it into numbers, text or lists of them",
                    )


@conformance("collections", "tasks")
def columns_keep_one_type(subject: TaskSubject) -> None:
    """A column holds numbers or text or lists, not a mixture.

    The class ``1`` and the class ``"1"`` are two classes. Convert all values alike; None is
    allowed beside them.
    """
    for key, collection in subject.collections.items():
        for name, values in collection.columns.items():
            kinds = {_type_of(value): value for value in values if value is not None}
            if len(kinds) > 1:
                fail(
                    expected=f"the column {name!r} of {key!r} to hold values of one type",
                    seen=" and ".join(f"{kind} ({value!r:.30})" for kind, value in kinds.items()),
                    change="convert all of its values alike",
                )


@conformance("collections", "tasks")
def streams_are_declared(subject: TaskSubject) -> None:
    """Every stream is a ``Stream`` under its own name, of a known kind and provenance.

    Binding goes by what is declared here. The kinds are payload classes of ``mmbench.api``; the
    modality is any word; the provenance is ``real`` or ``generated``.
    """
    for key, collection in subject.collections.items():
        streams: Mapping[str, object] = collection.streams
        for name, stream in streams.items():
            seen = ""
            if not isinstance(stream, Stream):
                seen = f"a {type(stream).__name__}"
            elif stream.name != name:
                seen = f"a stream called {stream.name!r}"
            elif stream.kind not in KINDS:
                seen = f"the kind {stream.kind!r}"
            elif not stream.modality:
                seen = "no modality"
            elif stream.provenance not in get_args(Provenance):
                seen = f"the provenance {stream.provenance!r}"
            if seen:
                fail(
                    expected=f"the stream {name!r} of {key!r} to be declared as a Stream",
                    seen=seen,
                    change=f"give Stream({name!r}, modality, kind, ...), the kind one of "
                    f"{', '.join(KINDS)}",
                )


@conformance("collections", "tasks")
def fingerprints_are_stable(subject: TaskSubject) -> None:
    """Opening the task again gives collections with the same fingerprints.

    Fingerprints are part of every record's key: if they change, nothing is ever finished. Order
    ids by something stable (sorted names, the list's order), and let no clock and no random number
    into ids, keys or columns.
    """
    columns = [v for each in subject.collections.values() for v in each.columns.values()]
    if not all(_is_plain(value) for values in columns for value in values):
        raise Blocked("columns can't be hashed: see columns_are_plain")
    first, again = subject.reopened().fingerprints, subject.reopened().fingerprints
    for key, fingerprint in first.items():
        if again.get(key) != fingerprint:
            fail(
                expected=f"the collection {key!r} to have the same fingerprint when opened again",
                seen=f"{fingerprint} and {again.get(key)}",
                change="make ids, columns and content keys depend on the files and options alone",
            )


@conformance("collections", "tasks")
def fingerprints_agree_between_processes(subject: TaskSubject) -> None:
    """A new process opens the same collections, in the same order, another day.

    Strings hash otherwise there, and the clock is ahead. Items in the order of a set, or chosen by
    the date, make every run start over. Sort what comes out of a set, and let no clock in.
    """
    first, report = subject.opened.fingerprints, subject.process
    if report.open_error:
        fail(
            expected="the collections to open in a new process",
            seen=f"it raised {report.open_error}",
            change="let collections() depend on its datasets and the options alone",
        )
    for key, fingerprint in first.items():
        if report.fingerprints.get(key) != fingerprint:
            if subject.reopened().fingerprints.get(key) != fingerprint:
                raise Blocked("it is another each time: see fingerprints_are_stable")
            fail(
                expected=f"the collection {key!r} to have the same fingerprint in a new process",
                seen=f"{fingerprint} and {report.fingerprints.get(key)}",
                change="sort what comes out of a set, and let no clock and no variable in",
            )


@conformance("collections", "tasks")
def it_reads_only_through_datasets(subject: TaskSubject) -> None:
    """Opening its collections looks at no file but the datasets', and those of Python's packages.

    A list that lies elsewhere is on its author's machine only, and in no fingerprint. Name datasets
    by ``datasets.open("name")``, and ship a list of your own inside the package. What an option
    names may be read, and so may caches (``~/.cache``). The first items are loaded, too.
    """
    report = subject.process
    if report.looked:
        fail(
            expected="collections() to read through datasets.open() alone",
            seen=f"it looked into {report.looked[0]}",
            change="ship the file inside the package, or name its path by an option",
        )


@conformance("collections", "tasks")
def opening_writes_nothing(subject: TaskSubject) -> None:
    """Opening its collections writes no file.

    Data folders are shared and often read-only, and the working folder is the user's. What compiled
    code writes, or a process that it started, is looked for in the data folder, the working folder
    and the home folder that the check gives it; elsewhere it can't be seen.
    """
    report = subject.process
    if report.changed:
        fail(
            expected="collections() to write nothing",
            seen=f"it wrote {report.changed[0]}",
            change="for what is temporary use the module tempfile; vectors are kept by mmbench",
        )


@conformance("collections", "tasks")
def fit_targets_are_valid(subject: TaskSubject) -> None:
    """The target of a supervised fit has a value for every training item.

    ``value`` targets are finite numbers, ``class`` targets whole numbers or text. Leave items
    without a label out of the training collection.
    """
    spec = subject.fit_spec
    if spec is None or spec.target is None:
        raise NotRelevant("it names no target")
    for key in filter(None, (spec.train, spec.valid)):
        collection = subject.collections[key]
        if spec.target not in collection.columns:
            raise Blocked("there is no such column: see fit_spec_names_what_exists")
        for row, value in enumerate(collection.columns[spec.target]):
            number = isinstance(value, Real) and math.isfinite(value)
            whole = isinstance(value, str) or (number and float(value).is_integer())
            if not (number if spec.target_kind == "value" else whole):
                fail(
                    expected=f"the target {spec.target!r} of {key!r} to be a {spec.target_kind}",
                    seen=f"{value!r} at {collection.ids[row]!r}",
                    change="leave the item out, or mend its label",
                )


def _is_plain(value: Any) -> bool:
    """Whether this is a number, text, None, or a list of such."""
    if isinstance(value, (list, tuple, np.ndarray)):
        return all(map(_is_plain, value.tolist() if isinstance(value, np.ndarray) else value))
    plain = value.item() if isinstance(value, np.generic) else value
    return plain is None or isinstance(plain, (str, bool, int, float))


def _type_of(value: Any) -> str:
    if isinstance(value, (list, tuple, np.ndarray)):
        return "lists"
    return "text" if isinstance(value, str) else "numbers"
