"""Decoders of the generative models: each is its stream's trunk the other way round.

CHOSEN here: the papers' own encoders and decoders differ from model to model; these have GMC's
trunks on both sides, so that models are compared and not sizes. No decoder normalises over the
batch, so what it says of an item does not depend on other items.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from torch import nn

from mmbench_gmc.plans import Bands, Convolutions, Identity, Recurrent, plan_of
from mmbench_gmc.variational import mlp

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch import Tensor

    from mmbench_gmc.inputs import Input
    from mmbench_gmc.plans import Family, Plan

__all__ = ["build_decoder", "build_decoders"]


def build_decoders(
    inputs: Iterable[Input], code: int, family: Family = "auto"
) -> dict[str, nn.Module]:
    """A decoder of each stream, by its slot."""
    return {form.slot: build_decoder(form, code, family) for form in inputs}


def build_decoder(form: Input, code: int, family: Family = "auto") -> nn.Module:
    """A new decoder [N, code] to [N, *shape]; without an activation at its end."""
    return _Shaped(_body(plan_of(form, family), code, form), form.shape)


def _body(plan: Plan, code: int, form: Input) -> nn.Module:
    if isinstance(plan, Convolutions):
        return _Deconvolutions(plan, code)
    if isinstance(plan, Bands):
        return _Spectrum(plan, code)
    if isinstance(plan, Recurrent):
        return _Unrolled(plan, code)
    if isinstance(plan, Identity):
        return nn.Linear(code, prod(form.shape))
    return mlp([code, *reversed(plan.hidden), prod(form.shape)])


class _Shaped(nn.Module):
    """Gives [N, *shape] whatever the body's layout.

    Args:
        body: [N, code] to [N, ...].
        shape: Of one item.
    """

    def __init__(self, body: nn.Module, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.body = body
        self.shape = shape

    def forward(self, codes: Tensor) -> Tensor:
        """[N, code] to [N, *shape]."""
        found: Tensor = self.body(codes)
        return found.reshape(len(codes), *self.shape)


class _Deconvolutions(nn.Module):
    """A linear layer, then transposed convolutions of 4 x 4 at every second place.

    Args:
        plan: Of the trunk.
        code: Numbers of a code.
    """

    def __init__(self, plan: Convolutions, code: int) -> None:
        super().__init__()
        into, height, width = plan.shape
        count = len(plan.channels)
        self.start = (plan.channels[-1], height >> count, width >> count)
        self.linear = nn.Linear(code, prod(self.start))
        channels = [*reversed(plan.channels), into]
        layers: list[nn.Module] = []
        for number in range(count):
            left = count - 1 - number
            # An odd side lost its last row or column in the trunk's halving.
            odd = ((height >> left) % 2, (width >> left) % 2)
            layers += [
                nn.SiLU(),
                nn.ConvTranspose2d(
                    channels[number], channels[number + 1], 4, 2, 1, output_padding=odd,
                    bias=number == count - 1,
                ),
            ]  # fmt: skip
        self.layers = nn.Sequential(*layers)

    def forward(self, codes: Tensor) -> Tensor:
        """[N, code] to [N, channels, height, width]."""
        found: Tensor = self.layers(self.linear(codes).reshape(-1, *self.start))
        return found


class _Spectrum(nn.Module):
    """A linear layer, transposed convolutions in time, then all bands of each time at once.

    Args:
        plan: Of the trunk.
        code: Numbers of a code.
    """

    def __init__(self, plan: Bands, code: int) -> None:
        super().__init__()
        halved = len(plan.channels) - 1
        self.start = (plan.channels[-1], plan.times >> halved, 1)
        self.linear = nn.Linear(code, prod(self.start))
        channels = list(reversed(plan.channels))
        layers: list[nn.Module] = []
        for number in range(halved):
            odd = (plan.times >> (halved - 1 - number)) % 2
            layers += [
                nn.ReLU(),
                nn.ConvTranspose2d(
                    channels[number], channels[number + 1], (4, 1), (2, 1), (1, 0),
                    output_padding=(odd, 0), bias=False,
                ),
            ]  # fmt: skip
        layers += [nn.ReLU(), nn.ConvTranspose2d(channels[-1], 1, (1, plan.bands))]
        self.layers = nn.Sequential(*layers)

    def forward(self, codes: Tensor) -> Tensor:
        """[N, code] to [N, 1, times, bands]."""
        found: Tensor = self.layers(self.linear(codes).reshape(-1, *self.start))
        return found


class _Unrolled(nn.Module):
    """A linear layer, then a gated recurrent one and a linear one a step.

    Args:
        plan: Of the trunk.
        code: Numbers of a code.
    """

    def __init__(self, plan: Recurrent, code: int) -> None:
        super().__init__()
        self.start = (plan.steps, plan.hidden)
        self.linear = nn.Linear(code, prod(self.start))
        self.recurrent = nn.GRU(plan.hidden, plan.hidden, batch_first=True)
        self.readout = nn.Linear(plan.hidden, plan.features)

    def forward(self, codes: Tensor) -> Tensor:
        """[N, code] to [N, steps, features]."""
        states, _ = self.recurrent(self.linear(codes).reshape(-1, *self.start))
        found: Tensor = self.readout(states)
        return found
