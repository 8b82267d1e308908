"""What the tests share: folders as datasets see them, samples, and real files if there are any."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mmbench.api import DataSource
from mmbench_affect.sentiment import CmuMosei, CmuMosi

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


def _sampled(place: Path, reader: CmuMosei | CmuMosi) -> DataSource:
    reader.write_sample(place, items=16, seed=0)
    return DataSource(place, _hashed)


@pytest.fixture(scope="session")
def mosei(tmp_path_factory: pytest.TempPathFactory) -> DataSource:
    """A sample of CMU-MOSEI; nobody writes in it."""
    return _sampled(tmp_path_factory.mktemp("cmu-mosei"), CmuMosei())


@pytest.fixture(scope="session")
def mosi(tmp_path_factory: pytest.TempPathFactory) -> DataSource:
    """A sample of CMU-MOSI; nobody writes in it."""
    return _sampled(tmp_path_factory.mktemp("cmu-mosi"), CmuMosi())


@pytest.fixture(scope="session")
def shared() -> Path:
    """A folder with real files below ``data/``, and what original codes gave below ``oracles/``."""
    place = os.environ.get("MMBENCH_TEST_ASSETS")
    if not place or not (Path(place) / "data" / "mosi").is_dir():
        pytest.skip("MMBENCH_TEST_ASSETS names no folder with real data")
    return Path(place)
