"""The dataset's contract: status, check, samples, and what happens when its source is broken."""

from __future__ import annotations

import gzip
from types import SimpleNamespace

import pytest

from mmbench.api import DataError, DataMissing, ItemError, UsageError
from mmbench.builtin.numbers import dataset, glyphs
from mmbench.builtin.numbers.dataset import Numbers


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """scikit-learn as if it lay in a folder of ours."""
    folder = tmp_path / "sklearn" / "datasets" / "data"
    folder.mkdir(parents=True)
    spec = SimpleNamespace(origin=str(tmp_path / "sklearn" / "__init__.py"))
    monkeypatch.setattr(glyphs, "find_spec", lambda name: spec)
    return folder / "digits.csv.gz"


def test_info_and_status(source):
    assert Numbers().info.name == "numbers"
    assert Numbers().info.bundled
    status = Numbers().status(source)
    assert status.present
    assert "digits.csv.gz" in status.found[0]


def test_without_scikit_learn(source, monkeypatch):
    monkeypatch.setattr(glyphs, "find_spec", lambda name: None)
    with pytest.raises(DataMissing, match="pip install scikit-learn"):
        Numbers().collections(source)
    status = Numbers().status(source)
    assert not status.present
    assert status.advice == "pip install scikit-learn"


def test_without_the_digits_file(source, elsewhere):
    with pytest.raises(DataMissing, match="bundled digits are not there"):
        Numbers().collections(source)
    assert Numbers().status(source).missing == (str(elsewhere),)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"no gzip", "can't be read"),
        (gzip.compress(b"1,2,3\n4,5,6\n"), "3 columns instead of 65"),
        (gzip.compress(b"1,two,3\n"), "can't be read"),
        (gzip.compress(b"1,2\n" * 2000)[:40], "can't be read"),
    ],
)
def test_a_broken_digits_file(source, elsewhere, content, message):
    elsewhere.write_bytes(content)
    with pytest.raises(DataError, match=message):
        Numbers().collections(source)


def test_it_needs_no_sample(tmp_path):
    with pytest.raises(UsageError, match="bundled"):
        Numbers().write_sample(tmp_path, items=3, seed=0)
    assert not list(tmp_path.iterdir())


class Part(Numbers):
    """The parts of the world that are quick to check."""

    def collections(self, source):
        found = super().collections(source)
        return {name: found[name] for name in ("valid", "scenes-valid")}


def test_check_reads_everything_and_names_what_is_broken(source, monkeypatch):
    assert Part().check(source) == []

    def dial(digits, rng, original=dataset.dtmf.dial):
        if list(digits) == [7]:
            raise ItemError("the line is dead")
        return original(digits, rng)

    monkeypatch.setattr(dataset.dtmf, "dial", dial)
    broken = Part().check(source)
    sevens = Numbers().collections(source)["scenes-valid"].columns["digit"].count(7)
    assert len(broken) == sevens > 0
    assert {(item.collection, item.stream) for item in broken} == {("scenes-valid", "audio")}
    assert broken[0].reason == "the line is dead"
