"""``mmbench list``: what is installed, by name, importing no model."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from mmbench.cli.main import registry

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["list_"]

GROUPS = ("representations", "tasks", "datasets", "suites", "plugins")
EXAMPLES = """\b
Examples:
  mmbench list
  mmbench list tasks
  mmbench list representations --json
"""


@click.command("list", epilog=EXAMPLES)
@click.argument("what", required=False, type=click.Choice(GROUPS))
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def list_(what: str | None, as_json: bool) -> None:
    """List what the installed plugins bring."""
    chosen = (what,) if what else GROUPS
    rows = {group: _rows(group) for group in chosen}
    if as_json:
        click.echo(json.dumps(rows, indent=1, sort_keys=True))
    else:
        click.echo("\n".join(line for group in chosen for line in _lines(group, rows[group])))
    problems = registry().problems
    if problems:
        said = "1 plugin problem" if len(problems) == 1 else f"{len(problems)} plugin problems"
        names = "it" if len(problems) == 1 else "them"
        click.echo(f"{said}: `mmbench doctor` names {names}.", err=True)


def _rows(group: str) -> list[dict[str, Any]]:
    """One mapping an entry: name, what it is, where it comes from."""
    known = registry()
    if group == "plugins":
        return [dict(vars(plugin)) for plugin in known.plugins]
    return [
        {
            "name": name,
            **({"protocol": entry.spec.protocol} if group == "tasks" else {}),
            "summary": entry.spec.summary,
            "distribution": entry.plugin.distribution,
        }
        for name, entry in getattr(known, group).items()
    ]


def _lines(group: str, rows: list[dict[str, Any]]) -> Iterator[str]:
    """A plain aligned table: fast, and good to grep."""
    yield click.style(group, bold=True)
    if not rows:
        yield "  none"
        return
    columns = list(rows[0])
    widths = [max(len(row[column]) for row in rows) for column in columns]
    for row in rows:
        cells = (row[c].ljust(w) for c, w in zip(columns, widths, strict=True))
        yield f"  {'  '.join(cells)}".rstrip()
