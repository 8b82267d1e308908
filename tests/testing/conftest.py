"""Marks the tests that make the whole kit on a mutant: several hundred, once is enough."""

from __future__ import annotations

import pytest


def pytest_collection_modifyitems(items):
    for item in items:
        if item.name.startswith("test_a_mutant"):
            item.add_marker(pytest.mark.mutant)
