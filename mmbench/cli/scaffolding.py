"""``mmbench plugin new``: writes the package of a new plugin."""

from __future__ import annotations

import os
import shlex
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mmbench.api.errors import UsageError
from mmbench.cli.main import registry
from mmbench.scaffold.naming import check_name, distribution_name
from mmbench.scaffold.writing import (
    LICENCES,
    LONGEST_DESCRIPTION,
    Blueprint,
    check_line,
    render,
    write_package,
)

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["new"]

EXAMPLES = """\b
Examples:
  mmbench plugin new representation mean-colour --author "Ann Onym" --licence MIT
  mmbench plugin new task swatches --dataset --into plugins
"""

_LONGEST_AUTHOR = 200


def _common(command: Callable[..., Any]) -> Callable[..., Any]:
    """The name and the options that every kind of plugin takes."""
    for decorate in reversed(
        (
            click.argument("name"),
            click.option(
                "--into",
                type=click.Path(path_type=Path),
                default=Path(),
                help="Folder that the package's folder is made in.  [default: the current one]",
            ),
            click.option(
                "--description", metavar="TEXT", help="One line: what it is, for lists and READMEs."
            ),
            click.option(
                "--author",
                metavar="TEXT",
                help="For the metadata and the licence.  [default: the authors of the plugin]",
            ),
            click.option(
                "--licence", "--license", "licence",
                type=click.Choice(LICENCES), default=LICENCES[0], show_default=True,
                help="Under which it is published.",
            ),
        )
    ):  # fmt: skip
        command = decorate(command)
    return command


@click.group(epilog=EXAMPLES)
def new() -> None:
    """Write an installable package that works: edit it where it says YOUR CODE.

    It has an entry point, tests that run the conformance kit, a README, a licence and a CI
    workflow. Nothing that is there already is overwritten.
    """


@new.command(epilog="\b\nExample:\n  mmbench plugin new representation mean-colour --licence MIT")
@_common
def representation(name: str, into: Path, description: str | None, **about: Any) -> None:
    """Start a representation called NAME, of pictures and texts."""
    check_name(name, _taken(), suffix="encoder")
    said = description if description is not None else "A representation of pictures and texts"
    blueprint = _blueprint("representation", name, said, **about)
    folder = _write(blueprint, into)
    _say_next(folder, blueprint, [f"mmbench run quickstart -r {name}"])


@new.command(epilog="\b\nExample:\n  mmbench plugin new task swatches --dataset")
@_common
@click.option(
    "--dataset",
    is_flag=True,
    help="Bring a reader for data of your own too; without it the task is on the numbers world.",
)
def task(name: str, into: Path, description: str | None, **about: Any) -> None:
    """Start a task called NAME: pictures are named by prompts."""
    check_name(name, _taken(), suffix="task")
    said = description if description is not None else "Pictures are named by prompts"
    blueprint = _blueprint("task", name, said, **about)
    folder = _write(blueprint, into)
    run = [f"mmbench run quickstart -t {name}"]
    if blueprint.dataset:
        sample = f"mmbench data sample {name} --root data --items 64"
        run = [sample, f"mmbench run quickstart -t {name} --data-root data"]
    _say_next(folder, blueprint, run)


def _blueprint(
    kind: Any, name: str, description: str, *, author: str | None, licence: str, **more: Any
) -> Blueprint:
    """What was asked for, each line of it checked."""
    said = author if author is not None else f"The authors of {distribution_name(name)}"
    return Blueprint(
        kind=kind,
        name=name,
        author=check_line(said, "--author", longest=_LONGEST_AUTHOR),
        licence=licence,
        description=check_line(
            description.rstrip(". "), "--description", longest=LONGEST_DESCRIPTION
        ),
        year=datetime.now(UTC).year,
        **more,
    )


def _taken() -> dict[str, str]:
    """Every registered name, and what holds it."""
    known = registry()
    return {
        name: f"a {group.removesuffix('s')} of {entry.plugin.distribution}"
        for group in ("suites", "datasets", "tasks", "representations")
        for name, entry in getattr(known, group).items()
    }


def _write(blueprint: Blueprint, into: Path) -> Path:
    """Write the package's folder, and say what is in it."""
    if into.exists() and not into.is_dir():
        raise UsageError("is no folder", where=str(into), fix="choose another: --into DIR")
    folder = into / blueprint.distribution
    files = render(blueprint)
    write_package(folder, files)
    click.echo(f"wrote {folder}{os.sep}")
    for name in files:
        click.echo(f"  {name}")
    return folder


def _say_next(folder: Path, blueprint: Blueprint, run: list[str]) -> None:
    """The commands that come next, to be copied."""
    click.echo("Next:")
    for line in (
        f"cd {shlex.quote(str(folder))}",
        'pip install -e ".[test]"',
        "pytest",
        f"mmbench plugin check {blueprint.name}",
        *run,
    ):
        click.echo(f"  {line}")
    click.echo("Then make it yours: look for YOUR CODE in the files.")
