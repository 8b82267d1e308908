"""The hooks: what this plugin brings, by name. Imports nothing heavy, so listing stays fast."""

from __future__ import annotations

from mmbench.api import DatasetSpec, TaskSpec, hookimpl

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


_TASKS = (
    TaskSpec(
        "ave-retrieval",
        "mmbench_audiovisual.retrieval:AveRetrieval",
        "AVE: frames and sounds of 402 events retrieve each other",
        protocol="retrieval",
        hint=_HINT,
    ),
    TaskSpec(
        "flickr-soundnet-retrieval",
        "mmbench_audiovisual.retrieval:FlickrRetrieval",
        "Flickr-SoundNet: 5,000 frames and their sounds retrieve each other",
        protocol="retrieval",
        hint=_HINT,
    ),
    TaskSpec(
        "vggss-retrieval",
        "mmbench_audiovisual.retrieval:VggssRetrieval",
        "VGG-SS: 5,158 frames and their sounds retrieve each other",
        protocol="retrieval",
        hint=_HINT,
    ),
)


@hookimpl
def mmbench_tasks() -> tuple[TaskSpec, ...]:
    """The tasks."""
    return _TASKS
