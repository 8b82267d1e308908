"""``mmbench plugin``: start a plugin of one's own, and check one."""

from __future__ import annotations

from importlib import import_module

import click

__all__ = ["plugin"]

#: Subcommand to where it is and its line in ``--help``, so that help imports none.
SUBCOMMANDS: dict[str, tuple[str, str]] = {
    "new": ("mmbench.cli.scaffolding:new", "Start a plugin: write an installable package."),
    "check": ("mmbench.cli.conformance:check", "Check that a plugin keeps its contracts."),
}

EXAMPLES = """\b
Examples:
  mmbench plugin new representation mean-colour
  mmbench plugin new task swatches --dataset
  mmbench plugin check mean-colour
"""


class PluginGroup(click.Group):
    """Imports a subcommand when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order in which they are needed."""
        return list(SUBCOMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one subcommand."""
        if cmd_name not in SUBCOMMANDS:
            return None
        module, _, attribute = SUBCOMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List subcommands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in SUBCOMMANDS.items()])


@click.group(cls=PluginGroup, epilog=EXAMPLES)
def plugin() -> None:
    """Start and check plugins of your own: representations, tasks, datasets."""
