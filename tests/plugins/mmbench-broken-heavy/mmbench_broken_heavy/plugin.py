"""Works, and makes every command wait for pandas."""

from __future__ import annotations

import pandas as pd

from mmbench.api import RepresentationSpec, hookimpl


@hookimpl
def mmbench_representations() -> list[RepresentationSpec]:
    """Say which pandas it was built with."""
    path = "mmbench.builtin.representations.random:Random"
    return [RepresentationSpec("broken-heavy", path, f"Random, by pandas {pd.__version__}")]
