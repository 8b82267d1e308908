"""The plugin mmbench-handwriting for mmbench: what it brings, by name.

Listing imports this file, so it imports nothing heavy: the classes stay in modules of their own.
"""

from __future__ import annotations

from mmbench.api import DatasetSpec, TaskSpec, hookimpl

#: The version of mmbench's contracts that this plugin is written for.
MMBENCH_API_VERSION = 1


@hookimpl
def mmbench_datasets() -> list[DatasetSpec]:
    """The readers of data; each has the folder of its name under the data root."""
    path = "mmbench_handwriting.dataset:HandwritingDataset"
    return [
        DatasetSpec(
            "handwriting",
            path,
            "Pictures with a label and a caption each",
        ),
    ]


@hookimpl
def mmbench_tasks() -> list[TaskSpec]:
    """The tasks, each under a name of its own; several may share a class."""
    path = "mmbench_handwriting.task:HandwritingTask"
    return [
        TaskSpec(
            "handwriting",
            path,
            "Pictures are named by prompts",
            protocol="zero-shot",
            # Gives it a board in `mmbench run quickstart`, where a new plugin can be seen to work.
            # Take this out before you publish it: those who install it may not want that board.
            joins=("quickstart",),
        ),
    ]
