"""GMC for mmbench, and the models it is compared with. Imports nothing heavy."""

from __future__ import annotations

from mmbench.api import RepresentationSpec, hookimpl

#: The version of mmbench's contracts that this plugin is written for.
MMBENCH_API_VERSION = 1

_HINT = "pip install mmbench-gmc"
_GMC = "mmbench_gmc.gmc:GMC"
#: The released code's constants of the paper's experiments; MHD's are the defaults.
_SPOKEN = {
    "dim": 60, "common": 60, "head": (), "temperature": 0.3, "batch": 24, "epochs": 40,
    "clip": 0.8, "plateau": 20,
}  # fmt: skip
#: Of the Pendulum study in the code released with MUSE; MVAE takes those that it has, too.
_PENDULUM_RIVAL = {"dim": 10, "batch": 128, "epochs": 500, "weights": {"sound": 100.0}}
#: Seconds on the numbers world, chosen on its validation numbers alone: benchmarks/gmc_tuning.py.
_NUMBERS = {
    "streams": ("image", "audio", "text"), "head": (), "steps": 150, "learning_rate": 2e-3,
    "clip": 1.0,
}  # fmt: skip
#: All but localization, which asks for dense maps or for vectors of a scene's parts: that says
#: little about one vector an item, and would take a training more.
_TASKS = (
    "numbers-retrieval-image-text", "numbers-retrieval-audio-image", "numbers-zeroshot-image",
    "numbers-zeroshot-audio", "numbers-missing-image-audio", "numbers-missing-image-text-value",
    "numbers-alignment-image-text", "numbers-alignment-audio-image",
)  # fmt: skip
_PENDULUM = {"dim": 10, "head": (128,), "temperature": 0.3, "batch": 128, "epochs": 500}


@hookimpl
def mmbench_representations() -> list[RepresentationSpec]:
    """GMC with the constants of each experiment, and its rivals."""
    return [
        RepresentationSpec(
            "gmc", _GMC, "GMC: each stream drawn to the representation of all; as on MHD",
            hint=_HINT,
        ),
        RepresentationSpec(
            "gmc-affect", _GMC, "GMC as on CMU-MOSI and CMU-MOSEI, with their target",
            options=_SPOKEN, hint=_HINT,
        ),
        RepresentationSpec(
            "gmc-pendulum", _GMC, "GMC as on Pendulum", options=_PENDULUM, hint=_HINT,
        ),
        RepresentationSpec(
            "gmc-numbers", _GMC, "GMC on the numbers world's pictures, tones and words, in seconds",
            options=_NUMBERS, hint=_HINT, joins=("quickstart",), joins_for=_TASKS,
        ),
        RepresentationSpec(
            "mult", "mmbench_gmc.mult:MulT",
            "MulT: crossmodal attention between sequences, learnt with a target", hint=_HINT,
        ),
        RepresentationSpec(
            "mvae", "mmbench_gmc.mvae:MVAE", "MVAE: a product of experts, one a stream", hint=_HINT,
        ),
        RepresentationSpec(
            "mmvae", "mmbench_gmc.mmvae:MMVAE", "MMVAE: a mixture of experts, one a stream",
            hint=_HINT,
        ),
        RepresentationSpec(
            "nexus", "mmbench_gmc.nexus:Nexus", "Nexus: a VAE a stream, one code above, dropout",
            hint=_HINT,
        ),
        RepresentationSpec(
            "muse", "mmbench_gmc.muse:MUSE", "MUSE: a VAE a stream, a product above, ALMA",
            hint=_HINT,
        ),
        RepresentationSpec(
            "mfm", "mmbench_gmc.mfm:MFM", "MFM: shared and single factors, surrogates", hint=_HINT,
        ),
        RepresentationSpec(
            "mvae-pendulum", "mmbench_gmc.mvae:MVAE", "MVAE for Pendulum",
            options=_PENDULUM_RIVAL, hint=_HINT,
        ),
        RepresentationSpec(
            "muse-pendulum", "mmbench_gmc.muse:MUSE", "MUSE as on Pendulum",
            options={**_PENDULUM_RIVAL, "sizes": {"image": 16, "sound": 8}, "warm_up": 0.4},
            hint=_HINT,
        ),
    ]  # fmt: skip
