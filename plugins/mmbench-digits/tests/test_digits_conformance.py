"""mmbench's conformance kit, run on this plugin: one test a check."""

from __future__ import annotations

import pytest

from mmbench.testing import Check, parametrize_with_checks


@parametrize_with_checks("mhd")
def test_datasets(check: Check) -> None:
    check()


@pytest.mark.slow
@parametrize_with_checks("mhd-missing", "mhd-dca")
def test_tasks(check: Check) -> None:
    check()


@pytest.mark.slow  # the same classes over the other dataset
@parametrize_with_checks("paired_digits", "paired-digits-missing", "paired-digits-dca")
def test_paired(check: Check) -> None:
    check()
