"""Telephone keypad tones: the two frequencies a key of ITU-T Q.23, with seeded imperfections."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mmbench.builtin.numbers.seeding import bell, to_grid, uniform

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

#: Samples a second.
RATE = 8000
#: Samples a key has to itself: tone and pause, 0.2 s.
SLOT = 1600
_ROWS = (697, 770, 852, 941)
_COLUMNS = (1209, 1336, 1477)
_KEYPAD = ("123", "456", "789", "*0#")
#: Digit to its low and high frequency in Hz.
FREQUENCIES = {
    int(key): (_ROWS[row], _COLUMNS[column])
    for row, keys in enumerate(_KEYPAD)
    for column, key in enumerate(keys)
    if key.isdigit()
}
_RAMP = 40  # 5 ms in and out, so that keys do not click.


def dial(digits: Sequence[int], rng: np.random.Generator) -> NDArray[np.float32]:
    """Dial ``digits``, one key every 0.2 s.

    Seeded: the call's level (0.1 to 0.35 of full scale a frequency) and signal-to-noise ratio
    (10 to 30 dB); each key's onset (0 to 40 ms), length (100 to 150 ms), phases, and the level of
    its high frequency against its low one (within 2 dB).

    Returns:
        [1, 1600 * len(digits)] float32 in -1..1 on a grid of 16 bits.
    """
    level = uniform(rng, 0.1, 0.35)
    noise = level * 10.0 ** (-uniform(rng, 10.0, 30.0) / 20.0)
    sound = noise * bell(rng, (SLOT * len(digits),))
    for place, digit in enumerate(digits):
        start = place * SLOT + int(uniform(rng, 0.0, 0.040) * RATE)
        length = int(uniform(rng, 0.100, 0.150) * RATE)
        time = np.arange(length) / RATE
        tone = np.zeros(length)
        twist = 10.0 ** (uniform(rng, -2.0, 2.0) / 20.0)
        for frequency, share in zip(FREQUENCIES[digit], (1.0, twist), strict=True):
            phase = uniform(rng, 0.0, 2.0)
            tone += level * share * np.sin(np.pi * (2.0 * frequency * time + phase))
        ramp = np.minimum(
            1.0, np.minimum(np.arange(length) + 1, length - np.arange(length)) / _RAMP
        )
        sound[start : start + length] += tone * ramp
    return to_grid(np.clip(sound, -1.0, 1.0 - 2.0**-15), 2.0**-15)[None, :]
