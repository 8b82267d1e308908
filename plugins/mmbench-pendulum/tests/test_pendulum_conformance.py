"""mmbench's conformance kit, run on this plugin: one test a check."""

from __future__ import annotations

import pytest

from mmbench.testing import Check, parametrize_with_checks


@parametrize_with_checks("pendulum", "pendulum-control-reduced")
def test_conformance(check: Check) -> None:
    check()


@pytest.mark.slow
@parametrize_with_checks("pendulum-dca", "pendulum-control")
def test_more(check: Check) -> None:
    check()
