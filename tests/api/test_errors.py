"""Errors say what, where and what to do, and cross process boundaries."""

from __future__ import annotations

import pickle

import pytest

from mmbench.api import DataMissing, MmbenchError, NotApplicable, UsageError, errors


@pytest.mark.parametrize("name", errors.__all__)
def test_every_error_travels_whole(name):
    cls = getattr(errors, name)
    there = pickle.loads(pickle.dumps(cls("it broke", where="here", fix="mend it")))
    assert type(there) is cls
    assert (there.what, there.where, there.fix) == ("it broke", "here", "mend it")
    assert str(there) == "here: it broke\n  mend it"
    assert isinstance(there, MmbenchError)


def test_parts_that_are_not_given_are_not_shown():
    assert str(MmbenchError("it broke")) == "it broke"
    assert str(MmbenchError("it broke", fix="mend it")) == "it broke\n  mend it"


def test_exit_codes_and_kinship():
    assert UsageError.exit_code == 2
    assert MmbenchError.exit_code == 1
    assert issubclass(DataMissing, NotApplicable)  # a missing dataset skips the cell
