"""Trains a controller on codes of complete observations; tests it on every subset of streams."""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import numpy as np

from mmbench.api import Array
from mmbench_pendulum.ddpg import BATCH, DDPG, Noise, Replay
from mmbench_pendulum.world import World

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from mmbench.api import Context, Encode
    from mmbench_pendulum.doppler import SoundRange

    Floats = NDArray[np.float32]
    Rewards = NDArray[np.float64]

__all__ = ["Budget", "Observer", "Training", "evaluate", "one_thread", "random_torques"]

#: How often a training's state is kept.
_KEPT = 40
_STARTS = 2**31


@dataclass(frozen=True)
class Budget:
    """How long is trained, and how.

    Attributes:
        steps: Of the environment, those that fill the replay included.
        warm_up: Steps under random torques before anything is learnt.
        replay: Steps that are kept to learn from.
        noise_steps: Steps after which the noise has died away.
        horizon: Steps of an episode.
        torque: The torque of an action of 1; the pendulum bears 2.
    """

    steps: int
    warm_up: int
    replay: int
    noise_steps: int
    horizon: int
    torque: float


@dataclass(frozen=True)
class Observer:
    """Encodes what is seen and heard of pendulums.

    Attributes:
        encode: The representation.
        heard: The range by which sounds are brought to 0..1.
    """

    encode: Encode
    heard: SoundRange

    def __call__(self, worlds: Sequence[World], streams: Sequence[str]) -> Floats:
        """Codes [B, D] of so many streams of each."""
        made = {
            "image": lambda world: Array(world.images.astype(np.float32)),
            "sound": lambda world: Array(self.heard(world.sounds)),
        }
        return self.encode({name: [made[name](world) for world in worlds] for name in streams})


class Training:
    """A controller that learns, and can be stopped.

    Args:
        observer: Encodes.
        streams: Those that it learns from.
        budget: How long, and how.
        seed: Of everything that is drawn.
        ctx: Progress, log, and where checkpoints go.
    """

    def __init__(
        self, observer: Observer, streams: Sequence[str], budget: Budget, seed: int, ctx: Context
    ) -> None:
        self._observer, self._streams = observer, streams
        self._budget, self._ctx, self._seed = budget, ctx, seed
        self._rng = np.random.default_rng([seed, 0])
        self._world = World()
        self._noise = Noise(budget.noise_steps)
        self._step = 0
        self._world.begin(int(self._rng.integers(_STARTS)))
        self._code = observer([self._world], streams)[0]
        self.agent = DDPG(len(self._code), seed)
        self._replay = Replay(budget.replay, len(self._code))
        self._episode = 0.0
        self.episodes: list[float] = []
        self._place = None if ctx.checkpoint is None else ctx.checkpoint / "controller.npz"
        self._restore()

    def run(self) -> None:
        """Learn until the budget is spent."""
        budget, every = self._budget, max(self._budget.steps // _KEPT, 1)
        while self._step < budget.steps:
            self._move()
            if self._step > budget.warm_up:
                self.agent.learn(self._replay.draw(BATCH, self._rng))
            if self._step % every == 0:
                self._keep()
            self._ctx.progress(self._step, budget.steps, "training the controller")

    def _move(self) -> None:
        """Take a step of the environment, and begin anew where an episode is cut."""
        budget = self._budget
        if self._step < budget.warm_up:
            action = float(self._rng.uniform(-1.0, 1.0))
        else:
            noise = self._noise(self._step, self._rng)
            action = float(np.clip(self.agent.act(self._code[None])[0] + noise, -1.0, 1.0))
        reward = self._world.act(budget.torque * action)
        following = self._observer([self._world], self._streams)[0]
        self._replay.add(self._code, action, reward, following)
        self._code = following
        self._episode += reward
        self._step += 1
        if self._step % budget.horizon == 0:
            self.episodes.append(self._episode / budget.horizon)
            self._episode = 0.0
            self._noise.state = 0.0
            self._world.begin(int(self._rng.integers(_STARTS)))
            self._code = self._observer([self._world], self._streams)[0]

    def _keep(self) -> None:
        """Write the whole state aside, and rename it."""
        if self._place is None:
            return
        said = {
            "step": self._step,
            "noise": self._noise.state,
            "episode": self._episode,
            "episodes": self.episodes,
            "added": self._replay.added,
            "rng": self._rng.bit_generator.state,
        }
        arrays = {
            "replay": self._replay.rows[: len(self._replay)],
            "code": self._code,
            "said": np.array(json.dumps(said)),
            **{f"world/{name}": value for name, value in self._world.kept().items()},
            **{f"agent/{name}": value for name, value in self.agent.kept().items()},
        }
        temporary = self._place.with_name(f".{self._place.name}.{os.getpid()}.npz")
        np.savez(temporary, **arrays)
        temporary.replace(self._place)

    def _restore(self) -> None:
        """Go on where it was stopped, if it was."""
        arrays = _read(self._place)
        if arrays is None:
            return
        said = json.loads(str(arrays["said"]))
        self._step, self._noise.state = said["step"], said["noise"]
        self._episode, self.episodes = said["episode"], said["episodes"]
        self._rng.bit_generator.state = said["rng"]
        self._replay.added = said["added"]
        self._replay.rows[: len(arrays["replay"])] = arrays["replay"]
        self._code = arrays["code"]
        for part, owner in (("world/", self._world), ("agent/", self.agent)):
            owner.restore(
                {k.removeprefix(part): v for k, v in arrays.items() if k.startswith(part)}
            )
        self._ctx.log.info("the controller goes on from step %d", self._step)


def evaluate(
    agent: DDPG,
    observer: Observer,
    streams: Sequence[str],
    budget: Budget,
    starts: Sequence[int],
    ctx: Context,
) -> Rewards:
    """The rewards of episodes, step by step, with the codes of these streams only.

    Args:
        agent: The controller; it acts without noise.
        observer: Encodes.
        streams: The observed subset.
        budget: How long an episode is, and how strong a torque.
        starts: A seed an episode: the same for every subset.
        ctx: Progress.

    Returns:
        [episodes, horizon].
    """
    worlds = _begun(starts, pictures="image" in streams)
    rewards = np.empty((len(worlds), budget.horizon))
    for step in range(budget.horizon):
        actions = agent.act(observer(worlds, streams))
        for row, (world, action) in enumerate(zip(worlds, actions, strict=True)):
            rewards[row, step] = world.act(budget.torque * float(action))
        ctx.progress(step + 1, budget.horizon, f"testing it on {' + '.join(streams)}")
    return rewards


def random_torques(budget: Budget, starts: Sequence[int], seed: int) -> Rewards:
    """The rewards of the same episodes under random torques of the same strength."""
    rng = np.random.default_rng([seed, 2])
    worlds = _begun(starts, pictures=False)
    rewards = np.empty((len(worlds), budget.horizon))
    for step in range(budget.horizon):
        for row, world in enumerate(worlds):
            rewards[row, step] = world.act(budget.torque * float(rng.uniform(-1.0, 1.0)))
    return rewards


@contextmanager
def one_thread() -> Iterator[None]:
    """Learn on one thread, so that the number of workers or cores changes no digit."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _begun(starts: Sequence[int], *, pictures: bool) -> list[World]:
    worlds = [World(pictures=pictures) for _ in starts]
    for world, start in zip(worlds, starts, strict=True):
        world.begin(int(start))
    return worlds


def _read(place: Path | None) -> dict[str, Any] | None:
    """A checkpoint that is whole; None where there is none."""
    if place is None or not place.is_file():
        return None
    try:
        with np.load(place, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):
        return None
