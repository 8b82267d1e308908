"""MUSE: a VAE a stream, and above them a product of experts that subsets are taught to agree with.

LOSS. Below, ``z_m ~ q(z_m | x_m)``; above, of codes through which no gradient flows back,
``q(z | z_S) = N(0, 1) x prod_{m in S} N(mu_m(z_m), sigma_m(z_m)^2)``, ``z ~ q(z | z_1..z_M)``::

    L = mean over items of
          sum_m [- w_m log p(x_m | z_m)] + beta_m sum_m KL(q(z_m | x_m) || N(0, 1))
        + sum_m gamma_m ||z_m - decoder_m(z)||^2 + beta KL(q(z | z_1..z_M) || N(0, 1))
        + delta / |D| sum_{S in D} [KL(q_S || q_all) + KL(q_all || q_S)]          (+ a constant)

The last line is ALMA, the average latent multimodal approximation loss; D are all subsets but the
empty one and the whole. Its gradients flow into both sides. (The released code calls it ``fpa``;
the name is RECALLED from the paper.)

SOURCE. M. Vasco, H. Yin, F. Melo and A. Paiva (2022), How to Sense the World: Leveraging Hierarchy
in Multimodal Perception for Robust Reinforcement Learning Agents, AAMAS, arXiv 2110.03608, and its
released code (miguelsvasco/muse, studies mnist_svhn and pendulum), from which the terms are and the
figures: gamma 10, delta 1, weight 50 for labels, three layers of 512 with ReLU above (the Pendulum
study also has a warm-up above of 200 of 500 epochs, weight 100 for sound, and Bernoulli frames).
That code has no MHD; from nexus_pytorch, whose MHD it is: the weight 50 for trajectories, the sizes
of the streams' own codes, and the warm-up, 20 of 100 epochs. (mnist_svhn has none; without one the
code above was seen to collapse onto the prior within 300 steps.) CHOSEN here: where there are more
than 62 subsets (seven streams), 62 of them are drawn each step. In evaluation means are handed on,
as in the released code.

WHAT IS A BOUND. The whole is none: levels are trained side by side, and ALMA is no part of one.
With weights and beta_m 1 the lower part of each stream is an upper bound of ``- log p(x_m)``; with
beta 1 the upper part without ALMA is one of ``- log p(z_1..z_M)`` under the model of codes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

from mmbench_gmc.gaussians import (
    Gaussian,
    divergence_from_standard,
    product,
    sample,
    symmetric_divergence,
)
from mmbench_gmc.hierarchy import Bottom, code_likelihood
from mmbench_gmc.network import Network
from mmbench_gmc.subsets import draw_proper_subsets
from mmbench_gmc.variational import BySlot, GaussianEncoder, mlp, warmed_up

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from mmbench_gmc.variational import ContrastiveTerm

__all__ = ["MUSENetwork"]

#: Subsets of a step, at most: all of six streams.
_SUBSETS = 62


class MUSENetwork(Network):
    """The model.

    Args:
        bottom: The lower level.
        sizes: Slot to the numbers of its own code.
        gammas: Slot to the weight of its code's reconstruction.
        latent: Numbers of the code above.
        hidden: Width of the layers above.
        layers: Layers of that width, of each encoder and decoder of codes.
        delta: Weight of ALMA.
        beta: Of all divergences from the prior.
        warm_up: Share of training over which the upper one grows from 0.
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
        layers: int = 3,
        delta: float = 1.0,
        beta: float = 1.0,
        warm_up: float = 0.2,
        contrast: ContrastiveTerm | None = None,
    ) -> None:
        super().__init__()
        self.bottom = bottom
        self.gammas = dict(gammas)
        self.delta = delta
        self.beta = beta
        self.warm_up = warm_up
        self.contrast = contrast
        inner = [hidden] * layers
        self.code_encoders = BySlot(
            {
                slot: GaussianEncoder(mlp([sizes[slot], *inner, 2 * latent], nn.ReLU))
                for slot in bottom.slots
            }
        )
        self.code_decoders = BySlot(
            {slot: mlp([latent, *inner, sizes[slot]], nn.ReLU) for slot in bottom.slots}
        )

    def extra_repr(self) -> str:
        """What is no layer."""
        return f"{self.gammas}, {self.delta}, {self.beta}, {self.warm_up}"

    def experts(self, codes: Mapping[str, Tensor]) -> dict[str, Gaussian]:
        """``N(mu_m(z_m), sigma_m(z_m)^2)`` of each code [B, size] that there is."""
        return {slot: self.code_encoders[slot](code) for slot, code in codes.items()}

    def losses(
        self,
        batch: Mapping[str, Tensor],
        target: Tensor | None,
        *,
        generator: torch.Generator,
        progress: float,
    ) -> dict[str, Tensor]:
        """Both levels' terms and ALMA; the target is not looked at."""
        below = self.bottom(batch, generator)
        experts = self.experts(below.codes)
        posterior = product(list(experts.values()))
        code = sample(posterior, generator)
        terms = {
            "reconstruction": below.reconstruction.mean(),
            "divergence": below.divergence.mean(),
            "top_reconstruction": -code_likelihood(
                self.code_decoders, code, below.codes, self.gammas
            ).mean(),
            "top_divergence": divergence_from_standard(posterior).mean(),
            "alma": self._alma(experts, posterior, generator).mean(),
        }
        above = self.beta * warmed_up(progress, self.warm_up)
        loss = terms["reconstruction"] + self.beta * terms["divergence"]
        loss = loss + terms["top_reconstruction"] + above * terms["top_divergence"]
        loss = loss + self.delta * terms["alma"]
        if self.contrast is not None:
            terms["contrastive"] = self._contrastive(below.means)
            loss = loss + self.contrast.weight * terms["contrastive"]
        return {"loss": loss, **terms}

    def _alma(
        self, experts: Mapping[str, Gaussian], posterior: Gaussian, generator: torch.Generator
    ) -> Tensor:
        """``1 / |D| sum_S [KL(q_S || q_all) + KL(q_all || q_S)]`` [B]; 0 of a single stream."""
        subsets = draw_proper_subsets(tuple(experts), _SUBSETS, generator)
        if not subsets:
            return torch.zeros_like(posterior.mean[..., 0])
        found = [product([experts[slot] for slot in subset]) for subset in subsets]
        return torch.stack([symmetric_divergence(one, posterior) for one in found]).mean(dim=0)

    def _contrastive(self, means: Mapping[str, Tensor]) -> Tensor:
        """GMC's term; gradients do flow down to the encoders here."""
        experts = self.experts(means)
        single = [product([expert]).mean for expert in experts.values()]
        assert self.contrast is not None
        found: Tensor = self.contrast(product(list(experts.values())).mean, single)
        return found

    def represent(self, batch: Mapping[str, Tensor]) -> Tensor:
        """The mean of ``q(z | z_S)`` [B, latent], of the means of the streams that there are."""
        return product(list(self.experts(self.bottom.means(batch)).values())).mean
