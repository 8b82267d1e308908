"""Checks of options: numbers in their ranges."""

from __future__ import annotations

from math import isfinite

from mmbench.api import UsageError

__all__ = ["require"]


def require(what: str, where: str = "c-mcr", **values: float) -> None:
    """See that numbers are in their range.

    Raises:
        UsageError: One is not.
    """
    for name, value in values.items():
        if value < 0 or not isfinite(value) or (value == 0 and what == "above 0"):
            shown, least = (value + 1, "2 or more") if name == "batch" else (value, what)
            raise UsageError(f"{name} must be {least}, not {shown}", where=where)
