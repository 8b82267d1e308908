"""Check: the order in which a file system lists folders decides nothing."""

from __future__ import annotations

import glob
import os
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Self
from unittest.mock import patch

from mmbench.testing.checks import Blocked, NotRelevant, conformance, fail

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mmbench.testing.datasets import DatasetSubject

__all__ = ["listed"]


class _Entries:
    """What ``os.scandir`` returns, in an order of ours."""

    def __init__(self, entries: list[os.DirEntry[Any]]) -> None:
        self._entries = iter(entries)

    def __iter__(self) -> _Entries:
        return self

    def __next__(self) -> os.DirEntry[Any]:
        return next(self._entries)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Nothing is open."""


@contextmanager
def listed(*, backwards: bool) -> Iterator[None]:
    """While it lasts, every folder is listed by names, from the first to the last or backwards.

    That reaches ``os.listdir``, ``os.scandir``, ``os.walk``, ``glob`` and ``pathlib``; not what has
    taken the function out of its module before (``from os import listdir``).
    """
    listdir, scandir = os.listdir, os.scandir

    def other_listdir(*arguments: Any, **named: Any) -> list[Any]:
        return sorted(listdir(*arguments, **named), reverse=backwards)

    def other_scandir(*arguments: Any, **named: Any) -> _Entries:
        with scandir(*arguments, **named) as entries:
            return _Entries(sorted(entries, key=lambda each: each.name, reverse=backwards))

    with ExitStack() as stack:
        stack.enter_context(patch.object(os, "listdir", other_listdir))
        stack.enter_context(patch.object(os, "scandir", other_scandir))
        globber = getattr(glob, "_StringGlobber", None)  # pathlib's, from Python 3.13 on
        if getattr(globber, "scandir", None) is scandir:
            stack.enter_context(patch.object(globber, "scandir", staticmethod(other_scandir)))
        yield


@conformance("collections", "datasets")
def listing_order_changes_nothing(subject: DatasetSubject) -> None:
    """Fingerprints are the same in whichever order the file system lists a folder.

    ``os.listdir``, ``iterdir`` and ``glob`` promise no order, and on the next machine it is
    another. A collection's rows then stand in another order, and its records are not found again.
    """
    if subject.info.bundled:
        raise NotRelevant("it is bundled: it reads no folder")
    _ = subject.collections
    found = []
    for backwards in (False, True):
        with listed(backwards=backwards):
            found.append(subject.fingerprints(subject.open(subject.sample)))
    again = subject.fingerprints(subject.open(subject.sample))
    if again != subject.fingerprints(subject.open(subject.sample)):
        raise Blocked("fingerprints change by themselves: see dataset_fingerprint_is_stable")
    changed = sorted(name for name in found[0] if found[0][name] != found[1].get(name))
    if changed:
        fail(
            expected=f"the fingerprint of {changed[0]!r} to be the same in any order of files",
            seen="another one when folders are listed from the last name to the first",
            change="sorted(folder.iterdir()), or the order of the list",
        )
