"""MFM as a representation: a shared factor, one a stream, and surrogates for what is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from mmbench_gmc.generative import GenerativeRepresentation
from mmbench_gmc.objectives import Prior  # noqa: TC001 - options' hints are read
from mmbench_gmc.plans import linear, plan_of
from mmbench_gmc.schedule import require
from mmbench_gmc.sizes import decoder, encoder, perceptron
from mmbench_gmc.slot_options import NEXUS_SIZES, by_slot, checked
from mmbench_gmc.training_options import with_options_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mmbench_gmc.inputs import Input
    from mmbench_gmc.network import Network
    from mmbench_gmc.targets import Target

__all__ = ["MFM"]


class MFM(GenerativeRepresentation):
    """Multimodal Factorization Model (Tsai et al. 2019).

    A code of all streams and a code a stream are decoded together; where a task names a target it
    is predicted from the shared one alone. Where streams are missing, a surrogate network infers
    the shared code of those that are there. The representation is the shared code. The loss in
    full, its source and what was chosen stand in :mod:`mmbench_gmc.mfm_network`.

    Args:
        sizes: Slot to the numbers of its own code, where it is not the default: image 64,
            trajectory 16, sound 128, label 5, and ``dim`` for any other.
        prior: ``mmd``: the Wasserstein autoencoder's distance of codes from draws of the prior, and
            mean costs a number, as in the paper; ``kl``: Gaussian encoders, divergences and sums.
        prior_weight: Of those terms; with ``kl``, 1, and weights of 1, the sum is a bound.
        surrogate_weight: Of the surrogates' errors.
        hidden: Width of the surrogate network's two layers.
    """

    name = "mfm"
    citation = "Tsai et al. 2019, arXiv 1806.06176"
    supervision = "if named"
    slot_options = ("likelihoods", "weights", "sizes")
    default_weights: ClassVar[Mapping[str, float]] = {}

    @with_options_of(GenerativeRepresentation)
    def __init__(
        self,
        *,
        sizes: dict[str, int] | None = None,
        prior: Prior = "mmd",
        prior_weight: float = 1.0,
        surrogate_weight: float = 1.0,
        hidden: int = 256,
        **training: Any,
    ) -> None:
        super().__init__(**training)
        self.sizes = checked("sizes", sizes, 1, where=self.name)
        require(self.name, 1, hidden=hidden)
        require(self.name, 0, prior_weight=prior_weight, surrogate_weight=surrogate_weight)
        self.prior, self.prior_weight = prior, prior_weight
        self.surrogate_weight, self.hidden = surrogate_weight, hidden

    def build(self, inputs: Sequence[Input], target: Target | None) -> Network:
        """Encoders of all and of each, factors, decoders, the surrogate network."""
        from mmbench_gmc.decoders import build_decoders
        from mmbench_gmc.encoders import Encoder, build_trunk
        from mmbench_gmc.gmc_network import TrunkJoint
        from mmbench_gmc.mfm_network import MFMNetwork

        sizes, both = self._sizes(inputs), self._both
        return MFMNetwork(
            TrunkJoint(inputs, both * self.dim, self.encoders),
            {
                form.slot: Encoder(
                    build_trunk(form, self.encoders), both * sizes[form.slot] + self.dim
                )
                for form in inputs
            },
            build_decoders(inputs, 2 * self.dim, self.encoders),
            self.chosen(inputs),
            sizes,
            latent=self.dim,
            hidden=self.hidden,
            prior=self.prior,
            prior_weight=self.prior_weight,
            surrogate_weight=self.surrogate_weight,
            outputs=0 if target is None else target.outputs,
            contrast=self.contrast(),
        )

    def count(self, inputs: Sequence[Input]) -> int:
        """Parameters of the unsupervised network, without importing torch."""
        sizes, both, dim = self._sizes(inputs), self._both, self.dim
        plans = [plan_of(form, self.encoders) for form in inputs]
        found = sum(plan.parameters for plan in plans)
        found += linear(sum(plan.width for plan in plans), both * dim)
        found += perceptron([dim, dim, dim]) + self.count_contrast()
        for form in inputs:
            size = sizes[form.slot]
            found += encoder(form, both * size + dim, self.encoders)
            found += decoder(form, 2 * dim, self.encoders) + perceptron([size, dim, dim])
        inferred = dim + sum(sizes.values())
        return found + perceptron([len(inputs) * (dim + 1), self.hidden, self.hidden, inferred])

    @property
    def _both(self) -> int:
        """Numbers that an encoder gives for each of a code: means, or log variances too."""
        return 2 if self.prior == "kl" else 1

    def _sizes(self, inputs: Sequence[Input]) -> dict[str, int]:
        return by_slot(inputs, "sizes", self.sizes, NEXUS_SIZES, self.dim, where=self.name)
