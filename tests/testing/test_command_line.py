"""The installed command as tests of plugins start it."""

from __future__ import annotations

import subprocess

import pytest

from mmbench.testing import CommandLine, measured_records


@pytest.fixture
def mmbench(tmp_path):
    return CommandLine(tmp_path, plugins=())


def test_it_starts_in_its_folder_with_the_plugins_named(mmbench, tmp_path):
    listed = mmbench("list", "--json")
    assert '"random"' in listed.stdout
    assert mmbench.environment["MMBENCH_CACHE"] == str(tmp_path / "cache")
    mmbench("run", "-r", "random", "-t", "numbers-zeroshot-image", "--limit", 20, "--resamples", 20)
    (record,) = measured_records(tmp_path / "results")
    assert record["task"]["label"] == "numbers-zeroshot-image"


def test_another_end_than_expected_is_told_with_what_was_written(mmbench):
    assert "no suite" in mmbench("run", "none-such", code=2).stderr
    with pytest.raises(
        AssertionError, match=r"`mmbench run none-such` ended with 2, not 0:\n.*no "
    ):
        mmbench("run", "none-such")


def test_a_start_that_takes_too_long_is_killed(tmp_path):
    with pytest.raises(subprocess.TimeoutExpired):
        CommandLine(tmp_path, plugins=(), timeout=0.01)("--help")
