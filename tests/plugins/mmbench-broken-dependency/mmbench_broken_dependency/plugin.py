"""Fails with a ModuleNotFoundError of another distribution."""

from __future__ import annotations

import frobnicated_models

from mmbench.api import RepresentationSpec, hookimpl


@hookimpl
def mmbench_representations() -> list[RepresentationSpec]:
    """One that nobody gets to see."""
    return [
        RepresentationSpec(
            "broken-dependency",
            "mmbench_broken_dependency.nowhere:Nothing",
            frobnicated_models.SUMMARY,
        )
    ]
