"""Makes all checks of one built-in."""

from __future__ import annotations

from importlib.metadata import entry_points

from mmbench.registry import load_registry
from mmbench.testing import Target, run_checks

#: Protocols on scenes: dense maps, and the costliest of the built-ins.
SCENES = ("localization", "counterfactual")
BUILTINS = load_registry(entry_points(group="mmbench", name="builtin"))


def assert_conforms(group, name, workspace, options=None):
    """It fails no check, and passes a good part of those that are made."""
    target = Target(group, name, BUILTINS, options or {})
    outcomes = run_checks(target.checks, target.subject(workspace))
    found = {each.check: each.message for each in outcomes if each.status == "failed"}
    assert found == {}
    assert sum(each.status == "passed" for each in outcomes) > len(outcomes) / 3
