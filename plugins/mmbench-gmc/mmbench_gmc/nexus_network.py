"""Nexus: a VAE a stream, and above them one code of the mean of the streams' messages.

LOSS. Below, ``z_m ~ q(z_m | x_m)``; above, of codes through which no gradient flows back,
``message_m = A_m z_m + b_m``, ``h = mean over the streams that are kept of message_m``,
``z ~ q(z | h)``::

    L = mean over items of
          sum_m [- w_m log p(x_m | z_m)] + beta_m sum_m KL(q(z_m | x_m) || N(0, 1))
        + sum_m gamma_m ||z_m - decoder_m(z)||^2 + beta KL(q(z | h) || N(0, 1))   (+ a constant)

FORCED PERCEPTUAL DROPOUT. In training, with probability ``drop_rate`` an item loses 1..M-1 of its
messages, how many and which at random, each number as likely; all codes are to be decoded anyway.

SOURCE. M. Vasco, H. Yin, F. Melo and A. Paiva (2022), Leveraging hierarchy in multimodal generative
models for effective cross-modality inference, Neural Networks 146, 238-255, and its released code
nexus_pytorch, from which all of the above is, and the figures: drop_rate 0.2, weights 50 for
trajectory and label, gamma likewise, codes of 64 (image), 16 (trajectory), 128 (sound), 5 (label),
messages of 512 without an activation of their own (RECALLED), two layers of 512, betas that grow
over 20 of 100 epochs. There, sound's VAE is trained beforehand and gamma is learnt for it; CHOSEN
here: all streams are trained together and alike. CHOSEN: Swish as activation; the code above has
``latent`` numbers (32 in the paper); in evaluation means are handed on where the code draws.

WHAT IS A BOUND. The whole is none: the levels are trained side by side. With weights and beta_m 1
the lower part of each stream is an upper bound of ``- log p(x_m)``; with beta 1 the upper part is
one of ``- log p(z_1..z_M)`` under the model of codes, also where messages were dropped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

from mmbench_gmc.gaussians import Gaussian, divergence_from_standard, sample
from mmbench_gmc.hierarchy import Bottom, code_likelihood
from mmbench_gmc.network import Network
from mmbench_gmc.variational import BySlot, GaussianEncoder, mlp, warmed_up

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from mmbench_gmc.variational import ContrastiveTerm

__all__ = ["NexusNetwork", "kept_messages"]


def kept_messages(
    items: int, streams: int, rate: float, generator: torch.Generator
) -> torch.Tensor:
    """Which messages forced perceptual dropout leaves: bool [items, streams], one a row or more."""
    where = generator.device
    order = torch.rand(items, streams, generator=generator, device=where).argsort(dim=1)
    # Numbers 0..M-1, once each a row: the rank of each stream in a random order.
    rank = order.argsort(dim=1)
    several = max(streams, 2)
    number = torch.randint(1, several, (items, 1), generator=generator, device=where)
    hit = torch.rand(items, 1, generator=generator, device=where) < rate
    if streams == 1:
        return torch.ones(items, 1, dtype=torch.bool, device=where)
    return ~(hit & (rank < number))


class NexusNetwork(Network):
    """The model.

    Args:
        bottom: The lower level.
        sizes: Slot to the numbers of its own code.
        gammas: Slot to the weight of its code's reconstruction.
        latent: Numbers of the code above.
        hidden: Width of messages and layers above.
        layers: Layers of that width, of the node and of each decoder of codes.
        drop_rate: Of forced perceptual dropout.
        beta: Of all divergences at the end.
        warm_up: Share of training over which they grow from 0.
        contrast: GMC's term, if it is added.
    """

    def __init__(
        self,
        bottom: Bottom,
        sizes: Mapping[str, int],
        gammas: Mapping[str, float],
        *,
        latent: int,
        hidden: int = 512,
        layers: int = 2,
        drop_rate: float = 0.2,
        beta: float = 1.0,
        warm_up: float = 0.2,
        contrast: ContrastiveTerm | None = None,
    ) -> None:
        super().__init__()
        self.bottom = bottom
        self.gammas = dict(gammas)
        self.drop_rate = drop_rate
        self.beta = beta
        self.warm_up = warm_up
        self.contrast = contrast
        inner = [hidden] * layers
        self.messages = BySlot({slot: nn.Linear(sizes[slot], hidden) for slot in bottom.slots})
        self.node = GaussianEncoder(mlp([hidden, *inner, 2 * latent]))
        self.code_decoders = BySlot(
            {slot: mlp([latent, *inner, hidden, sizes[slot]]) for slot in bottom.slots}
        )

    def extra_repr(self) -> str:
        """What is no layer."""
        return f"{self.gammas}, {self.drop_rate}, {self.beta}, {self.warm_up}"

    def above(self, codes: Mapping[str, Tensor], kept: Tensor | None = None) -> Gaussian:
        """``q(z | h)`` of the codes [B, size] that there are.

        Args:
            codes: By slot.
            kept: [B, streams] which messages count; None = all.
        """
        messages = torch.stack([self.messages[slot](code) for slot, code in codes.items()], dim=1)
        if kept is None:
            mean = messages.mean(dim=1)
        else:
            counted = kept.to(messages).unsqueeze(-1)
            mean = (messages * counted).sum(dim=1) / counted.sum(dim=1)
        found: Gaussian = self.node(mean)
        return found

    def losses(
        self,
        batch: Mapping[str, Tensor],
        target: Tensor | None,
        *,
        generator: torch.Generator,
        progress: float,
    ) -> dict[str, Tensor]:
        """Both levels' terms; the target is not looked at."""
        below = self.bottom(batch, generator)
        kept = None
        if self.training:
            items = len(below.reconstruction)
            kept = kept_messages(items, len(below.codes), self.drop_rate, generator)
            kept = kept.to(below.reconstruction.device)
        posterior = self.above(below.codes, kept)
        code = sample(posterior, generator)
        top = -code_likelihood(self.code_decoders, code, below.codes, self.gammas).mean()
        terms = {
            "reconstruction": below.reconstruction.mean(),
            "divergence": below.divergence.mean(),
            "top_reconstruction": top,
            "top_divergence": divergence_from_standard(posterior).mean(),
        }
        beta = self.beta * warmed_up(progress, self.warm_up)
        loss = terms["reconstruction"] + top
        loss = loss + beta * (terms["divergence"] + terms["top_divergence"])
        if self.contrast is not None:
            terms["contrastive"] = self._contrastive(below.means)
            loss = loss + self.contrast.weight * terms["contrastive"]
        return {"loss": loss, **terms}

    def _contrastive(self, means: Mapping[str, Tensor]) -> Tensor:
        """GMC's term; gradients do flow down to the encoders here."""
        single = [self.above({slot: mean}).mean for slot, mean in means.items()]
        assert self.contrast is not None
        found: Tensor = self.contrast(self.above(means).mean, single)
        return found

    def represent(self, batch: Mapping[str, Tensor]) -> Tensor:
        """The mean of ``q(z | h)`` [B, latent], of the means of the streams that there are."""
        return self.above(self.bottom.means(batch)).mean
