"""Makes the plugin visible to workers and subprocesses: a dist-info folder on the path."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["SOURCE", "environment", "install"]

#: The folder that holds the package.
SOURCE = Path(__file__).resolve().parent.parent


def install(folder: Path) -> list[str]:
    """Write the metadata of an installed distribution; returns what belongs on ``sys.path``."""
    info = folder / "mmbench_faulty-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mmbench-faulty\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[mmbench]\nfaulty = mmbench_faulty.plugin\n")
    return [str(folder), str(SOURCE)]


def environment(folder: Path, **extra: str) -> dict[str, str]:
    """The environment of a subprocess that sees the plugin (its metadata is made if need be)."""
    paths = install(folder) if not folder.exists() else [str(folder), str(SOURCE)]
    root = SOURCE.parents[2]
    inherited = [p for p in os.environ.get("PYTHONPATH", "").split(os.pathsep) if p]
    # Only this plugin and the built-in one: what else is installed is not under test.
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([*paths, str(root), *inherited]),
        "MMBENCH_LOAD_PLUGINS": "faulty",
        "MMBENCH_DATA": str(folder / "no-data"),
        **extra,
    }
