"""Checkpoints: reads a file of weights safely, and loads it into a model or says what is wrong."""

from __future__ import annotations

import pickle
import zipfile
from typing import TYPE_CHECKING, Any

from mmbench.api import DataError
from mmbench_clap.conversion import (
    Form,
    form_of,
    is_constant,
    is_unused,
    to_laion,
    to_transformers,
)

if TYPE_CHECKING:
    from pathlib import Path

    import torch

__all__ = ["load_into", "read_state"]

_SHOWN = 4
#: What training loops put before every name.
_WRAPPERS = ("module.", "model.")


def read_state(path: Path) -> dict[str, torch.Tensor]:
    """The tensors of a file of weights, by name: laion_clap's names, or those of transformers.

    ``.safetensors``, or what ``torch.save`` wrote: a plain state dict or one under ``state_dict``,
    with or without ``module.`` before each name. Nothing in the file is executed.

    Raises:
        DataError: The file is broken, or holds something else than the weights of a CLAP.
    """
    import torch

    raw = _read_safetensors(path) if path.suffix == ".safetensors" else _read_pickle(path)
    if isinstance(raw, dict) and isinstance(raw.get("state_dict"), dict):
        raw = raw["state_dict"]
    if not isinstance(raw, dict):
        raise DataError(f"holds no weights but a {type(raw).__name__}", where=str(path))
    state = {str(name): value for name, value in raw.items() if isinstance(value, torch.Tensor)}
    while wrapper := next((w for w in _WRAPPERS if state and all(n.startswith(w) for n in state)),
                          None):  # fmt: skip
        state = {name.removeprefix(wrapper): value for name, value in state.items()}
    if form_of(state) is None:
        keys = ", ".join(str(key) for key in list(raw)[:_SHOWN]) or "nothing"
        raise DataError(
            f"holds no weights of a CLAP, but {keys}", where=str(path),
            fix="it should be a state dict of laion_clap (audio_branch.*, text_branch.*) or of "
            "transformers' ClapModel, or have one under the key state_dict",
        )  # fmt: skip
    return state


def load_into(
    model: torch.nn.Module, form: Form, state: dict[str, torch.Tensor], *, where: str
) -> None:
    """Load a state into a model built from its config; every tensor must find its place.

    Args:
        model: Has the names of ``form``.
        form: The model's.
        state: In either form.
        where: The file, for messages.

    Raises:
        DataError: It is of another architecture: says which names and shapes don't fit.
    """
    if form_of(state) != form:
        state = to_laion(state) if form == "laion" else to_transformers(state)
    wanted = model.state_dict()
    state = {name: value for name, value in state.items() if name in wanted or not is_unused(name)}
    lacking = [
        name
        for name in wanted
        if name not in state and not is_unused(name) and not is_constant(name)
    ]
    other = [
        f"{name} is {list(state[name].shape)}, not {list(wanted[name].shape)}"
        for name in wanted
        if name in state and state[name].shape != wanted[name].shape
    ]
    strange = [name for name in state if name not in wanted]
    problems = [
        _listed("the model has no", strange),
        _listed("the file lacks", lacking),
        _listed("other shapes:", other),
    ]
    problems = [each for each in problems if each]
    if problems:
        raise DataError(
            f"the weights are of another architecture: {'; '.join(problems)}", where=where,
            fix=_advice(strange, lacking, other),
        )  # fmt: skip
    model.load_state_dict(state, strict=False)


def _advice(strange: list[str], lacking: list[str], other: list[str]) -> str:
    """Which option is probably wrong."""
    fused = "patch_embed.fusion_model"
    if any(fused in name for name in strange):
        return "it was trained with feature fusion: -o fusion=true"
    if any(fused in name for name in lacking):
        return "it was trained without feature fusion: -o fusion=false"
    if (strange or lacking or other) and all(
        name.startswith("text_") for name in (*strange, *lacking, *other)
    ):
        return "name the text model that it was trained with: -o text_model=FOLDER"
    return "name the audio encoder that it was trained with: -o amodel=HTSAT-base"


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
        with torch.serialization.safe_globals(_numpy_numbers()):
            # LAION's files hold the optimizer's state as well: mapped, it is never read.
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
    """What LAION's checkpoints hold besides tensors: NumPy numbers, such as the best score."""
    import numpy as np

    scalar = np.float64(0).__reduce__()[0]
    names = ("numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar")
    kinds = {type(np.dtype(code)) for code in ("f4", "f8", "i4", "i8", "bool")}
    return [*((scalar, name) for name in names), np.dtype, *kinds]


def _listed(what: str, names: list[str]) -> str:
    """``the file lacks a, b and 3 more``, or nothing."""
    if not names:
        return ""
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{what} {', '.join(names[:_SHOWN])}{more}"
