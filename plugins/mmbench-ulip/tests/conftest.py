"""What the tests share: tiny ULIPs with weights of their own, on disk."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest

from mmbench.api import Context, PointCloud

sys.path.insert(0, str(Path(__file__).parent))

from tiny_ulip import write_ulip, write_ulip2


@pytest.fixture(scope="session")
def ulip(tmp_path_factory):
    """Options of a tiny ULIP: everything in one checkpoint."""
    return write_ulip(tmp_path_factory.mktemp("ulip"))


@pytest.fixture(scope="session")
def ulip2(tmp_path_factory):
    """Options of a tiny ULIP-2: it sees colours, and its towers are a CLIP of its own."""
    return write_ulip2(tmp_path_factory.mktemp("ulip2"))


@pytest.fixture(scope="session")
def loaded():
    """``loaded(options, precision, seed, **more)``: a representation that is ready to encode.

    Loaded once and shared: encoding leaves it as it is. Tests of loading make their own.
    """
    from mmbench_ulip.representation import ULIP

    known = {}

    def make(options, precision="fp32", seed=0, **more):
        chosen = {**options, **more}
        key = (precision, seed, *sorted(chosen.items()))
        if key not in known:
            known[key] = ULIP(**chosen)
            known[key].load(Context(dtype=precision, seed=seed))
        return known[key]

    return make


@pytest.fixture(scope="session")
def clouds():
    """Six clouds of several sizes and shapes, four of them with colours."""
    rng = np.random.default_rng(3)
    made = []
    for number, size in enumerate((64, 200, 64, 40, 64, 120)):
        xyz = rng.normal(size=(size, 3)) * [1.0, 0.3 + 0.2 * number, 2.0 - 0.3 * number] + number
        rgb = rng.uniform(size=(size, 3)).astype(np.float32) if number % 3 else None
        made.append(PointCloud(xyz.astype(np.float32), rgb))
    return made


@pytest.fixture(scope="session")
def assets():
    """The folder with oracles and real data."""
    folder = os.environ.get("MMBENCH_TEST_ASSETS")
    if not folder:
        pytest.skip("MMBENCH_TEST_ASSETS names no folder with oracles")
    return Path(folder)
