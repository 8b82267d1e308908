"""Output that can't be shown, written or read on: one message or none, and never "a bug"."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from command_line import console_script

RUN = ("run", "-r", "random", "-t", "numbers-retrieval-image-text")
FULL = Path("/dev/full")


@pytest.fixture
def piped(tmp_path):
    """Start the installed command with these places for its output."""

    def starting(*arguments, out=subprocess.PIPE, **environment):
        return subprocess.run(
            [console_script(), *arguments],
            stdout=out,
            stderr=subprocess.PIPE,
            env={**os.environ, **environment},
            cwd=tmp_path,
            check=False,
            timeout=120,
        )

    return starting


@pytest.mark.parametrize("locale", [{"LC_ALL": "C", "PYTHONIOENCODING": "ascii"}])
def test_a_terminal_that_is_not_utf8_gets_question_marks(piped, locale):
    done = piped(*RUN, "--resamples", "50", PYTHONUTF8="0", **locale)
    said = done.stdout.decode("ascii")
    assert done.returncode == 0, done.stderr
    assert "ranked by image?text R@1" in said
    assert "bug" not in done.stderr.decode("ascii")


@pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full here")
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("command", [("list",), (*RUN, "--dry-run"), (*RUN, "--dry-run", "--json")])
def test_output_to_a_full_disk_is_one_message(piped, command, unbuffered):
    with FULL.open("wb") as full:
        done = piped(*command, out=full, PYTHONUNBUFFERED=unbuffered)
    assert done.returncode == 1
    assert done.stderr.decode() == "Error: can't write the output: No space left on device\n"


@pytest.mark.parametrize("command", [("list",), ("--help",), ("--version",), (*RUN, "--dry-run")])
def test_nobody_reads_on(piped, command):
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as pipe:
        done = piped(*command, out=pipe)
    assert (done.returncode, done.stderr) == (141, b"")


def test_an_error_of_the_system_that_is_not_about_output_is_reported(start, site, tmp_path):
    plugins = site(
        "boom",
        """
        import click
        from mmbench.api import CommandSpec, hookimpl

        @click.command()
        def boom():
            raise OSError(5, "the drive is gone")

        @hookimpl
        def mmbench_commands():
            return [CommandSpec("boom", "boom:boom")]
        """,
    )
    said = start("boom", plugins=plugins, TMPDIR=str(tmp_path))
    assert said.code == 1
    assert "OSError: [Errno 5] the drive is gone" in said.err
    assert "can't write the output" not in said.err
