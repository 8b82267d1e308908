"""GMC's Pendulum study as a task: what a controller earns that acts on a representation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from mmbench.api import (
    Evaluation,
    FitSpec,
    ItemTable,
    MetricInfo,
    Request,
    Task,
    TaskInfo,
    UsageError,
)
from mmbench_pendulum.world import WORST

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from mmbench.api import Collection, Context, Datasets, Encode, Offers, ScoreInputs
    from mmbench.api.task import Level

__all__ = ["PendulumControl"]

_STREAMS = ("image", "sound")
_SUBSETS = {"image+sound": _STREAMS, "image": ("image",), "sound": ("sound",)}
_MISSING, _RANDOM, _TRAINING = "missing reward", "random torques", "training"
#: What the paper trains with, and an episode's steps there.
_PAPER = {"frames": 20_000, "steps": 150_000}
_TORQUES = {"released": 1.0, "full": 2.0}


class PendulumControl(Task):
    """Swing a pendulum up by what a representation makes of its pictures and its sounds.

    A representation learns from complete frames of a pendulum under random torques. A controller
    (DDPG) learns on its codes of image and sound together, and then acts, without noise, on those
    of image and sound, of the image alone, and of the sound alone. The score of an episode is the
    mean reward of its steps: 0 upright and still, about -16 at worst.

    The defaults are a reduced budget, and the task is called so; ``pendulum-control`` has the
    paper's, where the representation has its own epochs, 500, beside it. Where the paper is silent:
    the first steps are under random torques, an episode that is cut is no end, and the arrow
    that gymnasium draws for the torque is left out.

    Args:
        frames: At most so many training frames (paper 20,000).
        steps: Steps of the environment that the controller learns in (paper 150,000), those before
            it learns included.
        warm_up: Steps under random torques before it learns (paper 25,000: a full replay).
        replay: Steps that are kept to learn from.
        noise_steps: Steps after which its noise has died away (paper 100,000).
        episodes: Episodes that it is tested on, the same for every subset.
        horizon: Steps of an episode.
        torque: The torque of its strongest action. ``released``: 1, as the released code hands the
            action over. ``full``: 2, what the pendulum bears.
        normalisation: What frames to be tested on are normalised by: ``train``, or their ``own``
            range as released. Sounds in the loop are normalised as training frames are.
    """

    expected_failures: ClassVar[Mapping[str, str]] = {}
    trial: ClassVar[Mapping[str, Any]] = {
        "steps": 160, "warm_up": 130, "noise_steps": 100, "episodes": 2, "horizon": 10,
    }  # fmt: skip

    def __init__(
        self,
        *,
        frames: int = 2_000,
        steps: int = 20_000,
        warm_up: int = 2_500,
        replay: int = 25_000,
        noise_steps: int = 13_333,
        episodes: int = 100,
        horizon: int = 300,
        torque: Literal["released", "full"] = "released",
        normalisation: Literal["train", "own"] = "train",
    ) -> None:
        counts = {
            "frames": frames, "steps": steps, "warm_up": warm_up, "replay": replay,
            "noise_steps": noise_steps, "episodes": episodes, "horizon": horizon,
        }  # fmt: skip
        if wrong := [name for name, count in counts.items() if count < 1]:
            raise UsageError(f"{' and '.join(wrong)} must be at least 1", where="pendulum-control")
        if warm_up >= steps:
            raise UsageError(
                f"warm_up={warm_up} of {steps} steps leaves none to learn in",
                where="pendulum-control",
                fix="give a smaller warm_up, or more steps",
            )
        self.frames = frames
        self.steps = steps
        self.warm_up = warm_up
        self.replay = replay
        self.noise_steps = noise_steps
        self.episodes = episodes
        self.horizon = horizon
        self.torque = torque
        self.normalisation = normalisation

    @property
    def budget(self) -> str:
        """``paper``, or ``reduced`` where it is less."""
        return self._budget(self.frames)

    def _budget(self, frames: int) -> str:
        """The same for so many frames: a folder may hold fewer than were asked for."""
        enough = frames >= _PAPER["frames"] and self.steps >= _PAPER["steps"]
        return "paper" if enough else "reduced"

    @property
    def info(self) -> TaskInfo:
        """The mean over single streams, then every subset."""
        name = "pendulum-control" + ("-reduced" if self.budget == "reduced" else "")
        return TaskInfo(
            name=name,
            version="1",
            protocol="control",
            primary=_MISSING,
            metrics=(
                _metric(_MISSING, "mean over image alone and sound alone"),
                *(_metric(f"{subset} reward", f"codes of {subset}") for subset in _SUBSETS),
            ),
            seeded=True,
            citation="Poklukar et al.: Geometric Multimodal Contrastive Representation Learning, "
            "ICML 2022",
            description="Pendulum: reward of a controller on codes of image and sound, image "
            f"alone, and sound alone ({self.budget} budget)",
        )

    def collections(self, datasets: Datasets) -> Mapping[str, Collection]:
        """Frames to learn from, and others."""
        return dict(datasets.open("pendulum", frames=self.frames, normalisation=self.normalisation))

    def fit_spec(self) -> FitSpec:
        """Complete frames, no target."""
        return FitSpec("train", None, _STREAMS)

    def requests(self, offers: Offers) -> list[Request]:
        """Both streams, and each."""
        return [Request(name, "test", streams) for name, streams in _SUBSETS.items()]

    def interact(
        self, encode: Encode, tables: Mapping[str, ItemTable], *, seed: int, ctx: Context
    ) -> dict[str, NDArray[Any]]:
        """Train the controller, and have it act on every subset.

        Returns:
            Rewards [episodes, horizon] of each subset and under random torques, and the mean reward
            of each episode of the training.
        """
        from mmbench_pendulum.controller import (
            Budget,
            Observer,
            Training,
            evaluate,
            one_thread,
            random_torques,
        )
        from mmbench_pendulum.doppler import SoundRange

        budget = Budget(
            self.steps, self.warm_up, self.replay, self.noise_steps, self.horizon,
            _TORQUES[self.torque],
        )  # fmt: skip
        observer = Observer(encode, SoundRange.from_list(tables["train"]["sound_range"][0]))
        starts = np.random.default_rng([seed, 1]).integers(2**31, size=self.episodes).tolist()
        with one_thread():
            training = Training(observer, _STREAMS, budget, seed, ctx)
            training.run()
            made: dict[str, NDArray[Any]] = {
                name: evaluate(training.agent, observer, streams, budget, starts, ctx)
                for name, streams in _SUBSETS.items()
            }
        made[_RANDOM] = random_torques(budget, starts, seed)
        made[_TRAINING] = np.array(training.episodes)
        return made

    def score(self, inputs: ScoreInputs) -> Evaluation:
        """The mean reward of every episode.

        Raises:
            ValueError: A reward is NaN, infinite, or none that the pendulum gives.
        """
        rewards = {name: _checked(inputs.arrays[name], name) for name in _SUBSETS}
        columns = {f"{name} reward": each.mean(axis=1) for name, each in rewards.items()}
        columns[_MISSING] = (columns["image reward"] + columns["sound reward"]) / 2
        columns[_RANDOM] = _checked(inputs.arrays[_RANDOM], _RANDOM).mean(axis=1)
        ids = [f"episode-{number:03d}" for number in range(len(columns[_MISSING]))]
        frames = len(inputs.tables["train"])
        learning = _checked(inputs.arrays[_TRAINING], _TRAINING)
        parameters: dict[str, Any] = {
            "budget": self._budget(frames),
            "frames": frames,
            "controller": "DDPG on codes of image and sound",
            "random torques": float(columns[_RANDOM].mean()),
            "training": [round(float(each), 4) for each in learning],
        }
        said = f"{frames:,} of 20,000 frames, {self.steps:,} of 150,000 steps of the controller"
        notes = (f"reduced budget: {said}",) if parameters["budget"] == "reduced" else ()
        return Evaluation({"items": ItemTable(ids, columns)}, {}, parameters, notes)

    def reference_levels(self, inputs: ScoreInputs) -> dict[str, dict[str, float]]:
        """Upright and still from the first step on, which nobody is; and random torques."""
        names = [metric.name for metric in self.info.metrics]
        levels = {"ceiling": dict.fromkeys(names, 0.0)}
        if _RANDOM in inputs.arrays:
            levels[_RANDOM] = dict.fromkeys(names, float(np.mean(inputs.arrays[_RANDOM])))
        return levels

    def reference_arrays(
        self, level: Level, inputs: ScoreInputs, rng: np.random.Generator
    ) -> dict[str, NDArray[Any]]:
        """Rewards that are all 0, drawn from all there are, or all alike."""
        shape = (self.episodes, self.horizon)

        def made() -> NDArray[Any]:
            if level == "perfect":
                return np.zeros(shape)
            return np.full(shape, WORST / 2) if level == "constant" else rng.uniform(
                WORST, 0.0, shape
            )  # fmt: skip

        rewards = {name: made() for name in (*_SUBSETS, _RANDOM)}
        return {**rewards, _TRAINING: rewards[_RANDOM].mean(axis=1)}


def _metric(name: str, said: str) -> MetricInfo:
    return MetricInfo(
        name, (name,), unit="1", bounds=(WORST - 1e-9, 0.0),
        description=f"{said}: mean over episodes of the mean reward of a step",
    )  # fmt: skip


def _checked(rewards: Any, name: str) -> NDArray[np.float64]:
    """Rewards that a pendulum can give."""
    values = np.asarray(rewards, dtype=np.float64)
    if not np.isfinite(values).all() or (values > 0).any() or (values < WORST - 1e-9).any():
        raise ValueError(f"rewards of {name} must lie in {WORST:.3f}..0")
    return values
