"""``mmbench data``: status, check and sample of datasets, and what builds them."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mmbench.api.dataset import SAMPLE_MARKER, Dataset
from mmbench.api.errors import MmbenchError, UsageError
from mmbench.cli.main import load_command, registry

if TYPE_CHECKING:
    from mmbench.api import DatasetSpec
    from mmbench.registry import Entry
    from mmbench.runner.catalog import Catalog

__all__ = ["Builders", "data"]

EXAMPLES = """\b
Examples:
  mmbench data status
  mmbench data check numbers
  mmbench data sample NAME --root samples --items 20
  mmbench data build --help
"""

_root = click.option(
    "--data-root",
    "--root",  # as of `data sample`
    "data_root",
    type=click.Path(path_type=Path),
    help="One folder a dataset.  [default: MMBENCH_DATA, or ./data]",
)
_json = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")


@click.group(epilog=EXAMPLES)
def data() -> None:
    """Look at datasets. mmbench never downloads licensed data behind your back."""


@data.command(epilog="\b\nExample:\n  mmbench data status --json")
@click.argument("names", nargs=-1)
@_root
@_json
def status(names: tuple[str, ...], data_root: Path | None, as_json: bool) -> int:
    """Say what is there, what is missing, and where to get it.

    Exit code 1 if a dataset of NAMES is missing.
    """
    catalog = _catalog(data_root)
    said = {}
    for name in names or tuple(catalog.registry.datasets):
        try:
            found = catalog.dataset(name, {}).object.status(catalog.source(name))
            said[name] = asdict(found)
        except UsageError:
            raise
        except MmbenchError as error:
            said[name] = {"present": False, "found": [], "missing": [], "advice": str(error)}
    if as_json:
        click.echo(json.dumps(said, indent=1))
    else:
        for name, facts in said.items():
            _print_status(name, facts)
    return 1 if names and not all(facts["present"] for facts in said.values()) else 0


@data.command(epilog="\b\nExample:\n  mmbench data check numbers")
@click.argument("name")
@_root
@_json
def check(name: str, data_root: Path | None, as_json: bool) -> int:
    """Decode every item of a dataset and list the broken ones."""
    from mmbench.cli.screen import error_console

    catalog = _catalog(data_root)
    dataset = catalog.dataset(name, {}).object
    console = error_console()
    if console.is_terminal:
        from rich.progress import Progress

        with Progress(console=console, transient=True) as bars:
            line = bars.add_task(name, total=None)
            broken = dataset.check(
                catalog.source(name),
                lambda done, total, what: bars.update(
                    line, completed=done, total=total, description=what
                ),
            )
    else:
        broken = dataset.check(catalog.source(name))
    if as_json:
        click.echo(json.dumps([asdict(item) for item in broken], indent=1))
    else:
        alike: dict[tuple[str, str, str], list[str]] = {}
        for each in broken:  # a file of many items says the same of each
            alike.setdefault((each.collection, each.stream, each.reason), []).append(each.item)
        for (collection, stream, reason), (item, *others) in alike.items():
            more = f" and {len(others)} more" if others else ""
            click.echo(f"{collection}[{item}]{more} {stream}: {reason}")
        found = "1 broken item" if len(broken) == 1 else f"{len(broken)} broken items"
        click.echo(f"{name}: {found if broken else 'all items decode'}")
    for remark in dataset.remarks(catalog.source(name)):
        click.echo(f"{name}: {remark}", err=as_json)
    return 1 if broken else 0


@data.command(epilog="\b\nExample:\n  mmbench data sample NAME --root samples --items 20 --seed 1")
@click.argument("name")
@click.option(
    "--root",
    "--data-root",  # as of the others
    "root",
    type=click.Path(path_type=Path),
    required=True,
    help="Data root to write in.",
)
@click.option("--items", type=click.IntRange(1), default=16, show_default=True, help="How many.")
@click.option(
    "--seed", type=click.IntRange(0), default=0, show_default=True, help="Of what is made up."
)
def sample(name: str, root: Path, items: int, seed: int) -> None:
    """Write a small generated dataset in the layout of the real one."""
    catalog = _catalog(root)
    dataset = catalog.dataset(name, {}).object
    place = root / name
    if place.exists() and any(place.iterdir()):
        raise UsageError("is not empty", where=str(place), fix="choose another --root")
    if type(dataset).write_sample is Dataset.write_sample:
        raise UsageError("its plugin writes no samples", where=f"dataset {name}")
    if not dataset.info.bundled:  # one that is refuses, and says why
        place.mkdir(parents=True, exist_ok=True)
    dataset.write_sample(place, items=items, seed=seed)
    (place / SAMPLE_MARKER).write_text(
        f"A sample of {items} items, generated by mmbench with seed {seed}: no real data.\n"
        "Records from it are marked as generated for as long as this file lies here.\n"
    )
    click.echo(f"wrote {items} generated items to {place}")


class Builders(click.Group):
    """One command a dataset that its plugin can build; imported when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of these datasets."""
        return list(_builders())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command."""
        entry = _builders().get(cmd_name)
        return None if entry is None else load_command(entry.spec.builder, entry)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does; of a dataset that is got elsewhere it says so."""
        name = args[0]
        if name not in _builders():
            from mmbench.options import nearest

            if name in registry().datasets:
                raise UsageError(
                    "is not built by its plugin", where=f"dataset {name}",
                    fix=f"`mmbench data status {name}` says where to get it",
                )  # fmt: skip
            raise click.UsageError(
                f"no dataset {name!r} can be built; {nearest(name, _builders(), 'these can')}", ctx
            )
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List datasets without importing what builds them."""
        rows = [
            (name, f"{entry.spec.summary} ({entry.plugin.distribution})".strip())
            for name, entry in _builders().items()
        ]
        with formatter.section("Datasets"):
            formatter.write_dl(rows or [("none", "no installed plugin builds one")])


@data.group(
    cls=Builders,
    options_metavar="",
    subcommand_metavar="NAME [OPTIONS]",
    epilog="\b\nExamples:\n  mmbench data build --help\n  mmbench data build NAME --help",
)
def build() -> None:
    """Make a dataset of other files, or by a simulator: of those whose plugin can."""


def _builders() -> dict[str, Entry[DatasetSpec]]:
    found = registry().datasets
    return {name: entry for name, entry in found.items() if entry.spec.builder}


def _catalog(root: Path | None) -> Catalog:
    from mmbench.runner.catalog import Catalog
    from mmbench.runner.folders import cache_root, data_root

    return Catalog(registry(), data_root(root), cache_root())


def _print_status(name: str, facts: dict[str, Any]) -> None:
    state = (
        click.style("present", fg="green") if facts["present"] else click.style("missing", fg="red")
    )
    click.echo(f"{name}: {state}")
    for line in facts["found"]:
        click.echo(f"  found {line}")
    for line in facts["missing"]:
        click.echo(f"  not found: {line}")
    if facts["advice"] and not facts["present"]:
        click.echo(f"  {facts['advice']}")
