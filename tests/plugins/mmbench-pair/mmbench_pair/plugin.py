"""What it brings."""

from __future__ import annotations

from mmbench.api import RepresentationSpec, hookimpl


@hookimpl
def mmbench_representations() -> list[RepresentationSpec]:
    """The pair."""
    return [RepresentationSpec("pair", "mmbench_pair.representation:Pair")]
