"""Says its API version in words."""

from __future__ import annotations

from mmbench.api import RepresentationSpec, hookimpl

MMBENCH_API_VERSION = "one"


@hookimpl
def mmbench_representations() -> list[RepresentationSpec]:
    """One that nobody gets to see."""
    return [
        RepresentationSpec("broken-version", "mmbench_broken_version.nowhere:Nothing", "Never seen")
    ]
