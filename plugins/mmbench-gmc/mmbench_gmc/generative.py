"""What the generative rivals share as representations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from mmbench_gmc.representation import LearntRepresentation
from mmbench_gmc.schedule import require
from mmbench_gmc.sizes import contrast_head
from mmbench_gmc.slot_options import NEXUS_WEIGHTS, checked, checked_kinds, require_slots
from mmbench_gmc.training_options import with_options_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mmbench.api import Stream
    from mmbench_gmc.inputs import Input
    from mmbench_gmc.likelihoods import Likelihood
    from mmbench_gmc.variational import ContrastiveTerm

__all__ = ["GenerativeRepresentation"]


class GenerativeRepresentation(LearntRepresentation):
    """A model that decodes what it encodes.

    Args:
        likelihoods: Slot to ``bernoulli``, ``gaussian`` or ``categorical``, where it is not the
            usual one: Bernoulli for pictures and categorical for labels that come as they are, a
            Gaussian of variance 1/2 for all others.
        weights: Slot to the weight of its reconstruction, where it is not the default.
        gmc_weight: Weight of GMC's contrast between each stream's representation and that of all,
            through a projection head; 0: none.
        gmc_temperature: Of that contrast.
    """

    supervision = "never"
    #: Its options that hold something a slot, by their names.
    slot_options: ClassVar[tuple[str, ...]] = ("likelihoods", "weights")
    #: Weights by slot, where the option says nothing; 1 where this doesn't either.
    default_weights: ClassVar[Mapping[str, float]] = NEXUS_WEIGHTS

    @with_options_of(LearntRepresentation)
    def __init__(
        self,
        *,
        likelihoods: dict[str, str] | None = None,
        weights: dict[str, float] | None = None,
        gmc_weight: float = 0.0,
        gmc_temperature: float = 0.1,
        **training: Any,
    ) -> None:
        super().__init__(**training)
        require(self.name, 0, gmc_weight=gmc_weight)
        require(self.name, 0, above=True, gmc_temperature=gmc_temperature)
        self.likelihoods = checked_kinds(likelihoods, where=self.name)
        self.weights = checked("weights", weights, 0, where=self.name)
        self.gmc_weight, self.gmc_temperature = gmc_weight, gmc_temperature

    def bind(self, streams: Sequence[Stream]) -> None:
        """Open slots, and see that the options name no other ones.

        Raises:
            NotApplicable: As for any model.
            UsageError: An option names a slot that is none.
        """
        super().bind(streams)
        slots = [stream.name for stream in self.streams]
        for option in self.slot_options:
            require_slots(slots, option, getattr(self, option), where=self.name)

    def chosen(self, inputs: Sequence[Input]) -> dict[str, Likelihood]:
        """The likelihood of each stream, by its slot."""
        from mmbench_gmc.likelihoods import choose_likelihoods

        return choose_likelihoods(
            inputs, self.likelihoods, self.weights,
            family=self.encoders, defaults=self.default_weights, where=self.name,
        )  # fmt: skip

    def contrast(self) -> ContrastiveTerm | None:
        """GMC's term, if it is added."""
        from mmbench_gmc.variational import ContrastiveTerm

        if not self.gmc_weight:
            return None
        return ContrastiveTerm(self.dim, self.gmc_weight, self.gmc_temperature)

    def count_contrast(self) -> int:
        """Parameters of GMC's term."""
        return contrast_head(self.dim) if self.gmc_weight else 0
