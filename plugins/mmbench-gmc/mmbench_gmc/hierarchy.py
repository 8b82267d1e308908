"""What Nexus and MUSE share: a VAE a stream below, and a code of those codes above."""

from __future__ import annotations

from math import log, pi
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import nn

from mmbench_gmc.decoders import build_decoder
from mmbench_gmc.encoders import Encoder, build_trunk
from mmbench_gmc.gaussians import Gaussian, divergence_from_standard, sample
from mmbench_gmc.variational import BySlot, GaussianEncoder, Generation

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from mmbench_gmc.inputs import Input
    from mmbench_gmc.likelihoods import Likelihood
    from mmbench_gmc.plans import Family

__all__ = ["Bottom", "BottomLosses", "build_bottom", "code_likelihood"]


class BottomLosses(NamedTuple):
    """What the lower level gives of a batch.

    Attributes:
        codes: Slot to a drawn code [B, size]; no gradient flows back through it.
        means: Slot to the mean of its posterior [B, size]; gradients do flow.
        reconstruction: ``- sum_m w_m log p(x_m | z_m)`` [B].
        divergence: ``sum_m KL(q(z_m | x_m) || N(0, 1))`` [B].
    """

    codes: dict[str, Tensor]
    means: dict[str, Tensor]
    reconstruction: Tensor
    divergence: Tensor


class Bottom(nn.Module):
    """One VAE a stream, each by itself.

    Args:
        encoders: Slot to a module [B, *shape] to [B, 2 x size], size the stream's own.
        decoders: Slot to a module [N, size] to [N, *shape].
        likelihoods: Slot to kind and weight.
    """

    def __init__(
        self,
        encoders: Mapping[str, nn.Module],
        decoders: Mapping[str, nn.Module],
        likelihoods: Mapping[str, Likelihood],
    ) -> None:
        super().__init__()
        self.slots = tuple(encoders)
        self.encoders = BySlot({slot: GaussianEncoder(body) for slot, body in encoders.items()})
        self.generation = Generation(decoders, likelihoods)

    def posteriors(self, batch: Mapping[str, Tensor]) -> dict[str, Gaussian]:
        """``q(z_m | x_m)`` of each stream of the batch."""
        return {slot: self.encoders[slot](batch[slot]) for slot in self.slots if slot in batch}

    def means(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The mean of ``q(z_m | x_m)`` [B, size] of each stream of the batch."""
        return {slot: found.mean for slot, found in self.posteriors(batch).items()}

    def forward(self, batch: Mapping[str, Tensor], generator: torch.Generator) -> BottomLosses:
        """Codes and terms of a complete batch; codes are drawn in the order of the slots."""
        self.generation.check(batch)
        posteriors = self.posteriors(batch)
        codes = {slot: sample(found, generator) for slot, found in posteriors.items()}
        likelihoods = [
            self.generation.weighted(slot, code, batch[slot]) for slot, code in codes.items()
        ]
        divergences = [divergence_from_standard(found) for found in posteriors.values()]
        return BottomLosses(
            {slot: code.detach() for slot, code in codes.items()},
            {slot: found.mean for slot, found in posteriors.items()},
            -torch.stack(likelihoods).sum(dim=0),
            torch.stack(divergences).sum(dim=0),
        )


def build_bottom(
    inputs: Sequence[Input],
    sizes: Mapping[str, int],
    likelihoods: Mapping[str, Likelihood],
    family: Family,
) -> Bottom:
    """A new lower level of base encoders and decoders."""
    return Bottom(
        {form.slot: Encoder(build_trunk(form, family), 2 * sizes[form.slot]) for form in inputs},
        {form.slot: build_decoder(form, sizes[form.slot], family) for form in inputs},
        likelihoods,
    )


def code_likelihood(
    decoders: BySlot, above: Tensor, codes: Mapping[str, Tensor], gammas: Mapping[str, float]
) -> Tensor:
    """``sum_m log N(z_m; decoder_m(above), 1 / (2 gamma_m))`` [B].

    Without its constant that is ``- sum_m gamma_m ||z_m - decoder_m(above)||^2``, the term of
    nexus_pytorch and of MUSE's released code; with it, it is the log likelihood of a model of
    codes, whatever gamma is. A gamma of 0 leaves the stream out.
    """
    found = torch.zeros_like(above[..., 0])
    for slot, code in codes.items():
        gamma = gammas[slot]
        if gamma > 0.0:
            squared = ((code - decoders[slot](above)) ** 2).sum(dim=-1)
            found = found - gamma * squared - 0.5 * code.shape[-1] * log(pi / gamma)
    return found
