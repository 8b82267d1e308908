"""Where a number came from: versions of everything that had a hand in it."""

from __future__ import annotations

import platform
import subprocess
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from mmbench import __version__
from mmbench.results.record import Environment

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mmbench.registry import PluginInfo

__all__ = ["ARRAY_LIBRARIES", "describe_environment", "installed_version"]

ARRAY_LIBRARIES = ("numpy", "scipy", "scikit-learn", "pandas", "pyarrow", "torch", "jax")


def describe_environment(plugins: Iterable[PluginInfo] = ()) -> Environment:
    """Versions of Python, the system, mmbench, the array libraries and these plugins."""
    packages = {name: found for name in ARRAY_LIBRARIES if (found := installed_version(name))}
    packages.update({p.distribution: p.version for p in plugins if p.distribution != "?"})
    return Environment(
        python=platform.python_version(),
        platform=platform.platform(),
        mmbench=__version__,
        packages=packages,
        git_commit=_git_commit(),
    )


@lru_cache
def installed_version(distribution: str) -> str | None:
    """Version of an installed distribution, without importing it."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


@lru_cache
def _git_commit() -> str | None:
    """Commit of mmbench's own checkout, if it runs from one; ``+`` where files were changed."""
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return None
    try:
        head = _git(root, "rev-parse", "HEAD")
        changed = _git(root, "status", "--porcelain", "--untracked-files=no", "--", "mmbench")
    except (OSError, subprocess.SubprocessError):
        return None
    return f"{head}+" if changed else head


def _git(root: Path, *arguments: str) -> str:
    command = ["git", "-C", str(root), *arguments]  # fixed words, no shell
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10)  # noqa: S603
    return done.stdout.strip()
