"""Multimodal handwritten digits for mmbench. Here are the hooks: they import nothing heavy."""

from __future__ import annotations

from mmbench.api import CommandSpec, DatasetSpec, hookimpl

#: The version of mmbench's contracts that this plugin is written for.
MMBENCH_API_VERSION = 1

_HINT = "pip install torch"


@hookimpl
def mmbench_datasets() -> list[DatasetSpec]:
    """The readers; each has the folder of its name under the data root."""
    named = {
        "mhd": ("mhd:Mhd", "MHD: 60,000 digits as image, sound, trajectory and label"),
        "paired_digits": (
            "mhd:PairedDigits",
            "MNIST, FSDD and pendigits paired by digit, in MHD's layout; not MHD",
        ),
    }
    return [
        DatasetSpec(name, f"mmbench_digits.{path}", summary, hint=_HINT)
        for name, (path, summary) in named.items()
    ]


@hookimpl
def mmbench_commands() -> list[CommandSpec]:
    """Pairs of recordings, and pictures."""
    path = "mmbench_digits.commands:digits"
    return [CommandSpec("digits", path, "Pair recordings of digits; draw representations.", _HINT)]
