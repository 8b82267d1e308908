"""MMVAE: the posterior of any subset is the mixture of the single streams' Gaussians.

LOSS. With M streams, ``q(z|x) = 1/M sum_m q_m(z|x_m)``, K draws ``z_mk`` of each expert
(stratified: every expert is drawn from equally often), and
``log w_mk = sum_d w_d log p(x_d|z_mk) + beta (log p(z_mk) - log q(z_mk|x))``, the loss is the mean
over items of minus one of

=============  ==================================================================
``elbo``       ``1/M sum_m 1/K sum_k log w_mk`` (the default, K = 1)
``loose-elbo``  ``1/M sum_m [1/K sum_k sum_d w_d log p(x_d|z_mk) - beta KL(q_m || p)]``
``iwae``       ``log 1/(MK) sum_mk w_mk``
``loose-iwae``  ``1/M sum_m log 1/K sum_k w_mk``
=============  ==================================================================

SOURCE. Y. Shi, N. Siddharth, B. Paige and P. Torr (2019), Variational Mixture-of-Experts
Autoencoders for Multi-Modal Deep Generative Models, NeurIPS, arXiv 1911.03393: the mixture, the
stratified draws, and the bounds. ``elbo`` is the paper's ELBO; ``loose-iwae`` what it calls the
stratified importance-weighted bound and trains with (K = 30, the doubly reparametrised gradient:
``gradient = "dreg"``, and a prior whose variances are learnt: ``learn_prior``). Its released code
(iffsid/mmvae) calls these ``m_iwae`` and ``m_iwae_looser``, and has ``loose-elbo`` as
``m_elbo_naive``, which nexus_pytorch, the code that GMC's comparison comes from, trains with. The
paper's experiments have Laplace distributions, and a learnt prior's scales have mean 1 (RECALLED);
CHOSEN here: Gaussians, as in nexus_pytorch, whose variances have that mean, and K = 1, since
decoding costs M x M x K passes a step.

With all weights and beta 1 each is a lower bound of ``log p(x)``: ``iwae`` and ``elbo`` by Jensen,
``loose-iwae`` by Jensen twice, and ``loose-elbo`` lies below ``elbo`` since a divergence is convex.
"""

from __future__ import annotations

from math import log
from typing import TYPE_CHECKING

import torch
from torch import nn

from mmbench_gmc.gaussians import (
    Gaussian,
    divergence,
    log_density,
    mixture_log_density,
    mixture_moments,
    sample,
)
from mmbench_gmc.network import Network
from mmbench_gmc.variational import BySlot, GaussianEncoder, Generation, warmed_up

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from mmbench_gmc.likelihoods import Likelihood
    from mmbench_gmc.objectives import Bound, Gradient
    from mmbench_gmc.variational import ContrastiveTerm

__all__ = ["MMVAENetwork"]


class MMVAENetwork(Network):
    """The model.

    Args:
        encoders: Slot to a module [B, *shape] to [B, 2 x latent].
        decoders: Slot to a module [N, latent] to [N, *shape].
        likelihoods: Slot to kind and weight.
        latent: Numbers of a code.
        bound: What is maximised.
        samples: K, draws of each expert.
        gradient: Of the importance-weighted bounds.
        learn_prior: Whether the prior's variances are trained; their mean stays 1.
        beta: Of prior and posterior at the end.
        warm_up: Share of training over which beta grows from 0.
        contrast: GMC's term, if it is added.
    """

    def __init__(
        self,
        encoders: Mapping[str, nn.Module],
        decoders: Mapping[str, nn.Module],
        likelihoods: Mapping[str, Likelihood],
        *,
        latent: int,
        bound: Bound = "elbo",
        samples: int = 1,
        gradient: Gradient = "plain",
        learn_prior: bool = False,
        beta: float = 1.0,
        warm_up: float = 0.2,
        contrast: ContrastiveTerm | None = None,
    ) -> None:
        super().__init__()
        self.slots = tuple(encoders)
        self.encoders = BySlot({slot: GaussianEncoder(body) for slot, body in encoders.items()})
        self.generation = Generation(decoders, likelihoods)
        self.bound = bound
        self.samples = samples
        self.gradient = gradient
        self.beta = beta
        self.warm_up = warm_up
        self.contrast = contrast
        self.prior_shares = nn.Parameter(torch.zeros(latent), requires_grad=learn_prior)

    def extra_repr(self) -> str:
        """What is no layer."""
        return f"{self.bound}, {self.samples}, {self.gradient}, {self.beta}, {self.warm_up}"

    @property
    def prior(self) -> Gaussian:
        """``p(z)``, [latent]: zero means; variances positive and of mean 1, all 1 if not learnt."""
        shares = torch.log_softmax(self.prior_shares, dim=-1) + log(len(self.prior_shares))
        return Gaussian(torch.zeros_like(shares), shares)

    def experts(self, batch: Mapping[str, Tensor]) -> list[Gaussian]:
        """``q_m(z | x_m)`` of each stream of the batch."""
        return [self.encoders[slot](batch[slot]) for slot in self.slots if slot in batch]

    def losses(
        self,
        batch: Mapping[str, Tensor],
        target: Tensor | None,
        *,
        generator: torch.Generator,
        progress: float,
    ) -> dict[str, Tensor]:
        """Minus the bound; the target is not looked at."""
        self.generation.check(batch)
        experts = self.experts(batch)
        beta = self.beta * warmed_up(progress, self.warm_up)
        codes = torch.stack([sample(expert, generator, self.samples) for expert in experts])
        likelihood = self.generation.weighted_sum(self.slots, codes, batch)
        if self.bound == "loose-elbo":
            divergences = torch.stack([divergence(expert, self.prior) for expert in experts])
            found = likelihood.mean(dim=(0, 1)) - beta * divergences.mean(dim=0)
        else:
            found = self._mixture_bound(experts, codes, likelihood, beta)
        loss = -found.mean()
        terms = {"reconstruction": -likelihood.mean()}
        if self.contrast is not None:
            means = [expert.mean for expert in experts]
            terms["contrastive"] = self.contrast(torch.stack(means).mean(dim=0), means)
            loss = loss + self.contrast.weight * terms["contrastive"]
        return {"loss": loss, **terms}

    def _mixture_bound(
        self, experts: list[Gaussian], codes: Tensor, likelihood: Tensor, beta: float
    ) -> Tensor:
        """The bound [B] whose posterior is the mixture, of codes [M, K, B, latent]."""
        twice = self.gradient == "dreg" and self.bound != "elbo"
        if twice:
            experts = [Gaussian(*(part.detach() for part in expert)) for expert in experts]
        posterior = mixture_log_density(experts, codes)
        weights = likelihood + beta * (log_density(self.prior, codes) - posterior)
        if self.bound == "elbo":
            return weights.mean(dim=(0, 1))
        over = (0, 1) if self.bound == "iwae" else (1,)
        count = len(experts) * self.samples if self.bound == "iwae" else self.samples
        summed = torch.logsumexp(weights, dim=over, keepdim=True)
        found = summed - log(count)
        if twice:
            shares = torch.exp(weights - summed).detach()
            surrogate = (shares * weights).sum(dim=over, keepdim=True)
            if codes.requires_grad:
                codes.register_hook(  # type: ignore[no-untyped-call]
                    lambda gradient: shares.unsqueeze(-1) * gradient
                )
            # The value is the bound's, the gradient the surrogate's.
            found = surrogate + (found - surrogate).detach()
        return found.squeeze(1).mean(dim=0)

    def represent(self, batch: Mapping[str, Tensor]) -> Tensor:
        """The mean of the mixture [B, latent]: the mean of the experts' means."""
        return mixture_moments(self.experts(batch)).mean
