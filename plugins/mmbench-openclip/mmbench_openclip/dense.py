"""Dense maps: patch tokens of a vision transformer, projected into the joint space.

``tokens``: the patch tokens of the last block, through the final norm and the projection, which is
what the class token goes through. ``value``: the same, with the attention of the last block
replaced by its value and output projections, so that each patch keeps to itself (MaskCLIP, Zhou et
al. 2022, arXiv 2112.01071); the block's residual connections and its MLP stay.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import torch

__all__ = ["DenseMethod", "dense_map", "resized_positions"]

DenseMethod = Literal["tokens", "value"]


def dense_map(
    visual: Any, pixels: torch.Tensor, positions: torch.Tensor, method: DenseMethod
) -> torch.Tensor:
    """The map [B, h, w, D] of pictures [B, 3, height, width]; row 0 is the top.

    Args:
        visual: open_clip's ``VisionTransformer``, in evaluation mode.
        pixels: Preprocessed pictures of any size that is a whole number of patches.
        positions: Position embeddings for that size, the class token's first.
        method: Which of the two.
    """
    import torch

    patches = visual.conv1(pixels)  # [B, width, h, w]
    rows, columns = patches.shape[-2:]
    patches = patches.flatten(2).transpose(1, 2)
    first = visual.class_embedding.to(patches.dtype).expand(len(patches), 1, -1)
    tokens = torch.cat([first, patches], dim=1) + positions.to(patches.dtype)
    tokens = visual.ln_pre(tokens)
    blocks = list(visual.transformer.resblocks)
    for block in blocks[:-1]:
        tokens = block(tokens)
    tokens = _value_path(blocks[-1], tokens) if method == "value" else blocks[-1](tokens)
    projected: torch.Tensor = visual.ln_post(tokens[:, 1:]) @ visual.proj
    return projected.reshape(len(projected), rows, columns, -1)


def _value_path(block: Any, tokens: torch.Tensor) -> torch.Tensor:
    """A block whose attention hands every token its own value."""
    from torch.nn.functional import linear

    attention = block.attn
    width = tokens.shape[-1]
    bias = attention.in_proj_bias
    value = linear(
        block.ln_1(tokens),
        attention.in_proj_weight[2 * width :],
        None if bias is None else bias[2 * width :],
    )
    tokens = tokens + block.ls_1(attention.out_proj(value))
    changed: torch.Tensor = tokens + block.ls_2(block.mlp(block.ln_2(tokens)))
    return changed


def resized_positions(
    positions: torch.Tensor, old: tuple[int, int], new: tuple[int, int]
) -> torch.Tensor:
    """Position embeddings for another grid, bicubic with antialiasing as open_clip resizes them.

    Args:
        positions: [1 + rows * columns, width], the class token's first.
        old: Rows and columns that they are for.
        new: Rows and columns wanted.
    """
    import torch

    if old == new:
        return positions
    grid = positions[1:].reshape(1, *old, -1).permute(0, 3, 1, 2)
    resized = torch.nn.functional.interpolate(
        grid, size=new, mode="bicubic", antialias=True, align_corners=False
    )
    return torch.cat([positions[:1], resized.flatten(2).squeeze(0).T])
