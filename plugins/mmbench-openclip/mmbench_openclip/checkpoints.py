"""Checkpoints: the weights of a file under open_clip's names, and in their model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mmbench.api.weights import load_weights, read_weights
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


def read_state(path: Path) -> dict[str, torch.Tensor]:
    """The tensors of a weights file, by name: open_clip's names, or those of transformers.

    Nothing in the file is executed.

    Raises:
        DataError: The file is broken, or holds something else than tensors.
    """
    return read_weights(
        path,
        scripted="take the same weights as open_clip_model.safetensors (for OpenAI's models: "
        "`hf download timm/vit_base_patch32_clip_224.openai open_clip_model.safetensors`)",
    )


def load_into(model: torch.nn.Module, state: dict[str, torch.Tensor], *, where: str) -> None:
    """Load a state into a model built from its config; every tensor must find its place.

    Raises:
        DataError: It is of another architecture: says which names and shapes don't fit.
    """
    if is_huggingface_clip(state):
        state = to_open_clip(state)
    load_weights(
        model, _with_open_clip_names(model, state), where=where,
        fix="name the architecture that the file was trained as: -o model=NAME",
    )  # fmt: skip


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
