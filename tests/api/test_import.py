"""The contracts import at once, and everything public is there."""

from __future__ import annotations

import subprocess
import sys

from mmbench import api

HEAVY = ("numpy", "torch", "pandas", "pyarrow", "sklearn", "scipy", "rich", "click")


def test_importing_the_contracts_imports_nothing_heavy():
    code = f"import sys, mmbench.api; print([m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_all_is_sorted_and_there():
    assert len(api.__all__) == len(set(api.__all__))  # ruff sorts it
    for name in api.__all__:
        assert getattr(api, name) is not None


def test_every_public_class_has_a_docstring():
    for name in api.__all__:
        if isinstance(getattr(api, name), type):
            assert getattr(api, name).__doc__, name
