"""Checks: what a dataset says of itself, and of a folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mmbench.api import DataError, DataMissing, DatasetInfo, DataStatus
from mmbench.testing.checks import Blocked, NotRelevant, conformance, described, fail
from mmbench.testing.datasets import SAMPLE_ITEMS, SMALL_ITEMS, DatasetSubject

if TYPE_CHECKING:
    from pathlib import Path

_TEXTS = ("name", "version", "licence", "citation", "url")


def _is_texts(value: object) -> bool:
    return isinstance(value, tuple) and all(isinstance(each, str) and each for each in value)


@conformance("declaration", "datasets")
def dataset_info_is_typed(subject: DatasetSubject) -> None:
    """``info`` is a ``DatasetInfo`` whose fields have the types that are documented.

    It is asked before there is any data, so it must not look into a folder. ``leaks`` is a tuple
    of sentences: a single one needs its comma.
    """
    try:
        info = subject.new().info
    except Exception as error:  # noqa: BLE001 - whatever a plugin raises is what was seen
        fail(
            expected="info to say what the dataset is",
            seen=f"it raised {described(error)}",
            change="return DatasetInfo(name=..., version=..., licence=...), from what is known "
            "without the data",
        )
    if not isinstance(info, DatasetInfo):
        fail(
            expected="info to be a mmbench.api.DatasetInfo",
            seen=f"a {type(info).__name__}",
            change="return DatasetInfo(name=..., version=..., licence=...)",
        )
    wrong = [each for each in _TEXTS if not isinstance(getattr(info, each), str)]
    wrong += ["bundled"] if not isinstance(info.bundled, bool) else []
    wrong += ["leaks"] if not _is_texts(info.leaks) else []
    if wrong:
        fail(
            expected="texts, a truth value for bundled, and a tuple of sentences for leaks",
            seen=f"info.{wrong[0]} is {getattr(info, wrong[0])!r}",
            change=f"mend {wrong[0]}=... in DatasetInfo(...)",
        )


def _typed_info(subject: DatasetSubject) -> DatasetInfo:
    """What it says of itself, if that has the right types."""
    info = subject.info
    texts = isinstance(info, DatasetInfo) and all(
        isinstance(getattr(info, each), str) for each in _TEXTS
    )
    if not texts:
        raise Blocked("info is not typed: see dataset_info_is_typed")
    return info


@conformance("declaration", "datasets")
def dataset_info_is_complete(subject: DatasetSubject) -> None:
    """Name, version and licence are filled in.

    The version is part of every content key: raise it when the reader reads the same files as
    something else. Whoever publishes figures has to know the licence; "unknown" is an answer.
    """
    info = _typed_info(subject)
    empty = [each for each in ("name", "version", "licence") if not getattr(info, each).strip()]
    if empty:
        fail(
            expected="name, version and licence in info",
            seen=f"info.{empty[0]} is empty",
            change=f"DatasetInfo(..., {empty[0]}=...)",
        )


@conformance("declaration", "datasets")
def dataset_info_is_stable(subject: DatasetSubject) -> None:
    """``info`` is the same whenever it is asked, also after the data has been opened.

    It stands in every record. What is only known from the files belongs into columns or status.
    """
    _ = subject.collections
    dataset = subject.new()
    first = dataset.info
    root = subject.workspace / "nothing" if subject.info.bundled else subject.sample
    dataset.collections(subject.source(root))
    for when, info in (("asked again", dataset.info), ("of another instance", subject.new().info)):
        if info != first:
            fail(
                expected=f"info to be {first}",
                seen=f"{when} it is {info}",
                change="make info of options and constants only",
            )


@conformance("declaration", "datasets")
def dataset_is_named_as_registered(subject: DatasetSubject) -> None:
    """``info.name`` is the name in the spec.

    The folder under the data root is looked up by the spec's name, and messages speak of
    ``info.name``. A spec with options of its own (a preset) may keep the class's name.
    """
    info = _typed_info(subject)
    if info.name != subject.name and not subject.entry.spec.options:
        fail(
            expected=f"info.name to be {subject.name!r}, as in DatasetSpec",
            seen=repr(info.name),
            change=f"DatasetInfo(name={subject.name!r}, ...), or rename it in the hook",
        )


def _status(subject: DatasetSubject, root: Path, what: str) -> DataStatus:
    """What it says of a folder.

    Raises:
        CheckFailedError: It raises, or says something else.
    """
    try:
        status = subject.new().status(subject.source(root))
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a plugin raises was seen
        fail(
            expected=f"status() to tell of {what}",
            seen=f"it raised {described(error)}",
            change="return DataStatus(False, missing=(...), advice=...): ask is_file() first",
        )
    if not isinstance(status, DataStatus):
        fail(
            expected="status() to return a mmbench.api.DataStatus",
            seen=f"a {type(status).__name__}",
            change="return DataStatus(present, found=..., missing=..., advice=...)",
        )
    return status


def _absent(subject: DatasetSubject) -> Path:
    """A folder that does not exist.

    Raises:
        NotRelevant: It needs no folder.
    """
    if subject.info.bundled:
        raise NotRelevant("it is bundled: it reads no folder")
    return subject.workspace / "absent" / subject.name


def _status_of_nothing(subject: DatasetSubject) -> DataStatus:
    """What it says of a folder that does not exist.

    Raises:
        Blocked: It raises, or takes it for present.
    """
    root = _absent(subject)
    with_error = Blocked("it does not tell of a missing folder: see missing_folder_is_told")
    try:
        status = subject.new().status(subject.source(root))
    except (Exception, SystemExit) as error:
        raise with_error from error
    if not isinstance(status, DataStatus) or status.present:
        raise with_error
    return status


@conformance("declaration", "datasets")
def missing_folder_is_told(subject: DatasetSubject) -> None:
    """``status`` of a folder that does not exist says that nothing is present.

    ``mmbench data status`` asks it of every dataset, wherever it is run.
    """
    status = _status(subject, _absent(subject), "a folder that does not exist")
    if status.present:
        fail(
            expected="present=False where there is no folder",
            seen="present=True",
            change="look for the files that collections() opens",
        )


@conformance("declaration", "datasets")
def missing_files_are_named(subject: DatasetSubject) -> None:
    """``status`` names what it looked for, as paths below the dataset's folder.

    Without them nobody knows which layout is expected, or that the data root is another one.
    """
    status = _status_of_nothing(subject)
    root = str(subject.source(_absent(subject)).root)
    if not _is_texts(status.missing) or not status.missing:
        fail(
            expected="missing to be a tuple of paths",
            seen=repr(status.missing),
            change='DataStatus(False, missing=(str(source.root / "labels.csv"),), ...)',
        )
    stray = [each for each in status.missing if root not in each]
    if stray:
        fail(
            expected=f"paths below source.root, here {root}",
            seen=repr(stray[0]),
            change="join the names to source.root",
        )


@conformance("declaration", "datasets")
def advice_is_given(subject: DatasetSubject) -> None:
    """``status`` of a missing folder says where to get the data and where to put it.

    mmbench downloads nothing by itself: this sentence is what a user has.
    """
    status = _status_of_nothing(subject)
    if not isinstance(status.advice, str) or not status.advice.strip():
        fail(
            expected="advice where nothing is present",
            seen=repr(status.advice),
            change='DataStatus(False, ..., advice="get it from https://..., unpack it into ...")',
        )


@conformance("declaration", "datasets")
def strange_folder_is_told(subject: DatasetSubject) -> None:
    """``status`` of an empty folder, or of a file in its place, says that nothing is present.

    An aborted download leaves one behind. It must not end ``mmbench data status``, which tells of
    all other datasets too.
    """
    root = _absent(subject)
    empty, file = root.parent / "empty", root.parent / "file"
    empty.mkdir(parents=True, exist_ok=True)
    file.touch()
    for place, what in ((empty, "an empty folder"), (file, "a file where its folder should be")):
        status = _status(subject, place, what)
        if status.present:
            fail(
                expected=f"present=False of {what}",
                seen="present=True",
                change="look for the files that collections() opens, not for the folder",
            )


@conformance("declaration", "datasets")
def sample_is_present(subject: DatasetSubject) -> None:
    """``status`` of a sample says that it is present, and what was found.

    ``found`` is words for people: ``("402 of 402 videos",)``. Of a bundled dataset the same holds
    wherever it is asked.
    """
    _ = subject.collections  # it can be opened
    bundled = subject.info.bundled
    root = subject.workspace / "nothing" if bundled else subject.sample
    status = _status(subject, root, "its own folder" if bundled else "a sample")
    if not status.present or not status.found or not _is_texts(status.found):
        fail(
            expected="present=True, and found to be a tuple of words",
            seen=f"present={status.present}, found={status.found!r}",
            change='DataStatus(True, found=("24 pictures",))',
        )


@conformance("declaration", "datasets")
def status_is_cheap(subject: DatasetSubject) -> None:
    """``status`` opens no item's files.

    It answers at once, for a hundred thousand items on a network drive too: it may count names
    and read a list, but decode nothing. Reading all is what ``mmbench data check`` is for.
    """
    if subject.info.bundled:
        raise NotRelevant("it is bundled: it reads no folder")
    many, few = subject.process.finished("status()", "missing_folder_is_told").opened
    if many - few >= (SAMPLE_ITEMS - SMALL_ITEMS) / 2:
        fail(
            expected="status() to open no more files where there are more items",
            seen=f"{many} in a sample of {SAMPLE_ITEMS}, {few} in one of {SMALL_ITEMS}",
            change="ask whether the files are there: path.is_file()",
        )


def _opening(subject: DatasetSubject, root: Path) -> BaseException | None:
    """What opening a folder raises."""
    try:
        subject.open(root)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a plugin raises is seen
        return error
    return None


@conformance("declaration", "datasets")
def missing_folder_is_data_missing(subject: DatasetSubject) -> None:
    """``collections`` of a folder that is not there raises ``DataMissing``, with a path in it.

    The cell is then *skipped*, and the plan says what was looked for; any other error makes it
    *failed*.
    """
    root = _absent(subject)
    error = _opening(subject, root)
    change = "raise DataMissing(what, where=str(path), fix=where to get it) from collections()"
    if not isinstance(error, DataMissing):
        fail(
            expected="DataMissing where there is no folder",
            seen="nothing was raised" if error is None else described(error),
            change=change,
        )
    if str(root) not in str(error):
        fail(expected=f"the error to name a path in {root}", seen=described(error), change=change)


@conformance("declaration", "datasets")
def empty_folder_is_reported(subject: DatasetSubject) -> None:
    """``collections`` of an empty folder raises ``DataMissing`` or ``DataError``.

    Else a mistyped data root looks like a dataset without items.
    """
    root = _absent(subject).parent / "empty"
    root.mkdir(parents=True, exist_ok=True)
    error = _opening(subject, root)
    if not isinstance(error, (DataMissing, DataError)):
        fail(
            expected="DataMissing or DataError from collections() of an empty folder",
            seen="nothing was raised" if error is None else described(error),
            change="look for a file of the layout first, and raise DataMissing without it",
        )


@conformance("declaration", "datasets")
def bundled_data_needs_no_folder(subject: DatasetSubject) -> None:
    """What says ``bundled=True`` opens without a folder.

    It is part of the package, or generated. If it has to be downloaded, it is not bundled.
    """
    if not subject.info.bundled:
        raise NotRelevant("it is not bundled")
    error = _opening(subject, subject.workspace / "nothing")
    if error is not None:
        fail(
            expected="collections() to open without a folder",
            seen=described(error),
            change="read nothing below source.root, or take bundled=True out of info",
        )
