"""The numbers world, opened once for all tests of the built-in plugin."""

from __future__ import annotations

from pathlib import Path

import pytest
from numbers_samples import fit_cca, hash_file

from mmbench.api import DataSource
from mmbench.builtin.numbers.dataset import Numbers


@pytest.fixture(scope="session")
def source() -> DataSource:
    return DataSource(Path("/nowhere"), hash_file)


@pytest.fixture(scope="session")
def world(source):
    """Collections of the numbers world by name."""
    return Numbers().collections(source)


@pytest.fixture(scope="session")
def image_audio(world):
    """CCA of images and sounds of the training numbers."""
    return fit_cca(world["train"])


@pytest.fixture(scope="session")
def single_digits(world):
    """CCA of images and sounds of single digits, which scenes need."""
    return fit_cca(world["digits-train"])
