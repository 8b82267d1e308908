"""A loaded ULIP: its point encoder, its towers, and what prepares their input.

Imports torch: imported when weights are loaded. open_clip is imported with the towers only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from mmbench.api import DataError, UsageError
from mmbench.api.weights import listed
from mmbench_ulip.checkpoints import load_into, part_of, read_state
from mmbench_ulip.clouds import prepare, starts
from mmbench_ulip.grouping import farthest_points, gather_points
from mmbench_ulip.pictures import Pictures
from mmbench_ulip.pointbert import PointBERT, Sizes

if TYPE_CHECKING:
    import logging
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from mmbench.api import Context, PointCloud, Text
    from mmbench_ulip.architectures import Architecture
    from mmbench_ulip.towers import Towers

__all__ = ["Clouds", "Model", "load_model"]

_DTYPES = {"fp32": "float32", "bf16": "bfloat16", "fp16": "float16"}
#: Clouds whose groups are encoded at once; 512 groups of 32 points are 35 MB a cloud and layer.
_TOGETHER = 8
_ENCODER = "point_encoder."
_PROJECTION = "pc_projection"
_OPEN_CLIP = "open_clip_model."
#: What checkpoints of ULIP, ULIP-2 and SLIP hold besides the point encoder.
_OTHERS = ("logit_scale", "visual.", "transformer.", "token_embedding.", "positional_embedding",
           "ln_final.", "image_projection", "text_projection", "image_mlp.",
           _OPEN_CLIP)  # fmt: skip


@dataclass(frozen=True)
class Clouds:
    """How clouds are prepared.

    Attributes:
        unit_ball: Whether they are centred and scaled.
        max_points: How many points are kept, at most.
        grey: The colour of clouds that have none.
        seed: What the starts of sampling are drawn from; None = at the first point.
    """

    unit_ball: bool
    max_points: int
    grey: float
    seed: int | None

    def prepared(
        self, clouds: Sequence[PointCloud], *, colours: bool
    ) -> list[tuple[NDArray[np.float32], NDArray[np.float64]]]:
        """Points [N, 3 or 6] of each cloud, and where its two samplings start, as shares of them.

        Raises:
            ItemError: A cloud has no points, no finite ones, or all in one place.
        """
        found = []
        for cloud in clouds:
            seen = prepare(cloud, unit_ball=self.unit_ball, colours=colours, grey=self.grey)
            drawn = np.zeros(2) if self.seed is None else starts(seen, self.seed, 2)
            parts = (seen.xyz,) if seen.rgb is None else (seen.xyz, seen.rgb)
            found.append((np.concatenate(parts, axis=1), drawn))
        return found


@dataclass
class Model:
    """A model that is ready to encode, and what it needs.

    Attributes:
        points: The point encoder, on the device, in evaluation mode.
        projection: [features, D].
        towers: For pictures and texts, there too; None where there are none.
        pictures: What happens to pictures first; None where there are no towers.
        clouds: What happens to clouds first.
        device: Where the model is.
        dtype: What it computes in.
        log: Where to log.
    """

    points: PointBERT
    projection: torch.Tensor
    towers: Towers | None
    pictures: Pictures | None
    clouds: Clouds
    device: torch.device
    dtype: torch.dtype
    log: logging.Logger
    _cut: bool = False
    _few: bool = False

    @property
    def dim(self) -> int:
        """Length of the vectors."""
        return self.projection.shape[1]

    def encoded(self, slot: str, payloads: Sequence[Any]) -> torch.Tensor:
        """Vectors [B, D] in float32 of at least one payload."""
        half = self.dtype != torch.float32
        with (
            torch.inference_mode(),
            torch.autocast(self.device.type, dtype=self.dtype, enabled=half),
        ):
            if slot == "pointcloud":
                return self._of_clouds(payloads)
            assert self.towers is not None  # only then there are such slots
            assert self.pictures is not None
            if slot == "image":
                found = self.towers.image(self.pictures(payloads, self.device))
            else:
                found = self.towers.text(self._tokens(payloads))
            vectors: torch.Tensor = found.float()
            return vectors

    def _of_clouds(self, clouds: Sequence[PointCloud]) -> torch.Tensor:
        """Clouds of as many points go together; every one is sampled and grouped by itself."""
        prepared = self.clouds.prepared(clouds, colours=self._colours)
        vectors = torch.empty((len(prepared), self.dim), device=self.device)
        for size in sorted({len(points) for points, _ in prepared}):
            rows = [row for row, (points, _) in enumerate(prepared) if len(points) == size]
            points = torch.from_numpy(np.stack([prepared[row][0] for row in rows]))
            drawn = torch.from_numpy(np.stack([prepared[row][1] for row in rows]))
            points, kept = points.to(self.device), min(size, self.clouds.max_points)
            if kept < size:
                chosen = farthest_points(points[..., :3], kept, (drawn[:, 0] * size).long())
                points = gather_points(points, chosen)
            if kept < self.points.groups and not self._few:
                self._few = True
                self.log.warning(
                    "clouds of fewer points (%d) than groups (%d): groups repeat",
                    kept, self.points.groups,
                )  # fmt: skip
            start = (drawn[:, 1] * kept).long()
            for first in range(0, len(rows), _TOGETHER):
                piece = slice(first, first + _TOGETHER)
                features = self.points(points[piece], start[piece])
                vectors[rows[piece]] = (features @ self.projection).float()
        return vectors

    @property
    def _colours(self) -> bool:
        weight = self.points.encoder.first_conv[0].weight
        assert isinstance(weight, torch.Tensor)
        return weight.shape[1] == 6

    def _tokens(self, texts: Sequence[Text]) -> torch.Tensor:
        """Token ids [B, context] on the device."""
        assert self.towers is not None
        words = [text.text.encode("utf-8", "replace").decode("utf-8") for text in texts]
        tokenizer, context = self.towers.tokenizer, self.towers.context
        tokens: torch.Tensor = tokenizer(words, context)
        if not self._cut:
            cut = (tokenizer(words, context + 1)[:, :context] != tokens).any(dim=1)
            if bool(cut.any()):
                self._cut = True
                first = words[int(cut.nonzero()[0, 0])]
                self.log.warning(
                    "texts of more than %d tokens are cut there: %r", context, first[:60]
                )
        return tokens.to(self.device)


def load_model(
    checkpoint: Path,
    pretrained: Path | None,
    architecture: Architecture | None,
    ctx: Context,
    *,
    clouds: Clouds,
    towers: bool,
    preprocessing: Mapping[str, Any],
    groups: tuple[int, int],
) -> Model:
    """Build a model for the weights on disk, and load them.

    Args:
        checkpoint: The point encoder's, and the towers' where they have no file of their own.
        pretrained: The towers' own file.
        architecture: Of the towers, if it is one of open_clip's; else SLIP's.
        ctx: Device and precision.
        clouds: How clouds are prepared.
        towers: Whether to have any.
        preprocessing: Of pictures.
        groups: How many groups are made of a cloud, and of how many points.

    Raises:
        DataError: Weights are broken, unsafe, or of another architecture.
        UsageError: There is no such device or precision.
    """
    if ctx.dtype not in _DTYPES:
        raise UsageError(f"there is no precision {ctx.dtype!r}", where="--precision")
    ctx.log.debug("loading %s", checkpoint)
    state = read_state(checkpoint)
    points, projection = _point_encoder(state, groups, str(checkpoint))
    made = None
    if towers:
        where = str(pretrained or checkpoint)
        theirs = state if pretrained is None else read_state(pretrained)
        made = _towers(theirs, architecture, where, own_file=pretrained is not None)
        if made.dim != projection.shape[1]:
            raise DataError(
                f"the point encoder gives {projection.shape[1]} numbers, and the towers {made.dim}",
                where=str(checkpoint),
                fix="they were not trained together: name the towers of the checkpoint "
                "(-o towers=slip for 512, ViT-bigG-14 for 1280)",
            )
        made.module.eval().requires_grad_(requires_grad=False)
    device = _moved([points, *([made.module] if made else [])], ctx.device)
    return Model(
        points=points,
        projection=projection.to(device),
        towers=made,
        pictures=Pictures.of(made.image_size, preprocessing) if made else None,
        clouds=clouds,
        device=device,
        dtype=getattr(torch, _DTYPES[ctx.dtype]),
        log=ctx.log,
    )


def _point_encoder(
    state: Mapping[str, torch.Tensor], groups: tuple[int, int], where: str
) -> tuple[PointBERT, torch.Tensor]:
    """The encoder with its weights, and the projection into the joint space."""
    own = part_of(state, _ENCODER)
    try:
        sizes = Sizes.of(own)
        projection = state[_PROJECTION].float()
    except (KeyError, IndexError) as error:
        raise DataError(
            f"holds no PointBERT of ULIP's: it lacks {error}", where=where,
            fix="expected point_encoder.* and pc_projection, as in checkpoint_pointbert.pt; "
            "ULIP's other point encoders (PointNet++, PointMLP, PointNeXt) are not built here",
        ) from error  # fmt: skip
    strange = [n for n in state if not n.startswith((_ENCODER, _PROJECTION, *_OTHERS))]
    if strange:
        raise DataError(
            listed("is no checkpoint of ULIP's: nothing of ULIP is called", strange), where=where
        )
    if sizes.channels not in (3, 6):
        raise DataError(
            f"its points have {sizes.channels} numbers", where=where,
            fix="expected 3 (x, y, z) or 6 (with colours)",
        )  # fmt: skip
    with torch.random.fork_rng(devices=[]):
        made = PointBERT(sizes, groups=groups[0], group_size=groups[1])
    load_into(made, own, where=where, fix="expected the PointBERT of ULIP or ULIP-2")
    if projection.ndim != 2 or len(projection) != 2 * sizes.width:
        raise DataError(
            f"{_PROJECTION} is {list(projection.shape)}, and features have {2 * sizes.width} "
            "numbers", where=where,
        )  # fmt: skip
    return made.eval().requires_grad_(requires_grad=False), projection


def _towers(
    state: Mapping[str, torch.Tensor],
    architecture: Architecture | None,
    where: str,
    *,
    own_file: bool,
) -> Towers:
    from mmbench_ulip.towers import open_clip_towers, slip_towers  # imports open_clip: seconds

    if architecture is None:
        return slip_towers(state, where=where)
    if own_file:
        return open_clip_towers(architecture, state, where=where)
    found = part_of(state, _OPEN_CLIP)
    if not found:
        raise DataError(
            "holds no towers for pictures and texts", where=where,
            fix="name their weights: -o pretrained=laion2b_s39b_b160k; or give vectors of point "
            "clouds only: -o towers=none",
        )  # fmt: skip
    return open_clip_towers(architecture, found, where=where)


def _moved(modules: Sequence[nn.Module], to: str) -> torch.device:
    """Move modules.

    Raises:
        UsageError: There is no such device.
    """
    try:
        device = torch.device(to)
        for module in modules:
            module.to(device)
    except (RuntimeError, AssertionError) as error:
        raise UsageError(
            f"can't compute on {to!r}: {str(error).splitlines()[0]}", where="--device",
            fix="`mmbench doctor` lists the devices of this machine",
        ) from error  # fmt: skip
    return device
