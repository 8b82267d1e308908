"""CLIP and its relatives for mmbench, through open_clip: what the plugin brings, by name.

Listing imports this file, so it imports nothing heavy: the classes stay in modules of their own.
"""

from __future__ import annotations

from mmbench.api import RepresentationSpec, hookimpl

#: The version of mmbench's contracts that this plugin is written for.
MMBENCH_API_VERSION = 1

_HINT = "pip install mmbench-openclip"


@hookimpl
def mmbench_representations() -> list[RepresentationSpec]:
    """CLIP, and the weights file of it that C-MCR and others use."""
    path = "mmbench_openclip.representation:OpenCLIP"
    return [
        RepresentationSpec(
            "clip", path, "CLIP: pictures and texts (any open_clip model and weights)", hint=_HINT
        ),
        RepresentationSpec(
            "clip-vit-b32-hf",
            path,
            "CLIP ViT-B/32, the weights openai/clip-vit-base-patch32 of Hugging Face",
            options={
                "model": "ViT-B-32-quickgelu",
                "pretrained": "hf-hub:openai/clip-vit-base-patch32",
            },
            hint=_HINT,
        ),
    ]
