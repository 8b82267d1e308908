"""Which devices this machine has, and whether the one that was asked for is among them."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

from mmbench.api import UsageError

__all__ = ["available_devices", "choose_device"]

_NVIDIA = Path("/proc/driver/nvidia/version")


def available_devices() -> list[str]:
    """``cpu``, and what torch sees, if it is installed and imports; imports torch."""
    devices = ["cpu"]
    if find_spec("torch") is None:
        return devices
    try:
        import torch
    except Exception:  # noqa: BLE001 - a broken torch brings no device; `mmbench doctor` names it
        return devices
    devices += [f"cuda:{index}" for index in range(torch.cuda.device_count())]
    if torch.backends.mps.is_available():
        devices.append("mps")
    return devices


def choose_device(asked: str) -> str:
    """The device, or several separated by commas, that ``--device`` stands for.

    ``auto`` is the first GPU that torch sees, else the CPU. torch is only imported where the
    machine could have a GPU or one was asked for.

    Raises:
        UsageError: This machine has no such device.
    """
    if asked == "auto":
        if not (_NVIDIA.exists() or sys.platform == "darwin"):
            return "cpu"
        found = available_devices()
        return "cuda" if "cuda:0" in found else found[-1]
    names = [name.strip() for name in asked.split(",")]
    if set(names) == {"cpu"}:
        return asked
    found = available_devices()
    for name in names:
        if name not in found and not (name == "cuda" and "cuda:0" in found):
            raise UsageError(
                f"there is no device {name!r}",
                where="--device",
                fix=f"this machine has: {', '.join(found)}. `mmbench doctor` says more.",
            )
    return asked
