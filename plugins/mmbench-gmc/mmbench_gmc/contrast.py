"""GMC's contrastive losses: every single-stream representation against the complete one.

All take vectors of length 1, ``modalities`` [M, B, D] and ``joint`` [B, D], and a temperature;
gradients flow into both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from mmbench_gmc.objectives import Contrast

__all__ = ["LOSSES", "gmc_loss", "infonce", "joints_as_negatives", "paper"]


def infonce(modalities: Tensor, joint: Tensor, temperature: float) -> Tensor:
    """The released loss: the sum over the modalities of SimCLR's NT-Xent, each with the joint.

    For modality m the 2B rows ``x`` are the joint's and the modality's;

        l_i = -log exp(<x_i, x_i'> / tau) / sum_{j != i} exp(<x_i, x_j> / tau)

    where ``x_i'`` is the item's other row, which the denominator includes; the mean over the rows.

    SOURCE: the code released with Poklukar et al. 2022, arXiv 2202.03390 (``loss_type="infonce"``).
    """
    batch = len(joint)
    rows = torch.cat([joint.expand_as(modalities), modalities], dim=1)
    similarity = rows @ rows.transpose(1, 2) / temperature
    itself = torch.eye(2 * batch, dtype=torch.bool, device=rows.device)
    denominator = similarity.masked_fill(itself, -torch.inf).logsumexp(dim=2)
    positive = (joint * modalities).sum(dim=2) / temperature
    return denominator.mean(dim=1).sum() - positive.sum() / batch


def joints_as_negatives(modalities: Tensor, joint: Tensor, temperature: float) -> Tensor:
    """The released ablation: only other items' joint vectors are negatives.

        l_i = -log exp(<m_i, J_i> / tau) / sum_{j != i} exp(<J_i, J_j> / tau)

    summed over the modalities, the mean over the items. One item has no negatives: minus infinity.

    SOURCE: as :func:`infonce` (``loss_type="infonce_with_joints_as_negatives"``).
    """
    count, batch, _ = modalities.shape
    similarity = joint @ joint.T / temperature
    itself = torch.eye(batch, dtype=torch.bool, device=joint.device)
    denominator = similarity.masked_fill(itself, -torch.inf).logsumexp(dim=1)
    positive = (joint * modalities).sum(dim=2) / temperature
    return count * denominator.mean() - positive.sum() / batch


def paper(modalities: Tensor, joint: Tensor, temperature: float) -> Tensor:
    """The paper's equation, as recalled: a sum over items and modalities.

        l = -log exp(<m_i, J_i> / tau) / Omega_m(i)
        Omega_m(i) = sum_{j != i} exp(<m_i, J_j>/tau) + exp(<m_i, m_j>/tau) + exp(<J_i, J_j>/tau)

    The positive is not in the denominator, and the loss grows with the batch.

    SOURCE: Poklukar et al. 2022, arXiv 2202.03390, equations 2 and 3; not what its code computes.
    """
    batch = joint.shape[0]
    itself = torch.eye(batch, dtype=torch.bool, device=joint.device)
    pairs = torch.stack(
        [
            modalities @ joint.T,
            modalities @ modalities.transpose(1, 2),
            (joint @ joint.T).expand(len(modalities), -1, -1),
        ]
    )
    kept = (pairs / temperature).masked_fill(itself, -torch.inf)
    omega = kept.logsumexp(dim=3).logsumexp(dim=0)
    positive = (joint * modalities).sum(dim=2) / temperature
    return (omega - positive).sum()


#: Name of an option to its function.
LOSSES: dict[Contrast, Callable[[Tensor, Tensor, float], Tensor]] = {
    "infonce": infonce,
    "joints_as_negatives": joints_as_negatives,
    "paper": paper,
}


def gmc_loss(
    modalities: Tensor, joint: Tensor, temperature: float, loss: Contrast = "infonce"
) -> Tensor:
    """One of the losses, in float32 or better."""
    if joint.dtype in (torch.float16, torch.bfloat16):
        modalities, joint = modalities.float(), joint.float()
    return LOSSES[loss](modalities, joint, temperature)
