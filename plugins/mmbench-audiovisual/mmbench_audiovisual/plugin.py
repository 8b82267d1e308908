"""The hooks: what this plugin brings, by name. Imports nothing heavy, so listing stays fast."""

from __future__ import annotations

from mmbench.api import DatasetSpec, hookimpl

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
