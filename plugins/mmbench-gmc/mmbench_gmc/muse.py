"""MUSE as a representation: a VAE a stream, and above them a product of experts taught by ALMA."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mmbench_gmc.generative import GenerativeRepresentation
from mmbench_gmc.schedule import require
from mmbench_gmc.sizes import decoder, encoder, perceptron
from mmbench_gmc.slot_options import NEXUS_SIZES, by_slot, checked
from mmbench_gmc.training_options import with_options_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mmbench_gmc.inputs import Input
    from mmbench_gmc.network import Network
    from mmbench_gmc.targets import Target

__all__ = ["MUSE"]


class MUSE(GenerativeRepresentation):
    """Multimodal Unsupervised Sensing (Vasco et al. 2022): nested codes, and ALMA.

    Each stream has a VAE of its own; above, the posterior of any subset of their codes is a product
    of experts with the prior, and every subset's is drawn to that of all (the average latent
    multimodal approximation loss). The representation is the mean of the code above. The loss in
    full, its source and what was chosen stand in :mod:`mmbench_gmc.muse_network`.

    Args:
        sizes: Slot to the numbers of its own code, where it is not the default: image 64,
            trajectory 16, sound 128, label 5, and ``dim`` for any other.
        gamma: Weight of the codes' reconstructions.
        gammas: Slot to that weight, where it is another.
        hidden: Width of the layers above.
        layers: Layers of that width.
        delta: Weight of ALMA.
        beta: Weight of all divergences from the prior; with 1, and weights of 1, each level's part
            but for ALMA is a bound.
        warm_up: Share of training over which the upper one grows from 0.
    """

    name = "muse"
    citation = "Vasco et al. 2022, arXiv 2110.03608"
    slot_options = ("likelihoods", "weights", "sizes", "gammas")

    @with_options_of(GenerativeRepresentation)
    def __init__(
        self,
        *,
        sizes: dict[str, int] | None = None,
        gamma: float = 10.0,
        gammas: dict[str, float] | None = None,
        hidden: int = 512,
        layers: int = 3,
        delta: float = 1.0,
        beta: float = 1.0,
        warm_up: float = 0.2,
        **training: Any,
    ) -> None:
        super().__init__(**training)
        self.sizes = checked("sizes", sizes, 1, where=self.name)
        self.gammas = checked("gammas", gammas, 0, where=self.name)
        require(self.name, 1, hidden=hidden)
        require(self.name, 0, layers=layers, gamma=gamma, delta=delta, beta=beta, warm_up=warm_up)
        self.gamma, self.hidden, self.layers = gamma, hidden, layers
        self.delta, self.beta, self.warm_up = delta, beta, warm_up

    def build(self, inputs: Sequence[Input], target: Target | None) -> Network:
        """Both levels."""
        from mmbench_gmc.hierarchy import build_bottom
        from mmbench_gmc.muse_network import MUSENetwork

        sizes = self._sizes(inputs)
        return MUSENetwork(
            build_bottom(inputs, sizes, self.chosen(inputs), self.encoders),
            sizes,
            by_slot(inputs, "gammas", self.gammas, {}, self.gamma, where=self.name),
            latent=self.dim,
            hidden=self.hidden,
            layers=self.layers,
            delta=self.delta,
            beta=self.beta,
            warm_up=self.warm_up,
            contrast=self.contrast(),
        )

    def count(self, inputs: Sequence[Input]) -> int:
        """Parameters, without importing torch."""
        sizes, inner = self._sizes(inputs), [self.hidden] * self.layers
        found = self.count_contrast()
        for form in inputs:
            size = sizes[form.slot]
            found += encoder(form, 2 * size, self.encoders) + decoder(form, size, self.encoders)
            found += perceptron([size, *inner, 2 * self.dim])
            found += perceptron([self.dim, *inner, size])
        return found

    def _sizes(self, inputs: Sequence[Input]) -> dict[str, int]:
        return by_slot(inputs, "sizes", self.sizes, NEXUS_SIZES, self.dim, where=self.name)
