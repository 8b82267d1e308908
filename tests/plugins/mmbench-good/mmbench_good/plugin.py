"""One of each, all of them in order."""

from __future__ import annotations

from mmbench.api import (
    CommandSpec,
    DatasetSpec,
    RepresentationSpec,
    SuiteSpec,
    TaskSpec,
    hookimpl,
)

MMBENCH_API_VERSION = 1


@hookimpl
def mmbench_representations() -> list[RepresentationSpec]:
    """Bring a representation."""
    return [RepresentationSpec("a-good", "mmbench_good.parts:Coordinates", "Vectors as they are")]


@hookimpl
def mmbench_datasets() -> list[DatasetSpec]:
    """Bring a dataset."""
    return [DatasetSpec("a-good-dataset", "mmbench_good.parts:Pairs", "Pairs of vectors")]


@hookimpl
def mmbench_tasks() -> list[TaskSpec]:
    """Bring a task."""
    path = "mmbench_good.parts:PairsRetrieval"
    return [TaskSpec("a-good-task", path, "Which belong together?", protocol="retrieval")]


@hookimpl
def mmbench_suites() -> list[SuiteSpec]:
    """Bring a suite."""
    return [SuiteSpec("a-good-suite", "mmbench_good:suite.toml", "Pairs, found")]


@hookimpl
def mmbench_commands() -> list[CommandSpec]:
    """Bring a command."""
    return [CommandSpec("a-good-command", "mmbench_good.command:greet", "Say that all is well.")]
