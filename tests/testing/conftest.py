"""Marks the tests that make the whole kit, on hundreds of mutants and on all built-ins."""

from __future__ import annotations

import pytest


def pytest_collection_modifyitems(items):
    for item in items:
        if item.name.startswith("test_a_mutant") or item.path.name.startswith("test_builtin_"):
            item.add_marker(pytest.mark.whole_kit)
