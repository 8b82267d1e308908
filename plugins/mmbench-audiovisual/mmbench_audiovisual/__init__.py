"""Audio-visual benchmarks for mmbench, of pictures and sounds: what the plugin brings, by name.

Listing imports this file, so it imports nothing heavy: the classes stay in modules of their own.
"""

from __future__ import annotations

from dataclasses import replace

from mmbench.api import CommandSpec, DatasetSpec, SuiteSpec, TaskSpec, hookimpl

#: The version of mmbench's contracts that this plugin is written for.
MMBENCH_API_VERSION = 1

_HINT = "pip install av pillow soundfile"


@hookimpl
def mmbench_datasets() -> list[DatasetSpec]:
    """The readers; each has the folder of its name under the data root."""
    package = "mmbench_audiovisual"
    named = {
        "ave": ("ave:Ave", "AVE: 4,143 events in ten-second videos"),
        "flickr_soundnet": (
            "flickr_soundnet:FlickrSoundnet",
            "Flickr-SoundNet: 5,000 frames with sounds and annotators' boxes",
        ),
        "vggss": ("vggss:Vggss", "VGG-SS: 5,158 VGGSound frames with boxes of what sounds"),
        "music": ("music:Music", "MUSIC: frames of solos and duets with boxes of instruments"),
        "esc50": ("esc50:Esc50", "ESC-50 and ESC-10: environmental sounds of 50 classes"),
    }
    return [
        DatasetSpec(name, f"{package}.{path}", summary, hint=_HINT)
        for name, (path, summary) in named.items()
    ]


#: Flickr-SoundNet is annotated on frames of 256 x 256, by several people each.
_CONSENSUS: dict[str, object] = {"box_extent": 256.0, "ground_truth": "consensus"}

_RETRIEVAL = {
    "ave-retrieval": (
        "AveRetrieval",
        "AVE: frames and sounds of 402 events retrieve each other",
    ),
    "flickr-soundnet-retrieval": (
        "FlickrRetrieval",
        "Flickr-SoundNet: 5,000 frames and their sounds retrieve each other",
    ),
    "vggss-retrieval": (
        "VggssRetrieval",
        "VGG-SS: 5,158 frames and their sounds retrieve each other",
    ),
}
_LOCALIZATION: dict[str, tuple[str, str, dict[str, object]]] = {
    "vggss-localization": (
        "VggssLocalization",
        "VGG-SS: where in 5,158 VGGSound frames is what is heard",
        {},
    ),
    "flickr-soundnet-localization": (
        "FlickrLocalization",
        "Flickr-SoundNet: where in 250 frames is what is heard, by three annotators",
        _CONSENSUS,
    ),
    "music-solo-localization": (
        "MusicLocalization",
        "MUSIC-Solo: where in 12,356 frames is the instrument",
        {},
    ),
}
_COUNTERFACTUAL: dict[str, tuple[str, str, dict[str, object]]] = {
    "ex-vggss": (
        "ExVggss",
        "Ex-VGGSS: is what is heard in the picture at all; 5,158 pairs that match, 5,158 not",
        {},
    ),
    "ex-flickrnet": (
        "ExFlickrNet",
        "Ex-FlickrNet: is what is heard in the picture at all; 250 pairs that match, 250 not",
        _CONSENSUS,
    ),
}
_ZERO_SHOT = {
    "esc50-zeroshot": ("esc50", "ESC-50: 2,000 environmental sounds are named, one of 50 classes"),
    "esc10-zeroshot": ("esc10", "ESC-10: 400 environmental sounds are named, one of ten classes"),
}


@hookimpl
def mmbench_tasks() -> list[TaskSpec]:
    """The tasks: retrieval, localization by heat map and by boxes, recognition, zero-shot."""
    package = "mmbench_audiovisual"
    tasks = [
        TaskSpec(name, f"{package}.retrieval:{path}", said, "retrieval")
        for name, (path, said) in _RETRIEVAL.items()
    ]
    for name, (path, said, options) in _LOCALIZATION.items():
        where = f"{package}.localization:{path}"
        maps = {**options, "prediction": "heatmap", "preset": "ezvsl"}
        boxes = {**options, "prediction": "boxes", "preset": "boxes"}
        tasks += [
            TaskSpec(name, where, f"{said}, by heat map", "localization", maps),
            TaskSpec(f"{name}-boxes", where, f"{said}, by boxes", "localization", boxes),
        ]
    tasks += [
        TaskSpec(name, f"{package}.counterfactual:{path}", said, "counterfactual", options)
        for name, (path, said, options) in _COUNTERFACTUAL.items()
    ]
    tasks += [
        TaskSpec(
            name,
            f"{package}.sound_classes:EscZeroShot",
            said,
            "zero-shot",
            {"split": split},
        )
        for name, (split, said) in _ZERO_SHOT.items()
    ]
    return [replace(task, hint=_HINT, published=f"{package}:published.toml") for task in tasks]


@hookimpl
def mmbench_suites() -> list[SuiteSpec]:
    """The tasks of C-MCR's paper and its relatives, and the same on generated samples."""
    named = {
        "audiovisual-zeroshot": "AVE, Flickr-SoundNet, VGG-SS, MUSIC-Solo, Ex-*, ESC-50, zero-shot",
        "audiovisual-zeroshot-sample": "The tasks of audiovisual-zeroshot on generated samples",
    }
    return [
        SuiteSpec(name, f"mmbench_audiovisual:suites/{name}.toml", said)
        for name, said in named.items()
    ]


@hookimpl
def mmbench_commands() -> list[CommandSpec]:
    """Pictures of what was localized."""
    path = "mmbench_audiovisual.commands:audiovisual"
    return [CommandSpec("audiovisual", path, "Draw what localization tasks scored.", _HINT)]
