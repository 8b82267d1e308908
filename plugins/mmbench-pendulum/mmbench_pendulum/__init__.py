"""GMC's Pendulum study for mmbench. Here are the hooks: they import nothing heavy."""

from __future__ import annotations

from mmbench.api import DatasetSpec, SuiteSpec, TaskSpec, hookimpl

#: The version of mmbench's contracts that this plugin is written for.
MMBENCH_API_VERSION = 1

_HINT = 'pip install "gymnasium>=1.0" pygame torch'
_CONTROL = "mmbench_pendulum.control:PendulumControl"
#: The paper's budget; the class's own is a reduced one.
_PAPER = {
    "frames": 20_000, "steps": 150_000, "warm_up": 25_000, "noise_steps": 100_000,
}  # fmt: skip


@hookimpl
def mmbench_datasets() -> list[DatasetSpec]:
    """Pictures and sounds of a pendulum."""
    return [
        DatasetSpec(
            "pendulum", "mmbench_pendulum.dataset:Pendulum",
            "A pendulum's pictures and Doppler sounds, generated with gymnasium", hint=_HINT,
            builder="mmbench_pendulum.commands:build",
        ),
    ]  # fmt: skip


@hookimpl
def mmbench_tasks() -> list[TaskSpec]:
    """The controller, with a reduced budget and with the paper's, and DCA."""
    return [
        TaskSpec(
            "pendulum-control-reduced", _CONTROL,
            "Pendulum: reward of a controller on codes of image, sound and both; reduced budget",
            "control", hint=_HINT,
        ),
        TaskSpec(
            "pendulum-control", _CONTROL,
            "Pendulum: reward of a controller on codes of image, sound and both; paper's budget",
            "control", options=_PAPER, hint=_HINT,
        ),
        TaskSpec(
            "pendulum-dca", "mmbench_pendulum.components:PendulumDca",
            "Pendulum: does a stream alone put states where both do", "dca", hint=_HINT,
        ),
    ]  # fmt: skip


@hookimpl
def mmbench_suites() -> list[SuiteSpec]:
    """GMC and its rivals under one controller, and the same in a minute on a sample."""
    named = {
        "pendulum": "GMC, MVAE and MUSE under one controller of a pendulum, reduced budget",
        "pendulum-sample": "The tasks of pendulum on a generated sample, to try them out",
    }
    return [
        SuiteSpec(name, f"mmbench_pendulum:suites/{name}.toml", said)
        for name, said in named.items()
    ]
