"""What the tests share: folders as datasets see them, and real files where there are any."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mmbench.api import DataSource

if TYPE_CHECKING:
    from collections.abc import Callable


def _hashed(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "missing"


@pytest.fixture
def source(tmp_path: Path) -> Callable[..., DataSource]:
    """A folder below the temporary one, as a dataset sees it."""

    def of(name: str = "data") -> DataSource:
        root = tmp_path / name
        root.mkdir(exist_ok=True)
        return DataSource(root, _hashed)

    return of


@pytest.fixture(scope="session")
def digits_folder() -> Path:
    """Real recordings of digits, and a small set in MHD's layout made of them."""
    place = os.environ.get("MMBENCH_TEST_ASSETS")
    if not place or not (Path(place) / "data" / "digits").is_dir():
        pytest.skip("MMBENCH_TEST_ASSETS names no folder with real data")
    return Path(place) / "data" / "digits"
