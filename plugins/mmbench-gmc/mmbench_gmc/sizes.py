"""Parameters of the generative models' parts, counted without torch."""

from __future__ import annotations

from itertools import pairwise
from math import prod
from typing import TYPE_CHECKING

from mmbench_gmc.plans import Bands, Convolutions, Identity, Recurrent, linear, plan_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mmbench_gmc.inputs import Input
    from mmbench_gmc.plans import Family

__all__ = ["CONTRAST_HIDDEN", "contrast_head", "decoder", "encoder", "perceptron"]

#: Units of the hidden layers of GMC's head.
CONTRAST_HIDDEN = (512, 512)


def perceptron(widths: Sequence[int]) -> int:
    """Linear layers of these widths."""
    return sum(linear(before, after) for before, after in pairwise(widths))


def contrast_head(latent: int) -> int:
    """The head of GMC's term."""
    return perceptron([latent, *CONTRAST_HIDDEN, latent])


def encoder(form: Input, outputs: int, family: Family) -> int:
    """A stream's trunk, and a linear layer."""
    plan = plan_of(form, family)
    return plan.parameters + linear(plan.width, outputs)


def decoder(form: Input, code: int, family: Family) -> int:
    """A stream's decoder: its trunk the other way round."""
    plan = plan_of(form, family)
    if isinstance(plan, Convolutions):
        channels = (*reversed(plan.channels), plan.shape[0])
        return linear(code, plan.width) + 16 * _products(channels) + plan.shape[0]
    if isinstance(plan, Bands):
        channels = tuple(reversed(plan.channels))
        last = channels[-1] * plan.bands + 1
        return linear(code, plan.width) + 4 * _products(channels) + last
    if isinstance(plan, Recurrent):
        states = 3 * plan.hidden * (2 * plan.hidden + 2)
        return linear(code, plan.width) + states + linear(plan.hidden, plan.features)
    hidden = () if isinstance(plan, Identity) else tuple(reversed(plan.hidden))
    return perceptron([code, *hidden, prod(form.shape)])


def _products(channels: Sequence[int]) -> int:
    return sum(before * after for before, after in pairwise(channels))
