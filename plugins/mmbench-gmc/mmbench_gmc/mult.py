"""MulT as a representation: crossmodal attention between sequences, learnt with a target."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mmbench.api import NotApplicable, UsageError
from mmbench_gmc.plans import Crossmodal, linear
from mmbench_gmc.representation import LearntRepresentation
from mmbench_gmc.schedule import require
from mmbench_gmc.training_options import with_options_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mmbench.api import Stream
    from mmbench_gmc.inputs import Input
    from mmbench_gmc.network import Network
    from mmbench_gmc.targets import Target

__all__ = ["MulT"]


class MulT(LearntRepresentation):
    """Multimodal Transformer for unaligned sequences (Tsai et al. 2019).

    It takes sequences only, two or more, and learns a target. The vector of an item is what the
    last steps of all memories hold; a missing stream is a sequence of zeros, which it takes for
    padding. Its length follows the number of streams: ``dim`` is what each sequence is brought to,
    and for three of them there are 180 numbers. Defaults are the released code's.

    Args:
        dim: Channels that each sequence is brought to; a multiple of ``heads``.
        heads: Of every attention.
        layers: Of every transformer.
        gmc_weight: Weight of GMC's contrast between each stream alone and all; 0: none.
        gmc_temperature: Of that contrast.
    """

    name = "mult"
    citation = "Tsai et al. 2019, arXiv 1906.00295"
    supervision = "always"
    imputes = "zeros"

    @with_options_of(LearntRepresentation, epochs=40, batch=24, clip=0.8, plateau=20, keep="best")
    def __init__(
        self,
        *,
        dim: int = 30,
        heads: int = 5,
        layers: int = 5,
        gmc_weight: float = 0.0,
        gmc_temperature: float = 0.3,
        **training: Any,
    ) -> None:
        super().__init__(dim=dim, **training)
        require(self.name, 1, heads=heads, layers=layers)
        require(self.name, 0, gmc_weight=gmc_weight)
        require(self.name, 0, above=True, gmc_temperature=gmc_temperature)
        if dim % heads:
            raise UsageError(f"dim={dim} is no multiple of heads={heads}", where=self.name)
        self.heads, self.layers = heads, layers
        self.gmc_weight, self.gmc_temperature = gmc_weight, gmc_temperature

    @property
    def length(self) -> int:
        """Numbers of a vector."""
        count = len(self.streams)
        return self.dim * count * (count - 1)

    def bind(self, streams: Sequence[Stream]) -> None:
        """Open one slot a sequence.

        Raises:
            NotApplicable: There are fewer than two.
        """
        taken = [stream for stream in streams if stream.kind == "Sequence"]
        if len(taken) < 2:
            kinds = ", ".join(f"{stream.name} ({stream.kind})" for stream in streams) or "nothing"
            raise NotApplicable(f"takes two sequences or more, not {kinds}", where=self.name)
        super().bind(taken)

    def build(self, inputs: Sequence[Input], target: Target | None) -> Network:
        """The network, which there is for a target only."""
        from mmbench_gmc.mult_network import MulTNetwork

        assert target is not None
        return MulTNetwork(
            inputs,
            self._plan(inputs),
            target,
            gmc_weight=self.gmc_weight,
            temperature=self.gmc_temperature,
        )

    def count(self, inputs: Sequence[Input]) -> int:
        """Parameters but for the output layer's, whose size the target decides."""
        plan = self._plan(inputs)
        head = linear(plan.width, 2 * plan.dim) if self.gmc_weight else 0
        return plan.parameters + 2 * linear(plan.width, plan.width) + head

    def _plan(self, inputs: Sequence[Input]) -> Crossmodal:
        features = tuple(form.shape[1] for form in inputs)
        return Crossmodal(features, self.dim, self.heads, self.layers)
