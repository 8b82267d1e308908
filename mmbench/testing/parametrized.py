"""Checks in pytest: one test a check."""

from __future__ import annotations

import atexit
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any

from mmbench.registry import load_registry
from mmbench.testing.catalogue import Target, targets_of
from mmbench.testing.outcomes import named_in, run_check, settled

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from _pytest.mark.structures import MarkDecorator

    from mmbench.api import Stream
    from mmbench.registry import Registry
    from mmbench.testing.checks import CheckSpec
    from mmbench.testing.outcomes import Status

__all__ = ["Check", "parametrize_with_checks"]


@dataclass
class _Subject:
    """The subject that all tests of one target share, made by the first of them."""

    target: Target

    @cached_property
    def made(self) -> Any:
        workspace = mkdtemp(prefix="mmbench-check-")
        # All tests of the target use it, whichever comes last: it goes when Python does.
        atexit.register(rmtree, workspace, ignore_errors=True)
        return self.target.subject(Path(workspace))


@dataclass
class Check:
    """One check of one plugin: call it in a test.

    Attributes:
        spec: The check.
        target: What it is made of.
        expected_failures: Check to the reason why it fails on purpose.
    """

    spec: CheckSpec
    target: Target
    expected_failures: Mapping[str, str]
    _subject: _Subject

    def __call__(self) -> None:
        """Make the check.

        Raises:
            AssertionError: It fails: what was expected, what was seen, what to change.
        """
        import pytest

        __tracebackhide__ = True  # the message says it all
        subject = self._subject.made
        known = {**subject.expected_failures, **self.expected_failures}
        outcome = run_check(self.spec, subject, known)
        if outcome.status == "blocked":
            named = self._named(outcome.reason)
            if "failed" not in named.values():  # else a test of its own tells
                outcome = settled(outcome, named)
        if outcome.status == "failed":
            raise AssertionError(f"{self.target.label}, {self.spec.name}\n{outcome.message}")
        if outcome.status == "expected":
            pytest.xfail(outcome.reason)
        if outcome.status in ("skipped", "blocked"):
            pytest.skip(outcome.reason)

    def _named(self, reason: str) -> dict[str, Status]:
        """How the checks end that a reason names."""
        checks = {spec.name: spec for spec in self.target.checks if spec.name != self.spec.name}
        known = {**self._subject.made.expected_failures, **self.expected_failures}
        return {
            name: run_check(checks[name], self._subject.made, known).status
            for name in named_in(reason, checks)
        }

    def __str__(self) -> str:
        return f"{self.target.name}-{self.spec.name}"


def parametrize_with_checks(
    *names: str,
    options: Mapping[str, Any] | None = None,
    expected_failures: Mapping[str, str] | None = None,
    streams: Sequence[Stream] = (),
    registry: Registry | None = None,
) -> MarkDecorator:
    """Parametrize a test with the checks of plugins: a parameter ``check``, to be called.

    A check that is *blocked* (something else has to be mended first) is skipped where the check
    of that fails or is skipped, and fails where it passes: nothing is green by not being made.

    Args:
        names: Names of representations, tasks, datasets, or of a whole distribution.
        options: Options to configure them with.
        expected_failures: Check to the reason why it fails on purpose, besides those that the
            class itself names.
        streams: What open slots are bound to; by default an image, a sound and a text.
        registry: Where to look; the installed plugins by default.

    Raises:
        UsageError: Nothing has one of these names.

    Example:
        >>> from mmbench.testing import Check, parametrize_with_checks
        >>> @parametrize_with_checks("random")
        ... def test_conformance(check: Check) -> None:
        ...     check()
    """
    import pytest

    known = registry if registry is not None else load_registry()
    checks = []
    for name in names:
        for found in targets_of(known, name, options):
            target = replace(found, streams=tuple(streams))
            shared = _Subject(target)
            checks += [
                Check(spec, target, expected_failures or {}, shared) for spec in target.checks
            ]
    return pytest.mark.parametrize("check", checks, ids=str)
