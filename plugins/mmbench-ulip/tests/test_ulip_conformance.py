"""mmbench's conformance kit, run on this plugin with tiny models: one test a check.

Some checks look at new processes, where open_clip is imported if there are towers, which takes
longer than all else. So the whole kit is made of point clouds alone; of all slots it is made as
far as vectors go, and as a whole where slow tests are.
"""

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
_ULIP = write_ulip(_FOLDER)
_ULIP2 = write_ulip2(_FOLDER) | {"start": "first", "max_points": 100}
_OF_VECTORS = ("output", "invariance", "extremes", "devices")


@parametrize_with_checks("ulip", options=_ULIP | {"towers": "none"})
def test_conformance_of_clouds(check: Check) -> None:
    check()


@pytest.mark.slow
@parametrize_with_checks("ulip", options=_ULIP)
def test_conformance(check: Check) -> None:
    check()


def of_vectors(name, options):
    """The checks of vectors, of a configured representation."""
    made = parametrize_with_checks(name, options=options).args[1]
    chosen = [check for check in made if check.spec.family in _OF_VECTORS]
    return pytest.mark.parametrize("check", chosen, ids=str)


@of_vectors("ulip", _ULIP)
def test_conformance_of_vectors(check: Check) -> None:
    check()


@of_vectors("ulip2", _ULIP2)
def test_conformance_of_ulip_2(check: Check) -> None:
    check()
