"""Nexus as a representation: a VAE a stream, and one code above of the mean of their messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mmbench.api import UsageError
from mmbench_gmc.generative import GenerativeRepresentation
from mmbench_gmc.schedule import require
from mmbench_gmc.sizes import decoder, encoder, perceptron
from mmbench_gmc.slot_options import NEXUS_SIZES, NEXUS_WEIGHTS, by_slot, checked
from mmbench_gmc.training_options import with_options_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mmbench_gmc.inputs import Input
    from mmbench_gmc.network import Network
    from mmbench_gmc.targets import Target

__all__ = ["Nexus"]


class Nexus(GenerativeRepresentation):
    """Nexus (Vasco et al. 2022): hierarchy, and messages that are dropped in training.

    Each stream has a VAE of its own; above, the mean of the streams' messages is encoded to one
    code, from which all streams' codes are decoded. In training an item may lose all but one of its
    messages (forced perceptual dropout). The representation is the mean of the code above. The loss
    in full, its source and what was chosen stand in :mod:`mmbench_gmc.nexus_network`. Defaults are
    nexus_pytorch's on MHD.

    Args:
        sizes: Slot to the numbers of its own code, where it is not the default: image 64,
            trajectory 16, sound 128, label 5, and ``dim`` for any other.
        gammas: Slot to the weight of its code's reconstruction, where it is not the default:
            trajectory and label 50, and 1 for any other.
        hidden: Width of messages and of the layers above.
        layers: Layers of that width.
        drop_rate: Share of items that lose messages in training.
        beta: Weight of all divergences; with 1, and weights of 1, each level's part is a bound.
        warm_up: Share of training over which ``beta`` grows from 0.
    """

    name = "nexus"
    citation = "Vasco et al. 2022, Neural Networks 146:238-255"
    slot_options = ("likelihoods", "weights", "sizes", "gammas")

    @with_options_of(GenerativeRepresentation)
    def __init__(
        self,
        *,
        sizes: dict[str, int] | None = None,
        gammas: dict[str, float] | None = None,
        hidden: int = 512,
        layers: int = 2,
        drop_rate: float = 0.2,
        beta: float = 1.0,
        warm_up: float = 0.2,
        **training: Any,
    ) -> None:
        super().__init__(**training)
        self.sizes = checked("sizes", sizes, 1, where=self.name)
        self.gammas = checked("gammas", gammas, 0, where=self.name)
        require(self.name, 1, hidden=hidden)
        require(self.name, 0, layers=layers, drop_rate=drop_rate, beta=beta, warm_up=warm_up)
        if drop_rate > 1.0:
            raise UsageError(f"drop_rate must be 1 or less, not {drop_rate}", where=self.name)
        self.hidden, self.layers, self.drop_rate = hidden, layers, drop_rate
        self.beta, self.warm_up = beta, warm_up

    def build(self, inputs: Sequence[Input], target: Target | None) -> Network:
        """Both levels."""
        from mmbench_gmc.hierarchy import build_bottom
        from mmbench_gmc.nexus_network import NexusNetwork

        sizes = self._sizes(inputs)
        return NexusNetwork(
            build_bottom(inputs, sizes, self.chosen(inputs), self.encoders),
            sizes,
            by_slot(inputs, "gammas", self.gammas, NEXUS_WEIGHTS, 1.0, where=self.name),
            latent=self.dim,
            hidden=self.hidden,
            layers=self.layers,
            drop_rate=self.drop_rate,
            beta=self.beta,
            warm_up=self.warm_up,
            contrast=self.contrast(),
        )

    def count(self, inputs: Sequence[Input]) -> int:
        """Parameters, without importing torch."""
        sizes, inner = self._sizes(inputs), [self.hidden] * self.layers
        found = perceptron([self.hidden, *inner, 2 * self.dim]) + self.count_contrast()
        for form in inputs:
            size = sizes[form.slot]
            found += encoder(form, 2 * size, self.encoders) + decoder(form, size, self.encoders)
            found += perceptron([size, self.hidden])
            found += perceptron([self.dim, *inner, self.hidden, size])
        return found

    def _sizes(self, inputs: Sequence[Input]) -> dict[str, int]:
        return by_slot(inputs, "sizes", self.sizes, NEXUS_SIZES, self.dim, where=self.name)
