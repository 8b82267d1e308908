"""Checkpoints: reads a file of weights safely, and loads it into a module or says what is wrong."""

from __future__ import annotations

import pickle
import zipfile
from argparse import Namespace
from typing import TYPE_CHECKING, Any

from mmbench.api import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import torch

__all__ = ["load_into", "part_of", "read_state"]

_SHOWN = 4
_COUNTER = ".num_batches_tracked"


def read_state(path: Path) -> dict[str, torch.Tensor]:
    """The tensors of a file of weights, by name.

    ``.safetensors``, or what ``torch.save`` wrote: a plain state dict or one under ``state_dict``
    (where ULIP and SLIP keep it, beside the optimizer and the arguments of the training run), with
    or without ``module.`` before each name. Nothing in the file is executed.

    Raises:
        DataError: The file is broken, or holds something else than tensors.
    """
    import torch

    raw = _read_safetensors(path) if path.suffix == ".safetensors" else _read_pickle(path)
    if isinstance(raw, dict) and isinstance(raw.get("state_dict"), dict):
        raw = raw["state_dict"]
    if not isinstance(raw, dict) or not raw:
        raise DataError(f"holds no weights but a {type(raw).__name__}", where=str(path))
    state = {str(name): value for name, value in raw.items() if isinstance(value, torch.Tensor)}
    if not state:
        keys = ", ".join(str(key) for key in list(raw)[:_SHOWN])
        raise DataError(
            f"holds no weights, but {keys}", where=str(path),
            fix="it should be a state dict, or have one under the key state_dict",
        )  # fmt: skip
    if all(name.startswith("module.") for name in state):
        state = {name.removeprefix("module."): value for name, value in state.items()}
    return state


def part_of(state: Mapping[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    """The tensors whose names begin with a prefix, without it."""
    return {name[len(prefix) :]: state[name] for name in state if name.startswith(prefix)}


def load_into(
    module: torch.nn.Module, state: Mapping[str, torch.Tensor], *, where: str, fix: str
) -> None:
    """Load a state into a module; every tensor must find its place.

    Args:
        module: Built for the sizes of the state, or of a config.
        state: By the module's names; counters of training steps may lack.
        where: The file, for messages.
        fix: What to do if it does not fit.

    Raises:
        DataError: It is of another architecture: says which names and shapes don't fit.
    """
    wanted = {
        name: value for name, value in module.state_dict().items() if not name.endswith(_COUNTER)
    }
    state = {name: value for name, value in state.items() if not name.endswith(_COUNTER)}
    problems = [
        listed("the model has no", [name for name in state if name not in wanted]),
        listed("the file lacks", [name for name in wanted if name not in state]),
        listed(
            "other shapes:",
            [
                f"{name} is {list(state[name].shape)}, not {list(wanted[name].shape)}"
                for name in wanted
                if name in state and state[name].shape != wanted[name].shape
            ],
        ),
    ]
    if any(problems):
        raise DataError(
            f"the weights are of another architecture: {'; '.join(filter(None, problems))}",
            where=where, fix=fix,
        )  # fmt: skip
    module.load_state_dict(state, strict=False)  # all but the counters is there


def listed(what: str, names: list[str]) -> str:
    """``the file lacks a, b and 3 more``, or nothing."""
    if not names:
        return ""
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{what} {', '.join(names[:_SHOWN])}{more}"


def _read_safetensors(path: Path) -> Any:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path, device="cpu")
    except (SafetensorError, OSError) as error:
        raise DataError(f"is no safetensors file: {error}", where=str(path)) from error


def _read_pickle(path: Path) -> Any:
    import torch

    try:
        with torch.serialization.safe_globals([Namespace, *_numpy_numbers()]):
            # The optimizer's state is in the file as well: mapped, it is never read.
            return torch.load(
                path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path)
            )
    except pickle.UnpicklingError as error:
        what = str(error).partition("GLOBAL ")[2].partition(" was not")[0]
        held = f": it wants to run {what}" if what else ""
        raise DataError(
            f"is refused{held}, which is more than weights", where=str(path),
            fix="only tensors are read from it. If you trust the file, load it yourself and save "
            "its state dict with safetensors.torch.save_file",
        ) from error  # fmt: skip
    except (RuntimeError, EOFError, OSError, ValueError, KeyError) as error:
        first = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise DataError(f"can't be read: {first}", where=str(path)) from error


def _numpy_numbers() -> list[Any]:
    """NumPy numbers, such as the best score so far: plain values beside the weights."""
    import numpy as np

    scalar = np.float64(0).__reduce__()[0]
    names = ("numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar")
    kinds = {type(np.dtype(code)) for code in ("f4", "f8", "i4", "i8", "bool")}
    return [*((scalar, name) for name in names), np.dtype, *kinds]
