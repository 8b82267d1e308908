"""Peak memory of this process, job by job (Linux)."""

from __future__ import annotations

import contextlib
from pathlib import Path

__all__ = ["forget_peak_memory", "peak_memory"]

_PROCESS = Path("/proc/self")
#: What makes Linux forget the peak (``man 5 proc``).
_RESET = "5"


def forget_peak_memory() -> bool:
    """Start to measure anew; False where that can't be done (not Linux, a locked-down /proc).

    A peak that was not reset is that of some earlier job, and says nothing.
    """
    with contextlib.suppress(OSError):
        (_PROCESS / "clear_refs").write_text(_RESET)
        return True
    return False


def peak_memory() -> float | None:
    """Highest resident memory since :func:`forget_peak_memory`, in MB; None where unknown.

    ``getrusage`` is no substitute: its maximum is that of the whole life of the process, earlier
    jobs included.
    """
    with contextlib.suppress(OSError, ValueError, IndexError):
        for line in (_PROCESS / "status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return round(int(line.split()[1]) / 1024, 1)
    return None
