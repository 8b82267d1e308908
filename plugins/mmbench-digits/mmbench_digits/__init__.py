"""Multimodal handwritten digits for mmbench. Here are the hooks: they import nothing heavy."""

from __future__ import annotations

from mmbench.api import CommandSpec, DatasetSpec, SuiteSpec, TaskSpec, hookimpl

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
    builders = {"paired_digits": "mmbench_digits.commands:build"}
    return [
        DatasetSpec(
            name, f"mmbench_digits.{path}", summary, hint=_HINT, builder=builders.get(name, "")
        )
        for name, (path, summary) in named.items()
    ]


_TASKS = {
    "mhd-missing": (
        "MhdMissing",
        "missing",
        "MHD: digits from every subset of image, sound, trajectory and label",
    ),
    "mhd-dca": ("MhdDca", "dca", "MHD: does a stream alone put digits where all streams do"),
    "paired-digits-missing": (
        "PairedDigitsMissing",
        "missing",
        "MNIST, FSDD and pendigits paired: digits from every subset of the streams",
    ),
    "paired-digits-dca": (
        "PairedDigitsDca",
        "dca",
        "MNIST, FSDD and pendigits paired: does a stream alone put digits where all do",
    ),
}


@hookimpl
def mmbench_tasks() -> list[TaskSpec]:
    """The classifier and DCA, on either set."""
    return [
        TaskSpec(name, f"mmbench_digits.tasks:{path}", summary, protocol, hint=_HINT)
        for name, (path, protocol, summary) in _TASKS.items()
    ]


@hookimpl
def mmbench_suites() -> list[SuiteSpec]:
    """GMC and its rivals where streams are missing, and the same on generated samples."""
    named = {
        "missing-modalities": "Digits, sentiment and DCA where streams are missing",
        "missing-modalities-sample": "The tasks of missing-modalities on generated samples",
    }
    return [
        SuiteSpec(name, f"mmbench_digits:suites/{name}.toml", said) for name, said in named.items()
    ]


@hookimpl
def mmbench_commands() -> list[CommandSpec]:
    """Pairs of recordings, and pictures."""
    path = "mmbench_digits.commands:digits"
    return [CommandSpec("digits", path, "Pair recordings of digits; draw representations.", _HINT)]
