"""C-MCR for mmbench: what this plugin brings, by name. Imports nothing heavy."""

from __future__ import annotations

from mmbench.api import RepresentationSpec, hookimpl

#: The version of mmbench's contracts that this plugin is written for.
MMBENCH_API_VERSION = 1

_HINT = "pip install mmbench-cmcr"


@hookimpl
def mmbench_representations() -> list[RepresentationSpec]:
    """The connectors: trained ones, and those that they are measured against."""
    path = "mmbench_cmcr.connector:CMCR"
    return [
        RepresentationSpec(
            "c-mcr", path, "C-MCR: two spaces that share a modality, connected without pairs",
            hint=_HINT,
        ),
        RepresentationSpec(
            "ex-mcr", path, "Ex-MCR: one space frozen, the other projected into it, without pairs",
            options={"frozen": "first", "projector": "ex-mcr", "alignment": "dense"}, hint=_HINT,
        ),
        RepresentationSpec(
            "bridge", "mmbench_cmcr.bridge:Bridge",
            "Two spaces bridged by their nearest shared items, untrained: C-MCR's baseline",
            hint=_HINT,
        ),
        RepresentationSpec(
            "paired", "mmbench_cmcr.paired:Paired",
            "C-MCR's projectors trained with the pairs that it does without: its upper bound",
            hint=_HINT,
        ),
        RepresentationSpec(
            "unconnected", "mmbench_cmcr.unconnected:Unconnected",
            "Two spaces side by side, as they are: what connecting them is compared with",
            hint=_HINT,
        ),
        *(
            RepresentationSpec(
                name, "mmbench_cmcr.contrastive:Contrastive",
                f"Small contrastively trained space of {first} and {second}",
                options={"first": first, "second": second}, hint=_HINT,
            )
            for name, first, second in (
                ("contrastive", "image", "audio"),
                ("contrastive-image-text", "image", "text"),
                ("contrastive-audio-text", "audio", "text"),
            )
        ),
    ]  # fmt: skip
