"""Spoken digits as mel spectrograms of 128 bands and 32 frames, in decibels.

A second of sound at 16 kHz; frames of 2,048 samples under a Hann window, 512 apart, centred, with
silence around; power through 128 triangles on Slaney's mel scale, each of unit area, from 0 to
8 kHz; ten times the decimal logarithm, from -100 up. These are librosa's defaults (its own padding
with zeros), by which MHD's sounds seem to be made.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["BANDS", "FRAMES", "RATE", "doubled", "mel_spectrogram"]

RATE = 16_000
BANDS, FRAMES = 128, 32
_WINDOW, _STEP = 2048, 512
_FLOOR = 1e-10
#: Slaney's scale: linear up to 1 kHz (15 mel), logarithmic above.
_HZ_A_MEL, _BREAK_HZ, _BREAK_MEL = 200.0 / 3.0, 1000.0, 15.0
_LOG_STEP = np.log(6.4) / 27.0
#: Taps on either side of the filter that doubles a rate.
_TAPS = 20


def doubled(samples: Floats) -> Floats:
    """Sound at twice its rate: zeros between the samples, and a windowed sinc over them.

    Args:
        samples: [n].

    Returns:
        [2 n]; the filter is the default one of SciPy's ``resample_poly``.
    """
    taps = np.arange(-_TAPS, _TAPS + 1)
    response = np.sinc(taps / 2.0) * np.kaiser(len(taps), 5.0)
    response *= 2.0 / response.sum()
    spread = np.zeros(2 * len(samples))
    spread[::2] = samples
    return np.convolve(spread, response)[_TAPS : _TAPS + len(spread)]


def mel_spectrogram(samples: Floats) -> Floats:
    """Decibels [128, 32] of a sound's first second, at 16 kHz; silence follows a shorter one."""
    second = np.zeros(RATE)
    second[: min(len(samples), RATE)] = samples[:RATE]
    padded = np.pad(second, _WINDOW // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::_STEP][:FRAMES]
    window = 0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(_WINDOW) / _WINDOW)
    power = np.abs(np.fft.rfft(frames * window)) ** 2
    decibels: Floats = 10.0 * np.log10(np.maximum(_FLOOR, _filters() @ power.T))
    return decibels


@cache
def _filters() -> Floats:
    """Weights [bands, frequencies] of the mel bands."""
    top = _BREAK_MEL + np.log(RATE / 2.0 / _BREAK_HZ) / _LOG_STEP
    mels = np.linspace(0.0, top, BANDS + 2)
    edges = np.where(
        mels < _BREAK_MEL,
        mels * _HZ_A_MEL,
        _BREAK_HZ * np.exp(_LOG_STEP * (mels - _BREAK_MEL)),
    )
    frequencies = np.linspace(0.0, RATE / 2.0, _WINDOW // 2 + 1)
    widths = np.diff(edges)[:, None]
    up = (frequencies - edges[:-2, None]) / widths[:-1]
    down = (edges[2:, None] - frequencies) / widths[1:]
    triangles = np.maximum(0.0, np.minimum(up, down))
    scaled: Floats = triangles * (2.0 / (edges[2:] - edges[:-2]))[:, None]
    return scaled
