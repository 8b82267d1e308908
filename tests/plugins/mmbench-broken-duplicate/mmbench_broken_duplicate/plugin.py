"""Takes the names of a built-in representation and of all that the good plugin brings."""

from __future__ import annotations

from mmbench.api import (
    CommandSpec,
    DatasetSpec,
    RepresentationSpec,
    SuiteSpec,
    TaskSpec,
    hookimpl,
)

_NOTHING = "mmbench_broken_duplicate.nowhere:Nothing"


@hookimpl
def mmbench_representations() -> list[RepresentationSpec]:
    """Take names of mmbench and of a neighbour."""
    return [RepresentationSpec(name, _NOTHING, "Not its own") for name in ("random", "a-good")]


@hookimpl
def mmbench_datasets() -> list[DatasetSpec]:
    """Take a name of a neighbour."""
    return [DatasetSpec("a-good-dataset", _NOTHING, "Not its own")]


@hookimpl
def mmbench_tasks() -> list[TaskSpec]:
    """Take a name of a neighbour."""
    return [TaskSpec("a-good-task", _NOTHING, "Not its own")]


@hookimpl
def mmbench_suites() -> list[SuiteSpec]:
    """Take names of mmbench and of a neighbour."""
    return [SuiteSpec(name, _NOTHING, "Not its own") for name in ("quickstart", "a-good-suite")]


@hookimpl
def mmbench_commands() -> list[CommandSpec]:
    """Take names of mmbench and of a neighbour."""
    return [CommandSpec(name, _NOTHING, "Not its own") for name in ("list", "a-good-command")]
