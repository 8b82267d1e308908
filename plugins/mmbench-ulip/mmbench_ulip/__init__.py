"""ULIP and ULIP-2 for mmbench: what it brings, by name. Imports nothing heavy."""

from __future__ import annotations

from mmbench.api import RepresentationSpec, hookimpl

#: The version of mmbench's contracts that this plugin is written for.
MMBENCH_API_VERSION = 1

_HINT = "pip install mmbench-ulip"


@hookimpl
def mmbench_representations() -> list[RepresentationSpec]:
    """ULIP, ULIP-2, and the smaller ULIP-2 that C-MCR builds on."""
    path = "mmbench_ulip.representation:ULIP"
    return [
        RepresentationSpec(
            "ulip", path, "ULIP: point clouds, pictures and texts (PointBERT, SLIP)", hint=_HINT
        ),
        RepresentationSpec(
            "ulip2",
            path,
            "ULIP-2: coloured point clouds, pictures and texts (PointBERT, OpenCLIP ViT-bigG-14)",
            options={
                "checkpoint": "ULIP-2-PointBERT-10k-colored-pc-pretrained.pt",
                "towers": "ViT-bigG-14",
                "pretrained": "laion2b_s39b_b160k",
                "max_points": 10_000,
            },
            hint=_HINT,
        ),
        RepresentationSpec(
            "ulip2-512",
            path,
            "ULIP-2 of 512 numbers without colours, the weights pointbert_ULIP-2.pt of C-MCR",
            options={"checkpoint": "pointbert_ULIP-2.pt", "max_points": 10_000},
            hint=_HINT,
        ),
    ]
