"""mmbench's conformance kit, run on this plugin with tiny models: one test a check."""

from __future__ import annotations

import atexit
import shutil
from pathlib import Path
from tempfile import mkdtemp

import pytest
from tiny_clap import options_in, write_tiny

from mmbench.testing import Check, parametrize_with_checks

# The checks are parametrized while tests are collected; the files are written before the first.
_FOLDER = Path(mkdtemp(prefix="mmbench-clap-"))
atexit.register(shutil.rmtree, _FOLDER, ignore_errors=True)


@pytest.fixture(scope="module", autouse=True)
def _files():
    for fusion in (False, True):
        write_tiny(_FOLDER, fusion=fusion)


@parametrize_with_checks("clap", options=options_in(_FOLDER))
def test_conformance(check: Check) -> None:
    check()


_FUSED = parametrize_with_checks(
    "clap", options=options_in(_FOLDER, fusion=True) | {"backend": "transformers"}
)
_OF_OUTPUT = [
    check
    for check in _FUSED.args[1]
    if check.spec.family in ("output", "invariance", "determinism", "extremes")
]


@pytest.mark.parametrize("check", _OF_OUTPUT, ids=str)
def test_conformance_of_fusion_through_transformers(check: Check) -> None:
    check()


_MIDDLE = parametrize_with_checks(
    "clap", options=options_in(_FOLDER, fusion=True) | {"chunks": "middle"}
)


@pytest.mark.parametrize(
    "check",
    [check for check in _MIDDLE.args[1] if check.spec.name == "seed_changes_nothing_undeclared"],
    ids=str,
)
def test_conformance_without_random_chunks(check: Check) -> None:
    check()
