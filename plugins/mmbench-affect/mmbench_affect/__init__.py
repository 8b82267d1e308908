"""Sentiment in video for mmbench: the hooks, which import nothing heavy."""

from __future__ import annotations

from mmbench.api import DatasetSpec, RepresentationSpec, SuiteSpec, TaskSpec, hookimpl

#: The version of mmbench's contracts that this plugin is written for.
MMBENCH_API_VERSION = 1

_HINT = "pip install h5py"


@hookimpl
def mmbench_datasets() -> list[DatasetSpec]:
    """The readers; each has the folder of its name under the data root."""
    named = {
        "cmu-mosei": ("sentiment:CmuMosei", "CMU-MOSEI: sentiment of 23,453 utterances"),
        "cmu-mosi": ("sentiment:CmuMosi", "CMU-MOSI: sentiment of 2,199 utterances"),
        "mosi-utterance": (
            "utterance:MosiUtterance",
            "CMU-MOSI as one vector an utterance and stream",
        ),
        "youtube-sentiment": (
            "sequences:YoutubeSentiment",
            "YouTube opinions, three classes: 96 word-level sequences in five folds",
        ),
        "mmmo-sentiment": (
            "sequences:MmmoSentiment",
            "MMMO film reviews, rated 1 to 5: 120 word-level sequences in five folds",
        ),
    }
    return [
        DatasetSpec(name, f"mmbench_affect.{path}", summary, hint=_HINT)
        for name, (path, summary) in named.items()
    ]


@hookimpl
def mmbench_representations() -> list[RepresentationSpec]:
    """The baselines that a model of sequences must beat."""
    return [
        RepresentationSpec(
            "pooled",
            "mmbench_affect.pooled:Pooled",
            "Standardised means over time of every stream, side by side; learns nothing else",
        ),
        RepresentationSpec(
            "pooled-linear",
            "mmbench_affect.pooled_linear:PooledLinear",
            "A ridge or logistic regression on pooled's vectors, as predictions",
        ),
    ]


_MISSING = {
    "cmu-mosei-missing": ("CmuMoseiMissing", "CMU-MOSEI: sentiment from every subset of streams"),
    "cmu-mosi-missing": ("CmuMosiMissing", "CMU-MOSI: sentiment from every subset of streams"),
    "mosi-utterance-missing": (
        "MosiUtteranceMissing",
        "CMU-MOSI, one vector a stream: sentiment from every subset of streams",
    ),
    "youtube-sentiment-missing": (
        "YoutubeMissing",
        "YouTube opinions: one of three classes from every subset of streams, a fold of five",
    ),
    "mmmo-sentiment-missing": (
        "MmmoMissing",
        "MMMO film reviews: the rating from every subset of streams, a fold of five",
    ),
}
_ROBUSTNESS: dict[str, tuple[str, str, dict[str, object]]] = {
    "cmu-mosei-robustness": (
        "CmuMoseiRobustness",
        "CMU-MOSEI: sentiment as ever more frames are dropped",
        {},
    ),
    "cmu-mosi-robustness": (
        "CmuMosiRobustness",
        "CMU-MOSI: sentiment as ever more frames are dropped",
        {},
    ),
    "cmu-mosei-noise": (
        "CmuMoseiRobustness",
        "CMU-MOSEI: sentiment under ever more noise",
        {"degradation": "noise"},
    ),
    "cmu-mosi-noise": (
        "CmuMosiRobustness",
        "CMU-MOSI: sentiment under ever more noise",
        {"degradation": "noise"},
    ),
    "mosi-utterance-noise": (
        "MosiUtteranceNoise",
        "CMU-MOSI, one vector a stream: sentiment under ever more noise",
        {"degradation": "noise"},
    ),
}


_DCA = {
    "cmu-mosei-dca": ("CmuMoseiDca", "CMU-MOSEI: does a stream alone put utterances where all do"),
    "cmu-mosi-dca": ("CmuMosiDca", "CMU-MOSI: does a stream alone put utterances where all do"),
    "mosi-utterance-dca": (
        "MosiUtteranceDca",
        "CMU-MOSI, one vector a stream: does one alone put utterances where all do",
    ),
}


@hookimpl
def mmbench_tasks() -> list[TaskSpec]:
    """Every dataset with whole streams missing; curves of frames and noise; DCA."""
    package = "mmbench_affect"
    published = f"{package}:published.toml"
    found = [
        TaskSpec(name, f"{package}.tasks:{path}", said, "missing", hint=_HINT, published=published)
        for name, (path, said) in _MISSING.items()
    ]
    found += [
        TaskSpec(name, f"{package}.curves:{path}", said, "robustness", options, hint=_HINT)
        for name, (path, said, options) in _ROBUSTNESS.items()
    ]
    found += [
        TaskSpec(name, f"{package}.components:{path}", said, "dca", hint=_HINT)
        for name, (path, said) in _DCA.items()
    ]
    return found


@hookimpl
def mmbench_suites() -> list[SuiteSpec]:
    """All of these tasks, and the same on generated samples."""
    named = {
        "sentiment": "Sentiment in video where streams, frames or neither are missing",
        "sentiment-sample": "The tasks of sentiment on generated samples",
    }
    return [
        SuiteSpec(name, f"mmbench_affect:suites/{name}.toml", said) for name, said in named.items()
    ]
