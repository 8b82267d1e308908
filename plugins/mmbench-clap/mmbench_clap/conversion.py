"""States of laion_clap and of transformers' ClapModel: the same tensors under other names.

laion_clap joins the query, key and value of an audio block into one map, which transformers keeps
apart. What has no place on the other side, because no embedding depends on it:

- only laion_clap: ``audio_transform``, ``text_transform`` (used in training), ``tscam_conv`` and
  ``head`` (AudioSet's classes), ``spectrogram_extractor``, ``logmel_extractor`` and ``attn_mask``
  (constants that follow from the config);
- only transformers: ``position_ids`` and ``token_type_ids`` (constants).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable

    import torch

__all__ = ["Form", "form_of", "is_constant", "is_unused", "to_laion", "to_transformers"]

#: Whose names a state has.
Form = Literal["laion", "transformers"]

#: laion_clap's beginning of a name to that of transformers.
_BEGINNINGS = (
    ("text_branch.", "text_model."),
    ("audio_branch.bn0.", "audio_model.audio_encoder.batch_norm."),
    ("audio_branch.", "audio_model.audio_encoder."),
    ("audio_projection.0.", "audio_projection.linear1."),
    ("audio_projection.2.", "audio_projection.linear2."),
    ("text_projection.0.", "text_projection.linear1."),
    ("text_projection.2.", "text_projection.linear2."),
)
#: The same of the parts of an audio block.
_PARTS = (
    (".attn.proj.", ".attention.output.dense."),
    (".attn.relative_position", ".attention.self.relative_position"),
    (".mlp.fc1.", ".intermediate.dense."),
    (".mlp.fc2.", ".output.dense."),
    (".norm1.", ".layernorm_before."),
    (".norm2.", ".layernorm_after."),
)
_JOINED = ".attn.qkv."
_APART = (".attention.self.query.", ".attention.self.key.", ".attention.self.value.")
#: Tensors that no embedding depends on, in either form.
_UNUSED = re.compile(
    r"audio_transform\.|text_transform\.|logit_scale_[at]$"
    r"|audio_branch\.(tscam_conv|head)\."
    r"|text_(branch|model)\.embeddings\.(position_ids|token_type_ids)$"
)
#: Tensors that follow from the config.
_CONSTANT = re.compile(
    r"audio_branch\.(spectrogram_extractor|logmel_extractor)\."
    r"|.*\.(relative_position_index|attn_mask)$"
)


def form_of(names: Iterable[str]) -> Form | None:
    """Whose names these are; None if they are of no CLAP."""
    for name in names:
        if name.startswith("audio_branch."):
            return "laion"
        if name.startswith("audio_model.audio_encoder."):
            return "transformers"
    return None


def is_unused(name: str) -> bool:
    """Whether no embedding depends on the tensor of this name, of either form."""
    return _UNUSED.match(name) is not None


def is_constant(name: str) -> bool:
    """Whether the tensor of this name, of either form, follows from the config."""
    return _CONSTANT.match(name) is not None


def to_transformers(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """A state of laion_clap under the names of transformers.

    What transformers has no place for (see the module's text) is left out; names that are of no
    known part are kept, for whoever loads it to refuse.
    """
    converted: dict[str, torch.Tensor] = {}
    for name, value in state.items():
        if _JOINED in name:
            for part, third in zip(_APART, value.chunk(3), strict=True):
                converted[_renamed(name.replace(_JOINED, part), 0, 1)] = third.contiguous()
        elif name.startswith("logit_scale") or not _dropped(name):
            converted[_renamed(name, 0, 1)] = value
    return converted


def to_laion(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """A state of transformers under the names of laion_clap, without what only laion_clap has."""
    import torch

    converted: dict[str, torch.Tensor] = {}
    for name, value in state.items():
        place = _apart(name)
        if place == _APART[0]:
            parts = [name.replace(_APART[0], part) for part in _APART]
            if all(part in state for part in parts):
                joined = _renamed(name.replace(_APART[0], _JOINED), 1, 0)
                converted[joined] = torch.cat([state[part] for part in parts])
        elif name.startswith("logit_scale") or not (place or is_unused(name)):
            converted[_renamed(name, 1, 0)] = value
    return converted


def _apart(name: str) -> str:
    """Which of the three maps of an audio block this is, if any, by transformers' name."""
    if not name.startswith("audio_model."):  # the text model's are the same in both forms
        return ""
    return next((part for part in _APART if part in name), "")


def _dropped(name: str) -> bool:
    """Whether transformers has no place for a tensor of laion_clap."""
    return is_unused(name) or (is_constant(name) and "relative_position_index" not in name)


def _renamed(name: str, old: int, new: int) -> str:
    """A name of one form in the other."""
    if name.startswith("audio_"):
        part = next((part for part in _PARTS if part[old] in name), None)
        name = name if part is None else name.replace(part[old], part[new], 1)
    for beginning in _BEGINNINGS:
        if name.startswith(beginning[old]):
            return beginning[new] + name.removeprefix(beginning[old])
    return name
