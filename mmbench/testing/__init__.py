"""The conformance kit: checks that a plugin keeps its contracts, for pytest and the command line.

``mmbench plugin check NAME`` makes them all and prints a table;
:func:`~mmbench.testing.parametrize_with_checks` makes them tests of your own.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mmbench.testing.catalogue import Target, all_checks, targets_of
    from mmbench.testing.checks import CheckFailedError, CheckSpec
    from mmbench.testing.command_line import CommandLine, measured_records
    from mmbench.testing.outcomes import Outcome, run_checks
    from mmbench.testing.parametrized import Check, parametrize_with_checks

__all__ = [
    "Check",
    "CheckFailedError",
    "CheckSpec",
    "CommandLine",
    "Outcome",
    "Target",
    "all_checks",
    "measured_records",
    "parametrize_with_checks",
    "run_checks",
    "targets_of",
]

#: Public name to its module; imported when first used, so that the watched child stays light.
_HOME = {
    "Check": "parametrized",
    "CheckFailedError": "checks",
    "CheckSpec": "checks",
    "CommandLine": "command_line",
    "Outcome": "outcomes",
    "Target": "catalogue",
    "all_checks": "catalogue",
    "measured_records": "command_line",
    "parametrize_with_checks": "parametrized",
    "run_checks": "outcomes",
    "targets_of": "catalogue",
}


def __getattr__(name: str) -> Any:
    """Import a public name from its module, once."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
