"""MVAE: one Gaussian a stream, their product with the prior as the posterior of any subset.

LOSS. For each of a set T of subsets S of the streams, the negative ELBO of the streams in S::

    q(z|x_S) = N(0, 1) x prod_{m in S} N(mu_m(x_m), sigma_m(x_m)^2), normalised
    L = sum_{S in T} mean over items of
            - sum_{m in S} w_m log p(x_m | z_S) + beta KL(q(z|x_S) || N(0, 1)),   z_S ~ q(z|x_S)

T holds the complete set, each single stream, and k drawn subsets of other sizes.

SOURCE. M. Wu and N. Goodman (2018), Multimodal Generative Models for Scalable Weakly-Supervised
Learning, NeurIPS, arXiv 1802.05335: the product with the prior expert, and the sub-sampled
objective. Its released code (mhw32/multimodal-vae-public, celeba19): terms are summed, k = 1, the
draw of subsets, beta from 0 to 1 in a straight line. From nexus_pytorch: the weights of the
reconstructions (trajectory and label 50), and the share of training over which beta grows (20 of
100 epochs). CHOSEN here: the posterior mean as representation; the encoders and decoders.

With all weights and beta 1 each term is an upper bound of ``- log p(x_S)``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from mmbench_gmc.gaussians import Gaussian, divergence_from_standard, product, sample
from mmbench_gmc.network import Network
from mmbench_gmc.subsets import draw_partial_subsets
from mmbench_gmc.variational import BySlot, GaussianEncoder, Generation, warmed_up

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor, nn

    from mmbench_gmc.likelihoods import Likelihood
    from mmbench_gmc.variational import ContrastiveTerm

__all__ = ["MVAENetwork"]


class MVAENetwork(Network):
    """The model.

    Args:
        encoders: Slot to a module [B, *shape] to [B, 2 x latent].
        decoders: Slot to a module [N, latent] to [N, *shape].
        likelihoods: Slot to kind and weight.
        random_subsets: k, how many subsets are drawn a step besides the complete and the single.
        beta: Of the divergence at the end.
        warm_up: Share of training over which beta grows from 0.
        contrast: GMC's term, if it is added.
    """

    def __init__(
        self,
        encoders: Mapping[str, nn.Module],
        decoders: Mapping[str, nn.Module],
        likelihoods: Mapping[str, Likelihood],
        *,
        random_subsets: int = 1,
        beta: float = 1.0,
        warm_up: float = 0.2,
        contrast: ContrastiveTerm | None = None,
    ) -> None:
        super().__init__()
        self.slots = tuple(encoders)
        self.encoders = BySlot({slot: GaussianEncoder(body) for slot, body in encoders.items()})
        self.generation = Generation(decoders, likelihoods)
        self.random_subsets = random_subsets
        self.beta = beta
        self.warm_up = warm_up
        self.contrast = contrast

    def extra_repr(self) -> str:
        """What is no layer."""
        return f"{self.random_subsets}, {self.beta}, {self.warm_up}"

    def experts(self, batch: Mapping[str, Tensor]) -> dict[str, Gaussian]:
        """``N(mu_m(x_m), sigma_m(x_m)^2)`` of each stream of the batch."""
        return {slot: self.encoders[slot](batch[slot]) for slot in self.slots if slot in batch}

    def posterior(self, batch: Mapping[str, Tensor]) -> Gaussian:
        """``q(z | x_S)`` of exactly the streams in the batch."""
        return product(list(self.experts(batch).values()))

    def losses(
        self,
        batch: Mapping[str, Tensor],
        target: Tensor | None,
        *,
        generator: torch.Generator,
        progress: float,
    ) -> dict[str, Tensor]:
        """The sum of negative ELBO terms; the target is not looked at."""
        self.generation.check(batch)
        experts = self.experts(batch)
        subsets = self.subsets(generator)
        posteriors = [product([experts[slot] for slot in subset]) for subset in subsets]
        codes = [sample(posterior, generator) for posterior in posteriors]
        reconstruction = -self._log_likelihood(subsets, codes, batch).mean()
        divergences = torch.stack([divergence_from_standard(found) for found in posteriors])
        divergence = divergences.sum(dim=0).mean()
        loss = reconstruction + self.beta * warmed_up(progress, self.warm_up) * divergence
        terms = {"reconstruction": reconstruction, "divergence": divergence}
        if self.contrast is not None:
            single = [product([experts[slot]]).mean for slot in self.slots]
            terms["contrastive"] = self.contrast(posteriors[0].mean, single)
            loss = loss + self.contrast.weight * terms["contrastive"]
        return {"loss": loss, **terms}

    def subsets(self, generator: torch.Generator) -> list[tuple[str, ...]]:
        """The subsets of this step: the complete one first, each single one, drawn ones."""
        single = [(slot,) for slot in self.slots] if len(self.slots) > 1 else []
        return [
            self.slots, *single, *draw_partial_subsets(self.slots, self.random_subsets, generator)
        ]  # fmt: skip

    def _log_likelihood(
        self,
        subsets: Sequence[tuple[str, ...]],
        codes: Sequence[Tensor],
        batch: Mapping[str, Tensor],
    ) -> Tensor:
        """``sum_S sum_{m in S} w_m log p(x_m | z_S)`` [B]; each decoder works once."""
        found = []
        for slot in self.slots:
            pairs = zip(subsets, codes, strict=True)
            asked = torch.stack([code for subset, code in pairs if slot in subset])
            found.append(self.generation.weighted(slot, asked, batch[slot]).sum(dim=0))
        return torch.stack(found).sum(dim=0)

    def represent(self, batch: Mapping[str, Tensor]) -> Tensor:
        """The mean of ``q(z | x_S)`` [B, latent]."""
        return self.posterior(batch).mean
