from __future__ import annotations

from collections import Counter
from dataclasses import replace

import logged_plugin
import pytest
from runner_bench import representation, task

from mmbench.api import Collection
from mmbench.registry import load_registry
from mmbench.runner.run import Run
from mmbench.runner.settings import RunSettings
from mmbench.runner.spool import run_spool
from mmbench.runner.suite import Suite
from mmbench.runner.workshop import Workshop


@pytest.fixture
def world(tmp_path, monkeypatch):
    """Runs of the logged plugin in this process: what they decoded, and the sources they shared."""
    logged_plugin.install(tmp_path / "site")
    logged_plugin.write_items(tmp_path / "data" / "logged", 12)
    monkeypatch.setenv("MMBENCH_LOAD_PLUGINS", "logged")
    monkeypatch.setenv(logged_plugin.LOG, str(tmp_path / "log"))
    monkeypatch.syspath_prepend(tmp_path / "site")
    registry = load_registry()
    assert not registry.problems

    def do(tasks, names=("brightness",), cache="cache", **how):
        (tmp_path / "log").write_text("")
        settings = RunSettings(
            tmp_path / "results" / cache, tmp_path / cache, tmp_path / "data", resamples=20, **how
        )
        suite = Suite(
            "s", tuple(task(f"logged-{each}") for each in tasks),
            tuple(representation(each) for each in names),
        )  # fmt: skip
        plan = Run(suite, registry, settings).plan()
        results = {}
        with run_spool(settings.cache, plan.shared, settings.spool_bytes) as spool:
            if spool is not None:
                settings = replace(settings, spool=spool.folder, spool_bytes=spool.limit)
            shop = Workshop(registry, settings, "s", "cpu", lambda *_: None)
            for job in plan.jobs.values():
                results[job.key] = shop.do(job, {need: results[need] for need in job.needs})
                if spool is not None:
                    spool.ended(job.key)
            left = [] if spool is None else list(spool.folder.glob("[0-9]*"))
            shop.catalog.hashes.close()
        assert left == []
        return Counter((tmp_path / "log").read_text().splitlines()), plan.shared

    return do


@pytest.mark.parametrize(
    ("tasks", "names", "consumers"),
    [
        (["dense"], ["brightness"], []),
        (["crops"], ["brightness"], []),  # one parent after the other
        (["global", "crops"], ["brightness"], [2]),  # pictures; sounds are encoded once for both
        (["global", "dense", "crops"], ["brightness"], [3]),
        # Trained, in two passes, on some of the pictures and sounds that it is tested on.
        (["dense"], ["learnt-brightness"], [2, 2]),
    ],
)
def test_only_what_is_asked_for_again_is_kept(world, tasks, names, consumers) -> None:
    loads, found = world(tasks, names)

    assert max(loads.values()) == 1
    assert sorted(map(len, found.consumers)) == consumers


def test_a_limit_is_seen_through(world) -> None:
    loads, found = world(["global", "dense", "crops"], limit=8)

    assert max(loads.values()) == 1
    assert len(found.digests) == 8
    assert len(loads) == 8 + 7  # one sound is missing


def test_what_is_in_the_store_asks_for_nothing(world) -> None:
    world(["dense"])
    loads, found = world(["dense", "global"])

    assert not found
    assert set(loads.values()) == {1}
    assert {each.split()[1] for each in loads} <= {"image", "audio"}


def test_cheap_collections_are_not_kept(world, monkeypatch) -> None:
    monkeypatch.setattr(logged_plugin.Logged, "cheap_loads", True, raising=False)
    loads, found = world(["dense", "global"])

    assert not found
    assert max(loads.values()) > 1
    assert Collection.cheap_loads is False
