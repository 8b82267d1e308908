"""GMC's network: base encoders, a joint encoder, one head for all of them.

LOSS. ``z_m = g(f_m(x_m))`` of each stream and ``z = g(f(x_1, ..., x_M))`` of all, brought to length
1; the contrasts are written out in :mod:`mmbench_gmc.contrast`::

    L = contrast(z_1, ..., z_M; z) + mean over items of |c(z) - y|
                                      (of classes: the cross entropy of c(z); unsupervised: nothing)

SOURCE. P. Poklukar, M. Vasco, H. Yin, F. Melo, A. Paiva and D. Kragic (2022), Geometric Multimodal
Contrastive Representation Learning, ICML, arXiv 2202.03390, and its released code
(miguelsvasco/gmc): encoders, both losses, their equal weights, the target through ``z`` alone, and
the plain mean of what is there as the representation of a subset. CHOSEN here: classes.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from mmbench_gmc.contrast import gmc_loss
from mmbench_gmc.crossmodal import CrossmodalBody, Residual
from mmbench_gmc.encoders import Encoder, build_trunk
from mmbench_gmc.network import Network
from mmbench_gmc.prediction import Predictor, target_loss

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mmbench_gmc.inputs import Input
    from mmbench_gmc.objectives import Contrast
    from mmbench_gmc.plans import Crossmodal, Family
    from mmbench_gmc.targets import Target

__all__ = ["CrossmodalJoint", "GMCNetwork", "TrunkJoint", "head"]


class TrunkJoint(nn.Module):
    """The joint encoder: trunks of its own, side by side, then a linear layer.

    Args:
        inputs: The streams.
        outputs: Numbers that come out.
        family: Of the trunks.
    """

    def __init__(self, inputs: Sequence[Input], outputs: int, family: Family) -> None:
        super().__init__()
        self.slots = tuple(form.slot for form in inputs)
        trunks = [build_trunk(form, family) for form in inputs]
        self.trunks = nn.ModuleList(trunks)
        self.projector = nn.Linear(sum(trunk.width for trunk in trunks), outputs)

    def forward(self, batch: Mapping[str, Tensor]) -> Tensor:
        """[B, outputs] of all streams."""
        parts = [trunk(batch[slot]) for slot, trunk in zip(self.slots, self.trunks, strict=True)]
        found: Tensor = self.projector(torch.cat(parts, dim=1))
        return found


class CrossmodalJoint(nn.Module):
    """The joint encoder of sequences: MulT's body, a residual block, then a linear layer.

    Args:
        inputs: The streams.
        outputs: Numbers that come out.
        plan: Sizes of the body.
    """

    def __init__(self, inputs: Sequence[Input], outputs: int, plan: Crossmodal) -> None:
        super().__init__()
        self.body = CrossmodalBody(inputs, plan)
        self.residual = Residual(plan.width)
        self.projector = nn.Linear(plan.width, outputs)

    def forward(self, batch: Mapping[str, Tensor]) -> Tensor:
        """[B, outputs] of all streams."""
        found: Tensor = self.projector(self.residual(self.body(batch)))
        return found


def head(sizes: Sequence[int]) -> nn.Sequential:
    """Linear layers of these sizes, Swish between them."""
    layers: list[nn.Module] = []
    for before, after in pairwise(sizes):
        layers += [nn.Linear(before, after), nn.SiLU()]
    return nn.Sequential(*layers[:-1])


class GMCNetwork(Network):
    """GMC: ``z_m = g(f_m(x_m))`` and ``z = g(f(x_1, ..., x_M))``, all of length 1.

    Args:
        inputs: The streams.
        joint: Their joint encoder, as wide as the base encoders.
        sizes: Of the head: numbers of a base encoder, of hidden layers, of a vector.
        family: Of the trunks.
        temperature: Of the contrast.
        loss: Which contrast.
        renormalise: Whether the mean of several streams is brought back to length 1.
        target: What is predicted, too; None: nothing.
    """

    def __init__(
        self,
        inputs: Sequence[Input],
        joint: nn.Module,
        sizes: Sequence[int],
        *,
        family: Family = "auto",
        temperature: float = 0.1,
        loss: Contrast = "infonce",
        renormalise: bool = False,
        target: Target | None = None,
    ) -> None:
        super().__init__()
        self.slots = tuple(form.slot for form in inputs)
        self.encoders = nn.ModuleList(
            Encoder(build_trunk(form, family), sizes[0]) for form in inputs
        )
        self.joint = joint
        self.head = head(sizes)
        self.predictor = None if target is None else Predictor(sizes[-1], target)
        self.temperature, self.loss, self.renormalise = temperature, loss, renormalise

    def extra_repr(self) -> str:
        """What is no layer."""
        return f"{self.slots}, {self.temperature}, {self.loss}, {self.renormalise}"

    def single(self, slot: str, values: Tensor) -> Tensor:
        """``z_m`` [B, dim] of one stream."""
        encoder = self.encoders[self.slots.index(slot)]
        return normalize(self.head(encoder(values)), dim=1)

    def complete(self, batch: Mapping[str, Tensor]) -> Tensor:
        """``z`` [B, dim] of all streams."""
        return normalize(self.head(self.joint(batch)), dim=1)

    def losses(
        self,
        batch: Mapping[str, Tensor],
        target: Tensor | None,
        *,
        generator: torch.Generator,
        progress: float,
    ) -> dict[str, Tensor]:
        """The contrast; supervised, the loss of the complete representation's prediction, too."""
        joint = self.complete(batch)
        modalities = torch.stack([self.single(slot, batch[slot]) for slot in self.slots])
        contrast = gmc_loss(modalities, joint, self.temperature, self.loss)
        if target is None or self.predictor is None:
            return {"loss": contrast}
        task = target_loss(self.predictor(joint), target)
        return {"loss": contrast + task, "contrast": contrast, "task": task}

    def represent(self, batch: Mapping[str, Tensor]) -> Tensor:
        """The joint vectors of the complete set, or the mean of the available streams'."""
        if len(batch) == len(self.slots):
            return self.complete(batch)
        singles = [self.single(slot, batch[slot]) for slot in self.slots if slot in batch]
        mean = torch.stack(singles).mean(dim=0)
        return normalize(mean, dim=1) if self.renormalise else mean

    def predict(self, batch: Mapping[str, Tensor]) -> Tensor:
        """[B, outputs] from the representation."""
        assert self.predictor is not None
        found: Tensor = self.predictor(self.represent(batch))
        return found
