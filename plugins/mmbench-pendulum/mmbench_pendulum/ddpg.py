"""DDPG (Lillicrap et al., ICLR 2016) with the constants of GMC's Pendulum study.

The actor μ takes a code z (10 -> 256 -> 256 -> 1, ReLU, tanh), the critic Q a code and an action
(10 -> 256, then with the action 257 -> 256 -> 1, ReLU). Weights are Xavier's, uniform; biases 0.
Of a batch of steps (z, a, r, z') the critic learns

    y = r + 0.99 Q'(z', μ'(z')),    L_Q = mean (Q(z, a) - y)²,

and the actor L_μ = -mean Q(z, μ(z)). Targets follow, θ' ← 0.001 θ + 0.999 θ'. An episode is cut,
it never ends: no step is final. The noise is an Ornstein-Uhlenbeck process,
n ← n - 0.15 n + s N(0, 1), with s falling from 0.2 to 0.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

__all__ = ["DDPG", "Actor", "Critic", "Noise", "Replay", "bellman_target", "soft_update"]

WIDTH = 256
GAMMA, TAU = 0.99, 0.001
ACTOR_RATE, CRITIC_RATE = 1e-4, 1e-3
BATCH = 128


class Actor(nn.Module):
    """An action in -1..1 of a code.

    Args:
        codes: Length of a code.
        width: Of the hidden layers.
    """

    def __init__(self, codes: int, width: int = WIDTH) -> None:
        super().__init__()
        self.first = nn.Linear(codes, width)
        self.second = nn.Linear(width, width)
        self.last = nn.Linear(width, 1)

    def forward(self, code: Tensor) -> Tensor:
        """Actions [B, 1] of codes [B, D]."""
        hidden = functional.relu(self.second(functional.relu(self.first(code))))
        return torch.tanh(self.last(hidden))


class Critic(nn.Module):
    """What an action at a code is worth.

    Args:
        codes: Length of a code.
        width: Of the hidden layers.
    """

    def __init__(self, codes: int, width: int = WIDTH) -> None:
        super().__init__()
        self.first = nn.Linear(codes, width)
        self.second = nn.Linear(width + 1, width)
        self.last = nn.Linear(width, 1)

    def forward(self, code: Tensor, action: Tensor) -> Tensor:
        """Values [B, 1] of codes [B, D] and actions [B, 1]."""
        hidden = torch.cat([functional.relu(self.first(code)), action], dim=1)
        value: Tensor = self.last(functional.relu(self.second(hidden)))
        return value


def soft_update(target: nn.Module, source: nn.Module, tau: float) -> None:
    """Move a target's weights the share ``tau`` of the way to the source's."""
    with torch.no_grad():
        for ours, theirs in zip(target.parameters(), source.parameters(), strict=True):
            ours.lerp_(theirs, tau)


def bellman_target(
    actor: nn.Module, critic: nn.Module, rewards: Tensor, following: Tensor, gamma: float = GAMMA
) -> Tensor:
    """What steps were worth: the reward and what the targets expect of the code that follows."""
    with torch.no_grad():
        worth: Tensor = rewards + gamma * critic(following, actor(following))
    return worth


@dataclass
class Noise:
    """Noise that pushes in one direction for a while.

    Attributes:
        steps: After so many it has died away.
        theta: How fast it is drawn back to 0.
        sigma: How wide it is at first.
        state: What it is now.
    """

    steps: int
    theta: float = 0.15
    sigma: float = 0.2
    state: float = 0.0

    def __call__(self, step: int, rng: np.random.Generator) -> float:
        """The noise of a step of the whole training."""
        width = self.sigma * max(1.0 - step / self.steps, 0.0)
        self.state += -self.theta * self.state + width * float(rng.standard_normal())
        return self.state


class Replay:
    """The last steps, to draw from.

    Args:
        capacity: How many are kept.
        codes: Length of a code.
    """

    def __init__(self, capacity: int, codes: int) -> None:
        self.rows: Floats = np.zeros((capacity, 2 * codes + 2), dtype=np.float32)
        self.added = 0
        self._codes = codes

    def __len__(self) -> int:
        return min(self.added, len(self.rows))

    def add(self, code: Floats, action: float, reward: float, following: Floats) -> None:
        """Keep a step, in place of the oldest."""
        row = self.rows[self.added % len(self.rows)]
        row[: self._codes], row[self._codes : -2] = code, following
        row[-2:] = action, reward
        self.added += 1

    def draw(self, count: int, rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Codes [B, D], actions [B, 1], rewards [B, 1] and the codes that followed, [B, D]."""
        rows = torch.from_numpy(self.rows[rng.integers(len(self), size=count)])
        ends = rows[:, : self._codes], rows[:, self._codes : -2]
        return ends[0], rows[:, -2:-1], rows[:, -1:], ends[1]


class DDPG:
    """Actor, critic, their targets and their optimisers.

    Args:
        codes: Length of a code.
        seed: Of the first weights.
    """

    def __init__(self, codes: int, seed: int) -> None:
        with torch.random.fork_rng(devices=[]):  # Linear draws weights that are drawn again below
            actor, critic = Actor(codes), Critic(codes)
        generator = torch.Generator().manual_seed(seed)
        for layer in (*actor.children(), *critic.children()):
            assert isinstance(layer, nn.Linear)
            nn.init.xavier_uniform_(layer.weight, generator=generator)
            nn.init.zeros_(layer.bias)
        targets = copy.deepcopy(actor), copy.deepcopy(critic)
        self.actor, self.critic = actor, critic
        self.target_actor, self.target_critic = targets
        self.actor_steps = torch.optim.Adam(actor.parameters(), lr=ACTOR_RATE)
        self.critic_steps = torch.optim.Adam(critic.parameters(), lr=CRITIC_RATE)

    def act(self, codes: Floats) -> NDArray[np.float64]:
        """Actions [B] of codes [B, D], without noise."""
        with torch.no_grad():
            found: Tensor = self.actor(torch.from_numpy(codes))[:, 0]
        actions: NDArray[np.float64] = found.double().numpy()
        return actions

    def learn(self, batch: tuple[Tensor, Tensor, Tensor, Tensor]) -> tuple[float, float]:
        """Take one step of both; returns the critic's loss and the actor's."""
        codes, actions, rewards, following = batch
        worth = bellman_target(self.target_actor, self.target_critic, rewards, following)
        critic_loss = functional.mse_loss(self.critic(codes, actions), worth)
        self.critic_steps.zero_grad()
        torch.autograd.backward([critic_loss])
        self.critic_steps.step()
        actor_loss = -self.critic(codes, self.actor(codes)).mean()
        weights = list(self.actor.parameters())  # of the critic's, no gradient is wanted here
        for each, gradient in zip(weights, torch.autograd.grad(actor_loss, weights), strict=True):
            each.grad = gradient
        self.actor_steps.step()
        soft_update(self.target_actor, self.actor, TAU)
        soft_update(self.target_critic, self.critic, TAU)
        return float(critic_loss.detach()), float(actor_loss.detach())

    def kept(self) -> dict[str, NDArray[Any]]:
        """All of it as arrays, by name."""
        return {
            f"{part}/{name}": value.numpy().copy()
            for part, module in self._parts().items()
            for name, value in _flat(module.state_dict()).items()
        }

    def restore(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Be what :meth:`kept` described."""
        for part, module in self._parts().items():
            own = {k.partition("/")[2]: v for k, v in arrays.items() if k.startswith(f"{part}/")}
            if isinstance(module, nn.Module):
                module.load_state_dict({k: torch.from_numpy(v.copy()) for k, v in own.items()})
                continue
            state: dict[int, dict[str, Tensor]] = {}
            for name, value in own.items():
                number, _, key = name.partition(".")
                state.setdefault(int(number), {})[key] = torch.from_numpy(value.copy())
            groups = module.state_dict()["param_groups"]
            module.load_state_dict({"state": state, "param_groups": groups})

    def _parts(self) -> dict[str, nn.Module | torch.optim.Optimizer]:
        return {
            "actor": self.actor,
            "critic": self.critic,
            "target_actor": self.target_actor,
            "target_critic": self.target_critic,
            "actor_steps": self.actor_steps,
            "critic_steps": self.critic_steps,
        }


def _flat(state: Mapping[str, Any]) -> dict[str, Tensor]:
    """A state's tensors by name; an optimiser's by number and name."""
    if "param_groups" not in state:
        return dict(state)
    return {
        f"{number}.{name}": value
        for number, values in state["state"].items()
        for name, value in values.items()
    }
