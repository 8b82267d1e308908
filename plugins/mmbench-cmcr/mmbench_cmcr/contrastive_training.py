"""Training of two towers with pairs, by CLIP's loss.

What is random in a step is drawn from (seed, step), and the order of an epoch from (seed, epoch);
the weights of the beginning from the seed and what the two sides are called.

SOURCE: A. Radford et al. (2021), Learning transferable visual models from natural language
supervision, arXiv 2103.00020.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import blake2b
from math import ceil, cos, log, pi
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.nn.functional import normalize

from mmbench_cmcr.losses import info_nce
from mmbench_cmcr.towers import build_tower

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from mmbench.api import Context
    from mmbench_cmcr.towers import Tower

__all__ = ["TowerRecipe", "TrainedTowers", "train_towers"]

#: The lowest temperature that is learnt.
_COLDEST = 0.01
#: What the seeds of different draws begin with.
_ORDER, _DROPOUT, _WEIGHTS = 1, 2, 3


@dataclass(frozen=True)
class TowerRecipe:
    """How towers are trained.

    Attributes:
        dim: Length of the vectors.
        width: Channels of a tower's first convolution.
        dropout: Share of a linear map's inputs that a step leaves out.
        temperature: Of the loss, at the beginning.
        learn_temperature: Whether it is learnt.
        learning_rate: AdamW's, at the beginning of the cosine.
        weight_decay: AdamW's.
        epochs: Passes over the pairs.
        batch: Pairs of a step, at most.
    """

    dim: int
    width: int
    dropout: float
    temperature: float
    learn_temperature: bool
    learning_rate: float
    weight_decay: float
    epochs: int
    batch: int


@dataclass
class TrainedTowers:
    """What a training gives.

    Attributes:
        towers: By slot, on the CPU, ready to encode.
        temperature: Of the loss, at the end.
        history: Mean loss of each epoch.
    """

    towers: dict[str, Tower]
    temperature: float
    history: list[float] = field(default_factory=list)


def train_towers(
    sides: Mapping[str, NDArray[np.float32]], kinds: Mapping[str, str],
    recipe: TowerRecipe, ctx: Context,
) -> TrainedTowers:  # fmt: skip
    """Train a tower a side.

    Args:
        sides: Inputs [N, *SIZES[kind]] by slot, row by row of the same items.
        kinds: Of the sides' payloads, by slot.
        recipe: How they are trained.
        ctx: Seed and device, and whom to tell.
    """
    device = torch.device(ctx.device)
    # Spaces of one seed must not begin alike: what they have in common would connect them.
    names = int.from_bytes(blake2b(" ".join(sides).encode(), digest_size=8).digest(), "little")
    towers = {
        slot: build_tower(
            kinds[slot], recipe.dim, width=recipe.width, dropout=recipe.dropout,
            seed=_seed(ctx.seed, _WEIGHTS, number, names),
        ).to(device).train()
        for number, slot in enumerate(sides)
    }  # fmt: skip
    cold = torch.nn.Parameter(
        torch.tensor(-log(recipe.temperature), device=device),
        requires_grad=recipe.learn_temperature,
    )
    groups: list[dict[str, Any]] = [
        {"params": [p for tower in towers.values() for p in tower.parameters()]},
        {"params": [cold], "weight_decay": 0.0},
    ]
    optimiser = torch.optim.AdamW(
        groups, lr=recipe.learning_rate, weight_decay=recipe.weight_decay
    )  # fmt: skip
    count = len(next(iter(sides.values())))
    batches = ceil(count / recipe.batch)
    steps = recipe.epochs * batches
    found = TrainedTowers(towers, recipe.temperature)
    for epoch in range(recipe.epochs):
        order = np.random.default_rng([ctx.seed, _ORDER, epoch]).permutation(count)
        losses: list[float] = []
        for rows in np.array_split(order, batches):
            step = epoch * batches + len(losses)
            for group in optimiser.param_groups:
                group["lr"] = recipe.learning_rate * 0.5 * (1.0 + cos(pi * step / steps))
            given = [torch.from_numpy(side[rows]).to(device) for side in sides.values()]
            loss = _loss(list(towers.values()), given, cold, _seed(ctx.seed, _DROPOUT, step))
            optimiser.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            losses.append(float(loss.detach()))
            ctx.progress(step + 1, steps, f"epoch {epoch + 1}: loss {losses[-1]:.3f}")
        found.history.append(float(np.mean(losses)))
    if recipe.learn_temperature:
        found.temperature = max(float((-cold.detach()).exp()), _COLDEST)
    found.towers = {slot: tower.cpu().eval() for slot, tower in towers.items()}
    return found


def _loss(
    towers: list[Tower], given: list[torch.Tensor], cold: torch.nn.Parameter, seed: int
) -> torch.Tensor:
    """CLIP's loss of a batch; ``cold`` is the logarithm of one over the temperature."""
    device = given[0].device
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        first, second = (
            normalize(tower(each), dim=-1) for tower, each in zip(towers, given, strict=True)
        )
    sharp = cold.clamp(max=-log(_COLDEST)) if cold.requires_grad else cold
    return info_nce(first * sharp.exp(), second, 1.0)


def _seed(*parts: int) -> int:
    """A seed for torch, of several numbers."""
    return int(np.random.SeedSequence(parts).generate_state(1, np.uint64)[0] >> np.uint64(1))
