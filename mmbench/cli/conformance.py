"""``mmbench plugin check``: the conformance kit on the command line."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import click

from mmbench.api.errors import UsageError
from mmbench.cli.main import registry

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from rich.console import Console

    from mmbench.testing import Outcome, Target
    from mmbench.testing.outcomes import Status

__all__ = ["check"]

EXAMPLES = """\b
Examples:
  mmbench plugin check mean-colour
  mmbench plugin check mmbench-swatches --all
  mmbench plugin check arrays -o folder=vectors --only unknown_ids_are_not_invented
  mmbench plugin check my-model --expect "neighbours_do_not_matter=it normalises a batch"
  mmbench plugin check --explain output_is_finite
"""
#: Statuses in the order of the table's columns, with their style.
_STYLES: dict[Status, str] = {
    "passed": "green",
    "failed": "bold red",
    "expected": "yellow",
    "blocked": "magenta",
    "skipped": "dim",
}


@click.command(epilog=EXAMPLES)
@click.argument("names", nargs=-1)
@click.option(
    "-o", "--option", "options", multiple=True, metavar="KEY=VALUE",
    help="Configure what is checked; may be repeated.",
)  # fmt: skip
@click.option("--only", multiple=True, metavar="CHECK", help="Make this check; may be repeated.")
@click.option(
    "--expect", multiple=True, metavar="CHECK=REASON",
    help="A check that fails on purpose; it has failed if it passes. May be repeated.",
)  # fmt: skip
@click.option(
    "--stream", "streams", multiple=True, metavar="NAME:MODALITY:KIND[:SHAPE]",
    help="What open slots are bound to, such as pose:pose:Sequence:20x8; a free axis is *.",
)  # fmt: skip
@click.option("--all", "every", is_flag=True, help="Print a line a check.")
@click.option("--explain", metavar="CHECK", help="Say what a check means and how to mend it.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def check(
    names: tuple[str, ...],
    options: tuple[str, ...],
    only: tuple[str, ...],
    expect: tuple[str, ...],
    streams: tuple[str, ...],
    every: bool,
    explain: str | None,
    as_json: bool,
) -> int:
    """Check that plugins keep their contracts.

    NAMES are names of representations, tasks or datasets, or of distributions: then everything
    that they bring is checked. No data and no network are needed: items are generated.

    Exit code 1 if a check failed, 2 if a name or an option is wrong.
    """
    if explain:
        return _explain(explain)
    if not names:
        raise click.UsageError("name a representation, a task, a dataset or a distribution")
    targets = _targets(names, options, streams)
    _known(only)
    found = _run(_configurable(targets, names), only, _expected(expect))
    if as_json:
        said = [
            {"group": target.group, "name": target.name, "checks": list(map(asdict, outcomes))}
            for target, outcomes in found
        ]
        click.echo(json.dumps(said, indent=1))
    else:
        _print(found, every=every)
    return int(any(each.status == "failed" for _, outcomes in found for each in outcomes))


def _targets(names: Sequence[str], options: Sequence[str], streams: Sequence[str]) -> list[Target]:
    """What the names stand for, each once, configured."""
    from dataclasses import replace

    from mmbench.options import parse_assignment
    from mmbench.testing import targets_of

    given = dict(map(parse_assignment, options))
    bound = tuple(map(_stream, streams))
    found = {
        (target.group, target.name): replace(target, streams=bound)
        for name in names
        for target in targets_of(registry(), name, given)
    }
    return list(found.values())


def _configurable(targets: Sequence[Target], names: Sequence[str]) -> list[Target]:
    """Of what a distribution brings, leave out (and say so) what needs an option to be named.

    Raises:
        UsageError: An option is wrong for a target that was named itself.
    """
    from mmbench.cli.screen import error_console, say

    kept = []
    for target in targets:
        try:
            with TemporaryDirectory() as folder:
                target.subject(Path(folder))
        except UsageError as error:
            if target.name in names:
                raise
            say(error_console(), "skipped", f"{target.label}: {error}", "yellow")
            continue
        kept.append(target)
    return kept


def _stream(text: str) -> Any:
    """``name:modality:Kind[:shape]`` as a stream."""
    from mmbench.api import Stream
    from mmbench.api.payloads import KINDS
    from mmbench.options import nearest

    parts = text.split(":")
    if len(parts) not in (3, 4) or not all(parts):
        raise UsageError(
            f"{text!r} is not of the form name:modality:Kind[:shape]",
            where="--stream",
            fix="such as --stream pose:pose:Sequence:20x8",
        )
    name, modality, kind, shape = [*parts, ""][:4]
    if kind not in KINDS:
        raise UsageError(f"no kind {kind!r}", where="--stream", fix=nearest(kind, KINDS, "kinds"))
    try:
        axes = tuple(None if axis == "*" else int(axis) for axis in shape.split("x") if shape)
    except ValueError:
        raise UsageError(f"{shape!r} is no shape like 20x8 or *x8", where="--stream") from None
    return Stream(name, modality, kind, axes or None)


def _expected(given: Sequence[str]) -> dict[str, str]:
    """``check=reason`` by check."""
    expected = {}
    for text in given:
        name, equals, reason = text.partition("=")
        if not equals or not reason.strip():
            raise UsageError(f"{text!r} is not of the form CHECK=REASON", where="--expect")
        expected[name.strip()] = reason.strip()
    _known(tuple(expected))
    return expected


def _known(names: Sequence[str]) -> None:
    """Refuse names that no check has."""
    from mmbench.options import nearest
    from mmbench.testing import all_checks

    known = {check.name for check in all_checks()}
    for name in names:
        if name not in known:
            raise UsageError(f"there is no check called {name!r}", fix=nearest(name, known, "they"))


def _explain(name: str) -> int:
    """A check's own words."""
    from mmbench.testing import all_checks

    _known([name])
    found = next(check for check in all_checks() if check.name == name)
    click.echo(f"{name} ({', '.join(found.groups)}; {found.family})\n")
    click.echo(f"{found.summary}\n\n{found.explanation}")
    return 0


def _run(
    targets: Sequence[Target], only: Sequence[str], expected: Mapping[str, str]
) -> list[tuple[Target, list[Outcome]]]:
    """Make the checks, with a progress bar where somebody looks."""
    from mmbench.cli.screen import error_console
    from mmbench.testing import run_checks

    console = error_console()

    def made(target: Target, progress: Callable[[int, int, str], None]) -> list[Outcome]:
        checks = [check for check in target.checks if not only or check.name in only]
        with TemporaryDirectory(prefix="mmbench-check-", ignore_cleanup_errors=True) as folder:
            return run_checks(checks, target.subject(Path(folder)), expected, progress)

    if not console.is_terminal:
        return [(target, made(target, lambda *_: None)) for target in targets]
    from rich.progress import Progress

    found = []
    with Progress(console=console, transient=True) as bars:
        line = bars.add_task("", total=None)
        for target in targets:

            def progress(done: int, total: int, what: str, name: str = target.name) -> None:
                bars.update(line, completed=done, total=total, description=f"{name}: {what}")

            found.append((target, made(target, progress)))
    return found


def _print(found: Sequence[tuple[Target, list[Outcome]]], *, every: bool) -> None:
    """A table a target, what failed in full, and a last line."""
    from mmbench.cli.screen import output_console

    console = output_console()
    for target, outcomes in found:
        _print_table(console, target, outcomes, every=every)
        for each in outcomes:
            if each.status == "failed":
                console.print()
                console.print(f"failed  {each.check}", style="bold red", markup=False)
                console.print(f"{_indented(each.message)}", markup=False, soft_wrap=True)
        console.print()
    counts = Counter(each.status for _, outcomes in found for each in outcomes)
    said = ", ".join(f"{counts[status]} {status}" for status in _STYLES if counts[status])
    console.print(said or "no check was made", style="bold", markup=False)
    if counts["skipped"] and not every:
        console.print("`--all` says why a check was skipped.", markup=False)
    if counts["failed"]:
        console.print("`mmbench plugin check --explain CHECK` says more.", markup=False)


def _print_table(
    console: Console, target: Target, outcomes: Sequence[Outcome], *, every: bool
) -> None:
    """Counts by family, or a line a check."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    grid = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    console.print(Text(f"{target.label} ({_origin(target)})", style="bold"))
    if every:
        for head in ("check", "status", "reason"):
            grid.add_column(head, no_wrap=head == "check", overflow="fold")
        for each in outcomes:
            shown = Text(each.status, style=_STYLES[each.status])
            grid.add_row(Text(each.check), shown, Text(each.reason))
        console.print(grid)
        return
    statuses = [s for s in _STYLES if any(each.status == s for each in outcomes)]
    grid.add_column("family")
    for status in statuses:
        grid.add_column(status, justify="right")
    for family in dict.fromkeys(each.family for each in outcomes):
        counts = Counter(each.status for each in outcomes if each.family == family)
        cells = [Text(str(counts[s] or ""), style=_STYLES[s]) for s in statuses]
        grid.add_row(Text(family), *cells)
    console.print(grid)
    for each in outcomes:
        if each.status == "expected":
            console.print(f"expected  {each.check}: {each.reason}", style="yellow", markup=False)


def _origin(target: Target) -> str:
    """The distribution that brings it."""
    place = "representations" if target.group == "connectors" else target.group
    plugin = target.registry.find(place, target.name).plugin
    return f"{plugin.distribution} {plugin.version}"


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())
