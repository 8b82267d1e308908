"""``mmbench digits``: pair real recordings in MHD's layout, and look at representations."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

_FOLDER = click.Path(path_type=Path)
BUILD = """\b
Example:
  mmbench digits build --mnist mnist --fsdd free-spoken-digit-dataset \\
      --pendigits pendigits --out data/paired_digits
  mmbench run missing-modalities
"""


@click.group()
def digits() -> None:
    """Pair recordings of digits, and look at what was learnt from them."""


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
    made = build(mnist, fsdd, pendigits, out, recipe)
    click.echo(f"wrote {made.items['train']} + {made.items['test']} items to {out}")
    click.echo(made.note, nl=False)
