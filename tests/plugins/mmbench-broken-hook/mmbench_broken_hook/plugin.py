"""Brings one representation, and raises where its tasks are asked for."""

from __future__ import annotations

from mmbench.api import RepresentationSpec, TaskSpec, hookimpl


@hookimpl
def mmbench_representations() -> list[RepresentationSpec]:
    """One that nobody gets to see."""
    return [RepresentationSpec("broken-hook", "mmbench_broken_hook.nowhere:Nothing", "Never seen")]


@hookimpl
def mmbench_tasks() -> list[TaskSpec]:
    """Raise."""
    raise RuntimeError("the list of tasks is not to be had")
