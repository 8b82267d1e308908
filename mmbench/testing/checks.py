"""What a conformance check is, and how it says what is wrong."""

from __future__ import annotations

import inspect
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NoReturn, TypeVar

from mmbench.api import DataMissing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import ModuleType

__all__ = [
    "Blocked",
    "CheckFailedError",
    "CheckSpec",
    "Group",
    "NotRelevant",
    "blocking",
    "checks_of",
    "conformance",
    "described",
    "fail",
]

#: What is checked.
Group = Literal["representations", "connectors", "tasks", "datasets"]

F = TypeVar("F", bound="Callable[[Any], None]")
_MARK = "__mmbench_conformance__"


class CheckFailedError(AssertionError):
    """A plugin breaks its contract.

    Args:
        expected: What the contract asks for.
        seen: What the plugin did.
        change: What its author can do about it.
    """

    def __init__(self, *, expected: str, seen: str, change: str) -> None:
        super().__init__(f"expected: {expected}\n    seen: {seen}\n  change: {change}")
        self.expected = expected
        self.seen = seen
        self.change = change


class NotRelevant(Exception):  # noqa: N818 - an answer, not a failure
    """The check says nothing about this plugin; the message says why."""


class Blocked(Exception):  # noqa: N818 - an answer, not a failure
    """The check can't be made because something else, which has a check of its own, is broken."""


def fail(*, expected: str, seen: str, change: str) -> NoReturn:
    """Fail the running check.

    Raises:
        CheckFailedError: Always.
    """
    raise CheckFailedError(expected=expected, seen=seen, change=change)


def described(error: BaseException) -> str:
    """An exception in one line."""
    said = str(error).partition("\n")[0]
    return f"{type(error).__name__}: {said}" if said else type(error).__name__


@contextmanager
def blocking(what: str, check: str) -> Iterator[None]:
    """Turn what a plugin raises into :class:`Blocked`.

    Args:
        what: What of the plugin is called.
        check: The check that reports it when it raises.
    """
    try:
        yield
    except (Blocked, NotRelevant):
        raise
    except (Exception, SystemExit) as error:
        if isinstance(error, DataMissing) and check == "fingerprint_is_text":
            check = "it_loads"  # which says what is missing, and how to get it
        raise Blocked(f"{what} raised {described(error)}: see {check}") from error


@dataclass(frozen=True)
class CheckSpec:
    """One check.

    Attributes:
        name: What ``expected_failures`` and ``--only`` call it.
        family: The checks it stands with.
        groups: What it can be made of.
        function: Takes a subject; returns, or raises.
    """

    name: str
    family: str
    groups: tuple[Group, ...]
    function: Callable[[Any], None]

    @property
    def summary(self) -> str:
        """What must hold, in one line."""
        return (inspect.getdoc(self.function) or "").partition("\n")[0]

    @property
    def explanation(self) -> str:
        """The docstring below its first line says why it must hold and how to mend it."""
        return (inspect.getdoc(self.function) or "").partition("\n")[2].strip()


def conformance(family: str, *groups: Group) -> Callable[[F], F]:
    """Mark a function as a check.

    Its first docstring line says what must hold; the rest says why, and how to mend it. It has
    one reason to fail.

    Args:
        family: The checks it stands with.
        groups: What it can be made of.
    """

    def mark(function: F) -> F:
        setattr(function, _MARK, CheckSpec(function.__name__, family, groups, function))
        return function

    return mark


def checks_of(modules: Iterable[ModuleType]) -> tuple[CheckSpec, ...]:
    """The checks that these modules define, in the order of their definition."""
    return tuple(
        getattr(value, _MARK)
        for module in modules
        for value in vars(module).values()
        if hasattr(value, _MARK) and value.__module__ == module.__name__
    )
