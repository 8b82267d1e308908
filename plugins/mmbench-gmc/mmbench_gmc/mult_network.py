"""MulT's network: crossmodal attention, a residual block, an output layer.

LOSS. ``h(x)`` is what the last step of every memory holds, ``f(h) = A (W2 relu(W1 h) + h)``, biases
aside; ``z_m`` and ``z`` are one linear layer's of ``h`` of stream m alone and of all, of length 1::

    L = mean over items of |f(h(x)) - y|            (of classes: the cross entropy of f(h(x)))
        + gmc_weight GMC(z_1, ..., z_M; z)          (none by default)

SOURCE. Y.-H. Tsai, S. Bai, P. Liang, J. Kolter, L.-P. Morency and R. Salakhutdinov (2019),
Multimodal Transformer for Unaligned Multimodal Language Sequences, ACL, arXiv 1906.00295, and its
released code (yaohungt/Multimodal-Transformer): the body (in :mod:`mmbench_gmc.crossmodal`), the
residual block, the loss. CHOSEN here: a missing stream is a sequence of zeros, which the body takes
for padding; where GMC's term is added, on ``h``, and that its layer has 2 ``dim`` numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from mmbench_gmc.contrast import gmc_loss
from mmbench_gmc.crossmodal import CrossmodalBody, Residual
from mmbench_gmc.network import Network
from mmbench_gmc.prediction import target_loss

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mmbench_gmc.inputs import Input
    from mmbench_gmc.plans import Crossmodal
    from mmbench_gmc.targets import Target

__all__ = ["MulTNetwork"]


class MulTNetwork(Network):
    """MulT; a stream that is missing is a sequence of zeros, which it takes for padding.

    The loss is the target's alone: the distance of values, or the cross entropy of classes. With
    ``gmc_weight`` GMC's contrast is added, between the vectors of each stream alone and those of
    all, each through one linear layer that they share.

    Args:
        inputs: Two sequences or more.
        plan: Sizes of the body.
        target: What is predicted.
        gmc_weight: Of the contrast; 0: there is none, and no layer for it.
        temperature: Of the contrast.
    """

    def __init__(
        self,
        inputs: Sequence[Input],
        plan: Crossmodal,
        target: Target,
        *,
        gmc_weight: float = 0.0,
        temperature: float = 0.3,
    ) -> None:
        super().__init__()
        self.shapes = {form.slot: form.shape for form in inputs}
        self.body = CrossmodalBody(inputs, plan)
        self.residual = Residual(plan.width)
        self.output = nn.Linear(plan.width, target.outputs)
        self.head = nn.Linear(plan.width, 2 * plan.dim) if gmc_weight else None
        self.gmc_weight, self.temperature = gmc_weight, temperature

    def extra_repr(self) -> str:
        """What is no layer."""
        return f"{tuple(self.shapes)}, {self.gmc_weight}, {self.temperature}"

    def losses(
        self,
        batch: Mapping[str, Tensor],
        target: Tensor | None,
        *,
        generator: torch.Generator,
        progress: float,
    ) -> dict[str, Tensor]:
        """The target's loss, and the weighted contrast."""
        assert target is not None
        vectors = self.represent(batch)
        task = target_loss(self.output(self.residual(vectors)), target)
        if self.head is None:
            return {"loss": task}
        alone = [self.represent({slot: batch[slot]}) for slot in self.shapes]
        joint, *singles = (normalize(self.head(each), dim=1) for each in (vectors, *alone))
        contrast = gmc_loss(torch.stack(singles), joint, self.temperature)
        loss = task + self.gmc_weight * contrast
        return {"loss": loss, "contrast": contrast, "task": task}

    def represent(self, batch: Mapping[str, Tensor]) -> Tensor:
        """[B, width]: the last steps, as the output layer's residual block takes them."""
        some = next(iter(batch.values()))
        found: Tensor = self.body(
            {
                slot: batch[slot] if slot in batch else some.new_zeros(len(some), *shape)
                for slot, shape in self.shapes.items()
            }
        )
        return found

    def predict(self, batch: Mapping[str, Tensor]) -> Tensor:
        """[B, outputs]."""
        found: Tensor = self.output(self.residual(self.represent(batch)))
        return found
