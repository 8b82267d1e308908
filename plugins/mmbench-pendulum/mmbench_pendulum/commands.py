"""``mmbench data build pendulum``: generate the data of the study."""

from __future__ import annotations

from pathlib import Path

import click

_EPILOG = """\b
Example:
  mmbench data build pendulum --out data/pendulum
  mmbench run pendulum
"""


@click.command(epilog=_EPILOG)
@click.option("--out", required=True, type=click.Path(path_type=Path), help="<data root>/pendulum.")
@click.option(
    "--train", default=20_000, show_default=True, type=click.IntRange(1), help="Training items."
)
@click.option(
    "--test", default=2_000, show_default=True, type=click.IntRange(1), help="Items to test on."
)
@click.option(
    "--seed", default=42, show_default=True, type=click.IntRange(0), help="Of torques and starts."
)
def build(out: Path, train: int, test: int, seed: int) -> None:
    """Generate pictures and Doppler sounds of a pendulum under random torques.

    The numbers of items and the seed are the paper's. The same seed gives the same files, with the
    same gymnasium and pygame.
    """
    from mmbench.api import UsageError
    from mmbench_pendulum.recording import FILES, record, write

    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError("is not empty", where=str(out), fix="choose another --out, or delete it")
    out.mkdir(parents=True, exist_ok=True)
    recordings = {}
    for split, (name, count) in enumerate((("train", train), ("test", test))):
        with click.progressbar(length=count, label=name) as bar:
            recordings[name] = record(count, seed, split, lambda _done, _total: bar.update(1))
    for name, recording in recordings.items():  # both or, where it is stopped, an empty folder
        write(out / FILES[name], recording)
    click.echo(f"wrote {train} + {test} items to {out}")
