"""What the tests share: tiny CLAPs with weights of their own, on disk."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from mmbench.api import Context

sys.path.insert(0, str(Path(__file__).parent))

from tiny_clap import write_tiny


@pytest.fixture(scope="session")
def plain(tmp_path_factory):
    """Options of a tiny model without fusion."""
    return write_tiny(tmp_path_factory.mktemp("plain"))


@pytest.fixture(scope="session")
def fused(tmp_path_factory):
    """Options of a tiny model with fusion."""
    return write_tiny(tmp_path_factory.mktemp("fused"), fusion=True)


@pytest.fixture
def loaded():
    """``loaded(options, precision, seed, **more)``: a representation that is ready to encode."""
    from mmbench_clap.representation import CLAP

    def make(options, precision="fp32", seed=0, **more):
        made = CLAP(**{**options, **more})
        made.load(Context(dtype=precision, seed=seed))
        return made

    return make
