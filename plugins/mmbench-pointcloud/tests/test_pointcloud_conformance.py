"""mmbench's conformance kit, run on this plugin: one test a check."""

from __future__ import annotations

from mmbench.testing import Check, parametrize_with_checks


@parametrize_with_checks("modelnet40", "scanobjectnn", "objaverse_lvis")
def test_datasets(check: Check) -> None:
    check()


@parametrize_with_checks("modelnet40-zeroshot", "scanobjectnn-zeroshot", "objaverse-lvis-zeroshot")
def test_tasks(check: Check) -> None:
    check()
