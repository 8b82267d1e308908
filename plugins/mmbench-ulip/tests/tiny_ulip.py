"""A tiny ULIP on disk: weights drawn from a seed, in files as ULIP's training writes them."""

from __future__ import annotations

import json
from argparse import Namespace

import numpy as np
import torch
from safetensors.torch import save_file

#: Sizes as ULIP's, and small.
TINY = {
    "first": (16, 32), "second": (64, 48), "position": 16, "width": 128, "hidden": 256, "depth": 2,
    "dim": 24,
    "vision": {"width": 128, "patch": 8, "side": 4, "depth": 2},
    "text": {"width": 64, "context": 16, "depth": 2},
}  # fmt: skip
TRUE = {
    "first": (128, 256), "second": (512, 256), "position": 128, "width": 384, "hidden": 1536,
    "depth": 12, "dim": 512,
    "vision": {"width": 768, "patch": 16, "side": 14, "depth": 12},
    "text": {"width": 512, "context": 77, "depth": 12},
}  # fmt: skip
#: A tiny CLIP in open_clip's form, for ULIP-2.
CONFIG = {
    "embed_dim": 24,
    "vision_cfg": {
        "image_size": 32, "layers": 2, "width": 64, "head_width": 32, "patch_size": 8,
    },
    "text_cfg": {
        "context_length": 16, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2,
    },
}  # fmt: skip
GROUPS = {"groups": 16, "group_size": 8}


def encoder_shapes(sizes=TINY, channels=3):
    """Name to shape of every tensor of a point encoder and its projection."""
    first, second, width = sizes["first"], sizes["second"], sizes["width"]
    found = {"cls_token": (1, 1, width), "cls_pos": (1, 1, width)}
    for name, wide, (inner, outer) in (
        ("encoder.first_conv", channels, first),
        ("encoder.second_conv", 2 * first[1], second),
    ):
        found |= {f"{name}.0.weight": (inner, wide, 1), f"{name}.0.bias": (inner,)}
        found |= {f"{name}.1.{part}": (inner,) for part in ("weight", "bias")}
        found |= {f"{name}.1.running_mean": (inner,), f"{name}.1.running_var": (inner,)}
        found |= {f"{name}.1.num_batches_tracked": ()}
        found |= {f"{name}.3.weight": (outer, inner, 1), f"{name}.3.bias": (outer,)}
    linear = {
        "reduce_dim": (width, second[1]), "pos_embed.0": (sizes["position"], 3),
        "pos_embed.2": (width, sizes["position"]),
    }  # fmt: skip
    norms = {"norm": width}
    for number in range(sizes["depth"]):
        block = f"blocks.blocks.{number}"
        norms |= {f"{block}.norm1": width, f"{block}.norm2": width}
        linear |= {
            f"{block}.mlp.fc1": (sizes["hidden"], width),
            f"{block}.mlp.fc2": (width, sizes["hidden"]),
            f"{block}.attn.proj": (width, width),
        }
        found[f"{block}.attn.qkv.weight"] = (3 * width, width)
    found |= _named(linear, norms)
    named = {f"point_encoder.{name}": shape for name, shape in found.items()}
    return named | {"pc_projection": (2 * width, sizes["dim"])}


def tower_shapes(sizes=TINY):
    """The same of SLIP's towers, under the names of SLIP."""
    vision, text, dim = sizes["vision"], sizes["text"], sizes["dim"]
    wide, patch, narrow = vision["width"], vision["patch"], text["width"]
    found = {
        "visual.cls_token": (1, 1, wide),
        "visual.pos_embed": (1, 1 + vision["side"] ** 2, wide),
        "visual.patch_embed.proj.weight": (wide, 3, patch, patch),
        "visual.patch_embed.proj.bias": (wide,),
        "image_projection": (wide, dim),
        "token_embedding.weight": (49408, narrow),
        "positional_embedding": (text["context"], narrow),
        "text_projection": (narrow, dim),
        "logit_scale": (),
    }
    linear, norms = {}, {"visual.norm": wide, "ln_final": narrow}
    for number in range(vision["depth"]):
        block = f"visual.blocks.{number}"
        norms |= {f"{block}.norm1": wide, f"{block}.norm2": wide}
        linear |= {
            f"{block}.attn.qkv": (3 * wide, wide), f"{block}.attn.proj": (wide, wide),
            f"{block}.mlp.fc1": (4 * wide, wide), f"{block}.mlp.fc2": (wide, 4 * wide),
        }  # fmt: skip
    for number in range(text["depth"]):
        block = f"transformer.resblocks.{number}"
        norms |= {f"{block}.ln_1": narrow, f"{block}.ln_2": narrow}
        linear |= {
            f"{block}.attn.out_proj": (narrow, narrow), f"{block}.mlp.c_fc": (4 * narrow, narrow),
            f"{block}.mlp.c_proj": (narrow, 4 * narrow),
        }  # fmt: skip
        found[f"{block}.attn.in_proj_weight"] = (3 * narrow, narrow)
        found[f"{block}.attn.in_proj_bias"] = (3 * narrow,)
    return found | _named(linear, norms)


def clip_state(seed=0, config=CONFIG):
    """Of open_clip's model of a config."""
    from open_clip import CLIP

    with torch.random.fork_rng(devices=[]):
        shapes = {name: tuple(v.shape) for name, v in CLIP(**config).state_dict().items()}
    return draw(shapes, seed)


def draw(shapes, seed=0):
    """Weights of a size that lets signals through: the norms' about 1, the others' by width."""
    rng = np.random.default_rng(seed)
    state = {}
    for name, shape in shapes.items():
        drawn = rng.standard_normal(shape)
        norm = ".ln_" in name or "norm" in name or name.startswith("ln_") or "_conv.1." in name
        if name.endswith("num_batches_tracked"):
            state[name] = torch.tensor(7)
            continue
        if name.endswith("running_var"):
            drawn = 0.5 + 0.1 * np.abs(drawn)
        elif norm or name.endswith("bias"):
            drawn = 0.1 * drawn + (norm and name.endswith("weight"))
        elif len(shape) > 1 and "embedding" not in name and "cls" not in name:
            drawn = 1.4 * drawn / np.sqrt(np.prod(shape[1:]))
        state[name] = torch.tensor(drawn, dtype=torch.float32)
    return state


def save_as_ulip(path, state):
    """What ULIP's training script writes: wrapped, prefixed, beside its optimizer and arguments."""
    wrapped = {f"module.{name}": value for name, value in state.items()}
    torch.save(
        {
            "epoch": 3, "state_dict": wrapped, "best_acc1": 60.3,
            "optimizer": {"state": {}, "param_groups": [{"lr": 1e-3}]},
            "scaler": {"scale": 65536.0}, "args": Namespace(model="ULIP_PointBERT", npoints=8192),
        },
        path,
    )  # fmt: skip
    return str(path)


def write_ulip(folder, seed=0, sizes=TINY):
    """A checkpoint of ULIP's; returns the options that name it."""
    state = draw(encoder_shapes(sizes) | tower_shapes(sizes), seed)
    return {"checkpoint": save_as_ulip(folder / "ulip.pt", state)} | GROUPS


def write_ulip2(folder, seed=0):
    """A checkpoint of ULIP-2's, which sees colours, and a CLIP beside it; options of both."""
    config, weights = folder / "clip.json", folder / "clip.safetensors"
    config.write_text(json.dumps(CONFIG), encoding="utf-8")
    save_file(clip_state(seed + 1), weights)
    encoder = draw(encoder_shapes(channels=6) | {"logit_scale": ()}, seed)
    checkpoint = save_as_ulip(folder / "ulip2.pt", encoder)
    options = {"checkpoint": checkpoint, "towers": str(config), "pretrained": str(weights)}
    return options | GROUPS


def _named(linear, norms):
    found = {}
    for name, shape in linear.items():
        found |= {f"{name}.weight": shape, f"{name}.bias": shape[:1]}
    for name, width in norms.items():
        found |= {f"{name}.weight": (width,), f"{name}.bias": (width,)}
    return found
