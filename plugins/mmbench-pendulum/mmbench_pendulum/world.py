"""Gymnasium's pendulum as it is seen and heard: two pictures of 60 x 60 pixels, and two sounds.

The scene is drawn at 100 x 100 pixels, without the arrow that shows the torque, and cropped to its
middle 60 x 60. Of the red channel, background (255) becomes 0, rod (204) and axle (0) become 1;
what the drawing smooths between rod and background becomes whichever is nearer.
"""

from __future__ import annotations

import contextlib
import io
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from mmbench.api import PluginError
from mmbench_pendulum.doppler import heard

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]
    Floats = NDArray[np.float64]

__all__ = ["SIDE", "WORST", "World"]

_SCREEN = 100
_CROP = slice(20, 80)
SIDE = 60
#: Between the rod's red (204) and the background's (255).
_NEARER = 230
#: The reward of a step at its worst: upside down, at full speed and full torque.
WORST = -(np.pi**2 + 0.1 * 8.0**2 + 0.001 * 2.0**2)


class World:
    """One pendulum, with what was seen and heard of it at this step and the one before.

    Args:
        pictures: Whether it is drawn; where nobody looks, that is time saved.
    """

    def __init__(self, *, pictures: bool = True) -> None:
        self._env = _environment()
        self._pictures = pictures
        self.images: Pixels = np.zeros((2, SIDE, SIDE), dtype=np.uint8)
        self.states: Floats = np.zeros((2, 2))

    @property
    def sounds(self) -> Floats:
        """Frequency and amplitude at three receivers, [2, 3, 2], the step before first."""
        return heard(self.states[:, 0], self.states[:, 1])

    def begin(self, seed: int) -> None:
        """Put it somewhere; what was before is as it is now."""
        self._env.reset(seed=seed)
        self._look()
        self.images[0], self.states[0] = self.images[1], self.states[1]

    def act(self, torque: float) -> float:
        """Apply a torque (-2 to 2) for a step; returns the reward."""
        _, reward, *_ = self._env.step(np.array([torque], dtype=np.float64))
        self.images[0], self.states[0] = self.images[1], self.states[1]
        self._look()
        return float(reward)

    def _look(self) -> None:
        self.states[1] = self._env.state
        if self._pictures:
            self._env.last_u = None  # no arrow
            try:
                with _no_arrow_read():
                    drawn = self._env.render()
            except Exception as error:
                raise _undrawn(error) from error
            self.images[1] = drawn[_CROP, _CROP, 0] < _NEARER

    def kept(self) -> dict[str, Any]:
        """What :meth:`restore` wants, as arrays."""
        return {"images": self.images.copy(), "states": self.states.copy()}

    def restore(self, kept: Mapping[str, Any]) -> None:
        """Be where it was."""
        self.images, self.states = np.array(kept["images"]), np.array(kept["states"])
        self._env.state = self.states[1].copy()


def _environment() -> Any:
    """Gymnasium's pendulum, drawn on a surface in memory: no display is asked for.

    Raises:
        PluginError: gymnasium or pygame is not installed, or pygame can't draw here.
    """
    # pygame greets whoever imports it, and warns of packages that it imports.
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        try:
            import pygame
            from gymnasium.envs.classic_control.pendulum import PendulumEnv
        except ImportError as error:
            raise PluginError(
                f"the pendulum needs gymnasium and pygame: {error}",
                where="mmbench-pendulum",
                fix='pip install "gymnasium>=1.0" "pygame>=2.6"',
            ) from error

    env: Any = PendulumEnv(render_mode="rgb_array")
    env.screen_dim = _SCREEN
    try:
        env.screen = pygame.Surface((_SCREEN, _SCREEN), depth=32)
    except pygame.error as error:
        raise _undrawn(error) from error
    return env


@contextlib.contextmanager
def _no_arrow_read() -> Iterator[None]:
    """Spare reading the arrow's picture from its file for every frame, six sevenths of the time.

    Gymnasium reads it whether it draws it or not.
    """
    from pygame import image

    reader: Any = image
    load = reader.load
    reader.load = lambda _file: None
    try:
        yield
    finally:
        reader.load = load


def _undrawn(error: Exception) -> PluginError:
    return PluginError(
        f"the pendulum can't be drawn: {type(error).__name__}: {error}",
        where="mmbench-pendulum",
        fix="set SDL_VIDEODRIVER=dummy where there is no display, and install "
        '"gymnasium[classic-control]"',
    )
