"""What the tests share: folders as the dataset sees them, and a recording."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from mmbench.api import DataSource
from mmbench_pendulum.dataset import Pendulum

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def _hashed(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "missing"


@pytest.fixture(scope="session")
def source_of() -> Callable[[Path], DataSource]:
    """A folder, as the dataset sees it."""
    return lambda root: DataSource(root, _hashed)


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data root with 30 + 10 items."""
    root = tmp_path_factory.mktemp("samples")
    (root / "pendulum").mkdir()
    Pendulum().write_sample(root / "pendulum", items=10, seed=0)
    return root
