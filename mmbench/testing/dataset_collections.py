"""Checks: a dataset's collections keep their contract."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

import numpy as np

from mmbench.api.payloads import KINDS, Audio
from mmbench.options import declared_options
from mmbench.testing.checks import Blocked, NotRelevant, conformance, described, fail
from mmbench.testing.loaded import Loaded, load_one
from mmbench.testing.payload_faults import unlike

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mmbench.api import Collection
    from mmbench.testing.datasets import DatasetSubject

_THREADS = 4
#: The largest value that a sound may have: what lossy codecs decode overshoots 1 a little.
_LOUDEST = 1.5
#: Values that an option which is a text may take.
_TEXTS = ("2", "0.5", "a", "train")


@conformance("collections", "datasets")
def every_item_loads(subject: DatasetSubject) -> None:
    """Every stream of every item of a sample loads.

    Where an item lacks a stream, its content key is ``None``: then it is not loaded.
    """
    bad = [each for each in subject.loaded if each.error is not None]
    if bad:
        assert bad[0].error is not None
        fail(
            expected="every stream of every item to load",
            seen=f"{bad[0].label} raised {described(bad[0].error)} ({len(bad)} such)",
            change="make write_sample() and load() agree, or return None as its content key",
        )


@conformance("collections", "datasets")
def check_finds_nothing_broken(subject: DatasetSubject) -> None:
    """``check`` of a sample lists nothing.

    ``mmbench data check`` must not call sound data broken.
    """
    _ = subject.healthy
    if subject.info.bundled:
        raise NotRelevant("it is bundled: it reads no folder")
    broken = subject.new().check(subject.source(subject.small))
    if broken:
        fail(
            expected="check() of a sample to list nothing",
            seen=f"{len(broken)} broken items: {broken[0]}",
            change="mend check(), or leave it out: the inherited one loads everything",
        )


@conformance("collections", "datasets")
def collections_are_named_by_their_key(subject: DatasetSubject) -> None:
    """A collection's ``name`` is the key that it has in ``collections``.

    Plans, messages, and vectors that are looked up by collection name it.
    """
    for key, collection in subject.collections.items():
        if collection.name != key:
            fail(
                expected=f"the collection under {key!r} to be named so",
                seen=repr(collection.name),
                change=f"self.name = {key!r}",
            )


@conformance("collections", "datasets")
def streams_are_named_by_their_key(subject: DatasetSubject) -> None:
    """A stream's ``name`` is its key in ``streams``, and its ``kind`` one that exists.

    Slots are bound to streams by name, modality and kind.
    """
    for key, collection in subject.collections.items():
        for name, stream in collection.streams.items():
            if stream.name != name or stream.kind not in KINDS:
                fail(
                    expected=f"a stream named {name!r} in {key!r}, of a kind among "
                    f"{', '.join(KINDS)}",
                    seen=f"Stream({stream.name!r}, {stream.modality!r}, {stream.kind!r})",
                    change=f"Stream({name!r}, {stream.modality!r}, kind)",
                )


@conformance("collections", "datasets")
def ids_are_unique(subject: DatasetSubject) -> None:
    """Ids are texts, and no two rows of a collection share one.

    Per-item scores are kept by id. Where rows come from one video, number them:
    ``"video/3"``, and keep the video's id as a column.
    """
    for key, collection in subject.collections.items():
        ids = list(collection.ids)
        other = [item for item in ids if not isinstance(item, str) or not item]
        if other:
            fail(
                expected=f"ids of {key!r} to be texts",
                seen=repr(other[0]),
                change="str(...) of what names the item",
            )
        if len(set(ids)) < len(ids):
            twice = next(item for item in ids if ids.count(item) > 1)
            fail(
                expected=f"every id of {key!r} once",
                seen=f"{twice!r} {ids.count(twice)} times",
                change="make it unique, and keep what repeats as a column",
            )


@conformance("collections", "datasets")
def columns_are_row_aligned(subject: DatasetSubject) -> None:
    """Every column has one value a row.

    Scoring reads them beside the vectors, row by row.
    """
    for key, collection in subject.collections.items():
        for name, values in collection.columns.items():
            if len(values) != len(collection):
                fail(
                    expected=f"{len(collection)} values in column {name!r} of {key!r}",
                    seen=str(len(values)),
                    change="give one value a row; what belongs to the whole is no column",
                )


@conformance("collections", "datasets")
def dataset_columns_are_plain(subject: DatasetSubject) -> None:
    """Columns hold numbers, texts, truth values, None, or nested lists of them.

    They enter the fingerprint and the bundle that scoring reads. Paths, tuples as keys and
    objects of your own don't.
    """
    for key, collection in subject.collections.items():
        for name, values in collection.columns.items():
            try:
                json.dumps(_plain(values))
            except (TypeError, ValueError) as error:
                fail(
                    expected=f"plain values in column {name!r} of {key!r}",
                    seen=described(error),
                    change="convert them: str(path), int(...), a list",
                )


def _plain(values: Any) -> Any:
    if hasattr(values, "tolist"):
        return values.tolist()
    return [_plain(each) for each in values] if isinstance(values, (list, tuple)) else values


@conformance("collections", "datasets")
def content_keys_are_row_aligned(subject: DatasetSubject) -> None:
    """``content_keys`` gives one text (or ``None``) a row for every stream.

    A key names what ``load`` would return: source bytes, decode options, reader version. Vectors
    are found again by it.
    """
    for key, collection in subject.collections.items():
        for stream in collection.streams:
            try:
                keys = list(collection.content_keys(stream))
            except Exception as error:  # noqa: BLE001 - whatever a plugin raises is what was seen
                fail(
                    expected=f"content_keys({stream!r}) of {key!r} to return keys",
                    seen=f"it raised {described(error)}",
                    change="join a name, the version, the options and source.hash_file(path)",
                )
            other = [each for each in keys if each is not None and not isinstance(each, str)]
            if other or len(keys) != len(collection):
                fail(
                    expected=f"{len(collection)} texts (or None) for {stream!r} of {key!r}",
                    seen=f"{other[0]!r}" if other else f"{len(keys)} keys",
                    change="return one key a row, None where the item lacks the stream",
                )


@conformance("collections", "datasets")
def dataset_payloads_are_as_declared(subject: DatasetSubject) -> None:
    """A payload has the kind, shape and rate that its stream declares, and its kind's type.

    Representations are bound by the declaration. Leave ``shape`` or ``rate`` out, or an axis
    ``None``, where it varies.
    """
    for each in subject.loaded:
        if each.error is not None:
            raise Blocked(f"{each.label} does not load: see every_item_loads")
        stream = subject.collections[each.collection].streams[each.stream]
        wrong = unlike(each.payload, stream)
        if wrong:
            fail(
                expected=f"{each.label} to be {wrong[0]}",
                seen=wrong[1],
                change="mend what load() returns, or what the Stream declares",
            )


@conformance("collections", "datasets")
def samples_are_in_range(subject: DatasetSubject) -> None:
    """Sounds are finite, and in -1 to 1.

    Representations count on it. Integers of 16 bits are divided by 32768. What a resampler or the
    decoder of a lossy format overshoots may be clipped; up to 1.5 is let pass.
    """
    sounds = [each for each in subject.healthy if isinstance(each.payload, Audio)]
    if not sounds:
        raise NotRelevant("it has no sounds")
    for each in sounds:
        assert isinstance(each.payload, Audio)
        if not isinstance(each.payload.samples, np.ndarray) or not each.payload.samples.size:
            continue
        largest = float(np.abs(each.payload.samples).max())
        if not largest <= _LOUDEST:
            fail(
                expected=f"samples of {each.label} in -1 to 1",
                seen=f"the largest is {largest:.4g}",
                change="divide by the largest value of the file's type",
            )


@conformance("collections", "datasets")
def loading_twice_is_equal(subject: DatasetSubject) -> None:
    """Loading an item again gives the same payload.

    Its content key promises that. Augmentation and random crops belong into a view with a seed.
    """
    for each in _some(subject.healthy):
        again = load_one(subject.collections[each.collection], each)
        if again.digest != each.digest:
            fail(
                expected=f"{each.label} to be the same when it is loaded again",
                seen="another payload" if again.error is None else described(again.error),
                change="decode without randomness, and hand out arrays that nobody changes",
            )


def _some(loaded: list[Loaded]) -> list[Loaded]:
    """The first and last two of every stream of every collection."""
    groups: dict[tuple[str, str], list[Loaded]] = {}
    for each in loaded:
        groups.setdefault((each.collection, each.stream), []).append(each)
    return [each for group in groups.values() for each in (group[:2] + group[2:][-2:])]


@conformance("collections", "datasets")
def threads_load_the_same(subject: DatasetSubject) -> None:
    """What says ``parallel_loads = True`` gives the same payloads to several threads at once.

    The runner then decodes in threads. An open file that is moved about (``seek``) is not shared.
    """
    collections = subject.collections
    chosen = [each for each in subject.steady if collections[each.collection].parallel_loads]
    if not chosen:
        raise NotRelevant("no collection says parallel_loads = True")
    jobs = (chosen[:32]) * 3
    with ThreadPoolExecutor(_THREADS) as pool:
        found = list(pool.map(lambda each: load_one(collections[each.collection], each), jobs))
    for before, after in zip(jobs, found, strict=True):
        if before.digest != after.digest:
            fail(
                expected=f"{before.label} to be the same in threads",
                seen="another payload" if after.error is None else described(after.error),
                change="parallel_loads = False, or open the file in every load()",
            )


@conformance("collections", "datasets")
def dataset_keys_tell_payloads_apart(subject: DatasetSubject) -> None:
    """Items with other payloads have other content keys.

    Two items with one key share one vector, silently. Where one file holds many items, the place
    in it belongs into the key.
    """
    seen: dict[tuple[str, str], Loaded] = {}
    for each in subject.steady:
        other = seen.setdefault((each.stream, each.key), each)
        if other.digest != each.digest:
            fail(
                expected=f"other content keys for {other.label} and {each.label}",
                seen=f"both have {each.key!r}, and their payloads differ",
                change="put all into the key that decides what load() returns: file, place in "
                "it, split's decode options",
            )


@conformance("collections", "datasets")
def options_are_in_the_keys(subject: DatasetSubject) -> None:
    """An option that changes what is loaded changes the content keys.

    Other values are guessed; and options that are given for the check are compared with their
    defaults. Else vectors of the old option are found for the new one. Rates, crops, sizes and
    lengths belong into the key.
    """
    before = {each.place: each for each in _some(subject.steady)}
    root = subject.workspace / "nothing" if subject.info.bundled else subject.sample
    for name, value in _alternatives(subject):
        try:
            collections = subject.new(**{name: value}).collections(subject.source(root))
            after = list(_reloaded(collections, before))
        except (Exception, SystemExit):  # noqa: BLE001, S112 - a value that it refuses
            continue
        for each in after:
            old = before[each.place]
            if each.error is None and each.key == old.key and each.digest != old.digest:
                fail(
                    expected=f"other content keys with {name}={value!r}",
                    seen=f"{each.label} is another payload under the same key",
                    change=f"put the option {name} into content_keys()",
                )


def _alternatives(subject: DatasetSubject) -> Iterator[tuple[str, Any]]:
    """Options with values other than the configured ones.

    Raises:
        NotRelevant: It has no option of which another value could be guessed.
    """
    found = []
    for name, option in declared_options(subject.cls).items():
        now = subject.options[name]
        if not option.required and option.default != now:
            found.append((name, option.default))
        if get_origin(option.hint) is Literal:
            found += [(name, value) for value in get_args(option.hint) if value != now]
        elif isinstance(now, bool):
            found.append((name, not now))
        elif isinstance(now, (int, float)):
            found.append((name, now * 2 or type(now)(1)))
        elif isinstance(now, str):
            found += [(name, text) for text in _TEXTS if text != now]
    if not found:
        raise NotRelevant("it has no option of which another value could be guessed")
    yield from found


def _reloaded(collections: Any, before: dict[tuple[str, str, str], Loaded]) -> Iterator[Loaded]:
    """The same items of other collections."""
    for (name, item, stream), old in before.items():
        collection: Collection | None = collections.get(name)
        if collection is None or stream not in collection.streams or item not in collection.ids:
            continue
        row = list(collection.ids).index(item)
        key = collection.content_keys(stream)[row]
        if key is not None:
            yield load_one(collection, Loaded(name, row, old.item, stream, key))


@conformance("collections", "datasets")
def dataset_fingerprint_is_stable(subject: DatasetSubject) -> None:
    """Fingerprints are the same whenever, and in whichever process, the folder is opened.

    Records are found again by them. Not repeated are ``hash(text)``, the order of a set, the order
    in which a file system lists a folder, modification times.
    """
    bundled = subject.info.bundled
    root = subject.workspace / "nothing" if bundled else subject.small
    _ = subject.collections
    first = subject.fingerprints(subject.open(root))
    second = subject.fingerprints(subject.open(root))
    report = subject.process.finished("collections()", "sample_is_read_back")
    for when, found in (("opened again", second), ("in another process", report.fingerprints)):
        changed = [name for name in first if first[name] != found.get(name)]
        if changed:
            fail(
                expected=f"the fingerprint of {changed[0]!r} to stay {first[changed[0]]}",
                seen=f"{when} it is {found.get(changed[0])}",
                change="sort what has no order, and hash with hashlib",
            )
