"""What the tests share: a tiny CLIP with weights of its own, on disk."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from mmbench.api import Context, Image

sys.path.insert(0, str(Path(__file__).parent))

from tiny_clip import write_tiny


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """Options of a tiny model: a config and weights in files of their own."""
    return write_tiny(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def loaded(tiny):
    """``loaded(precision, **options)``: a tiny representation, ready to encode."""
    from mmbench_openclip.representation import OpenCLIP

    def make(precision="fp32", **options):
        made = OpenCLIP(**{**tiny, **options})
        made.load(Context(dtype=precision))
        return made

    return make


@pytest.fixture(scope="session")
def pictures():
    """Nine pictures of several sizes."""
    rng = np.random.default_rng(7)
    sizes = [
        (40, 50),
        (33, 32),
        (64, 20),
        (20, 90),
        (100, 100),
        (32, 32),
        (57, 31),
        (8, 8),
        (300, 200),
    ]
    return [Image(rng.integers(0, 256, (*size, 3), dtype=np.uint8)) for size in sizes]
