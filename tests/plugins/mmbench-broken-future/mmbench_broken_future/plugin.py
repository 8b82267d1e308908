"""Names a version of the contracts that is not out."""

from __future__ import annotations

from mmbench.api import RepresentationSpec, hookimpl

MMBENCH_API_VERSION = 99


@hookimpl
def mmbench_representations() -> list[RepresentationSpec]:
    """One that nobody gets to see."""
    return [
        RepresentationSpec("broken-future", "mmbench_broken_future.nowhere:Nothing", "Never seen")
    ]
