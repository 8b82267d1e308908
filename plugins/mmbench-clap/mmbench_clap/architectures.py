"""Audio encoders: the sizes of HTSAT, by LAION's names or from a JSON file of one's own."""

from __future__ import annotations

import json
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from mmbench.api import UsageError

__all__ = ["NAMES", "SPECTROGRAM_SIDE", "AudioArchitecture", "read_architecture"]

#: Side of the square picture that a spectrogram is folded into.
SPECTROGRAM_SIDE = 256


@dataclass(frozen=True)
class AudioArchitecture:
    """An HTSAT, and the spectrogram that it sees.

    Attributes:
        name: LAION's name, or the path of a file.
        width: Features of a patch in the first stage; each stage doubles them.
        depths: Blocks of each stage.
        heads: Attention heads of each stage.
        rate: Samples a second.
        length: Samples of a clip.
        window: Samples of the Fourier transform's window.
        hop: Samples from one window to the next.
        mel_bins: Bands of the spectrogram.
        lowest: Lower end of the lowest band, in Hz.
        highest: Upper end of the highest band, in Hz.
        classes: Classes of AudioSet's head, which embeddings don't use.
        own: Whether it comes from a file of the user's.
    """

    name: str
    width: int
    depths: tuple[int, ...]
    heads: tuple[int, ...]
    rate: int = 48_000
    length: int = 480_000
    window: int = 1024
    hop: int = 480
    mel_bins: int = 64
    lowest: int = 50
    highest: int = 14_000
    classes: int = 527
    own: bool = False

    @property
    def features(self) -> int:
        """Features that the last stage gives."""
        return self.width << (len(self.depths) - 1)

    @property
    def frames(self) -> int:
        """Frames of a clip's spectrogram."""
        return self.length // self.hop + 1


_HEADS = (4, 8, 16, 32)
_SIZES = {
    "tiny": (96, (2, 2, 6, 2), _HEADS),
    "base": (128, (2, 2, 12, 2), _HEADS),
    "large": (256, (2, 2, 12, 2), _HEADS),
}
_NAMED = {
    "HTSAT-tiny": AudioArchitecture("HTSAT-tiny", *_SIZES["tiny"]),
    "HTSAT-tiny-win-1536": AudioArchitecture("HTSAT-tiny-win-1536", *_SIZES["tiny"], window=1536),
    "HTSAT-base": AudioArchitecture("HTSAT-base", *_SIZES["base"]),
    "HTSAT-large": AudioArchitecture("HTSAT-large", *_SIZES["large"]),
}
#: LAION's names of the encoders that can be built.
NAMES = tuple(_NAMED)
#: What laion_clap's ``audio_cfg`` calls our fields.
_FIELDS = {"sample_rate": "rate", "clip_samples": "length", "window_size": "window",
           "hop_size": "hop", "mel_bins": "mel_bins", "fmin": "lowest", "fmax": "highest",
           "class_num": "classes"}  # fmt: skip
_FORM = (
    'it is a JSON object as in laion_clap/clap_module/model_configs: {"audio_cfg": {"model_type": '
    '"HTSAT", "model_name": "tiny", ...}}, or with sizes of its own instead of a model_name: '
    '{"audio_cfg": {"model_type": "HTSAT", "htsat": {"embed_dim": 96, "depths": [2, 2, 6, 2], '
    '"num_heads": [4, 8, 16, 32]}, ...}}'
)


def read_architecture(amodel: str) -> AudioArchitecture:
    """The audio encoder that the option ``amodel`` names.

    Args:
        amodel: One of :data:`NAMES`, or a JSON file.

    Raises:
        UsageError: There is none, or it is none that can be built.
    """
    if amodel in _NAMED:
        return _NAMED[amodel]
    path = Path(amodel).expanduser()
    if path.suffix == ".json":
        return _checked(_from_file(path))
    if amodel.startswith("PANN"):
        raise UsageError(
            f"{amodel} is no HTSAT: LAION published no CLAP weights with that encoder",
            where="option amodel", fix=f"one of {', '.join(NAMES)}",
        )  # fmt: skip
    near = get_close_matches(amodel, NAMES, n=1)
    raise UsageError(
        f"there is no audio encoder {amodel!r}" + (f": did you mean {near[0]}?" if near else ""),
        where="option amodel", fix=f"one of {', '.join(NAMES)}, or a .json file",
    )  # fmt: skip


def _from_file(path: Path) -> AudioArchitecture:
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"can't read it: {error.strerror}", where=str(path)) from error
    except ValueError as error:
        raise UsageError(f"is no JSON: {error}", where=str(path), fix=_FORM) from error
    audio: Any = raw.get("audio_cfg") if isinstance(raw, dict) else None
    if not isinstance(audio, dict) or audio.get("model_type", "HTSAT") != "HTSAT":
        raise UsageError("describes no HTSAT", where=str(path), fix=_FORM)
    try:
        if "htsat" in audio:
            own = audio["htsat"]
            size = (int(own["embed_dim"]), _whole(own["depths"]), _whole(own["num_heads"]))
        else:
            size = _SIZES[audio["model_name"]]
        named = {ours: int(audio[name]) for name, ours in _FIELDS.items() if name in audio}
        made = AudioArchitecture(str(path), *size, **named, own=True)  # type: ignore[arg-type]
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(
            f"its audio_cfg can't be understood: {type(error).__name__} {error}",
            where=str(path), fix=_FORM,
        ) from error  # fmt: skip
    if made.hop < 1:
        raise UsageError("hop_size is not positive", where=str(path), fix=_FORM)
    if raw.get("embed_dim", made.features) != made.features:
        raise UsageError(
            f"embed_dim is {raw['embed_dim']}, but the last stage has {made.features} features",
            where=str(path), fix="leave embed_dim out",
        )  # fmt: skip
    return made


def _whole(values: Any) -> tuple[int, ...]:
    return tuple(int(value) for value in values)


def _checked(made: AudioArchitecture) -> AudioArchitecture:
    """The same, if an HTSAT of such sizes works."""
    stages = len(made.depths)
    grid = SPECTROGRAM_SIDE // 4
    sizes = (made.width, made.rate, made.length, made.window, *made.depths, *made.heads)
    faults = {
        "depths and num_heads differ in length": len(made.heads) != stages,
        "it has no stages, or more than 4": not 1 <= stages <= 4,
        "a size is not positive": min(sizes) < 1,
        "embed_dim is less than 4": made.width < 4,
        "a stage's features can't be divided among its heads": any(
            made.width * 2**stage % max(heads, 1) for stage, heads in enumerate(made.heads)
        ),
        f"mel_bins is no divisor of {grid}": made.mel_bins < 1 or grid % made.mel_bins != 0,
        "a clip has more frames than the model takes": made.frames
        > SPECTROGRAM_SIDE * (SPECTROGRAM_SIDE // max(made.mel_bins, 1)),
        "fmin and fmax are no band": not 0 <= made.lowest < made.highest <= made.rate / 2,
    }  # fmt: skip
    for fault, found in faults.items():
        if found:
            raise UsageError(fault, where=made.name, fix=_FORM)
    return made
