"""Light specs: what a hook returns. They name a class by import path, so listing imports nothing.

``path`` is ``"package.module:Class"``. ``options`` are presets: several names may share a class.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["CommandSpec", "DatasetSpec", "RepresentationSpec", "SuiteSpec", "TaskSpec"]


@dataclass(frozen=True)
class RepresentationSpec:
    """A representation (or a connector) by name.

    Attributes:
        name: What users type.
        path: ``"package.module:Class"``.
        summary: One line for ``mmbench list``.
        options: Presets for the class's keyword arguments.
        hint: What to do when the import fails: ``"pip install mmbench-clap"``.
        joins: Names of suites that it joins when it is installed, after their own entries.
        joins_for: Names of the tasks that it takes part in where it joins; () = all of them.
    """

    name: str
    path: str
    summary: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    hint: str = ""
    joins: tuple[str, ...] = ()
    joins_for: tuple[str, ...] = ()


@dataclass(frozen=True)
class DatasetSpec:
    """A dataset by name; attributes as in :class:`RepresentationSpec`.

    Attributes:
        builder: ``"package.module:command"``, a click command that makes the dataset of other files
            or by a simulator: ``mmbench data build NAME`` calls it. Empty = it is got elsewhere.
    """

    name: str
    path: str
    summary: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    hint: str = ""
    builder: str = ""


@dataclass(frozen=True)
class TaskSpec:
    """A task by name; attributes as in :class:`RepresentationSpec`.

    Attributes:
        protocol: Lets ``mmbench list`` group tasks without importing them.
        published: A TOML file inside a package, ``"package:folder/file.toml"``, with the figures
            that papers published on it: leaderboards show them, unranked.
    """

    name: str
    path: str
    summary: str = ""
    protocol: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    hint: str = ""
    joins: tuple[str, ...] = ()
    published: str = ""


@dataclass(frozen=True)
class SuiteSpec:
    """A suite by name: a TOML file inside a package, ``"package:folder/file.toml"``."""

    name: str
    path: str
    summary: str = ""


@dataclass(frozen=True)
class CommandSpec:
    """A further ``mmbench`` subcommand: ``path`` names a click command."""

    name: str
    path: str
    summary: str = ""
    hint: str = ""
