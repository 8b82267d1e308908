"""Checkpoints: reads a weights file safely, and loads it into a model or says what does not fit."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

from mmbench.api import DataError
from mmbench_openclip.huggingface import is_huggingface_clip, to_open_clip

if TYPE_CHECKING:
    from pathlib import Path

    import torch

__all__ = ["load_into", "read_state"]

#: Keys of older files that say nothing.
_IGNORED = ("input_resolution", "context_length", "vocab_size",
            "text.transformer.embeddings.position_ids")  # fmt: skip
_TEXT_KEYS = ("text_projection", "positional_embedding", "token_embedding", "transformer",
              "ln_final")  # fmt: skip
_SHOWN = 4


def read_state(path: Path) -> dict[str, torch.Tensor]:
    """The tensors of a weights file, by name: open_clip's names, or those of transformers.

    ``.safetensors``, or what ``torch.save`` wrote: a plain state dict or one under ``state_dict``,
    with or without ``module.`` before each name. Nothing in the file is executed.

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


def load_into(model: torch.nn.Module, state: dict[str, torch.Tensor], *, where: str) -> None:
    """Load a state into a model built from its config; every tensor must find its place.

    Raises:
        DataError: It is of another architecture: says which names and shapes don't fit.
    """
    wanted = model.state_dict()
    if is_huggingface_clip(state):
        state = to_open_clip(state)
    state = _with_open_clip_names(model, state)
    problems = [
        _listed("the model has no", [name for name in state if name not in wanted]),
        _listed("the file lacks", [name for name in wanted if name not in state]),
        _listed(
            "other shapes:",
            [
                f"{name} is {list(state[name].shape)}, not {list(wanted[name].shape)}"
                for name in wanted
                if name in state and state[name].shape != wanted[name].shape
            ],
        ),
    ]
    problems = [each for each in problems if each]
    if problems:
        raise DataError(
            f"the weights are of another architecture: {'; '.join(problems)}", where=where,
            fix="name the architecture that the file was trained as: -o model=NAME",
        )  # fmt: skip
    model.load_state_dict(state, strict=True)


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
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        what = str(error).partition("GLOBAL ")[2].partition(" was not")[0]
        held = f": it wants to run {what}" if what else ""
        raise DataError(
            f"is refused{held}, which is more than weights", where=str(path),
            fix="only tensors are read from it. If you trust the file, load it yourself and save "
            "model.state_dict() with safetensors.torch.save_file",
        ) from error  # fmt: skip
    except (RuntimeError, EOFError, OSError, ValueError, KeyError) as error:
        if "TorchScript" in str(error):
            raise DataError(
                "is a TorchScript program, which is more than weights", where=str(path),
                fix="take the same weights as open_clip_model.safetensors (for OpenAI's models: "
                "`hf download timm/vit_base_patch32_clip_224.openai open_clip_model.safetensors`)",
            ) from error  # fmt: skip
        first = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise DataError(f"can't be read: {first}", where=str(path)) from error


def _with_open_clip_names(
    model: torch.nn.Module, state: dict[str, torch.Tensor]
) -> dict[str, torch.Tensor]:
    """Bring the names of older and other open_clip checkpoints up to date, as open_clip does."""
    from open_clip.convert import convert_state_dict

    named: dict[str, torch.Tensor] = {
        name: value
        for name, value in convert_state_dict(model, dict(state)).items()
        if name not in _IGNORED
    }
    if "positional_embedding" in named and not hasattr(model, "positional_embedding"):
        named = {
            f"text.{name}" if name.startswith(_TEXT_KEYS) else name: value
            for name, value in named.items()
        }
    for name in ("logit_scale", "logit_bias"):
        parameter = getattr(model, name, None)
        if parameter is not None and name in named and named[name].numel() == parameter.numel():
            named[name] = named[name].reshape(parameter.shape)
    return named


def _listed(what: str, names: list[str]) -> str:
    """``the file lacks a, b and 3 more``, or nothing."""
    if not names:
        return ""
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{what} {', '.join(names[:_SHOWN])}{more}"
