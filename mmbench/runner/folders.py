"""Where mmbench keeps what it computes, and where it looks for data."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["cache_root", "data_root"]


def cache_root(given: str | Path | None = None) -> Path:
    """The store's folder: the argument, ``MMBENCH_CACHE``, or the user's cache folder."""
    chosen = given or os.environ.get("MMBENCH_CACHE")
    if chosen:
        return Path(chosen).expanduser().absolute()
    import platformdirs

    return Path(platformdirs.user_cache_dir("mmbench", appauthor=False))


def data_root(given: str | Path | None = None) -> Path:
    """The data root, one folder a dataset: the argument, ``MMBENCH_DATA``, or ``./data``."""
    return Path(given or os.environ.get("MMBENCH_DATA") or "data").expanduser().absolute()
