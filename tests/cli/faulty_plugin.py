"""The faulty plugin for tests of this folder, and for the subprocesses that they start."""

from __future__ import annotations

from typing import TYPE_CHECKING

import installing
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["environment", "faulty_plugin"]


def environment(site: Path, **extra: str) -> dict[str, str]:
    """The environment of a subprocess that sees the plugin (which is installed if need be)."""
    if not site.exists():
        installing.install(site, "mmbench-faulty")
    # Only this plugin and the built-in one: what else is installed is not under test.
    return installing.environment(site, MMBENCH_LOAD_PLUGINS="faulty", **extra)


@pytest.fixture(scope="module")
def faulty_plugin(tmp_path_factory) -> Iterator[Path]:
    """The faulty plugin, installed for this process and for the workers that it spawns."""
    with pytest.MonkeyPatch.context() as patch:
        site = installing.install(tmp_path_factory.mktemp("site") / "packages", "mmbench-faulty")
        patch.setenv("MMBENCH_LOAD_PLUGINS", "faulty")
        patch.syspath_prepend(site)
        yield site
