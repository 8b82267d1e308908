"""Sounds: from a payload of any rate to what CLAP's audio encoder takes, as laion_clap does it.

Wu et al. 2023, arXiv 2211.06687, section 3.2. The steps are those of laion_clap: the mean of the
channels, 48 kHz, a round trip through 16-bit integers, 10 s.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np

from mmbench.api import ItemError, payload_digest

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch
    from numpy.typing import NDArray

    from mmbench.api import Audio
    from mmbench_clap.architectures import AudioArchitecture

__all__ = ["Chunks", "ClipMaker", "mono_at", "quantised", "repeat_padded", "spectrogram"]

#: Where pieces of a clip that is too long are taken.
Chunks = Literal["random", "middle"]
_FULL_SCALE = np.float32(32767)


def mono_at(audio: Audio, rate: int) -> NDArray[np.float32]:
    """The mean of the channels at another rate, as ``librosa.load`` gives it (soxr, HQ).

    Raises:
        ItemError: There is no sample, or one is NaN or infinite, or the rate is not positive.
    """
    import soxr

    samples = np.asarray(audio.samples, dtype=np.float32)
    if samples.size == 0:
        raise ItemError("the sound is empty")
    if not np.isfinite(samples).all():
        raise ItemError("the sound has samples that are NaN or infinite")
    if audio.rate <= 0:
        raise ItemError(f"the sound has a rate of {audio.rate} Hz")
    mono: NDArray[np.float32] = samples.mean(axis=0, dtype=np.float32)
    if audio.rate == rate:
        return mono
    length = int(np.ceil(len(mono) * (float(rate) / audio.rate)))
    resampled = soxr.resample(mono, audio.rate, rate, quality="soxr_hq")[:length]
    return np.pad(resampled, (0, length - len(resampled))).astype(np.float32, copy=False)


def quantised(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """The same through 16-bit integers, and clipped to -1..1: CLAP was trained on such sounds."""
    whole = (np.clip(samples, -1.0, 1.0) * _FULL_SCALE).astype(np.int16)
    return (whole / _FULL_SCALE).astype(np.float32)


def repeat_padded(samples: NDArray[np.float32], length: int) -> NDArray[np.float32]:
    """As often as it fits into ``length`` samples, and silence after that."""
    repeated = np.tile(samples, length // len(samples))
    return np.pad(repeated, (0, length - len(repeated)))


def spectrogram(
    architecture: AudioArchitecture, scale: Literal["htk", "slaney"]
) -> torch.nn.Sequential:
    """Samples [..., T] to mel bands in decibels [..., bands, frames].

    Args:
        architecture: Rate, window and bands.
        scale: ``htk``, torchaudio's own, which models with feature fusion were trained on;
            ``slaney``, librosa's, which those without were trained on.
    """
    import torch
    from torchaudio.transforms import AmplitudeToDB, MelSpectrogram

    mel = MelSpectrogram(
        sample_rate=architecture.rate,
        n_fft=architecture.window,
        win_length=architecture.window,
        hop_length=architecture.hop,
        n_mels=architecture.mel_bins,
        f_min=architecture.lowest,
        f_max=architecture.highest,
        norm="slaney" if scale == "slaney" else None,
        mel_scale=scale,
    )
    return torch.nn.Sequential(mel, AmplitudeToDB(top_db=None))


@dataclass
class ClipMaker:
    """Makes of a sound what the audio encoder takes.

    Attributes:
        architecture: Rate, length and bands.
        fusion: Make four spectrograms of each clip rather than samples.
        chunks: Where pieces of a longer clip are taken.
        antialias: Whether the spectrogram of a longer clip is shrunk with antialiasing.
        seed: Of the random places.
    """

    architecture: AudioArchitecture
    fusion: bool
    chunks: Chunks
    antialias: bool
    seed: int

    def __post_init__(self) -> None:
        self._spectrogram: Callable[[Any], Any] | None = None
        if self.fusion:
            self._spectrogram = spectrogram(self.architecture, "htk")

    def __call__(self, audio: Audio) -> tuple[torch.Tensor, bool]:
        """The encoder's input, and whether the clip was too long.

        Returns:
            Samples [length], or with fusion spectrograms [4, frames, bands]: of a longer clip the
            whole one, shrunk, and one chunk of each third; of others four times the same.

        Raises:
            ItemError: The sound can't be encoded.
        """
        import torch

        samples = quantised(mono_at(audio, self.architecture.rate))
        longer = len(samples) > self.architecture.length
        if not longer:
            samples = repeat_padded(samples, self.architecture.length)
        if self._spectrogram is None:
            return torch.from_numpy(self._cropped(samples, audio)), longer
        mel = self._spectrogram(torch.from_numpy(samples)).T
        if len(mel) == self.architecture.frames:  # longer, but by less than a frame
            return torch.stack([mel] * 4), False
        return self._fused(mel, audio), True

    def _cropped(self, samples: NDArray[np.float32], audio: Audio) -> NDArray[np.float32]:
        """One piece of the right length."""
        overflow = len(samples) - self.architecture.length
        if overflow == 0:
            return samples
        rng = self._draws(audio)
        start = overflow // 2 if rng is None else int(rng.integers(0, overflow + 1))
        return samples[start : start + self.architecture.length].copy()

    def _fused(self, mel: torch.Tensor, audio: Audio) -> torch.Tensor:
        """The whole spectrogram [frames, bands], shrunk, and a chunk of each third."""
        import torch
        from torchvision.transforms import Resize

        frames = self.architecture.frames
        thirds = np.array_split(np.arange(len(mel) - frames + 1), 3)
        thirds = [third if len(third) else np.zeros(1, dtype=np.intp) for third in thirds]
        rng = self._draws(audio)
        starts = [
            int(third[(len(third) - 1) // 2] if rng is None else rng.choice(third))
            for third in thirds
        ]
        shrink = Resize(size=[frames, self.architecture.mel_bins], antialias=self.antialias)
        whole = cast("torch.Tensor", shrink(mel[None]))[0]
        return torch.stack([whole, *(mel[start : start + frames] for start in starts)])

    def _draws(self, audio: Audio) -> np.random.Generator | None:
        """A generator for this clip: the same in any batch, any order and any process."""
        if self.chunks == "middle":
            return None
        return np.random.default_rng([self.seed, int.from_bytes(payload_digest(audio), "big")])
