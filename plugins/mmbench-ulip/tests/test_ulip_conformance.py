"""mmbench's conformance kit, run on this plugin with tiny models: one test a check.

Some checks look at new processes, where torch is imported, and open_clip if there are towers, which
takes longer than all else. So the kit is made of point clouds alone, but for those checks; of all
slots it is made as far as vectors go; and as a whole, in new processes too, where slow tests are.
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
_OF_PROCESSES = {
    "processes_agree", "times_agree", "fingerprint_agrees_between_processes",
    "fingerprint_names_what_is_read", "fingerprint_follows_the_weights", "environment_has_no_say",
}  # fmt: skip
_OF_VECTORS = ("output", "invariance", "extremes", "devices")


def chosen(name, options, wanted):
    """The checks of a configured representation that are wanted."""
    made = parametrize_with_checks(name, options=options).args[1]
    return pytest.mark.parametrize("check", [each for each in made if wanted(each)], ids=str)


def of_vectors(check):
    return check.spec.family in _OF_VECTORS


def of_this_process(check):
    return check.spec.family != "manners" and check.spec.name not in _OF_PROCESSES


@chosen("ulip", _ULIP | {"towers": "none"}, of_this_process)
def test_conformance_of_clouds(check: Check) -> None:
    check()


@pytest.mark.slow
@parametrize_with_checks("ulip", options=_ULIP)
def test_conformance(check: Check) -> None:
    check()


@chosen("ulip", _ULIP, of_vectors)
def test_conformance_of_vectors(check: Check) -> None:
    check()


@chosen("ulip2", _ULIP2, of_vectors)
def test_conformance_of_ulip_2(check: Check) -> None:
    check()
