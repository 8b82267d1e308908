"""``mmbench audiovisual``: pictures of what a localization task scored."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from mmbench.finished import FinishedCell

EXAMPLES = """\b
Examples:
  mmbench run -r NAME -t vggss-localization
  mmbench audiovisual overlays results/adhoc -t vggss-localization --out pictures
"""


@click.group()
def audiovisual() -> None:
    """Look at what audio-visual tasks scored."""


@audiovisual.command(epilog=EXAMPLES)
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("-r", "--representation", default="", metavar="NAME", help="Only of this one.")
@click.option("-t", "--task", default="", metavar="NAME", help="Only of this localization task.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Where they go.")
@click.option(
    "--items", default=18, show_default=True, type=click.IntRange(1), help="The first so many."
)
@click.option(
    "--cache",
    type=click.Path(path_type=Path),
    help="The embedding store.  [default: MMBENCH_CACHE, or the user's cache folder]",
)
@click.option(
    "--data-root",
    type=click.Path(path_type=Path),
    help="One folder a dataset.  [default: MMBENCH_DATA, or ./data]",
)
def overlays(
    folder: Path,
    representation: str,
    task: str,
    out: Path,
    items: int,
    cache: Path | None,
    data_root: Path | None,
) -> None:
    """Draw heat map, prediction and ground truth over the frames of a finished cell in FOLDER.

    The heat map goes from blue to red. White borders what counts as predicted, at the threshold
    that was used, or the chosen box; green what is annotated. Vectors come from the store, frames
    from the dataset; nothing is encoded. One picture an item, and all of them in sheet.png.
    """
    from mmbench.finished import finished_cells
    from mmbench_audiovisual.overlays import write_overlays

    found = finished_cells(
        folder, representation=representation, task=task, cache=cache, data_root=data_root
    )
    cell = _only(found, folder)
    count = write_overlays(cell, out, items=items)
    click.echo(f"{cell.name}: {count} pictures in {out}")


def _only(cells: list[FinishedCell], folder: Path) -> FinishedCell:
    """The one cell of localization."""
    from mmbench.api import UsageError

    there = [cell for cell in cells if cell.record.task.protocol == "localization"]
    if len(there) != 1:
        names = ", ".join(cell.name for cell in there) or "none is of localization"
        raise UsageError(
            f"{len(there)} finished cells match: {names}",
            where=str(folder),
            fix="name one with -r and -t",
        )
    return there[0]
