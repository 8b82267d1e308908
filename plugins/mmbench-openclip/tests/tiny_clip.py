"""A tiny CLIP on disk: a config in open_clip's form, and weights drawn from a seed by numpy."""

from __future__ import annotations

import json

import numpy as np
from safetensors.numpy import save_file

CONFIG = {
    "embed_dim": 24,
    "quick_gelu": True,
    "vision_cfg": {
        "image_size": 32, "layers": 3, "width": 64, "head_width": 32, "patch_size": 8,
    },
    "text_cfg": {
        "context_length": 16, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2,
    },
}  # fmt: skip


def shapes(config=CONFIG):
    """Name to shape of every tensor of the model."""
    vision, text, dim = config["vision_cfg"], config["text_cfg"], config["embed_dim"]
    patches = (vision["image_size"] // vision["patch_size"]) ** 2
    found = {
        "logit_scale": (),
        "visual.class_embedding": (vision["width"],),
        "visual.positional_embedding": (patches + 1, vision["width"]),
        "visual.conv1.weight": (vision["width"], 3, vision["patch_size"], vision["patch_size"]),
        "visual.proj": (vision["width"], dim),
        "token_embedding.weight": (text["vocab_size"], text["width"]),
        "positional_embedding": (text["context_length"], text["width"]),
        "text_projection": (text["width"], dim),
    }
    norms = [("visual.ln_pre", vision), ("visual.ln_post", vision), ("ln_final", text)]
    for tower, part in (("visual.transformer", vision), ("transformer", text)):
        width = part["width"]
        for layer in range(part["layers"]):
            block = f"{tower}.resblocks.{layer}"
            norms += [(f"{block}.ln_1", part), (f"{block}.ln_2", part)]
            for name, rows, columns in (
                ("attn.in_proj_", 3 * width, width),
                ("attn.out_proj.", width, width),
                ("mlp.c_fc.", 4 * width, width),
                ("mlp.c_proj.", width, 4 * width),
            ):
                found[f"{block}.{name}weight"] = (rows, columns)
                found[f"{block}.{name}bias"] = (rows,)
    for name, part in norms:
        found[f"{name}.weight"] = found[f"{name}.bias"] = (part["width"],)
    return found


def draw_state(seed=0, config=CONFIG):
    """Weights of a size that lets signals through: the norms' about 1, the others' by width."""
    rng = np.random.default_rng(seed)
    state = {}
    for name, shape in shapes(config).items():
        drawn = rng.standard_normal(shape).astype(np.float32)
        if ".ln_" in name or name.startswith("ln_"):
            drawn = 0.1 * drawn + (1.0 if name.endswith("weight") else 0.0)
        elif name.endswith("bias"):
            drawn = 0.1 * drawn
        elif len(shape) > 1 and "embedding" not in name:
            drawn = drawn / np.sqrt(np.prod(shape[1:]))
        state[name] = np.asarray(drawn, dtype=np.float32)
    return state


def write_tiny(folder, seed=0, config=CONFIG):
    """Write a config and weights; returns the options that name them."""
    model, weights = folder / "tiny.json", folder / "tiny.safetensors"
    model.write_text(json.dumps(config), encoding="utf-8")
    save_file(draw_state(seed, config), weights)
    return {"model": str(model), "pretrained": str(weights)}
