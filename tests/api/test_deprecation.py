"""A deprecated name of the contracts works, and says what replaces it and when it goes."""

from __future__ import annotations

import re

import pytest

from mmbench import __version__, api


@pytest.fixture
def renamed(monkeypatch):
    monkeypatch.setitem(api._DEPRECATED, "Depiction", ("Representation", "9.3"))


def test_a_deprecated_name_is_its_replacement_and_warns_where_it_is_used(renamed):
    said = r"mmbench\.api\.Depiction is deprecated and goes in mmbench 9\.3: use mmbench\.api\.Repr"
    with pytest.warns(DeprecationWarning, match=said) as caught:
        found = api.Depiction
    assert found is api.Representation
    assert [warning.filename for warning in caught] == [__file__]


def test_importing_it_warns_in_the_importing_file(renamed):
    with pytest.warns(DeprecationWarning, match="Depiction") as caught:
        from mmbench.api import Depiction
    assert Depiction is api.Representation
    assert {warning.filename for warning in caught} == {__file__}


def test_it_warns_every_time_and_is_not_public(renamed):
    for _ in range(2):
        with pytest.warns(DeprecationWarning, match="Depiction"):
            _ = api.Depiction
    assert "Depiction" not in dir(api)


def test_a_name_that_never_was_is_no_attribute():
    with pytest.raises(AttributeError, match="no attribute 'Depiction'"):
        _ = api.Depiction


def test_what_is_deprecated_is_replaced_by_something_public_and_still_to_go():
    for name, (replacement, release) in api._DEPRECATED.items():
        assert name not in api.__all__
        assert replacement in api.__all__
        assert re.fullmatch(r"\d+\.\d+", release)
        now = tuple(int(part) for part in __version__.split(".")[:2])
        assert tuple(map(int, release.split("."))) > now, f"{name} should be gone by now"
