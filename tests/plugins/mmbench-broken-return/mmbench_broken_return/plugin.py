"""Returns a mapping of names to classes, as another tool might want it."""

from __future__ import annotations

from mmbench.api import hookimpl


@hookimpl
def mmbench_representations() -> dict[str, type]:
    """Return no list."""
    return {"broken-return": object}
