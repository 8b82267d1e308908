"""Checkpoints: the tensors of ULIP's and SLIP's files, whole or by parts, and in their modules."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING

from mmbench.api.weights import load_weights, read_weights

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import torch

__all__ = ["load_into", "part_of", "read_state"]

_COUNTER = ".num_batches_tracked"


def read_state(path: Path) -> dict[str, torch.Tensor]:
    """The tensors of a file of weights, by name.

    ULIP and SLIP keep them under ``state_dict``, beside the optimizer and the arguments of the
    training run. Nothing in the file is executed.

    Raises:
        DataError: The file is broken, or holds something else than tensors.
    """
    return read_weights(path, plain=[Namespace])


def part_of(state: Mapping[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    """The tensors whose names begin with a prefix, without it."""
    return {name[len(prefix) :]: state[name] for name in state if name.startswith(prefix)}


def load_into(
    module: torch.nn.Module, state: Mapping[str, torch.Tensor], *, where: str, fix: str
) -> None:
    """Load a state into a module; every tensor must find its place, but counters of steps.

    Args:
        module: Built for the sizes of the state, or of a config.
        state: By the module's names.
        where: The file, for messages.
        fix: What to do if it does not fit.

    Raises:
        DataError: It is of another architecture: says which names and shapes don't fit.
    """
    counted = {name: value for name, value in state.items() if not name.endswith(_COUNTER)}
    load_weights(
        module, counted, where=where, fix=fix, optional=lambda name: name.endswith(_COUNTER)
    )
