"""Fails with an ImportError."""

from __future__ import annotations

from mmbench.api import RepresentationSpec, hookimpl, there_is_no_such_name


@hookimpl
def mmbench_representations() -> list[RepresentationSpec]:
    """One that nobody gets to see."""
    return [RepresentationSpec("broken-import", there_is_no_such_name)]
