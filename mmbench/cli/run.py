"""``mmbench run``: plan a suite, do what is missing, show the leaderboard."""

from __future__ import annotations

import os
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mmbench.api.errors import UsageError
from mmbench.cli.main import registry
from mmbench.options import nearest

if TYPE_CHECKING:
    from rich.console import Console

    from mmbench.registry import Registry
    from mmbench.runner.plan import Plan
    from mmbench.runner.run import Outcome
    from mmbench.runner.suite import Suite

__all__ = ["find_suite", "run"]

EXAMPLES = """\b
Examples:
  mmbench run quickstart
  mmbench run quickstart --dry-run
  mmbench run quickstart -r random --seeds 0,1,2
  mmbench run my-suite.toml --device cuda --batch-size 256
  mmbench run -r arrays -t numbers-retrieval-image-text -o folder=my-vectors
"""


def _seeds(_ctx: click.Context, _parameter: click.Parameter, value: str | None) -> tuple[int, ...]:
    """``0,1,2`` as numbers."""
    if value is None:
        return ()
    if not value.strip():
        raise click.BadParameter("name at least one seed, like 0 or 0,1,2")
    try:
        seeds = tuple(dict.fromkeys(int(part) for part in value.split(",")))
    except ValueError:
        raise click.BadParameter(f"{value!r} is not a list of whole numbers like 0,1,2") from None
    if min(seeds) < 0:
        raise click.BadParameter("seeds are whole numbers from 0 up")
    return seeds


def _batch_size(_ctx: click.Context, _parameter: click.Parameter, value: str) -> int | None:
    """A number, or ``auto``."""
    if value == "auto":
        return None
    if not value.isdigit() or int(value) < 1:
        raise click.BadParameter(f"{value!r} is neither 'auto' nor a whole number from 1 up")
    return int(value)


@click.command(epilog=EXAMPLES)
@click.argument("suite", required=False)
@click.option(
    "-r",
    "--representation",
    "representations",
    multiple=True,
    metavar="NAME",
    help="Only this representation of the suite, or this one besides. Repeatable.",
)
@click.option(
    "-t",
    "--task",
    "tasks",
    multiple=True,
    metavar="NAME",
    help="Only this task of the suite, or this one besides. Repeatable.",
)
@click.option(
    "-o",
    "--option",
    "options",
    multiple=True,
    metavar="KEY=VALUE",
    help="Set an option wherever it is declared; NAME.KEY=VALUE for one entry.",
)
@click.option("--seeds", callback=_seeds, metavar="0,1,2", help="Seeds, instead of the suite's.")
@click.option(
    "--results",
    type=click.Path(path_type=Path),
    default=Path("results"),
    show_default=True,
    help="Where records and leaderboards go, one folder a suite.",
)
@click.option(
    "--data-root",
    type=click.Path(path_type=Path),
    help="One folder a dataset.  [default: MMBENCH_DATA, or ./data]",
)
@click.option(
    "--cache",
    type=click.Path(path_type=Path),
    help="The embedding store.  [default: MMBENCH_CACHE, or the user's cache folder]",
)
@click.option(
    "--device",
    default="auto",
    show_default=True,
    help="cpu, cuda, cuda:1, mps; several by commas are taken in turn.",
)
@click.option(
    "--precision",
    type=click.Choice(["fp32", "bf16", "fp16"]),
    default="fp32",
    show_default=True,
    help="What representations compute in.",
)
@click.option(
    "--batch-size",
    callback=_batch_size,
    default="auto",
    show_default=True,
    metavar="N|auto",
    help="auto starts with the representation's own and halves it when memory runs out.",
)
@click.option("--jobs", type=click.IntRange(1), help="Worker processes.  [default: by device]")
@click.option(
    "--limit",
    type=click.IntRange(1),
    metavar="N",
    help="Only N items of each collection; kept off leaderboards.",
)
@click.option(
    "--resamples",
    type=click.IntRange(1),
    default=10_000,
    show_default=True,
    help="Bootstrap resamples of the 95 % intervals.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(0, min_open=True),
    metavar="SECONDS",
    help="Longest time for one fit, encoding or scoring.",
)
@click.option(
    "--spool-gb",
    type=click.FloatRange(0),
    metavar="GB",
    help="Disk that decoded items may take until the last job has had them; 0 decodes for every "
    "job anew.  [default: a quarter of what is free]",
)
@click.option("--fail-fast", is_flag=True, help="Stop at the first cell that fails.")
@click.option(
    "--strict",
    is_flag=True,
    help="A cell fails that lacks an item, instead of leaving it out.",
)
@click.option("--offline", is_flag=True, help="No socket can be opened.")
@click.option("--dry-run", is_flag=True, help="Show the plan and stop.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables.")
def run(
    suite: str | None,
    representations: tuple[str, ...],
    tasks: tuple[str, ...],
    options: tuple[str, ...],
    seeds: tuple[int, ...],
    results: Path,
    data_root: Path | None,
    cache: Path | None,
    dry_run: bool,
    as_json: bool,
    **how: Any,
) -> int:
    """Run SUITE (a name or a TOML file), or the given tasks on the given representations.

    What is finished already is not done again; what is interrupted goes on where it stopped.
    """
    from mmbench.runner.devices import choose_device
    from mmbench.runner.folders import cache_root
    from mmbench.runner.folders import data_root as data_folder
    from mmbench.runner.overrides import apply_options
    from mmbench.runner.run import Run
    from mmbench.runner.settings import RunSettings

    known = registry()
    base = find_suite(suite, known) if suite is not None else None
    chosen = _chosen(base, representations, tasks, seeds, known)
    chosen = apply_options(chosen, options, known)
    device = choose_device(how.pop("device"))
    jobs = how.pop("jobs") or _default_jobs(device)
    spool = how.pop("spool_gb")
    settings = RunSettings(
        results=results.absolute() / chosen.name,
        cache=cache_root(cache),
        data_root=data_folder(data_root),
        device=device,
        jobs=jobs,
        spool_bytes=None if spool is None else int(spool * 1e9),
        **how,
    )
    if settings.offline:
        from mmbench.runner.offline import forbid_network

        forbid_network()
    running = Run(chosen, known, settings, whole=base)
    from mmbench.cli.reporting import report_outcome, show_plan
    from mmbench.cli.screen import error_console, output_console

    plan = running.plan()
    if dry_run:
        show_plan(plan, as_json=as_json, console=output_console())
        return 0
    outcome = _execute(running, plan, error_console(), quiet=as_json)
    against = (base or chosen).against
    return report_outcome(outcome, settings, error_console(), against=against, as_json=as_json)


def find_suite(name: str, known: Registry) -> Suite:
    """A suite by the path of its file, or by its registered name with what plugins add to it.

    Raises:
        UsageError: There is neither; names the nearest.
    """
    from mmbench.runner.joining import with_joined
    from mmbench.runner.suite import read_suite

    if name.endswith(".toml") or os.sep in name:
        return read_suite(Path(name))
    if name not in known.suites:
        raise UsageError(
            f"there is no suite called {name!r}",
            fix=f"{nearest(name, known.suites, 'known suites')} A suite file ends in .toml.",
        )
    return with_joined(_registered_suite(name, known), name, known)


def _registered_suite(name: str, known: Registry) -> Suite:
    """A suite as the file in its package has it."""
    from mmbench.runner.suite import parse_suite, read_suite

    package, _, inside = known.suites[name].spec.path.partition(":")
    file = resources.files(package).joinpath(inside)
    if not file.is_file():  # an editable install: the suites lie at the top of the repository
        beside = Path(str(resources.files(package))).parent / "benchmarks" / Path(inside).name
        return read_suite(beside)
    return parse_suite(file.read_text("utf-8"), source=str(file), default_name=name)


def _chosen(
    base: Suite | None,
    representations: tuple[str, ...],
    tasks: tuple[str, ...],
    seeds: tuple[int, ...],
    known: Registry,
) -> Suite:
    """The suite that the arguments describe, with every name checked."""
    from mmbench.runner.suite import Suite

    if base is None and not (representations and tasks):
        raise UsageError(
            "nothing to run",
            fix="name a suite (`mmbench run quickstart`), or a representation and a task "
            "(`mmbench run -r NAME -t NAME`)",
        )
    chosen = (base or Suite("adhoc", (), ())).select(representations, tasks, seeds)
    for group, choices in (("tasks", chosen.tasks), ("representations", chosen.representations)):
        for choice in choices:
            if not choice.optional:
                _require(group, choice, chosen.source, known)
        if not choices:
            raise UsageError(
                f"names no {group}", where=chosen.source, fix=f"add a [[{group[:-1]}]]"
            )
    return chosen


def _require(group: str, choice: Any, source: str, known: Registry) -> None:
    """An unknown name is misuse, and says where it stands."""
    try:
        known.find(group, choice.name)
    except UsageError as error:
        where = f"{source}, line {choice.line}" if choice.line else f"-{group[0]} {choice.name}"
        raise UsageError(error.what, where=where, fix=error.fix) from error


def _default_jobs(device: str) -> int:
    """One worker a GPU; on the CPU one a core, up to four models at once."""
    if device.startswith(("cuda", "mps")):
        return device.count(",") + 1
    return min(os.cpu_count() or 1, 4)


def _execute(running: Any, plan: Plan, console: Console, *, quiet: bool) -> Outcome:
    """Do the work under a progress display; an interrupt says what is kept."""
    from mmbench.cli.progress import RunProgress
    from mmbench.cli.reporting import say_interrupted, say_plan

    try:
        for line in plan.damage:  # on standard error, with --json too
            console.print(f"damaged, and made again: {line}", style="yellow", markup=False)
        if not quiet:
            say_plan(plan, console)
        with RunProgress(plan, console, quiet=quiet) as progress:
            outcome: Outcome = running.execute(progress.watch)
        for line in outcome.warnings:
            console.print(f"warning: {line}", style="yellow", markup=False, soft_wrap=True)
    except KeyboardInterrupt:
        say_interrupted(running.outcome(), console)
        raise click.exceptions.Exit(130) from None
    return outcome
