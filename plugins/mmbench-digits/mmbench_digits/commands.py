"""``mmbench digits``: pair real recordings in MHD's layout, and look at representations."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

if TYPE_CHECKING:
    from mmbench.finished import FinishedCell

_FOLDER = click.Path(path_type=Path)
BUILD = """\b
Example:
  mmbench data build paired_digits --mnist mnist --fsdd free-spoken-digit-dataset \\
      --pendigits pendigits --out data/paired_digits
  mmbench run missing-modalities
"""


@click.group()
def digits() -> None:
    """Pair recordings of digits, and look at what was learnt from them.

    ``build`` is ``mmbench data build paired_digits``.
    """


@digits.command(epilog=BUILD)
@click.option("--mnist", required=True, type=_FOLDER, help="Folder with t10k-*-ubyte.gz.")
@click.option("--fsdd", required=True, type=_FOLDER, help="Folder with FSDD's recordings.")
@click.option(
    "--pendigits", required=True, type=_FOLDER, help="Folder with pendigits.tra and .tes."
)
@click.option(
    "--out", required=True, type=_FOLDER, help="Where it goes: <data root>/paired_digits."
)
@click.option(
    "--train", default=400, show_default=True, type=click.IntRange(1), help="Items a digit."
)
@click.option(
    "--test", default=100, show_default=True, type=click.IntRange(1), help="Items a digit."
)
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0), help="Of the pairs.")
@click.option(
    "--test-speaker",
    "speakers",
    multiple=True,
    metavar="NAME",
    help="Speaks in the test items only; again for more.  [default: two, drawn with the seed]",
)
@click.option(
    "--halves",
    default="order",
    show_default=True,
    type=click.Choice(["order", "random"]),
    help="How t10k is halved.",
)
def build(
    mnist: Path,
    fsdd: Path,
    pendigits: Path,
    out: Path,
    train: int,
    test: int,
    seed: int,
    speakers: tuple[str, ...],
    halves: Literal["order", "random"],
) -> None:
    """Pair MNIST's, FSDD's and pendigits' recordings by digit, in MHD's layout.

    Train and test share no speaker and no writer of a trajectory. Images are halves of MNIST's
    test images. The result is not the MHD data set; records and leaderboards say so.
    """
    from mmbench_digits.pairing import Recipe, build

    recipe = Recipe(train, test, seed, speakers, halves)
    with click.progressbar(length=0, label="sounds", file=sys.stderr) as bar:

        def progress(done: int, total: int) -> None:
            bar.length = total
            bar.update(done - bar.pos)

        made = build(mnist, fsdd, pendigits, out, recipe, progress)
    click.echo(f"wrote {made.items['train']} + {made.items['test']} items to {out}")
    click.echo(made.note, nl=False)


PICTURE = """\b
Example:
  mmbench run -r gmc -t paired-digits-dca
  mmbench digits picture results/adhoc -r gmc -t paired-digits-dca --out gmc.svg
"""


@digits.command(epilog=PICTURE)
@click.argument("folder", type=_FOLDER)
@click.option("-r", "--representation", default="", metavar="NAME", help="Only of this one.")
@click.option("-t", "--task", default="", metavar="NAME", help="Only of this DCA task.")
@click.option("--cell-seed", type=int, help="Only of the cell with this seed.")
@click.option("--out", required=True, type=_FOLDER, help="The picture, .svg; beside it a .csv.")
@click.option(
    "--seed", default=0, show_default=True, type=click.IntRange(0, 2**32 - 1), help="Of UMAP."
)
@click.option(
    "--cache",
    type=_FOLDER,
    help="The embedding store.  [default: MMBENCH_CACHE, or the user's cache folder]",
)
def picture(
    folder: Path,
    representation: str,
    task: str,
    cell_seed: int | None,
    out: Path,
    seed: int,
    cache: Path | None,
) -> None:
    """Draw what all streams give beside what each gives alone, of a finished cell in FOLDER.

    UMAP lays out the points that DCA was computed on; its outliers are left out and counted.
    Vectors come from the store: nothing is encoded. Needs umap-learn.
    """
    from mmbench.api import UsageError
    from mmbench.finished import finished_cells
    from mmbench_digits.picture import panels, write_picture

    if out.suffix != ".svg":
        raise UsageError("must end in .svg: beside it comes a .csv", where=f"--out {out}")
    found = finished_cells(folder, representation=representation, task=task, cache=cache)
    if cell_seed is not None:
        found = [cell for cell in found if cell.record.seed == cell_seed]
    cell = _only(found, folder)
    drawn = panels(cell, seed=seed)
    written = write_picture(f"{cell.name}: UMAP, seed {seed}", drawn, out)
    for panel in drawn:
        click.echo("\n".join(panel.said()))
    click.echo(f"{cell.name}: {' and '.join(map(str, written))}")


def _only(cells: list[FinishedCell], folder: Path) -> FinishedCell:
    """The one cell of DCA."""
    from mmbench.api import UsageError

    there = [cell for cell in cells if cell.record.task.protocol == "dca"]
    if len(there) != 1:
        names = ", ".join(cell.name for cell in there) or "none is of DCA"
        raise UsageError(
            f"{len(there)} finished cells match: {names}",
            where=str(folder),
            fix="name one with -r, -t and --cell-seed",
        )
    return there[0]
