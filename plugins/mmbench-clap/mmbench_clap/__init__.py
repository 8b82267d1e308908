"""CLAP for mmbench, through laion_clap or transformers: what the plugin brings, by name.

Listing imports this file, so it imports nothing heavy: the classes stay in modules of their own.
"""

from __future__ import annotations

from mmbench.api import RepresentationSpec, hookimpl

#: The version of mmbench's contracts that this plugin is written for.
MMBENCH_API_VERSION = 1

_HINT = "pip install mmbench-clap"


@hookimpl
def mmbench_representations() -> list[RepresentationSpec]:
    """CLAP, the fusion weights that C-MCR builds on, and the weights that transformers hosts."""
    path = "mmbench_clap.representation:CLAP"
    return [
        RepresentationSpec(
            "clap", path, "CLAP: sounds and texts (LAION's models, any weights)", hint=_HINT
        ),
        RepresentationSpec(
            "clap-fusion",
            path,
            "CLAP with feature fusion, the weights 630k-fusion-best that C-MCR builds on",
            options={"checkpoint": "630k-fusion-best", "fusion": True},
            hint=_HINT,
        ),
        RepresentationSpec(
            "clap-htsat-unfused",
            path,
            "CLAP, the weights laion/clap-htsat-unfused of Hugging Face, through transformers",
            options={
                "checkpoint": "hf-hub:laion/clap-htsat-unfused",
                "backend": "transformers",
                "text_model": "laion/clap-htsat-unfused",
            },
            hint=_HINT,
        ),
    ]
