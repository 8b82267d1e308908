"""Hugging Face's CLIPModel to open_clip's CLIP: the same tensors under other names.

transformers keeps the query, key and value projections apart and stores linear maps of the joint
space as ``nn.Linear`` (output first); open_clip joins the three and stores the maps input first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

__all__ = ["is_huggingface_clip", "to_open_clip"]

#: Tensors outside the blocks: transformers' name to open_clip's.
_PLAIN = {
    "logit_scale": "logit_scale",
    "text_model.embeddings.token_embedding.weight": "token_embedding.weight",
    "text_model.embeddings.position_embedding.weight": "positional_embedding",
    "text_model.final_layer_norm.weight": "ln_final.weight",
    "text_model.final_layer_norm.bias": "ln_final.bias",
    "vision_model.embeddings.class_embedding": "visual.class_embedding",
    "vision_model.embeddings.patch_embedding.weight": "visual.conv1.weight",
    "vision_model.embeddings.position_embedding.weight": "visual.positional_embedding",
    "vision_model.pre_layrnorm.weight": "visual.ln_pre.weight",
    "vision_model.pre_layrnorm.bias": "visual.ln_pre.bias",
    "vision_model.post_layernorm.weight": "visual.ln_post.weight",
    "vision_model.post_layernorm.bias": "visual.ln_post.bias",
}
#: Maps into the joint space: transposed.
_PROJECTIONS = {
    "text_projection.weight": "text_projection",
    "visual_projection.weight": "visual.proj",
}
_TOWERS = {"text_model.encoder.layers.": "transformer.resblocks.",
           "vision_model.encoder.layers.": "visual.transformer.resblocks."}  # fmt: skip
#: Parts of a block.
_PARTS = {"layer_norm1": "ln_1", "layer_norm2": "ln_2", "mlp.fc1": "mlp.c_fc",
          "mlp.fc2": "mlp.c_proj", "self_attn.out_proj": "attn.out_proj"}  # fmt: skip
#: The three projections that open_clip keeps in one, in its order.
_JOINED = ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj")
_BUFFERS = ("text_model.embeddings.position_ids", "vision_model.embeddings.position_ids")


def is_huggingface_clip(state: dict[str, torch.Tensor]) -> bool:
    """Whether the names are those of transformers' ``CLIPModel``."""
    return "vision_model.embeddings.class_embedding" in state


def to_open_clip(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """A state of ``CLIPModel`` under open_clip's names; what has no place there keeps its name."""
    import torch

    converted: dict[str, torch.Tensor] = {}
    for name, value in state.items():
        if name in _BUFFERS:
            continue
        if name in _PLAIN:
            converted[_PLAIN[name]] = value
        elif name in _PROJECTIONS:
            converted[_PROJECTIONS[name]] = value.T.contiguous()
        elif (block := _block(name)) is None:
            converted[name] = value
        elif (place := block[1]) in _PARTS:
            converted[f"{block[0]}.{_PARTS[place]}.{block[2]}"] = value
        elif place == _JOINED[0]:
            parts = [name.replace(_JOINED[0], each) for each in _JOINED]
            if all(part in state for part in parts):
                joined = torch.cat([state[part] for part in parts])
                converted[f"{block[0]}.attn.in_proj_{block[2]}"] = joined
        elif place not in _JOINED:
            converted[name] = value
    return converted


def _block(name: str) -> tuple[str, str, str] | None:
    """open_clip's name of the block, transformers' name of the part, ``weight`` or ``bias``."""
    for theirs, ours in _TOWERS.items():
        if name.startswith(theirs):
            number, _, rest = name.removeprefix(theirs).partition(".")
            part, _, kind = rest.rpartition(".")
            return f"{ours}{number}", part, kind
    return None
