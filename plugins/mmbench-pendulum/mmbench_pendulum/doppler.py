"""What three receivers hear of a pendulum's tip: Doppler-shifted frequencies, and amplitudes.

The tip stands at (height, width) = (cos θ, sin θ) and moves with v = θ' (-sin θ, cos θ). It sounds
with f0 = 440 Hz in a medium where sound travels at c = 20. A receiver at p, at rest, at the
distance d = |p - tip|, hears

    f = f0 (c + v_obs) / (c - v_src),    v_src = v · (p - tip) / d,    v_obs = 0,

where v_src is the speed towards it, with the amplitude 1 / d². Upright is θ = 0, as in gymnasium.

Source: the code released with GMC (Poklukar et al., ICML 2022) and MUSE (Vasco et al., 2021).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

__all__ = ["F0", "RECEIVERS", "SPEED_OF_SOUND", "SoundRange", "heard"]

#: (height, width) of the receivers: left and right below, and above.
RECEIVERS = ((-2.2, 2.2), (-2.2, -2.2), (2.2, 0.0))
F0 = 440.0
SPEED_OF_SOUND = 20.0


def heard(theta: ArrayLike, speed: ArrayLike) -> Floats:
    """Frequency in Hz and amplitude at the three receivers.

    Args:
        theta: Angles from upright in radians, [...].
        speed: Angular velocities, [...].

    Returns:
        [..., 3, 2].
    """
    angle, omega = np.asarray(theta, dtype=np.float64), np.asarray(speed, dtype=np.float64)
    tip = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    velocity = omega[..., None] * np.stack([-tip[..., 1], tip[..., 0]], axis=-1)
    way = np.asarray(RECEIVERS) - tip[..., None, :]
    squared = (way**2).sum(axis=-1)
    towards = (way * velocity[..., None, :]).sum(axis=-1) / np.sqrt(squared)
    frequency = F0 * SPEED_OF_SOUND / (SPEED_OF_SOUND - towards)
    return np.stack([frequency, 1.0 / squared], axis=-1)


@dataclass(frozen=True)
class SoundRange:
    """Lowest and highest frequency and amplitude, by which sounds are brought to 0..1.

    Attributes:
        low: Of frequency and of amplitude.
        high: The same.
    """

    low: tuple[float, float]
    high: tuple[float, float]

    @classmethod
    def of(cls, sounds: Floats) -> SoundRange:
        """The range of sounds [..., 2]."""
        flat = sounds.reshape(-1, 2)
        low, high = flat.min(axis=0), flat.max(axis=0)
        return cls((float(low[0]), float(low[1])), (float(high[0]), float(high[1])))

    def __call__(self, sounds: Floats) -> NDArray[np.float32]:
        """Sounds in 0..1 where they lie in the range; beyond it, beyond."""
        low, high = np.asarray(self.low), np.asarray(self.high)
        shares = (sounds - low) / np.maximum(high - low, 1e-12)
        return np.asarray(shares, dtype=np.float32)

    def as_list(self) -> list[float]:
        """For a column."""
        return [*self.low, *self.high]

    @classmethod
    def from_list(cls, values: ArrayLike) -> SoundRange:
        """From a column's value."""
        a, b, c, d = (float(each) for each in np.asarray(values))
        return cls((a, b), (c, d))
