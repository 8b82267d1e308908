"""Checkpoints: the weights of a CLAP in a file, in either form, and in their model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mmbench.api import DataError
from mmbench.api.weights import listed, load_weights, read_weights
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

    from mmbench.api.weights import Misfit

__all__ = ["load_into", "read_state"]

#: What training loops put before every name.
_WRAPPERS = ("module.", "model.")
_WANTED = (
    "it should be a state dict of laion_clap (audio_branch.*, text_branch.*) or of transformers' "
    "ClapModel, or have one under the key state_dict"
)


def read_state(path: Path) -> dict[str, torch.Tensor]:
    """The tensors of a file of weights, by name: laion_clap's names, or those of transformers.

    Nothing in the file is executed.

    Raises:
        DataError: The file is broken, or holds something else than the weights of a CLAP.
    """
    state = read_weights(path, wrappers=_WRAPPERS, fix=_WANTED)
    if form_of(state) is None:
        raise DataError(
            listed("holds no weights of a CLAP, but", list(state)), where=str(path), fix=_WANTED
        )
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
    load_weights(
        model,
        {name: value for name, value in state.items() if name in wanted or not is_unused(name)},
        where=where,
        fix=_advice,
        optional=lambda name: is_unused(name) or is_constant(name),
    )


def _advice(misfit: Misfit) -> str:
    """Which option is probably wrong."""
    fused = "patch_embed.fusion_model"
    if any(fused in name for name in misfit.strange):
        return "it was trained with feature fusion: -o fusion=true"
    if any(fused in name for name in misfit.lacking):
        return "it was trained without feature fusion: -o fusion=false"
    names = (*misfit.strange, *misfit.lacking, *misfit.reshaped)
    if all(name.startswith("text_") for name in names):
        return "name the text model that it was trained with: -o text_model=FOLDER"
    return "name the audio encoder that it was trained with: -o amodel=HTSAT-base"
