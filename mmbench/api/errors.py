"""The error tree: every message says what happened, where, and what to do about it."""

from __future__ import annotations

__all__ = [
    "DataError",
    "DataMissing",
    "ItemError",
    "MmbenchError",
    "NotApplicable",
    "PluginError",
    "StoreError",
    "UsageError",
]


class MmbenchError(Exception):
    """Base of all errors that mmbench raises on purpose.

    Args:
        what: One sentence: what went wrong.
        where: The file, line, key, plugin or item it went wrong at.
        fix: What the reader can do about it.
    """

    exit_code = 1

    def __init__(self, what: str, *, where: str = "", fix: str = "") -> None:
        super().__init__(what, where, fix)
        self.what = what
        self.where = where
        self.fix = fix

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where else self.what
        return f"{text}\n  {self.fix}" if self.fix else text

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle with the keyword arguments, so that errors cross process boundaries."""
        return (_rebuild, (type(self), self.what, self.where, self.fix))


def _rebuild(cls: type[MmbenchError], what: str, where: str, fix: str) -> MmbenchError:
    return cls(what, where=where, fix=fix)


class UsageError(MmbenchError):
    """The request itself is wrong: an unknown name, a bad option, a malformed suite."""

    exit_code = 2


class NotApplicable(MmbenchError):  # noqa: N818 - it is an answer ("skip this cell"), not a failure
    """This representation and this task do not fit together; the cell is skipped, and says why."""


class DataMissing(NotApplicable):
    """A dataset is not on this machine; says what was looked for, where, and where to get it."""


class DataError(MmbenchError):
    """A dataset is there but broken: an annotation, a list, a layout."""


class ItemError(DataError):
    """One item can't be decoded (corrupt, too short); it is dropped and listed in the record."""


class PluginError(MmbenchError):
    """A plugin broke its contract: a wrong shape, NaN, a method that its offers promise."""


class StoreError(MmbenchError):
    """The embedding store, an artifact or a record can't be read or written."""
