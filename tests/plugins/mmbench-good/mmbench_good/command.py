"""``mmbench a-good-command``."""

from __future__ import annotations

import click


@click.command()
def greet() -> None:
    """Say that all is well."""
    click.echo("All is well.")
