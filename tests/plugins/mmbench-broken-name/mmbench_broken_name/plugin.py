"""Names with markup and control characters, and one that is no text."""

from __future__ import annotations

from mmbench.api import CommandSpec, RepresentationSpec, TaskSpec, hookimpl

#: Markup of rich, a colour of the terminal, two lines, text from right to left, a path, nothing.
NAMES = ("[bold]x[/]", "\x1b[31mred", "two\nlines", "right\u202eleft", "../../up", " ")


@hookimpl
def mmbench_representations() -> list[RepresentationSpec]:
    """Return names that can't be typed."""
    return [RepresentationSpec(name, "mmbench_broken_name.nowhere:Nothing") for name in NAMES]


@hookimpl
def mmbench_tasks() -> list[TaskSpec]:
    """Return a name that is no text."""
    return [TaskSpec(b"bytes", "mmbench_broken_name.nowhere:Nothing")]  # type: ignore[arg-type]


@hookimpl
def mmbench_commands() -> list[CommandSpec]:
    """Return a command that looks like an option."""
    return [CommandSpec("--help", "mmbench_broken_name.nowhere:nothing", "\x1b[2J")]
