from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from installing import install
from runner_bench import Bench

from mmbench.registry import Registry, load_registry
from mmbench.runner.catalog import Catalog
from mmbench.runner.settings import RunSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture(scope="module")
def registry(tmp_path_factory) -> Iterator[Registry]:
    """The built-in plugin and the faulty one, in this process and in the workers it spawns."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MMBENCH_LOAD_PLUGINS", "faulty")
        patch.syspath_prepend(install(tmp_path_factory.mktemp("site"), "mmbench-faulty"))
        loaded = load_registry()
        assert not loaded.problems
        yield loaded


@pytest.fixture
def settings(tmp_path) -> RunSettings:
    return RunSettings(tmp_path / "results", tmp_path / "cache", tmp_path / "data", resamples=50)


@pytest.fixture
def catalog(registry, settings) -> Iterator[Catalog]:
    made = Catalog(registry, settings.data_root, settings.cache)
    yield made
    made.hashes.close()


@pytest.fixture
def bench(registry, settings) -> Bench:
    return Bench(registry, settings)


@pytest.fixture
def settings_with(settings) -> Callable[..., RunSettings]:
    return lambda **fields: replace(settings, **fields)
