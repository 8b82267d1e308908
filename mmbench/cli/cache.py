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


_json = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")


@click.group(epilog=EXAMPLES)
def cache() -> None:
    """Look after the embedding store."""


@cache.command(epilog="\b\nExample:\n  mmbench cache size --json")
@_cache
@_json
def size(folder: Path | None, as_json: bool) -> None:
    """Say what the store holds and how much room it takes."""
    from mmbench.runner.folders import cache_root
    from mmbench.runner.housekeeping import others, summarise

    root = cache_root(folder)
    spaces, rest = summarise(root), others(root)
    total = sum(space.bytes for space in spaces) + sum(each.bytes for each in rest)
    if as_json:
        rows = [{"about": s.about, "items": s.items, "bytes": s.bytes} for s in spaces]
        said = {
            "root": str(root),
            "bytes": total,
            "spaces": rows,
            "others": {each.name: {"count": each.count, "bytes": each.bytes} for each in rest},
        }
        click.echo(json.dumps(said, indent=1))
        return
    for space in spaces:
        name = space.about.get("representation", "?")
        slots = "+".join(space.about.get("slots", []))
        click.echo(
            f"{space.bytes / 1e6:10.1f} MB  {space.items:9d} items  "
            f"{name}  {space.about.get('kind', '?')} of {slots or '?'}"
        )
    for each in rest:
        if each.count:
            click.echo(f"{each.bytes / 1e6:10.1f} MB  {each.name} ({each.count})")
    spaces_said = _many(len(spaces), "space")
    click.echo(f"{total / 1e6:10.1f} MB in {spaces_said} of vectors and the rest, under {root}")


@cache.command(epilog="\b\nExample:\n  mmbench cache verify --keep")
@_cache
@click.option("--keep", is_flag=True, help="Only report; don't remove damaged shards.")
@_json
def verify(folder: Path | None, keep: bool, as_json: bool) -> int:
    """Check every checksum; damaged shards are removed and computed again when needed.

    Exit code 1 if a damaged shard is still there.
    """
    from mmbench.runner.folders import cache_root
    from mmbench.runner.housekeeping import verify as verify_store

    root = cache_root(folder)
    found = verify_store(root, mend=not keep)
    left = sum(not each.mended for each in found)
    if as_json:
        shards = [
            {"shard": str(e.damage.shard), "reason": e.damage.reason, "removed": e.mended}
            for e in found
        ]
        click.echo(json.dumps({"root": str(root), "damaged": shards}, indent=1))
        return 1 if left else 0
    for each in found:
        verb = "removed" if each.mended else "kept"
        click.echo(f"{verb} {each.damage.shard}: {each.damage.reason}")
    click.echo(_many(len(found), "damaged shard") if found else "all shards are whole")
    return 1 if left else 0


@cache.command(epilog="\b\nExample:\n  mmbench cache prune --older-than 30 --dry-run")
@_cache
@click.option("--older-than", type=click.FloatRange(0), default=90.0, show_default=True,
              metavar="DAYS", help="What was not written to for so long.")  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Say what would go.")
@_json
def prune(folder: Path | None, older_than: float, dry_run: bool, as_json: bool) -> None:
    """Remove what was not added to for a while; it is computed again when needed.

    Vectors, trained states, what interactions gave, inputs of scoring and checkpoints go by age;
    leftovers of killed runs go in any case. `mmbench score` can't score what was pruned:
    `mmbench run` can.
    """
    from dataclasses import asdict

    from mmbench.runner.folders import cache_root
    from mmbench.runner.housekeeping import prune as prune_store

    root = cache_root(folder)
    done = prune_store(root, older_than_days=older_than, dry_run=dry_run)
    if as_json:
        click.echo(json.dumps({"root": str(root), "dry_run": dry_run, **asdict(done)}, indent=1))
        return
    counts = {"space": done.spaces, "trained state": done.states,
              "interaction": done.interactions, "scoring input": done.bundles,
              "checkpoint": done.checkpoints}  # fmt: skip
    what = ", ".join(_many(count, noun) for noun, count in counts.items())
    click.echo(f"{'would remove' if dry_run else 'removed'} {what}: {done.bytes / 1e6:.1f} MB")


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
