"""The hooks: what this plugin brings, by name. Imports nothing heavy, so listing stays fast."""

from __future__ import annotations

from mmbench.api import DatasetSpec, hookimpl

#: The version of mmbench's contracts that this plugin is written for.
MMBENCH_API_VERSION = 1

_HINT = "pip install av pillow soundfile"


@hookimpl
def mmbench_datasets() -> list[DatasetSpec]:
    """The readers; each has the folder of its name under the data root."""
    package = "mmbench_audiovisual"
    return [
        DatasetSpec(
            "ave", f"{package}.ave:Ave", "AVE: 4,143 events in ten-second videos", hint=_HINT
        ),
    ]
