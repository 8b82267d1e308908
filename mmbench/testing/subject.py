"""What all that is checked has in common: a spec, the class that it names, its options."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from mmbench.options import resolve_options
from mmbench.registry import load_object

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from mmbench.registry import Entry

__all__ = ["Subject"]

T = TypeVar("T")


@dataclass
class Subject(Generic[T]):
    """One configured plugin class under test.

    Attributes:
        entry: Its spec and plugin.
        given: Options given for the checks, over the spec's own.
        workspace: An empty folder for what the checks write.
    """

    entry: Entry[Any]
    given: Mapping[str, Any]
    workspace: Path

    @property
    def name(self) -> str:
        """What users type."""
        name: str = self.entry.spec.name
        return name

    @property
    def expected_failures(self) -> Mapping[str, str]:
        """Check to the reason why it fails on purpose."""
        failures: Mapping[str, str] = getattr(self.cls, "expected_failures", {})
        return dict(failures)

    @cached_property
    def cls(self) -> type[T]:
        """Its class."""
        cls: type[T] = load_object(self.entry.spec.path, self.entry)
        return cls

    @cached_property
    def options(self) -> dict[str, Any]:
        """Every option with its value."""
        return resolve_options(self.cls, self.entry.spec.options, self.given, where=self.name)

    def new(self, **changed: Any) -> T:
        """A new instance.

        Args:
            changed: Options other than the configured ones.
        """
        return self.cls(**{**self.options, **changed})
