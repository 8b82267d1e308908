"""One thread on the CPU: so the number of workers or cores changes no digit."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["one_thread"]


@contextmanager
def one_thread(device: str) -> Iterator[None]:
    """Compute on one thread while the block lasts, if it is the CPU that computes.

    The last digits of a product or a mean follow the number of threads, and a training makes them
    the first ones. Heads are small: more threads gain little.
    """
    before = torch.get_num_threads()
    if torch.device(device).type == "cpu":
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
