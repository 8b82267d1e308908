"""Sounds from wav, flac, ogg and mp3 files, at their own rate."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from mmbench.api import Audio, ItemError
from mmbench_audiovisual.clips import WHOLE, Clip
from mmbench_audiovisual.files import shown

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

__all__ = ["MIN_SECONDS", "SOUND_SUFFIXES", "load_sound", "sound_of"]

#: What soundfile reads, the ending that the datasets use first.
SOUND_SUFFIXES = (".wav", ".flac", ".ogg", ".mp3")
#: A clip that is shorter holds no sound: one spectrum takes 20 ms.
MIN_SECONDS = 0.02
#: Rates of real recordings, in Hz; a header that says otherwise is broken.
_RATES = range(2_000, 768_001)
#: Sizes in a wav's header that mean "not known when this was written".
_UNKNOWN_SIZES = (0, 0xFFFFFFFF)


def load_sound(path: Path, clip: Clip = WHOLE) -> Audio:
    """Decode a part of a recording; of long recordings only that part is read.

    Raises:
        ItemError: It is not there, is cut off or too short, or is no sound.
    """
    import soundfile

    try:
        # Its library takes bytes, so that names that are no UTF-8 can be opened.
        name = os.fsencode(path) if os.name == "posix" else str(path)
        _check_whole(path)
        with soundfile.SoundFile(name) as file:
            rate, total = int(file.samplerate), int(file.frames)
            first, last = clip.span(total, rate)
            file.seek(first)
            samples = file.read(last - first, dtype="float32", always_2d=True).T
    except ItemError:
        raise
    except Exception as error:  # decoders raise all kinds of things at damaged files
        raise ItemError(f"the sound can't be decoded: {error}", where=shown(path)) from error
    if samples.shape[1] < last - first:
        raise ItemError(
            f"the sound is cut off: {samples.shape[1]} of {last - first} samples can be decoded",
            where=shown(path),
        )
    return sound_of(samples, rate, clip, path)


def sound_of(samples: NDArray[np.float32], rate: int, clip: Clip, path: Path) -> Audio:
    """What was cut out, [channels, time], checked and filled up as the clip says.

    Raises:
        ItemError: A rate that no recording has, less than 20 ms, NaN or infinity.
    """
    import numpy as np

    if rate not in _RATES:
        raise ItemError(f"the sound's rate is said to be {rate} Hz", where=shown(path))
    if samples.shape[1] < MIN_SECONDS * rate:
        raise ItemError(
            f"the sound is too short: {samples.shape[1]} samples at {rate} Hz", where=shown(path)
        )
    if not np.isfinite(samples).all():
        raise ItemError("the sound holds NaN or infinity", where=shown(path))
    return Audio(np.ascontiguousarray(clip.fill(samples, rate), dtype=np.float32), rate)


def _check_whole(path: Path) -> None:
    """Compare a wav's size with the one in its header: libsndfile reads cut files in silence.

    Raises:
        ItemError: The file is not there, or shorter.
    """
    size = path.stat().st_size if path.is_file() else None
    if size is None:
        raise ItemError("the sound is not there", where=shown(path))
    if not size:
        raise ItemError("the sound is empty: a file of 0 bytes", where=shown(path))
    with path.open("rb") as file:
        head = file.read(12)
    if head[:4] != b"RIFF" or head[8:12] != b"WAVE":
        return
    said = int.from_bytes(head[4:8], "little")
    if said not in _UNKNOWN_SIZES and said + 8 > size + 1:
        raise ItemError(
            f"the sound is cut off: {size} of {said + 8} bytes are there", where=shown(path)
        )
