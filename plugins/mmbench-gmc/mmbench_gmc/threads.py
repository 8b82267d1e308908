"""Threads on the CPU: one, so that the number of workers or cores changes no digit."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch

from mmbench.api import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["VARIABLE", "own_threads", "thread_count"]

#: Names the number of threads of a process that trains or encodes.
VARIABLE = "MMBENCH_GMC_THREADS"


def thread_count() -> int:
    """One, or what the process was started with.

    Raises:
        UsageError: The variable holds no number of threads.
    """
    given = os.environ.get(VARIABLE, "1")
    if not given.isdecimal() or int(given) < 1:
        raise UsageError(f"{VARIABLE} is {given!r}, and should be 1 or more", where="mmbench-gmc")
    return int(given)


@contextmanager
def own_threads(device: str) -> Iterator[None]:
    """Compute on :func:`thread_count` threads while the block lasts, if it is the CPU that does.

    The last digits of a product or a mean follow the number of threads, and a training makes them
    the first ones: with the same number the same seed gives the same bits.
    """
    before = torch.get_num_threads()
    if torch.device(device).type == "cpu":
        torch.set_num_threads(thread_count())
    try:
        yield
    finally:
        torch.set_num_threads(before)
