"""Base encoders: a trunk of the stream's own, then a linear layer."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from torch import Tensor, nn

from mmbench_gmc.plans import (
    Bands,
    Convolutions,
    Identity,
    Perceptron,
    Points,
    Recurrent,
    plan_of,
)

if TYPE_CHECKING:
    from mmbench_gmc.inputs import Input
    from mmbench_gmc.plans import Family, Plan

__all__ = ["Encoder", "Trunk", "build_trunk"]


class Trunk(nn.Module):
    """Arrays of one stream [B, *shape] to features [B, width].

    Args:
        width: Numbers that come out.
        layers: What does it; their output is flattened.
    """

    def __init__(self, width: int, *layers: nn.Module) -> None:
        super().__init__()
        self.width = width
        self.layers = nn.Sequential(*layers)

    def forward(self, values: Tensor) -> Tensor:
        """[B, width]."""
        features: Tensor = self.layers(values)
        return features.flatten(1)


class States(nn.Module):
    """A gated recurrent layer that gives the states of all steps [B, steps, hidden].

    Args:
        features: Numbers a step.
        hidden: Units of its state.
    """

    def __init__(self, features: int, hidden: int) -> None:
        super().__init__()
        self.recurrent = nn.GRU(features, hidden, batch_first=True)

    def forward(self, values: Tensor) -> Tensor:
        """All states."""
        states: Tensor = self.recurrent(values)[0]
        return states


class Times(nn.Module):
    """Spectrograms [B, 1, times, bands] as sequences [B, bands, times]."""

    def forward(self, values: Tensor) -> Tensor:
        """[B, bands, times]."""
        return values[:, 0].transpose(1, 2)


class Largest(nn.Module):
    """The largest of each number over all points, [B, points, K] to [B, K]."""

    def forward(self, values: Tensor) -> Tensor:
        """[B, K]."""
        return values.amax(dim=1)


class Encoder(nn.Module):
    """A trunk, then a linear layer.

    Args:
        trunk: Of the stream.
        outputs: Numbers that come out.
    """

    def __init__(self, trunk: Trunk, outputs: int) -> None:
        super().__init__()
        self.trunk = trunk
        self.projector = nn.Linear(trunk.width, outputs)

    def forward(self, values: Tensor) -> Tensor:
        """[B, outputs]."""
        found: Tensor = self.projector(self.trunk(values))
        return found


def build_trunk(form: Input, family: Family = "auto") -> Trunk:
    """The trunk of a stream: the paper's for the paper's streams, the generic one else."""
    plan = plan_of(form, family)
    return Trunk(plan.width, *_layers(plan))


def _layers(plan: Plan) -> list[nn.Module]:
    """The layers of a plan."""
    if isinstance(plan, Convolutions):
        return _convolutions(plan)
    if isinstance(plan, Bands):
        return _bands(plan)
    if isinstance(plan, Perceptron):
        return [nn.Flatten(), *_linear_layers((plan.size, *plan.hidden), nn.SiLU)]
    if isinstance(plan, Recurrent):
        return [States(plan.features, plan.hidden)]
    if isinstance(plan, Points):
        return [*_linear_layers((3, *plan.hidden), nn.SiLU), Largest()]
    assert isinstance(plan, Identity)
    return []


def _convolutions(plan: Convolutions) -> list[nn.Module]:
    layers: list[nn.Module] = []
    for before, after in pairwise((plan.shape[0], *plan.channels)):
        layers += [nn.Conv2d(before, after, 4, 2, 1, bias=False), nn.SiLU()]
    return layers


def _bands(plan: Bands) -> list[nn.Module]:
    """All bands of a time at once, then in time only; a ReLU follows each normalisation.

    The released code has convolutions of 1 x bands, then of 4 x 1, over pictures one column wide;
    in one dimension they are the same, and half as dear.
    """
    layers: list[nn.Module] = [Times()]
    for number, (before, after) in enumerate(pairwise((plan.bands, *plan.channels))):
        convolution = (
            nn.Conv1d(before, after, 4, 2, 1, bias=False)
            if number
            else nn.Conv1d(before, after, 1, bias=False)
        )
        layers += [convolution, nn.BatchNorm1d(after), nn.ReLU()]
    return layers


def _linear_layers(sizes: tuple[int, ...], activation: type[nn.Module]) -> list[nn.Module]:
    layers: list[nn.Module] = []
    for before, after in pairwise(sizes):
        layers += [nn.Linear(before, after), activation()]
    return layers
