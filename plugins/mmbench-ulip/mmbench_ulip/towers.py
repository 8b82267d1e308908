"""Image and text towers: SLIP's and OpenCLIP's, both built by open_clip.

SLIP's picture tower is timm's ``vit_base_patch16_224``; open_clip's vision transformer computes
the same once names are mapped. It has no norm before the blocks and another epsilon, which
open_clip can be told; and its patch embedding has a bias, which open_clip has not, and which is
added to the position embeddings of all patches instead. SLIP's text tower is CLIP's, under
open_clip's own names. Imports torch and open_clip: imported when weights are loaded.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from open_clip import CLIP
from open_clip.tokenizer import SimpleTokenizer
from open_clip.transformer import LayerNorm, QuickGELU, TextTransformer, VisionTransformer
from torch import nn

from mmbench.api import DataError, UsageError
from mmbench_ulip.checkpoints import load_into, part_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mmbench_ulip.architectures import Architecture

__all__ = ["Towers", "open_clip_towers", "slip_towers"]

_HEAD = 64
#: timm's name of a part to open_clip's.
_BLOCK = {"norm1": "ln_1", "norm2": "ln_2", "attn.qkv.": "attn.in_proj_",
          "attn.proj": "attn.out_proj", "mlp.fc1": "mlp.c_fc", "mlp.fc2": "mlp.c_proj"}  # fmt: skip
_TEXT = ("token_embedding.weight", "positional_embedding", "transformer.", "ln_final.",
         "text_projection")  # fmt: skip


@dataclass(frozen=True)
class Towers:
    """Pictures and texts to vectors.

    Attributes:
        image: Pixels [B, 3, height, width] to vectors.
        text: Token ids [B, T] to vectors.
        module: What holds the weights of both.
        image_size: Height and width of the input.
        context: How many tokens a text has.
        dim: Length of the vectors.
        tokenizer: CLIP's: ``tokenizer(texts, length)``.
    """

    image: Any
    text: Any
    module: nn.Module
    image_size: tuple[int, int]
    context: int
    dim: int
    tokenizer: Any


def slip_towers(state: Mapping[str, torch.Tensor], *, where: str) -> Towers:
    """SLIP's towers, of the sizes that the weights have.

    Args:
        state: Under the names of SLIP and ULIP; what belongs to neither tower is left alone.
        where: The file, for messages.

    Raises:
        DataError: It holds none, or others.
    """
    vision = part_of(state, "visual.")
    text = {name: state[name] for name in state if name.startswith(_TEXT)}
    needed = ("visual.patch_embed.proj.weight", "visual.pos_embed", "image_projection", *_TEXT[:2])
    lacking = [name for name in needed if name not in state]
    if lacking:
        raise DataError(
            f"holds no towers for pictures and texts: it lacks {', '.join(lacking)}", where=where,
            fix="name the weights of SLIP ViT-B/16: -o pretrained=slip_base_100ep.pt; or give "
            "vectors of point clouds only: -o towers=none",
        )  # fmt: skip
    fix = "expected the weights of SLIP ViT-B/16 (slip_base_100ep.pt), or a checkpoint of ULIP"
    width, _, patch, _ = vision["patch_embed.proj.weight"].shape
    side = round((vision["pos_embed"].shape[1] - 1) ** 0.5)
    dim = state["image_projection"].shape[1]
    with torch.random.fork_rng(devices=[]):
        image = VisionTransformer(
            image_size=side * patch, patch_size=patch, width=width,
            layers=_depth(vision, "blocks."), heads=max(width // _HEAD, 1),
            mlp_ratio=_ratio(vision, "blocks.0.mlp.fc1.weight"), output_dim=dim, no_ln_pre=True,
            norm_layer=partial(LayerNorm, eps=1e-6),
        )  # fmt: skip
        words, columns = state["token_embedding.weight"].shape
        texts = TextTransformer(
            context_length=len(state["positional_embedding"]), vocab_size=words, width=columns,
            heads=max(columns // _HEAD, 1), layers=_depth(text, "transformer.resblocks."),
            output_dim=dim, act_layer=QuickGELU,
        )  # fmt: skip
    mapped = _open_clip_names(vision) | {"proj": state["image_projection"]}
    load_into(image, mapped, where=where, fix=fix)
    load_into(texts, text, where=where, fix=fix)
    return Towers(
        image, texts, nn.ModuleList([image, texts]), (side * patch,) * 2, texts.context_length, dim,
        _tokenizer(words, where),
    )  # fmt: skip


def open_clip_towers(
    architecture: Architecture, state: Mapping[str, torch.Tensor], *, where: str
) -> Towers:
    """The towers of a CLIP of open_clip's.

    Args:
        architecture: Which one.
        state: Under open_clip's names.
        where: The file, for messages.

    Raises:
        DataError: The weights are of another architecture.
        UsageError: The config is none that open_clip understands.
    """
    try:
        with torch.random.fork_rng(devices=[]):
            model = CLIP(**deepcopy(architecture.config))
    except (TypeError, ValueError, AssertionError, RuntimeError, ZeroDivisionError) as error:
        raise UsageError(
            f"open_clip can't build these towers: {error}", where=architecture.name,
            fix="compare the config with the files in open_clip/model_configs",
        ) from error  # fmt: skip
    fix = "name the weights that the towers were trained as: -o pretrained=...; or -o towers=NAME"
    load_into(model, state, where=where, fix=fix)
    return Towers(
        model.encode_image, model.encode_text, model, model.visual.image_size,
        model.context_length, architecture.dim,
        _tokenizer(len(model.token_embedding.weight), where),
    )  # fmt: skip


def _open_clip_names(vision: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """A timm vision transformer under open_clip's names, its patches' bias in their positions."""
    positions = vision["pos_embed"].squeeze(0).clone()
    bias = vision.get("patch_embed.proj.bias")
    if bias is not None:
        positions[1:] += bias
    found = {"positional_embedding": positions}
    for name, value in vision.items():
        if name == "cls_token":
            found["class_embedding"] = value.flatten()
        elif name == "patch_embed.proj.weight":
            found["conv1.weight"] = value
        elif name.startswith("norm."):
            found[f"ln_post.{name.removeprefix('norm.')}"] = value
        elif name.startswith("blocks."):
            _, number, part = name.split(".", 2)
            theirs = next((each for each in _BLOCK if part.startswith(each)), "")
            ours = _BLOCK.get(theirs, "") + part.removeprefix(theirs)
            found[f"transformer.resblocks.{number}.{ours}"] = value
        elif name not in ("pos_embed", "patch_embed.proj.bias"):
            found[name] = value  # belongs nowhere, and is named as such
    return found


def _depth(state: Mapping[str, torch.Tensor], prefix: str) -> int:
    """How many blocks there are."""
    return len({name.removeprefix(prefix).split(".")[0] for name in state
                if name.startswith(prefix)})  # fmt: skip


def _ratio(state: Mapping[str, torch.Tensor], name: str) -> float:
    """Of an MLP's hidden layer to its input."""
    if name not in state:
        return 4.0  # and what lacks is named when the weights are loaded
    hidden, width = state[name].shape
    return float(hidden) / float(width)


def _tokenizer(known: int, where: str) -> SimpleTokenizer:
    """CLIP's tokenizer, if the model knows its tokens; else it would read beyond its table."""
    made = SimpleTokenizer()
    if known < made.vocab_size:
        raise DataError(
            f"the text tower knows {known} tokens, and CLIP's tokenizer has {made.vocab_size}",
            where=where,
        )
    return made
