"""``mmbench plugin``: start a plugin of one's own, and check one."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

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
"""


class PluginGroup(click.Group):
    """Imports a subcommand when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order in which they are needed."""
        return [
            name for name, (place, _) in SUBCOMMANDS.items() if find_spec(place.partition(":")[0])
        ]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one subcommand."""
        if cmd_name not in self.list_commands(ctx):
            return None
        module, _, attribute = SUBCOMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List subcommands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, SUBCOMMANDS[name][1]) for name in self.list_commands(ctx)])


@click.group(cls=PluginGroup, epilog=EXAMPLES)
def plugin() -> None:
    """Start and check plugins of your own: representations, tasks, datasets."""
