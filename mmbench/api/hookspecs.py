"""The hooks that a plugin may implement, all of them, each returning light specs.

A plugin is a module (or any object) under the entry-point group ``mmbench``, whose functions are
marked with :data:`mmbench.api.hookimpl`. It may set ``MMBENCH_API_VERSION = 1`` to say which
version of the contracts it was written for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mmbench.api.specs import (
        CommandSpec,
        DatasetSpec,
        RepresentationSpec,
        SuiteSpec,
        TaskSpec,
    )

__all__ = [
    "PROJECT",
    "hookimpl",
    "mmbench_commands",
    "mmbench_datasets",
    "mmbench_representations",
    "mmbench_suites",
    "mmbench_tasks",
]

#: pluggy's project name, and the entry-point group.
PROJECT = "mmbench"

hookspec = pluggy.HookspecMarker(PROJECT)
#: Marks a plugin's implementation of a hook.
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def mmbench_representations() -> Sequence[RepresentationSpec]:  # type: ignore[empty-body]
    """Return the representations (and connectors) that this plugin brings."""


@hookspec
def mmbench_datasets() -> Sequence[DatasetSpec]:  # type: ignore[empty-body]
    """Return the datasets that this plugin reads."""


@hookspec
def mmbench_tasks() -> Sequence[TaskSpec]:  # type: ignore[empty-body]
    """Return the tasks that this plugin brings."""


@hookspec
def mmbench_suites() -> Sequence[SuiteSpec]:  # type: ignore[empty-body]
    """Return the suites that this plugin ships inside its package."""


@hookspec
def mmbench_commands() -> Sequence[CommandSpec]:  # type: ignore[empty-body]
    """Return further subcommands of ``mmbench``."""
