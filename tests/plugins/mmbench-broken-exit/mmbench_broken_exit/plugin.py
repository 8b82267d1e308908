"""Ends the process, as a script would that was written to be run."""

from __future__ import annotations

import sys

from mmbench.api import RepresentationSpec, hookimpl

sys.exit("run me as a script")


@hookimpl
def mmbench_representations() -> list[RepresentationSpec]:
    """One that nobody gets to see."""
    return [RepresentationSpec("broken-exit", "mmbench_broken_exit.nowhere:Nothing", "Never seen")]
