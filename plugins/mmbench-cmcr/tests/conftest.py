"""What the tests share."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def oracles():
    """The folder with outputs of the original code."""
    root = os.environ.get("MMBENCH_TEST_ASSETS")
    if not root:
        pytest.skip("MMBENCH_TEST_ASSETS is not set")
    return Path(root) / "oracles" / "methods"
