"""Write docs/cli.md from the command line's own help: `python docs/make_cli.py`."""

from __future__ import annotations

import inspect
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mmbench.cli.data import Builders
from mmbench.cli.main import cli

if TYPE_CHECKING:
    from collections.abc import Iterator

HEAD = """\
# The command line

Made from `--help` by `python docs/make_cli.py`; a test holds that it is up to date.

Every command exits with 0 when all is well, 1 when something failed (a cell, a dataset's items, a
plugin), 2 on misuse and 130 when interrupted. Results go to standard output, progress and messages
to standard error; without a terminal nothing moves and nothing is coloured, and `NO_COLOR` is
heeded. Plugins may add commands.
"""


def commands(
    group: click.Group, path: tuple[str, ...] = ("mmbench",)
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """A group's commands and their subcommands, in the order of its help."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield (*path, name), command
        if isinstance(command, click.Group) and not isinstance(command, Builders):
            yield from commands(command, (*path, name))


def _below(group: click.Group) -> str:
    """How a group calls what comes after its name."""
    named = group.subcommand_metavar or ""
    return named if named and not named.startswith("COMMAND") else "COMMAND"


def section(words: tuple[str, ...], command: click.Command) -> str:
    """One command: usage, what it does, its options, its examples."""
    arguments = [p for p in command.params if isinstance(p, click.Argument)]
    options = [p for p in command.params if isinstance(p, click.Option)]
    usage = [*words, *([_below(command)] if isinstance(command, click.Group) else [])]
    usage += ["[OPTIONS]"] if options else []
    usage += [_argument(argument) for argument in arguments]
    parts = [f"{'#' * len(words)} {' '.join(words)}", f"```console\n{' '.join(usage)}\n```"]
    parts.append(inspect.cleandoc(command.help or ""))
    if options:
        rows = [f"| `{_option(option)}` | {_what(option)} |" for option in options]
        parts.append("\n".join(["| option | what it does |", "|---|---|", *rows]))
    lines = [line.strip() for line in inspect.cleandoc(command.epilog or "").splitlines()]
    examples = [line for line in lines if line.startswith("mmbench ")]
    parts.append("\n".join(["```console", *examples, "```"]))
    return "\n\n".join(parts)


def _argument(argument: click.Argument) -> str:
    name = argument.name.upper() if argument.name else ""
    name += "..." if argument.nargs == -1 else ""
    return name if argument.required else f"[{name}]"


def _option(option: click.Option) -> str:
    if option.is_flag:
        return ", ".join(option.opts)
    if isinstance(option.type, click.Choice):
        value = " or ".join(option.type.choices)
    else:
        value = option.metavar or {"path": "PATH", "text": "TEXT"}.get(option.type.name, "N")
    return f"{', '.join(option.opts)} {value}".replace("|", "\\|")


def _what(option: click.Option) -> str:
    text = re.sub(r"\s*\[default: (.*)\]", r" Default: \1.", option.help or "")
    text = text.replace("|", "\\|")
    return f"{text} Default: {option.default}." if option.show_default else text


def text() -> str:
    """The whole page."""
    return "\n\n".join([HEAD.rstrip(), *(section(*each) for each in commands(cli))]) + "\n"


if __name__ == "__main__":
    os.environ["MMBENCH_LOAD_PLUGINS"] = ""  # our own commands only
    Path(__file__).with_name("cli.md").write_text(text(), encoding="utf-8")
