"""mmbench's conformance kit, run on this plugin: one test a check."""

from __future__ import annotations

from mmbench.testing import Check, parametrize_with_checks


@parametrize_with_checks("mhd", "paired_digits")
def test_datasets(check: Check) -> None:
    check()
