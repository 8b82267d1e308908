"""The built-in plugin: the same hooks as everybody's, importing nothing heavy."""

from __future__ import annotations

from mmbench.api.hookspecs import hookimpl
from mmbench.api.specs import DatasetSpec, RepresentationSpec, SuiteSpec, TaskSpec

__all__ = [
    "MMBENCH_API_VERSION",
    "mmbench_datasets",
    "mmbench_representations",
    "mmbench_suites",
    "mmbench_tasks",
]

MMBENCH_API_VERSION = 1

_CCA = "mmbench.builtin.representations.cca:CCA"

_REPRESENTATIONS = (
    RepresentationSpec(
        "random",
        "mmbench.builtin.representations.random:Random",
        "Random vectors, one draw an item: the chance level of every task",
    ),
    RepresentationSpec(
        "cca",
        _CCA,
        "Ridge-regularised CCA of images and sounds, trained with pairs",
        options={"first": "image", "second": "audio"},
    ),
    RepresentationSpec(
        "cca-image-text",
        _CCA,
        "Ridge-regularised CCA of images and texts, trained with pairs",
        options={"first": "image", "second": "text"},
    ),
    RepresentationSpec(
        "cca-audio-text",
        _CCA,
        "Ridge-regularised CCA of sounds and texts, trained with pairs",
        options={"first": "audio", "second": "text"},
    ),
    RepresentationSpec(
        "arrays",
        "mmbench.builtin.representations.arrays:Arrays",
        "Vectors that exist already: a folder of .npy files and an id list",
    ),
)

_DATASETS = (
    DatasetSpec(
        "numbers",
        "mmbench.builtin.numbers.dataset:Numbers",
        "Three-digit numbers as handwriting, keypad tones, words, strokes and point clouds",
    ),
)

_ALIGNMENT = "mmbench.builtin.tasks.alignment:NumbersAlignment"
_MISSING = "mmbench.builtin.tasks.missing:NumbersMissing"
_ZERO_SHOT = "mmbench.builtin.tasks.zeroshot:NumbersZeroShot"
_COUNTERFACTUAL = "mmbench.builtin.tasks.counterfactual:NumbersCounterfactual"
_LOCALIZATION = "mmbench.builtin.tasks.localization:NumbersLocalization"
_RETRIEVAL = "mmbench.builtin.tasks.retrieval:NumbersRetrieval"

_TASKS: tuple[TaskSpec, ...] = (
    TaskSpec(
        "numbers-retrieval-image-text",
        _RETRIEVAL,
        "400 unseen numbers: handwriting and words retrieve each other",
        protocol="retrieval",
        options={"query": "image", "gallery": "text"},
    ),
    TaskSpec(
        "numbers-retrieval-audio-image",
        _RETRIEVAL,
        "400 unseen numbers: keypad tones and handwriting retrieve each other",
        protocol="retrieval",
        options={"query": "audio", "gallery": "image"},
    ),
    TaskSpec(
        "numbers-zeroshot-image",
        _ZERO_SHOT,
        "Handwritten numbers are named, one of 400, by prompts in five phrasings",
        protocol="zero-shot",
        options={"stream": "image"},
    ),
    TaskSpec(
        "numbers-zeroshot-audio",
        _ZERO_SHOT,
        "Dialled numbers are named, one of 400, by prompts in five phrasings",
        protocol="zero-shot",
        options={"stream": "audio"},
    ),
    TaskSpec(
        "numbers-missing-image-audio",
        _MISSING,
        "Last digits of 400 unseen numbers, from handwriting, keypad tones, or both",
        protocol="missing",
        options={"streams": ("image", "audio"), "target": "ones"},
    ),
    TaskSpec(
        "numbers-missing-image-text-value",
        _MISSING,
        "Sizes of 400 unseen numbers on a scale of -3..3, from handwriting, words, or both",
        protocol="missing",
        options={"streams": ("image", "text"), "target": "value", "target_kind": "value"},
    ),
    TaskSpec(
        "numbers-localization",
        _LOCALIZATION,
        "Which of a scene's scattered digits is being dialled, by heat map",
        protocol="localization",
        # EZ-VSL's rules, but for the top tenth of the pixels: digits cover 7 % of a scene
        options={"prediction": "heatmap", "preset": "ezvsl", "threshold_value": 0.9},
    ),
    TaskSpec(
        "numbers-localization-boxes",
        _LOCALIZATION,
        "Which of a scene's scattered digits is being dialled, by box proposals",
        protocol="localization",
        options={"prediction": "boxes", "proposal_scales": (0.4, 0.3)},
    ),
    TaskSpec(
        "numbers-alignment-image-text",
        _ALIGNMENT,
        "Handwriting and words of 400 unseen numbers: distances, gap, shared components",
        protocol="alignment",
        options={"reference": "image", "candidate": "text", "points": 400},
    ),
    TaskSpec(
        "numbers-alignment-audio-image",
        _ALIGNMENT,
        "Keypad tones and handwriting of 400 unseen numbers: distances, gap, shared components",
        protocol="alignment",
        options={"reference": "audio", "candidate": "image", "points": 400},
    ),
    TaskSpec(
        "numbers-counterfactual",
        _COUNTERFACTUAL,
        "Is the dialled digit in the scene at all, and where?",
        protocol="counterfactual",
        options={"preset": "ezvsl", "threshold_value": 0.9},
    ),
)

_SUITES = (
    SuiteSpec(
        "quickstart",
        "mmbench:suites/quickstart.toml",
        "Six protocols on the embedded numbers world, in about a minute",
    ),
)


@hookimpl
def mmbench_representations() -> tuple[RepresentationSpec, ...]:
    """Chance, CCA, and bring your own embeddings."""
    return _REPRESENTATIONS


@hookimpl
def mmbench_datasets() -> tuple[DatasetSpec, ...]:
    """The embedded numbers world."""
    return _DATASETS


@hookimpl
def mmbench_tasks() -> tuple[TaskSpec, ...]:
    """Six protocols on the numbers world."""
    return _TASKS


@hookimpl
def mmbench_suites() -> tuple[SuiteSpec, ...]:
    """The quickstart."""
    return _SUITES
