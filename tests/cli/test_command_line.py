"""What holds for every command: help, errors, colours, pipes."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest
from command_line import console_script

from mmbench import __version__
from mmbench.cli.data import Builders
from mmbench.cli.main import COMMANDS, cli


def _commands(group=cli, path=()):
    """Every command and subcommand of the core's, with its words; plugins test theirs."""
    context = click.Context(group)
    for name in COMMANDS if group is cli else group.list_commands(context):
        command = group.get_command(context, name)
        yield (*path, name), command
        if isinstance(command, click.Group) and not isinstance(command, Builders):
            yield from _commands(command, (*path, name))


ALL = dict(_commands())
BOOM = """
    import click
    from mmbench.api import CommandSpec, UsageError, hookimpl

    @hookimpl
    def mmbench_commands():
        return [
            CommandSpec("boom", "boom:boom", "Goes wrong."),
            CommandSpec("gone", "boom_gone:gone", "Can't be imported.", hint="pip install gone"),
        ]

    @click.command()
    @click.argument("how")
    def boom(how):
        if how == "bug":
            return 1 / 0
        if how == "file":
            open("/no/such/file")
        if how == "usage":
            raise UsageError("is wrong", where="here", fix="do it right")
        click.echo("fine")
"""


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_each_help_has_an_example_and_exits_0(call, words):
    said = call(*words, "--help")
    assert said.code == 0
    assert said.err == ""
    assert f"Usage: mmbench {' '.join(words)}" in said.out
    assert re.search(rf"Examples?:\n +mmbench {words[0]}", said.out)


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_each_option_says_what_it_is(words):
    options = [p for p in ALL[words].params if isinstance(p, click.Option)]
    assert [option.name for option in options if not option.help] == []
    assert ALL[words].help


def test_examples_of_help_name_known_commands_and_options():
    for command in (cli, *ALL.values()):
        for line in re.findall(r"^ *mmbench (.+)$", command.epilog or "", re.MULTILINE):
            words = line.split()
            assert words[0] in COMMANDS, line


def test_help_lists_every_command_without_importing_one(start):
    said = start("--help")
    assert said.code == 0
    assert [name for name in COMMANDS if f"\n  {name} " not in said.out] == []
    code = (
        "import sys; from mmbench.cli.main import run_cli; run_cli(['list']);"
        "sys.exit(bool({'numpy', 'rich', 'mmbench.cli.run'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_version(start):
    said = start("--version")
    assert (said.code, said.out.split()) == (0, ["mmbench,", "version", __version__])


@pytest.mark.parametrize(
    ("typed", "meant"), [("leaderbord", "leaderboard"), ("docter", "doctor"), ("runn", "run")]
)
def test_an_unknown_command_is_misuse_and_names_the_nearest(call, typed, meant):
    said = call(typed)
    assert said.code == 2
    assert f"no command {typed!r}; did you mean {meant}" in said.err


def test_a_command_like_nothing_lists_all(call):
    said = call("xyzzy")
    assert said.code == 2
    assert "commands are: cache, data, doctor" in said.err


@pytest.mark.parametrize(
    "arguments", [("list", "things"), ("run", "--jobs", "0"), ("cache", "fly"), ("show",)]
)
def test_misuse_is_exit_2_with_one_message(call, arguments):
    said = call(*arguments)
    assert (said.code, said.out) == (2, "")
    assert said.err.count("Error:") == 1
    assert "Traceback" not in said.err


def test_a_plugins_command_is_listed_and_runs(start, site):
    plugins = site("boom", BOOM)
    said = start("--help", plugins=plugins)
    assert re.search(r"boom +Goes wrong\. \(boom\)", said.out)
    assert start("boom", "not", plugins=plugins).out == "fine\n"


def test_an_error_on_purpose_is_one_message_and_its_exit_code(start, site):
    said = start("boom", "usage", plugins=site("boom", BOOM))
    assert (said.code, said.out, said.err) == (2, "", "Error: here: is wrong\n  do it right\n")


def test_a_bug_is_one_message_and_its_traceback_is_in_a_file(start, site, tmp_path):
    said = start("boom", "bug", plugins=site("boom", BOOM), TMPDIR=str(tmp_path))
    assert (said.code, said.out) == (1, "")
    assert said.err.startswith("Error: this is a bug: ZeroDivisionError: division by zero\n")
    assert "Traceback (most recent" not in said.err
    (log,) = tmp_path.glob("mmbench-*.log")
    assert str(log) in said.err
    text = log.read_text()
    assert "return 1 / 0" in text
    assert f"mmbench {__version__}" in text
    assert "'boom', 'bug'" in text


def test_without_room_for_a_file_the_traceback_is_on_the_screen(call, monkeypatch):
    import tempfile

    import mmbench.cli.listing

    def full(*_arguments, **_options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tempfile, "NamedTemporaryFile", full)
    monkeypatch.setattr(mmbench.cli.listing, "_rows", lambda _group: 1 / 0)
    said = call("list")
    assert said.code == 1
    assert "ZeroDivisionError" in said.err
    assert "Traceback" in said.err


def test_an_error_of_the_system_names_the_file(start, site, tmp_path):
    said = start("boom", "file", plugins=site("boom", BOOM), TMPDIR=str(tmp_path))
    assert said.code == 1
    assert said.err.startswith("Error: /no/such/file: No such file or directory\n")


def test_a_command_that_cannot_be_imported_names_its_distribution(start, site):
    said = start("gone", plugins=site("boom", BOOM))
    assert said.code == 1
    assert "boom_gone" in said.err
    assert "boom 1.2" in said.err
    assert "pip install gone" in said.err


def test_a_reader_that_went_away_is_no_error(monkeypatch):
    process = subprocess.Popen(
        [console_script(), "list"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    process.stdout.close()
    error = process.stderr.read()
    process.stderr.close()
    assert process.wait(timeout=30) == 141  # as SIGPIPE
    assert error == ""


@pytest.mark.parametrize(
    "arguments", [("list",), ("doctor",), ("show", "random"), ("data", "status")]
)
def test_no_escape_codes_in_a_pipe(start, arguments):
    said = start(*arguments, TERM="xterm-256color")
    assert said.code == 0
    assert "\x1b" not in said.out + said.err


def _on_a_terminal(arguments, **environment):
    """What a command writes to a terminal of 100 columns."""
    reader, writer = pty.openpty()
    process = subprocess.Popen(
        [console_script(), *map(str, arguments)],
        stdout=writer,
        stderr=writer,
        stdin=writer,
        env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "100", **environment},
    )
    os.close(writer)
    written = b""
    try:
        while block := os.read(reader, 1 << 16):
            written += block
    except OSError:  # Linux says so when the other end is closed
        pass
    os.close(reader)
    return process.wait(timeout=60), written.decode()


COLOUR = re.compile(r"\x1b\[[0-9;]*(?:3[0-7]|9[0-7])[;m]")


def test_colours_on_a_terminal_but_not_with_no_color(finished):
    results = finished / "results" / "small"
    code, shown = _on_a_terminal(["data", "status"])
    assert code == 0
    assert COLOUR.search(shown)
    for arguments in (["data", "status"], ["leaderboard", results]):
        code, shown = _on_a_terminal(arguments, NO_COLOR="1")
        assert code == 0
        assert not COLOUR.search(shown), arguments


def test_progress_moves_on_a_terminal_only(finished, tmp_path, start):
    arguments = ["run", finished / "small.toml", "-r", "random", "--cache", tmp_path / "c"]
    arguments += ["--resamples", "20", "--results", tmp_path / "r"]
    code, shown = _on_a_terminal(arguments)
    assert code == 0
    assert "━" in shown
    assert "\x1b[?25l" in shown
    assert shown.rstrip().endswith("\x1b[?25h") or "\x1b[?25h" in shown
    said = start(*arguments, "--seeds", "5", TERM="xterm-256color")
    assert said.code == 0
    assert "\x1b" not in said.out + said.err
    assert "\r" not in said.out + said.err
    assert "[1/2]" in said.err


def test_console_script_is_beside_this_python():
    assert Path(console_script()).is_file()
