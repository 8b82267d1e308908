"""C-MCR for mmbench: what this plugin brings, by name. Imports nothing heavy."""

from __future__ import annotations

from typing import Any

from mmbench.api import RepresentationSpec, hookimpl

#: The version of mmbench's contracts that this plugin is written for.
MMBENCH_API_VERSION = 1

_HINT = "pip install mmbench-cmcr"

#: Two spaces of the numbers world, trained on halves of its training numbers: none is both seen as
#: a picture and heard.
_NUMBERS = {
    "first": "cca-image-text",
    "second": "cca-audio-text",
    "first_fit_on": {"dataset": "numbers", "train": "train-first"},
    "second_fit_on": {"dataset": "numbers", "train": "train-second"},
    "shared_corpus": ("numbers/train/text",),
}
#: The published ablation's constants, chosen on validation numbers alone; the rest is the paper's.
_NUMBERS_CMCR = {
    **_NUMBERS,
    "first_memory": ("numbers/train-first/image",),
    "second_memory": ("numbers/train-second/audio",),
    "tau1": 0.1, "tau2": 0.1, "tau3": 0.1,
    "learning_rate": 0.003, "epochs": 100, "batch": 250,
}  # fmt: skip
#: Where sounds meet pictures, or texts by way of them.
_TASKS = (
    "numbers-retrieval-audio-image", "numbers-zeroshot-audio", "numbers-alignment-audio-image",
)  # fmt: skip
_JOINING: dict[str, Any] = {"hint": _HINT, "joins": ("quickstart",), "joins_for": _TASKS}


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
        RepresentationSpec(
            "c-mcr-numbers", path,
            "C-MCR of the numbers world: pictures and sounds meet through words, without a pair",
            options=_NUMBERS_CMCR, **_JOINING,
        ),
        RepresentationSpec(
            "bridge-numbers", "mmbench_cmcr.bridge:Bridge",
            "The bridge between the same two spaces of the numbers world, untrained",
            options={**_NUMBERS, "temperature": 0.1}, **_JOINING,
        ),
    ]  # fmt: skip
