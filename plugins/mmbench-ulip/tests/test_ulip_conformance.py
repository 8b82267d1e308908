"""mmbench's conformance kit, run on this plugin with tiny models: one test a check."""

from __future__ import annotations

import atexit
import shutil
from pathlib import Path
from tempfile import mkdtemp

import pytest
from tiny_ulip import write_ulip, write_ulip2

from mmbench.testing import Check, parametrize_with_checks

# The checks are parametrized while tests are collected, before there are fixtures.
_FOLDER = Path(mkdtemp(prefix="mmbench-ulip-"))
atexit.register(shutil.rmtree, _FOLDER, ignore_errors=True)


@parametrize_with_checks("ulip", options=write_ulip(_FOLDER))
def test_conformance(check: Check) -> None:
    check()


_COLOURED = parametrize_with_checks(
    "ulip2", options=write_ulip2(_FOLDER) | {"start": "first", "max_points": 100}
)
_OF_OUTPUT = [
    check
    for check in _COLOURED.args[1]
    if check.spec.family in ("declaration", "output", "invariance", "extremes")
]


@pytest.mark.parametrize("check", _OF_OUTPUT, ids=str)
def test_conformance_of_ulip_2(check: Check) -> None:
    check()
