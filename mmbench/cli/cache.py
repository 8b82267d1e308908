"""``mmbench cache``: size, verify and prune the store."""

from __future__ import annotations

import json
from pathlib import Path

import click

__all__ = ["cache"]

EXAMPLES = """\b
Examples:
  mmbench cache size
  mmbench cache verify
  mmbench cache prune --older-than 30 --dry-run
"""

_cache = click.option(
    "--cache",
    "folder",
    type=click.Path(path_type=Path),
    help="The store.  [default: MMBENCH_CACHE, or the user's cache folder]",
)


@click.group(epilog=EXAMPLES)
def cache() -> None:
    """Look after the embedding store."""


@cache.command(epilog="\b\nExample:\n  mmbench cache size --json")
@_cache
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
def size(folder: Path | None, as_json: bool) -> None:
    """Say what the store holds and how much room it takes."""
    from mmbench.runner.folders import cache_root
    from mmbench.runner.housekeeping import summarise

    root = cache_root(folder)
    spaces = summarise(root)
    total = sum(space.bytes for space in spaces)
    if as_json:
        rows = [{"about": s.about, "items": s.items, "bytes": s.bytes} for s in spaces]
        click.echo(json.dumps({"root": str(root), "bytes": total, "spaces": rows}, indent=1))
        return
    for space in spaces:
        name = space.about.get("representation", "?")
        slots = "+".join(space.about.get("slots", []))
        click.echo(
            f"{space.bytes / 1e6:10.1f} MB  {space.items:9d} items  "
            f"{name}  {space.about.get('kind', '?')} of {slots or '?'}"
        )
    click.echo(f"{total / 1e6:10.1f} MB in {len(spaces)} spaces under {root}")


@cache.command(epilog="\b\nExample:\n  mmbench cache verify --keep")
@_cache
@click.option("--keep", is_flag=True, help="Only report; don't remove damaged shards.")
def verify(folder: Path | None, keep: bool) -> int:
    """Check every checksum; damaged shards are removed and computed again when needed."""
    from mmbench.runner.folders import cache_root
    from mmbench.runner.housekeeping import verify as verify_store

    damage = verify_store(cache_root(folder), mend=not keep)
    for found in damage:
        click.echo(f"{'kept' if keep else 'removed'} {found.shard}: {found.reason}")
    said = "1 damaged shard" if len(damage) == 1 else f"{len(damage)} damaged shards"
    click.echo(said if damage else "all shards are whole")
    return 1 if damage and keep else 0


@cache.command(epilog="\b\nExample:\n  mmbench cache prune --older-than 30 --dry-run")
@_cache
@click.option("--older-than", type=click.FloatRange(0), default=90.0, show_default=True,
              metavar="DAYS", help="Spaces that were not written to for so long.")  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Say what would go.")
def prune(folder: Path | None, older_than: float, dry_run: bool) -> None:
    """Remove what was not added to for a while; it is computed again when needed."""
    from mmbench.runner.folders import cache_root
    from mmbench.runner.housekeeping import prune as prune_store

    spaces, freed = prune_store(cache_root(folder), older_than_days=older_than, dry_run=dry_run)
    verb = "would remove" if dry_run else "removed"
    noun = "space" if spaces == 1 else "spaces"
    click.echo(f"{verb} {spaces} {noun}, {freed / 1e6:.1f} MB")
