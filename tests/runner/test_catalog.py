from __future__ import annotations

import pytest
from runner_bench import representation, task

from mmbench.api import DataMissing, PluginError, UsageError
from mmbench.runner.catalog import Catalog
from mmbench.runner.suite import FitOn


def test_a_task_is_opened_once(catalog) -> None:
    opened = catalog.task(task("pairs"))

    assert opened is catalog.task(task("pairs", "another label"))
    assert opened is not catalog.task(task("pairs", items=5))
    assert opened.info.name == "pairs"
    assert {name: len(each) for name, each in opened.collections.items()} == {
        "pairs": 12, "train": 24
    }  # fmt: skip
    assert opened.datasets == {"pairs": "faulty-pairs", "train": "faulty-pairs"}


def test_derived_collections_know_their_dataset(catalog) -> None:
    assert catalog.task(task("crops")).datasets["children"] == "faulty-pairs"


def test_fingerprints_follow_the_data(catalog, registry, settings) -> None:
    first = catalog.task(task("pairs")).fingerprints
    again = Catalog(registry, settings.data_root, settings.cache).task(task("pairs")).fingerprints
    other = catalog.task(task("pairs", items=5)).fingerprints

    assert first == again
    assert first["pairs"] != other["pairs"]


def test_each_user_of_a_representation_has_its_own(catalog) -> None:
    one, two = (catalog.representation(representation("steady")) for _ in range(2))

    assert one.object is not two.object


def test_a_limit_cuts_every_collection(registry, settings) -> None:
    limited = Catalog(registry, settings.data_root, settings.cache, limit=3)
    opened = limited.task(task("pairs"))

    assert [len(each) for each in opened.collections.values()] == [3, 3]
    fit = limited.fit_source(opened, FitOn("faulty-pairs", "train"))
    assert fit is not None
    assert len(fit.collections["train"]) == 3


def test_content_keys_are_asked_for_once(catalog, monkeypatch) -> None:
    collection = catalog.task(task("pairs")).collections["pairs"]
    keys = catalog.content_keys(collection, "left")
    monkeypatch.setattr(type(collection), "content_keys", None)

    assert catalog.content_keys(collection, "left") is keys


def test_what_a_task_learns_from(catalog) -> None:
    opened = catalog.task(task("pairs"))

    own = catalog.fit_source(opened, None)
    assert own.spec.train == "train"
    assert [stream.name for stream in own.streams()] == ["left", "right"]
    named = catalog.fit_source(opened, FitOn("faulty-pairs", "test", target="label"))
    assert named.spec.target == "label"
    assert len(named.collections["test"]) == 12
    assert own.key() != named.key()
    assert catalog.fit_source(catalog.task(task("sparse")), None) is None


@pytest.mark.parametrize(
    ("fit_on", "what"),
    [
        (FitOn("nowhere", "train"), "no dataset called 'nowhere'"),
        (FitOn("faulty-pairs", "trian"), "no collection 'trian'"),
        (FitOn("faulty-pairs", "train", "val"), "no collection 'val'"),
        (FitOn("faulty-pairs", "train", options={"itmes": 3}), "has no option 'itmes'"),
    ],
)
def test_a_suite_that_names_other_data_is_checked(catalog, fit_on, what) -> None:
    with pytest.raises(UsageError, match=what):
        catalog.fit_source(catalog.task(task("pairs")), fit_on)


def test_data_that_is_not_there_is_said(catalog) -> None:
    with pytest.raises(DataMissing, match=r"looked for .*faulty-absent/list\.csv"):
        catalog.task(task("absent"))


@pytest.mark.parametrize("fault", ["collections", "info"])
def test_a_task_that_raises_is_named(catalog, fault) -> None:
    with pytest.raises(PluginError, match=rf"task x: its {fault}.* raised KeyError") as caught:
        catalog.task(task("faulty-task", "x", fault=fault))
    assert "on purpose" in caught.value.what


def test_a_collection_that_raises_is_named(catalog, monkeypatch) -> None:
    def broken(self, stream):
        raise ZeroDivisionError

    from mmbench_faulty.world import BreakableCollection

    monkeypatch.setattr(BreakableCollection, "content_keys", broken)
    with pytest.raises(PluginError, match=r"content_keys.*ZeroDivisionError"):
        catalog.task(task("pairs"))


def test_a_reader_that_raises_is_named(catalog, monkeypatch) -> None:
    def broken(self, source):
        raise ZeroDivisionError

    from mmbench_faulty.world import Pairs

    monkeypatch.setattr(Pairs, "collections", broken)
    with pytest.raises(PluginError, match=r"dataset faulty-pairs: its reader raised ZeroDivision"):
        catalog.task(task("pairs"))
