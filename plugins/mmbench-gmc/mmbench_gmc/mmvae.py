"""MMVAE as a representation: a mixture of experts, one a stream."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mmbench.api import UsageError
from mmbench_gmc.generative import GenerativeRepresentation
from mmbench_gmc.objectives import Bound, Gradient  # noqa: TC001 - options' hints are read
from mmbench_gmc.schedule import require
from mmbench_gmc.sizes import decoder, encoder
from mmbench_gmc.training_options import with_options_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from mmbench_gmc.inputs import Input
    from mmbench_gmc.network import Network
    from mmbench_gmc.targets import Target

__all__ = ["MMVAE"]


class MMVAE(GenerativeRepresentation):
    """Mixture-of-experts Multimodal VAE (Shi et al. 2019).

    The posterior of any subset is the mixture of its streams' Gaussians; every expert is drawn from
    equally often, and each draw decodes all streams. The representation is the mixture's mean, the
    mean of the experts' means. The bounds in full, their sources and what was chosen stand in
    :mod:`mmbench_gmc.mmvae_network`. The paper's own training is ``bound = "loose-iwae"``,
    ``gradient = "dreg"``, ``samples = 30``, ``learn_prior = true``; that of nexus_pytorch, where
    GMC's comparison comes from, is ``bound = "loose-elbo"``.

    Args:
        bound: ``elbo``: of the mixture; ``loose-elbo``: of each expert by itself; ``iwae``: one
            importance-weighted bound over all draws; ``loose-iwae``: one an expert, and their mean.
        samples: Draws of each expert a step.
        gradient: Of the importance-weighted bounds: ``plain``, or ``dreg``, which is doubly
            reparametrised.
        learn_prior: Train the prior's variances, whose mean stays 1.
        beta: Weight of prior and posterior; with 1, and weights of 1, bounds are bounds.
        warm_up: Share of training over which ``beta`` grows from 0.
    """

    name = "mmvae"
    citation = "Shi et al. 2019, arXiv 1911.03393"

    @with_options_of(GenerativeRepresentation)
    def __init__(
        self,
        *,
        bound: Bound = "elbo",
        samples: int = 1,
        gradient: Gradient = "plain",
        learn_prior: bool = False,
        beta: float = 1.0,
        warm_up: float = 0.2,
        **training: Any,
    ) -> None:
        super().__init__(**training)
        require(self.name, 1, samples=samples)
        require(self.name, 0, beta=beta, warm_up=warm_up)
        if gradient == "dreg" and not bound.endswith("iwae"):
            raise UsageError(
                f"gradient=dreg is one of importance-weighted bounds, not of {bound}",
                where=self.name, fix='use bound = "iwae" or "loose-iwae"',
            )  # fmt: skip
        self.bound, self.samples, self.gradient = bound, samples, gradient
        self.learn_prior, self.beta, self.warm_up = learn_prior, beta, warm_up

    def build(self, inputs: Sequence[Input], target: Target | None) -> Network:
        """An encoder to a Gaussian and a decoder a stream."""
        from mmbench_gmc.decoders import build_decoders
        from mmbench_gmc.mmvae_network import MMVAENetwork
        from mmbench_gmc.variational import build_encoders

        return MMVAENetwork(
            build_encoders(inputs, 2 * self.dim, self.encoders),
            build_decoders(inputs, self.dim, self.encoders),
            self.chosen(inputs),
            latent=self.dim,
            bound=self.bound,
            samples=self.samples,
            gradient=self.gradient,
            learn_prior=self.learn_prior,
            beta=self.beta,
            warm_up=self.warm_up,
            contrast=self.contrast(),
        )

    def count(self, inputs: Sequence[Input]) -> int:
        """Parameters, without importing torch."""
        streams = sum(
            encoder(form, 2 * self.dim, self.encoders) + decoder(form, self.dim, self.encoders)
            for form in inputs
        )
        return streams + (self.dim if self.learn_prior else 0) + self.count_contrast()

    def fuse(self, parts: Mapping[str, NDArray[np.float32]]) -> NDArray[np.float32]:
        """The mean of single streams' vectors: that is the mixture's mean."""
        stacked = np.stack([np.asarray(part, dtype=np.float32) for part in parts.values()])
        return np.asarray(stacked.mean(axis=0), dtype=np.float32)
