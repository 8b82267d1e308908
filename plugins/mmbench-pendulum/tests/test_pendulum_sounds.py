"""Doppler sounds against values of the released code, and by what physics says of them."""

from __future__ import annotations

import numpy as np
import pytest

from mmbench_pendulum.doppler import F0, SPEED_OF_SOUND, SoundRange, heard

#: Angle, angular velocity, and the frequency and amplitude at the left, right and upper receiver,
#: by the code released with GMC.
RELEASED = [
    (0.0, 0.0, (440.0, 440.0, 440.0), (0.0663129973474801, 0.0663129973474801, 0.6944444444444443)),
    (0.3, 1.5, (466.1018579540097, 428.40627604568425, 423.84461864563286),
     (0.07362039985108493, 0.061790301844155654, 0.6110529277946516)),
    (-1.2, -4.0, (469.05445159235376, 549.4597875623224, 366.96366031004544),
     (0.06106741158435699, 0.12234807277249997, 0.23553653293839405)),
    (3.0, 8.0, (335.1609897938343, 707.0609810523742, 423.5282610955699),
     (0.17534308128562867, 0.14398928845530598, 0.0980779951001268)),
    (1.5707963, 2.0, (482.34484077016765, 466.4242789612567, 403.2861779100765),
     (0.15923566580039897, 0.06631299682903584, 0.17123288016916716)),
]  # fmt: skip


@pytest.mark.parametrize(("theta", "speed", "frequencies", "amplitudes"), RELEASED)
def test_as_released(theta, speed, frequencies, amplitudes):
    found = heard(theta, speed)
    assert found[:, 0] == pytest.approx(frequencies, rel=1e-12)
    assert found[:, 1] == pytest.approx(amplitudes, rel=1e-12)


def test_many_states_at_once():
    states = np.array([row[:2] for row in RELEASED])
    together = heard(states[:, 0], states[:, 1])
    assert together.shape == (5, 3, 2)
    assert np.array_equal(together[2], heard(*states[2]))


def test_frequency_follows_the_speed_towards_the_receiver():
    """By a finite difference of the distance to the upper receiver."""
    theta, speed, dt = 0.7, 3.0, 1e-6
    up = np.array([2.2, 0.0])

    def distance(angle):
        return np.linalg.norm(up - [np.cos(angle), np.sin(angle)])

    towards = -(distance(theta + speed * dt) - distance(theta - speed * dt)) / (2 * dt)
    assert heard(theta, speed)[2, 0] == pytest.approx(
        F0 * SPEED_OF_SOUND / (SPEED_OF_SOUND - towards), rel=1e-8
    )


def test_ranges_are_of_frequency_and_amplitude_apart():
    sounds = np.array([[[440.0, 0.1], [400.0, 0.5]], [[500.0, 0.2], [450.0, 0.3]]])
    found = SoundRange.of(sounds)
    assert found.as_list() == [400.0, 0.1, 500.0, 0.5]
    assert SoundRange.from_list(found.as_list()) == found
    scaled = found(sounds)
    assert scaled.dtype == np.float32
    assert scaled[0, 0] == pytest.approx([0.4, 0.0])
    assert scaled[1, 0] == pytest.approx([1.0, 0.25])
    assert SoundRange((1.0, 1.0), (1.0, 1.0))(np.ones((1, 2))).tolist() == [[0.0, 0.0]]
