"""mmbench's conformance kit, run on this plugin with a tiny model: one test a check."""

from __future__ import annotations

import atexit
import shutil
from pathlib import Path
from tempfile import mkdtemp

import pytest
from tiny_clip import write_tiny

from mmbench.testing import Check, parametrize_with_checks

# The checks are parametrized while tests are collected, before there are fixtures.
_FOLDER = Path(mkdtemp(prefix="mmbench-openclip-"))
atexit.register(shutil.rmtree, _FOLDER, ignore_errors=True)


@parametrize_with_checks("clip", options=write_tiny(_FOLDER))
def test_conformance(check: Check) -> None:
    check()


_VALUE = parametrize_with_checks(
    "clip", options=write_tiny(_FOLDER) | {"dense": "value", "dense_size": 48}
)
_OF_OUTPUT = [
    check for check in _VALUE.args[1] if check.spec.family in ("output", "invariance", "dense")
]


@pytest.mark.parametrize("check", _OF_OUTPUT, ids=str)
def test_conformance_of_value_maps(check: Check) -> None:
    check()
