"""mmbench's conformance kit, run on this plugin: one test a check."""

from __future__ import annotations

import pytest

from mmbench.testing import Check, parametrize_with_checks


@parametrize_with_checks("modelnet40", "scanobjectnn", "objaverse_lvis")
def test_datasets(check: Check) -> None:
    check()


@parametrize_with_checks("modelnet40-zeroshot")
def test_tasks(check: Check) -> None:
    check()


@pytest.mark.slow  # the same class over other datasets
@parametrize_with_checks("scanobjectnn-zeroshot", "objaverse-lvis-zeroshot")
def test_other_tasks(check: Check) -> None:
    check()


@pytest.mark.slow
@parametrize_with_checks("modelnet40", options={"layout": "cache"})
def test_pickled_layout(check: Check) -> None:
    check()


@pytest.mark.slow
@parametrize_with_checks("modelnet40", options={"layout": "hdf5"})
def test_hdf5_layout(check: Check) -> None:
    check()


@pytest.mark.slow
@parametrize_with_checks("modelnet40", options={"layout": "openshape"})
def test_npy_layout(check: Check) -> None:
    check()


@pytest.mark.slow
@parametrize_with_checks("modelnet40", options={"layout": "off"})
def test_mesh_layout(check: Check) -> None:
    check()
