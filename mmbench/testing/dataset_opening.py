"""Check: opening a dataset decodes nothing."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from mmbench.testing.checks import Blocked, NotRelevant, conformance, described, fail
from mmbench.testing.datasets import SAMPLE_ITEMS, SMALL_ITEMS
from mmbench.testing.loaded import Loaded, load_one

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mmbench.api import Collection
    from mmbench.testing.datasets import DatasetSubject


@conformance("collections", "datasets")
def opening_is_lazy(subject: DatasetSubject) -> None:
    """``collections`` reads lists and annotations; an item's file is read when it is loaded.

    A suite opens its datasets to be planned, and a worker to encode a few items. Decode in
    ``load``, one item at a time. It fails where more items make opening read more files, and items
    load still after the folder is gone: they were in memory. Texts may be there. A small dataset of
    many small files that is held in memory on purpose names this check and its reason in
    ``expected_failures``.
    """
    if subject.info.bundled:
        raise NotRelevant("it is bundled: it reads no folder")
    _ = subject.steady
    report = subject.process.finished("collections()", "sample_is_read_back")
    many, few = report.opened_at_once
    if many <= few:
        return
    root = subject.workspace / "gone" / subject.name
    shutil.copytree(subject.small, root)
    try:
        collections = subject.open(root)
        items = list(_media(collections))
    except (Exception, SystemExit) as error:
        raise Blocked(
            f"opening a copy raised {described(error)}: see sample_is_read_back"
        ) from error
    shutil.rmtree(root)
    for each in items:
        if load_one(collections[each.collection], each).error is None:
            fail(
                expected="collections() to read no file of an item",
                seen=f"{many} files are read for {SAMPLE_ITEMS} items and {few} for {SMALL_ITEMS}, "
                f"and {each.label} loads after its folder is gone",
                change="keep the path, and decode in load()",
            )


def _media(collections: Mapping[str, Collection]) -> Iterator[Loaded]:
    """The first item of every stream that is no text."""
    for name, collection in collections.items():
        for stream, declared in collection.streams.items():
            key = collection.content_keys(stream)[0] if len(collection) else None
            if key is not None and declared.kind != "Text":
                yield Loaded(name, 0, collection.ids[0], stream, key)
