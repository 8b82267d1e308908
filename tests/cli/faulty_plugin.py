"""The faulty plugin for tests of this folder: importing this puts it within reach."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "plugins" / "mmbench-faulty"))

from mmbench_faulty.installing import environment, install

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["environment", "faulty_plugin"]


@pytest.fixture(scope="module")
def faulty_plugin(tmp_path_factory) -> Iterator[Path]:
    """The faulty plugin, installed for this process and for the workers that it spawns."""
    with pytest.MonkeyPatch.context() as patch:
        site = tmp_path_factory.mktemp("site") / "packages"
        patch.setenv("MMBENCH_LOAD_PLUGINS", "faulty")
        for path in reversed(install(site)):
            patch.syspath_prepend(path)
        yield site
