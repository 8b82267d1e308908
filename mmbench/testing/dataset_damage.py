"""Checks: broken, missing, moved and superfluous files."""

from __future__ import annotations

import shutil
from itertools import chain
from typing import TYPE_CHECKING

from mmbench.api import DataError, DataMissing, Dataset, ItemError, MmbenchError
from mmbench.testing.checks import Blocked, conformance, described, fail

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mmbench.testing.damaging import Damage, Seen
    from mmbench.testing.datasets import DatasetSubject
    from mmbench.testing.loaded import Loaded

__all__ = ["IN_WORDS"]

#: What is wrong with a damaged file, in words.
IN_WORDS = {
    "gone": "is missing",
    "empty": "is empty",
    "cut": "is cut off in the middle",
    "garbage": "has bytes in it that are no text",
}
#: Suffixes of formats that say how long they are.
_DECLARED = (
    ".wav", ".flac", ".npy", ".npz", ".h5", ".hdf5", ".mat", ".zip", ".parquet",
    ".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp", ".mp4", ".mov",
)  # fmt: skip
_WRAP = "catch what the library raises, and raise {} from it, with where=str(path)"


@conformance("damage", "datasets")
def moving_the_folder_changes_nothing(subject: DatasetSubject) -> None:
    """Fingerprints and content keys stay when the folder is moved or copied.

    Else every vector is computed again on the next machine. A key has no path and no modification
    time in it, but the hash of the bytes: ``source.hash_file(path)``.
    """
    before = subject.trials.before
    root = subject.workspace / "moved" / "elsewhere" / subject.name
    shutil.copytree(subject.small, root, copy_function=shutil.copy)
    after = subject.trials.look(root)
    if after.error is not None:
        fail(
            expected="the folder to open in another place",
            seen=f"{after.step} raised {described(after.error)}",
            change="join every path to source.root",
        )
    other = {each.place: each.key for each in after.loaded}
    for each in before.loaded:
        if other.get(each.place) != each.key:
            fail(
                expected=f"the content key of {each.label} to stay {each.key!r}",
                seen=f"in another folder it is {other.get(each.place)!r}",
                change="name the bytes, by source.hash_file(path), not the path or its time",
            )
    if after.fingerprints != before.fingerprints:
        fail(
            expected="fingerprints to stay when the folder moves",
            seen=f"{before.fingerprints}, then {after.fingerprints}",
            change="keep paths out of ids and columns, or make them relative to source.root",
        )


@conformance("damage", "datasets")
def other_files_change_nothing(subject: DatasetSubject) -> None:
    """Files that are none of its own are passed over.

    Systems and people leave ``.DS_Store``, ``Thumbs.db``, ``._name`` and ``README.txt`` in folders.
    A reader that lists a folder says which names it takes. Where a list names the items, a stray
    copy (``copy of 17.wav``, or a whole folder ``old``) is none of them.
    """
    before = subject.trials.before
    after = subject.trials.littered()
    if after.error is not None or after.fingerprints != before.fingerprints:
        seen = "fingerprints change" if after.error is None else described(after.error)
        more = after.items - before.items if after.error is None else 0
        fail(
            expected="the same items beside .DS_Store, ._name, Thumbs.db, README.txt, __MACOSX",
            seen=f"{seen}, and there are {more} more items" if more else seen,
            change="take only names of the layout, and none that begins with a dot",
        )
    for place in subject.trials.files:
        if place in subject.trials.lists or not subject.trials.listed(place):
            continue
        after = subject.trials.copied(place)
        if after.error is not None or after.fingerprints != before.fingerprints:
            more = after.items - before.items
            told = f"{more} more items" if more else "other fingerprints"
            fail(
                expected=f"the same items beside copies of {place.name}, which a list names",
                seen=told if after.error is None else described(after.error),
                change="take the items from the list, and open the files that it names",
            )


@conformance("damage", "datasets")
def altered_content_changes_its_key(subject: DatasetSubject) -> None:
    """Where a file's bytes change and what is loaded with them, the content key changes.

    Else the vectors of the old file are found for the new one. Names, sizes and numbers of frames
    don't tell two versions of a file apart.
    """
    before = {each.place: each for each in subject.trials.before.loaded}
    for place, seen in _altered(subject):
        for each in seen.loaded:
            old = before.get(each.place)
            same_key = old is not None and each.key == old.key
            if old is not None and same_key and each.error is None and each.digest != old.digest:
                fail(
                    expected=f"another content key for {each.label} when {place} changes",
                    seen=f"another payload under the key {each.key!r}",
                    change="put source.hash_file(path) of every file that load() reads into it",
                )


@conformance("damage", "datasets")
def altered_annotations_change_the_fingerprint(subject: DatasetSubject) -> None:
    """Where ids, columns or keys change, the collection's fingerprint changes.

    Results are found again by it. The inherited ``fingerprint`` does that; one of your own has to
    take in all of them.
    """
    before = subject.trials.before
    changes = (_altered(subject), subject.trials.each("gone"), subject.trials.reworded())
    for place, seen in chain(*changes):
        for name, fingerprint in seen.fingerprints.items():
            same = before.fingerprints.get(name) == fingerprint
            keys = [_keys(each, name) for each in (before, seen)]
            other_keys = bool(seen.loaded) and keys[0] != keys[1]
            if same and (before.columns[name] != seen.columns[name] or other_keys):
                fail(
                    expected=f"another fingerprint of {name!r} when {place} changes",
                    seen="other ids, columns or keys under the same fingerprint",
                    change="leave fingerprint() out: the inherited one hashes all of them",
                )


def _altered(subject: DatasetSubject) -> Iterator[tuple[Path, Seen]]:
    """Every file, with another byte here or there."""
    yield from subject.trials.each("altered")
    yield from subject.trials.each("altered early")


def _keys(seen: Seen, collection: str) -> list[tuple[str, str, str]]:
    return [
        (each.item, each.stream, each.key) for each in seen.loaded if each.collection == collection
    ]


def _opened(subject: DatasetSubject, damage: Damage, wanted: str) -> Iterator[tuple[Path, Seen]]:
    """Damaged files with which the folder opens; where it does not, an error of mmbench says so.

    Raises:
        CheckFailedError: Opening raised something else.
    """
    for place, seen in subject.trials.each(damage):
        if seen.error is None:
            yield place, seen
        elif not isinstance(seen.error, MmbenchError):
            fail(
                expected=f"{wanted} where {place} {IN_WORDS[damage]}",
                seen=f"{seen.step} raised {described(seen.error)}",
                change=_WRAP.format(wanted),
            )


def _replaced(subject: DatasetSubject, seen: Seen) -> Iterator[Loaded]:
    """What loads, under any key, and is another payload than it was."""
    before = {each.place: each.digest for each in subject.trials.before.loaded}
    for each in seen.loaded:
        if each.error is None and each.digest != before.get(each.place, each.digest):
            yield each


@conformance("damage", "datasets")
def missing_files_are_reported(subject: DatasetSubject) -> None:
    """A missing file is reported: by ``DataMissing``, ``DataError``, or ``ItemError`` of its item.

    Not by a ``FileNotFoundError`` from opening, which fails every cell of the dataset for one
    item's file; and not by putting zeros in its place. (The key of a missing file costs nothing:
    ``source.hash_file`` says "missing".)
    """
    for place, seen in _opened(subject, "gone", "DataMissing or DataError"):
        for each in _replaced(subject, seen):
            fail(
                expected=f"{each.label} to raise ItemError where {place} is missing",
                seen="it loads something else",
                change="raise ItemError, or return None as its content key: it lacks the stream",
            )


@conformance("damage", "datasets")
def empty_files_are_reported(subject: DatasetSubject) -> None:
    """An empty file is reported: by ``DataError`` if it is a list, by ``ItemError`` if an item's.

    Aborted downloads leave them. A list without lines is no dataset without items.
    """
    for place, seen in _opened(subject, "empty", "DataError"):
        if not seen.items:
            fail(
                expected=f"DataError where {place} is empty",
                seen="collections() opens, and finds no items",
                change="raise DataError(what, where=str(path)) where nothing is listed",
            )
        for each in _replaced(subject, seen):
            if seen.collections[each.collection].streams[each.stream].kind != "Text":
                fail(
                    expected=f"{each.label} to raise ItemError where {place} is empty",
                    seen="it loads something else",
                    change="raise ItemError where nothing can be decoded",
                )


@conformance("damage", "datasets")
def truncated_files_are_reported(subject: DatasetSubject) -> None:
    """A file that is cut off is reported: by ``DataError`` if it is a list, or by its ``load``.

    No foreign error ends the opening of the folder. And where the format says how long the file
    is (wav, npy, png, mp4; not mp3, ogg or text), what is left of it is not taken for the whole: a
    shorter sound has other vectors, and nobody knows why.
    """
    for place, seen in _opened(subject, "cut", "DataError"):
        if place.suffix.lower() not in _DECLARED:
            continue
        for each in _replaced(subject, seen):
            fail(
                expected=f"{each.label} to raise ItemError where {place} is cut off",
                seen=f"it loads {_shape_of(each)}, and {_shape_of(_whole(subject, each))} before",
                change="compare what was read with the length in the file's header, and raise "
                "ItemError",
            )


def _whole(subject: DatasetSubject, what: Loaded) -> Loaded:
    """The same item, as it was."""
    return next(each for each in subject.trials.before.loaded if each.place == what.place)


def _shape_of(loaded: Loaded) -> str:
    """A payload's shape, in words."""
    arrays = [v for v in vars(loaded.payload).values() if hasattr(v, "shape")]
    return f"shape {arrays[0].shape}" if arrays else "something else"


@conformance("damage", "datasets")
def garbage_is_a_data_error(subject: DatasetSubject) -> None:
    """Bytes that are no text, in a list, raise ``DataError``.

    ``UnicodeDecodeError`` and ``JSONDecodeError`` don't say which file it is: catch them as
    ``ValueError``.
    """
    for _ in _opened(subject, "garbage", "DataError"):
        pass


def _load_errors(subject: DatasetSubject) -> Iterator[tuple[Path, str, Loaded]]:
    """What ``load`` raises, of all damage."""
    damages: tuple[Damage, ...] = ("gone", "empty", "cut", "garbage")
    for damage in damages:
        for place, seen in subject.trials.each(damage):
            for each in seen.failed:
                yield place, IN_WORDS[damage], each


@conformance("damage", "datasets")
def broken_items_raise_item_errors(subject: DatasetSubject) -> None:
    """``load`` of a broken item raises ``ItemError``.

    The runner then drops that item and lists it in the record. What libraries raise for a broken
    file has many names; one that the runner does not know ends the cell.
    """
    for place, what, each in _load_errors(subject):
        if not isinstance(each.error, ItemError):
            assert each.error is not None
            fail(
                expected=f"{each.label} to raise ItemError where {place} {what}",
                seen=described(each.error),
                change=_WRAP.format("ItemError"),
            )


@conformance("damage", "datasets")
def errors_name_the_file(subject: DatasetSubject) -> None:
    """An error about a file names the file.

    ``where=str(path)`` does it; of a list add the line: ``where=f"{path}:{line}"``. With a hundred
    thousand files nobody finds the broken one otherwise.
    """
    damages: tuple[Damage, ...] = ("gone", "empty", "cut", "garbage")
    errors = [
        (place, IN_WORDS[damage], seen.step, seen.error)
        for damage in damages
        for place, seen in subject.trials.each(damage)
        if isinstance(seen.error, MmbenchError)
    ]
    errors += [
        (place, what, f"load() of {each.label}", each.error)
        for place, what, each in _load_errors(subject)
        if isinstance(each.error, MmbenchError)
    ]
    for place, what, step, error in errors:
        folder = str(place.parent) if len(place.parts) > 1 else place.name
        if not any(name in str(error) for name in (place.name, folder)):
            fail(
                expected=f"{step} to name {place.name} where {place} {what}",
                seen=described(error),
                change=f"{type(error).__name__}(what, where=str(path))",
            )


@conformance("damage", "datasets")
def check_lists_what_is_broken(subject: DatasetSubject) -> None:
    """``check`` lists the items that don't load, each with collection, id and stream.

    ``mmbench data check`` is how a user finds what a download has broken. It goes on after the
    first.
    """
    inherited = subject.cls.check is Dataset.check
    _ = subject.trials.before
    if not inherited and subject.trials.check(None):
        raise Blocked("check() lists items of a sound sample: see check_finds_nothing_broken")
    for place, seen in subject.trials.each("cut"):
        broken = {each.place for each in seen.failed}
        if seen.error is not None or not (broken or not inherited):
            continue
        if any(not isinstance(each.error, ItemError) for each in seen.failed):
            raise Blocked("load() raises other errors: see broken_items_raise_item_errors")
        listed = subject.trials.check(place)
        if isinstance(listed, BaseException):
            fail(
                expected=f"check() to list what is broken where {place} is cut off",
                seen=f"it raised {described(listed)}",
                change="catch MmbenchError, OSError and ValueError of every item",
            )
        if listed != broken:
            wrong = min(listed ^ broken)
            fail(
                expected=f"check() to list {sorted(broken)} where {place} is cut off",
                seen=f"{wrong} is {'missing' if wrong in broken else 'listed, and loads'}",
                change="leave check() out: the inherited one loads everything",
            )


@conformance("damage", "datasets")
def status_knows_what_opens(subject: DatasetSubject) -> None:
    """Where a missing file keeps the folder from opening, ``status`` says that it is not present.

    ``present`` means that the collections can be opened; ``missing`` then names the file.
    """
    for place, seen in subject.trials.each("gone"):
        if not isinstance(seen.error, DataMissing):
            continue
        status = subject.trials.status(place)
        if isinstance(status, BaseException):
            fail(
                expected=f"status() to tell that {place} is missing",
                seen=f"it raised {described(status)}",
                change="ask is_file() before opening",
            )
        if status.present:
            fail(
                expected=f"present=False where {place} is missing",
                seen=f"present=True, and collections() raises {described(seen.error)}",
                change="look for every file that collections() needs",
            )


@conformance("damage", "datasets")
def broken_lists_are_data_errors(subject: DatasetSubject) -> None:
    """A broken list raises ``DataError``, and not ``DataMissing``.

    What is missing is skipped, with advice to get it; what is broken has failed, and is to be
    mended.
    """
    damages: tuple[Damage, ...] = ("empty", "cut", "garbage")
    for damage in damages:
        for place, seen in subject.trials.each(damage):
            if isinstance(seen.error, MmbenchError) and not isinstance(seen.error, DataError):
                fail(
                    expected=f"DataError where {place} {IN_WORDS[damage]}",
                    seen=described(seen.error),
                    change="raise DataMissing only where a file is not there",
                )
