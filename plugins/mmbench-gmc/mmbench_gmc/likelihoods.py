"""What a decoder's output says of a stream: log likelihoods by the kind of stream, and weights.

CHOSEN here: Bernoulli for pictures in 0..1 (as M. Wu and N. Goodman 2018, arXiv 1802.05335, and
MUSE's released Pendulum study have it so; nexus_pytorch takes squared errors), categorical for
labels, a Gaussian of fixed variance 1/2 for all other streams. That variance makes the negative log
likelihood the sum of squared errors plus a constant, which is what nexus_pytorch minimises.

For values between 0 and 1 the Bernoulli form is no normalised density over the unit interval: a
bound holds for it as it is written, as for every VAE on grey pictures.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log, pi
from typing import TYPE_CHECKING

from torch.nn import functional

from mmbench.api import DataError
from mmbench_gmc.plans import published
from mmbench_gmc.slot_options import NEXUS_WEIGHTS, by_slot, checked, checked_kinds

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import torch

    from mmbench_gmc.inputs import Input
    from mmbench_gmc.objectives import LikelihoodKind
    from mmbench_gmc.plans import Family

__all__ = ["Likelihood", "choose_likelihoods", "log_likelihood"]

#: Variance of a Gaussian stream: the negative log density is the squared error plus a constant.
_VARIANCE = 0.5
#: By so much a picture may leave 0..1, as one that was resized does by rounding.
_SLACK = 1e-3


def log_likelihood(kind: LikelihoodKind, output: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
    """``log p(value | output)`` [*lead, B], summed over a value's numbers.

    Args:
        kind: Of the stream.
        output: The decoder's [*lead, B, *shape]: logits, or means of a Gaussian.
        value: [B, *shape]; of a categorical stream one-hot rows, the last axis the classes.
    """
    axes = tuple(range(-(value.ndim - 1), 0))
    if kind == "bernoulli":
        # log p = x a - softplus(a) for logits a.
        found = value * output - functional.softplus(output)
    elif kind == "categorical":
        found = value * functional.log_softmax(output, dim=-1)
    else:
        constant = 0.5 * log(2.0 * pi * _VARIANCE)
        found = -((value - output) ** 2) / (2.0 * _VARIANCE) - constant
    return found.sum(dim=axes)


@dataclass(frozen=True)
class Likelihood:
    """How one stream's reconstruction counts.

    Attributes:
        kind: ``bernoulli``, ``gaussian`` or ``categorical``.
        weight: Of its term; only with 1 for each stream is an ELBO a bound.
    """

    kind: LikelihoodKind
    weight: float = 1.0

    def weighted(self, output: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
        """``weight x log p(value | output)`` [*lead, B]."""
        return self.weight * log_likelihood(self.kind, output, value)

    def check(self, slot: str, value: torch.Tensor) -> None:
        """Refuse values that the likelihood can't be of.

        Raises:
            DataError: A number of a Bernoulli stream is outside 0..1, or a row of a categorical one
                is no distribution.
        """
        fix = f'give it another likelihood: likelihoods = {{ {slot} = "gaussian" }}'
        if self.kind == "gaussian":
            return
        if bool(((value < -_SLACK) | (value > 1.0 + _SLACK)).any()):
            raise DataError(
                f"a {self.kind} likelihood takes numbers in 0..1, "
                f"not {float(value.min()):.4g}..{float(value.max()):.4g}",
                where=f"slot {slot!r}", fix=fix,
            )  # fmt: skip
        if self.kind == "categorical" and bool(((value.sum(dim=-1) - 1.0).abs() > 1e-4).any()):
            raise DataError(
                "a categorical likelihood takes one-hot rows, which sum to 1",
                where=f"slot {slot!r}", fix=fix,
            )  # fmt: skip


def choose_likelihoods(
    inputs: Iterable[Input],
    kinds: Mapping[str, str] | None = None,
    weights: Mapping[str, float] | None = None,
    *,
    family: Family = "auto",
    defaults: Mapping[str, float] = NEXUS_WEIGHTS,
    where: str = "generation",
) -> dict[str, Likelihood]:
    """The likelihood of each stream, by its slot.

    Args:
        inputs: The streams.
        kinds: Slot to kind, where it is not the usual one.
        weights: Slot to weight, where it is not the default.
        family: Of the trunks; a stream that is brought to mean 0 and deviation 1 is a Gaussian.
        defaults: Weights by slot where ``weights`` says nothing; 1 where this doesn't either.
        where: Whose streams they are, for messages.

    Raises:
        UsageError: A name is not one of a slot, a kind or a weight is none.
    """
    inputs = tuple(inputs)
    usual = {form.slot: _usual_kind(form, family) for form in inputs}
    given = checked("weights", weights, 0, where=where)
    weighted = by_slot(inputs, "weights", given, defaults, 1.0, where=where)
    chosen = checked_kinds(kinds, where=where)
    found = by_slot(inputs, "likelihoods", chosen, usual, "gaussian", where=where)
    return {slot: Likelihood(kind, float(weighted[slot])) for slot, kind in found.items()}


def _usual_kind(form: Input, family: Family) -> LikelihoodKind:
    """Bernoulli for a picture and categorical for a label that come as they are, else Gaussian."""
    if form.kind == "Image":
        return "bernoulli"
    if form.kind == "Array" and family == "auto" and published(form):
        if form.modality == "label":
            return "categorical"
        if form.modality == "image":
            return "bernoulli"
    return "gaussian"
