"""GMC as a representation: single streams drawn to the representation of all, by contrast."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from mmbench.api import UsageError
from mmbench_gmc.objectives import Contrast  # noqa: TC001 - options' hints are read
from mmbench_gmc.plans import Crossmodal, linear, plan_of
from mmbench_gmc.representation import LearntRepresentation
from mmbench_gmc.schedule import require
from mmbench_gmc.training_options import with_options_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from mmbench_gmc.inputs import Input
    from mmbench_gmc.network import Network
    from mmbench_gmc.targets import Target

__all__ = ["GMC"]

#: The joint encoder: trunks side by side, or MulT's body; ``auto``: the latter for sequences.
Joint = Literal["auto", "trunks", "crossmodal"]


class GMC(LearntRepresentation):
    """Geometric Multimodal Contrastive representation learning (Poklukar et al. 2022).

    A base encoder a stream and one joint encoder of all share a projection head; a contrast draws
    each stream's vector to the joint vector of the same item, and away from all other items'. Of
    all streams the representation is the joint vector, of fewer the mean of theirs. Defaults are
    those of the paper's MHD experiment, as the released code has them.

    Args:
        temperature: Of the contrast.
        loss: ``infonce``: the released loss; ``joints_as_negatives``: its ablation; ``paper``: the
            paper's equation, whose denominator lacks the positive and which is a sum over items.
        common: Numbers that the base encoders and the joint encoder hand to the head.
        head: Units of the head's hidden layers; none: it is linear.
        joint: The joint encoder: ``trunks`` of its own, or MulT's ``crossmodal`` body, which takes
            two sequences or more; ``auto``: the latter where every stream is a sequence.
        renormalise: Bring the mean of several streams' vectors back to length 1; the released code
            does not.
    """

    name = "gmc"
    citation = "Poklukar et al. 2022, arXiv 2202.03390"

    @with_options_of(LearntRepresentation)
    def __init__(
        self,
        *,
        temperature: float = 0.1,
        loss: Contrast = "infonce",
        common: int = 64,
        head: tuple[int, ...] = (512, 512),
        joint: Joint = "auto",
        renormalise: bool = False,
        **training: Any,
    ) -> None:
        super().__init__(**training)
        require(self.name, 0, above=True, temperature=temperature)
        require(self.name, 1, common=common, head=min(head, default=1))
        self.temperature = temperature
        self.loss = loss
        self.sizes = (common, *head, self.dim)
        self.joint = joint
        self.renormalise = renormalise

    def build(self, inputs: Sequence[Input], target: Target | None) -> Network:
        """Base encoders, joint encoder and head; supervised, a predictor on top."""
        from mmbench_gmc.gmc_network import CrossmodalJoint, GMCNetwork, TrunkJoint

        plan = self._crossmodal(inputs)
        return GMCNetwork(
            inputs,
            TrunkJoint(inputs, self.sizes[0], self.encoders)
            if plan is None
            else CrossmodalJoint(inputs, self.sizes[0], plan),
            self.sizes,
            family=self.encoders,
            temperature=self.temperature,
            loss=self.loss,
            renormalise=self.renormalise,
            target=target,
        )

    def count(self, inputs: Sequence[Input]) -> int:
        """Parameters of the unsupervised network, without importing torch."""
        plans = [plan_of(form, self.encoders) for form in inputs]
        common = self.sizes[0]
        singles = sum(plan.parameters + linear(plan.width, common) for plan in plans)
        body = self._crossmodal(inputs)
        if body is None:
            width = sum(plan.width for plan in plans)
            joint = sum(plan.parameters for plan in plans) + linear(width, common)
        else:
            residual = 2 * linear(body.width, body.width)
            joint = body.parameters + residual + linear(body.width, common)
        return singles + joint + sum(linear(a, b) for a, b in pairwise(self.sizes))

    def fuse(self, parts: Mapping[str, NDArray[np.float32]]) -> NDArray[np.float32] | None:
        """The mean of single streams' vectors; None for all of them, whose vector is another."""
        if len(parts) == len(self.streams):
            return None
        stacked = np.stack([np.asarray(part, dtype=np.float32) for part in parts.values()])
        mean = stacked.mean(axis=0)
        if self.renormalise:
            mean /= np.maximum(np.sqrt((mean**2).sum(axis=1, keepdims=True)), 1e-12)
        return np.asarray(mean, dtype=np.float32)

    def _crossmodal(self, inputs: Sequence[Input]) -> Crossmodal | None:
        """Sizes of MulT's body, where that is the joint encoder."""
        fits = len(inputs) > 1 and all(form.kind == "Sequence" for form in inputs)
        if self.joint == "crossmodal" and not fits:
            kinds = ", ".join(f"{form.slot} ({form.kind})" for form in inputs)
            raise UsageError(
                f"joint=crossmodal takes two sequences or more, not {kinds}", where=self.name
            )
        if self.joint == "trunks" or not fits:
            return None
        return Crossmodal(tuple(form.shape[1] for form in inputs))
