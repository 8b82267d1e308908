"""What a conformance check is, and how it says what is wrong."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NoReturn, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import ModuleType

__all__ = [
    "Blocked",
    "CheckFailedError",
    "CheckSpec",
    "Group",
    "NotRelevant",
    "checks_of",
    "conformance",
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
