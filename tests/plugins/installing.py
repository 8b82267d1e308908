"""Installs plugins for tests: a package and its metadata in a folder that goes on the path."""

from __future__ import annotations

import os
import shutil
import tomllib
from pathlib import Path

__all__ = ["BROKEN", "PLUGINS", "environment", "install", "write_metadata"]

#: The folder with the distributions.
PLUGINS = Path(__file__).resolve().parent
#: Those that are broken before anything runs.
BROKEN = tuple(sorted(path.name for path in PLUGINS.glob("mmbench-broken-*")))


def write_metadata(site: Path, pyproject: str) -> None:
    """Write the ``dist-info`` folder that an installer makes of a project's ``pyproject.toml``."""
    project = tomllib.loads(pyproject)["project"]
    info = site / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir(parents=True)
    head = ["Metadata-Version: 2.4", f"Name: {project['name']}", f"Version: {project['version']}"]
    head += [f"Requires-Dist: {each}" for each in project.get("dependencies", [])]
    (info / "METADATA").write_text("\n".join([*head, "", "A plugin for tests.", ""]))
    points = [
        f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in each.items())
        for group, each in project["entry-points"].items()
    ]
    (info / "entry_points.txt").write_text("\n".join(points))


def install(site: Path, *distributions: str) -> Path:
    """Install distributions of this folder; returns the folder, which belongs on ``sys.path``."""
    for name in distributions:
        write_metadata(site, (PLUGINS / name / "pyproject.toml").read_text())
        package = name.replace("-", "_")
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(PLUGINS / name / package, site / package, ignore=ignore)
    return site


def environment(site: Path, **extra: str) -> dict[str, str]:
    """The environment of a subprocess that sees what is installed there."""
    inherited = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    paths = [str(site), str(PLUGINS.parents[1]), *inherited]
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(paths),
        "MMBENCH_DATA": str(site / "no-data"),
        **extra,
    }
