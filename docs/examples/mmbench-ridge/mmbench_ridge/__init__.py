"""The plugin mmbench-ridge for mmbench: what it brings, by name.

Listing imports this file, so it imports nothing heavy: the classes stay in modules of their own.
"""

from __future__ import annotations

from mmbench.api import RepresentationSpec, hookimpl

#: The version of mmbench's contracts that this plugin is written for.
MMBENCH_API_VERSION = 1


@hookimpl
def mmbench_representations() -> list[RepresentationSpec]:
    """The representations, each under a name of its own; several may share a class."""
    path = "mmbench_ridge.representation:RidgeEncoder"
    return [
        RepresentationSpec(
            "ridge",
            path,
            "A representation of pictures and texts",
            # Gives it a row in `mmbench run quickstart`, where a new plugin can be seen to work.
            # Take this out before you publish it: those who install it may not want that row.
            joins=("quickstart",),
        ),
        # The same class with other options, under a second name:
        # RepresentationSpec(
        #     "ridge-fine", path, "In more detail", options={"cells": 16}
        # ),
    ]
