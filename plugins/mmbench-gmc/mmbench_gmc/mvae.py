"""MVAE as a representation: a product of experts, one a stream, with the prior."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mmbench_gmc.generative import GenerativeRepresentation
from mmbench_gmc.schedule import require
from mmbench_gmc.sizes import decoder, encoder
from mmbench_gmc.training_options import with_options_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mmbench_gmc.inputs import Input
    from mmbench_gmc.network import Network
    from mmbench_gmc.targets import Target

__all__ = ["MVAE"]


class MVAE(GenerativeRepresentation):
    """Multimodal Variational Autoencoder (Wu and Goodman 2018).

    The posterior of any subset is the product of its streams' Gaussians and the prior; what is
    maximised is the sum of the ELBOs of all streams, of each single one, and of drawn subsets. The
    representation is the posterior's mean. The loss in full, its source and what was chosen stand
    in :mod:`mmbench_gmc.mvae_network`. Weights and warm-up are nexus_pytorch's.

    Args:
        random_subsets: Drawn subsets a step.
        beta: Weight of the divergence from the prior; with 1, and weights of 1, bounds are bounds.
        warm_up: Share of training over which ``beta`` grows from 0.
    """

    name = "mvae"
    citation = "Wu and Goodman 2018, arXiv 1802.05335"

    @with_options_of(GenerativeRepresentation)
    def __init__(
        self,
        *,
        random_subsets: int = 1,
        beta: float = 1.0,
        warm_up: float = 0.2,
        **training: Any,
    ) -> None:
        super().__init__(**training)
        require(self.name, 0, random_subsets=random_subsets, beta=beta, warm_up=warm_up)
        self.random_subsets, self.beta, self.warm_up = random_subsets, beta, warm_up

    def build(self, inputs: Sequence[Input], target: Target | None) -> Network:
        """An encoder to a Gaussian and a decoder a stream."""
        from mmbench_gmc.decoders import build_decoders
        from mmbench_gmc.mvae_network import MVAENetwork
        from mmbench_gmc.variational import build_encoders

        return MVAENetwork(
            build_encoders(inputs, 2 * self.dim, self.encoders),
            build_decoders(inputs, self.dim, self.encoders),
            self.chosen(inputs),
            random_subsets=self.random_subsets,
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
        return streams + self.count_contrast()
