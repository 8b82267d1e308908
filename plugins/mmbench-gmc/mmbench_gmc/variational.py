"""What the generative models share: encoders to Gaussians, decoders by stream, the add-on term."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn.functional import normalize

from mmbench_gmc.contrast import gmc_loss
from mmbench_gmc.encoders import Encoder, build_trunk
from mmbench_gmc.gaussians import Gaussian
from mmbench_gmc.sizes import CONTRAST_HIDDEN

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from mmbench_gmc.inputs import Input
    from mmbench_gmc.likelihoods import Likelihood
    from mmbench_gmc.plans import Family

__all__ = [
    "BySlot",
    "ContrastiveTerm",
    "GaussianEncoder",
    "Generation",
    "bounded",
    "build_encoders",
    "mlp",
    "warmed_up",
]

#: Logarithms of variances are kept within +-this; CHOSEN, so that no step can overflow.
_LARGEST_LOG_VARIANCE = 10.0


class BySlot(nn.Module):
    """Modules by slot, in the order given; an ``nn.ModuleDict`` refuses some names.

    Args:
        modules: Slot to module.
    """

    def __init__(self, modules: Mapping[str, nn.Module]) -> None:
        super().__init__()
        self.slots = tuple(modules)
        self.modules_in_order = nn.ModuleList(modules.values())

    def __getitem__(self, slot: str) -> nn.Module:
        """The module of a slot."""
        return self.modules_in_order[self.slots.index(slot)]


class GaussianEncoder(nn.Module):
    """A network whose output is read as mean and logarithm of variance.

    Args:
        body: Gives [B, 2 x latent]: the means, then the logarithms of variances.
    """

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, values: torch.Tensor) -> Gaussian:
        """``q(z | values)``, [B, latent] each."""
        found = self.body(values)
        if found.dtype in (torch.float16, torch.bfloat16):
            found = found.float()  # a precision of e^10 times some streams is too large for half
        mean, log_variance = found.chunk(2, dim=-1)
        return Gaussian(mean, bounded(log_variance))


class Generation(nn.Module):
    """The decoders of all streams, and what their outputs are likelihoods of.

    Args:
        decoders: Slot to a module [N, code] to [N, *shape].
        likelihoods: Slot to kind and weight.
    """

    def __init__(
        self, decoders: Mapping[str, nn.Module], likelihoods: Mapping[str, Likelihood]
    ) -> None:
        super().__init__()
        self.decoders = BySlot(decoders)
        self.likelihoods = dict(likelihoods)

    def extra_repr(self) -> str:
        """What is no layer."""
        return str(self.likelihoods)

    def check(self, batch: Mapping[str, torch.Tensor]) -> None:
        """Refuse values that a likelihood can't be of (DataError)."""
        for slot, values in batch.items():
            self.likelihoods[slot].check(slot, values)

    def decode(self, slot: str, codes: torch.Tensor) -> torch.Tensor:
        """Outputs [*lead, B, *shape] of codes [*lead, B, latent]."""
        output: torch.Tensor = self.decoders[slot](codes.flatten(0, -2))
        return output.reshape(*codes.shape[:-1], *output.shape[1:])

    def weighted(self, slot: str, codes: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
        """``weight x log p(values | codes)`` [*lead, B] of one stream."""
        return self.likelihoods[slot].weighted(self.decode(slot, codes), values)

    def weighted_sum(
        self, slots: Iterable[str], codes: torch.Tensor, batch: Mapping[str, torch.Tensor]
    ) -> torch.Tensor:
        """``sum over slots of weight x log p`` [*lead, B]."""
        return torch.stack([self.weighted(slot, codes, batch[slot]) for slot in slots]).sum(dim=0)


def build_encoders(inputs: Iterable[Input], outputs: int, family: Family) -> dict[str, nn.Module]:
    """A base encoder of each stream, by its slot."""
    return {form.slot: Encoder(build_trunk(form, family), outputs) for form in inputs}


class ContrastiveTerm(nn.Module):
    """GMC's loss between a model's complete representation and its single-stream ones.

    They go through one projection head of GMC's form (two layers of 512 with Swish, then a linear
    one, then length 1), which is trained with the model and left out afterwards.

    SOURCE: P. Poklukar et al. (2022), arXiv 2202.03390, whose contrastive term is meant as an
    add-on; how it is added to a model of this kind is CHOSEN here: between posterior means.

    Args:
        latent: Numbers of a representation.
        weight: Of the term; the model multiplies by it.
        temperature: Of the loss, 0.1 as on MHD.
    """

    def __init__(self, latent: int, weight: float, temperature: float = 0.1) -> None:
        super().__init__()
        self.weight = weight
        self.temperature = temperature
        self.head = mlp([latent, *CONTRAST_HIDDEN, latent])

    def extra_repr(self) -> str:
        """What is no layer."""
        return f"{self.weight}, {self.temperature}"

    def forward(self, complete: torch.Tensor, single: Sequence[torch.Tensor]) -> torch.Tensor:
        """The loss of representations [B, latent], without its weight."""
        joint = normalize(self.head(complete), dim=-1)
        modalities = normalize(self.head(torch.stack(list(single))), dim=-1)
        return gmc_loss(modalities, joint, self.temperature)


def bounded(log_variance: torch.Tensor) -> torch.Tensor:
    """Logarithms of variances that no step can overflow with."""
    return log_variance.clamp(-_LARGEST_LOG_VARIANCE, _LARGEST_LOG_VARIANCE)


def warmed_up(progress: float, share: float) -> float:
    """The factor of a term that grows in a straight line from 0 to 1 over a share of training."""
    return 1.0 if share <= 0.0 else min(1.0, progress / share)


def mlp(widths: Sequence[int], activation: type[nn.Module] = nn.SiLU) -> nn.Sequential:
    """Linear layers of these widths with an activation between them, none after the last."""
    layers: list[nn.Module] = []
    for number, (before, after) in enumerate(pairwise(widths)):
        layers += [activation()] if number else []
        layers.append(nn.Linear(before, after))
    return nn.Sequential(*layers)
