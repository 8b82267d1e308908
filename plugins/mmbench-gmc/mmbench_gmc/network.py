"""What every model is to the trainer and to its representation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor, nn

if TYPE_CHECKING:
    from collections.abc import Mapping

    import torch

__all__ = ["Network"]


class Network(nn.Module):
    """A model of several streams.

    It is built by a seeded global generator, and may draw from that generator (dropout) while it is
    trained: the trainer seeds it anew at each step.
    """

    def losses(
        self,
        batch: Mapping[str, Tensor],
        target: Tensor | None,
        *,
        generator: torch.Generator,
        progress: float,
    ) -> dict[str, Tensor]:
        """Scalar terms by name; ``loss`` is the one to minimise, the others are told.

        Args:
            batch: Slot to array [B, *shape], all slots.
            target: [B] float32 values or int64 numbers of classes; None: unsupervised.
            generator: Draws of this step, on the batch's device.
            progress: Share of the training that is done, 0..1, for warm-ups. 1 in validation.
        """
        raise NotImplementedError

    def represent(self, batch: Mapping[str, Tensor]) -> Tensor:
        """[B, dim] of exactly the streams in the batch, a non-empty subset; nothing is drawn."""
        raise NotImplementedError

    def predict(self, batch: Mapping[str, Tensor]) -> Tensor:
        """[B] values, or [B, C] scores, of a non-empty subset; of the supervised form only."""
        raise NotImplementedError
