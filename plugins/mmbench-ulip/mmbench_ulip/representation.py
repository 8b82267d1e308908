"""ULIP as a representation: point clouds, pictures and texts in one space."""

from __future__ import annotations

import json
from functools import cached_property
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from mmbench.api import Offer, PluginError, Representation, RepresentationInfo, Slot, UsageError
from mmbench.api.weights import fingerprint
from mmbench_ulip.architectures import NONE, SLIP, Architecture, read_architecture
from mmbench_ulip.weights import find_checkpoint, find_pretrained

if TYPE_CHECKING:
    from pathlib import Path

    from mmbench.api import Batch, Context, EmbeddingKind
    from mmbench_ulip.model import Model

__all__ = ["ULIP"]

#: Slot to the payload kind that it takes; each has the name of its modality.
_SLOTS = {"pointcloud": "PointCloud", "image": "Image", "text": "Text"}


class ULIP(Representation):
    """ULIP and ULIP-2 with PointBERT (Xue et al. 2023, arXiv 2212.05171; 2024, arXiv 2305.08275).

    Args:
        checkpoint: The weights of the point encoder: a file (.pt, .safetensors), or the bare name
            of one in torch's folder of checkpoints or in the hub's copy of ULIP's repository.
        towers: What encodes pictures and texts: ``slip`` (ULIP), an architecture of open_clip
            (ULIP-2: ViT-bigG-14) or a JSON config of one, or ``none``: point clouds only.
        pretrained: The towers' weights: a file; of open_clip's also a folder, ``hf-hub:OWNER/NAME``
            or a tag. Empty = they are in the checkpoint, as in those of ULIP.
        unit_ball: Centre each cloud, and scale it to the unit ball.
        max_points: Larger clouds are sampled down to so many points, each the farthest from those
            before it; fewer are taken as they are.
        start: Where sampling of farthest points starts: ``random``, as ULIP's authors do, drawn
            from the run's seed and the cloud's own bytes; ``first``, at the first point.
        grey: Colour in 0..1 of clouds that have none, where the encoder sees colours.
        groups: Groups made of a cloud.
        group_size: Points in a group.
        normalise: Give vectors length 1.
    """

    batch_size = 32

    def __init__(
        self,
        *,
        checkpoint: str = "checkpoint_pointbert.pt",
        towers: str = SLIP,
        pretrained: str = "",
        unit_ball: bool = True,
        max_points: int = 8192,
        start: Literal["random", "first"] = "random",
        grey: float = 0.4,
        groups: int = 512,
        group_size: int = 32,
        normalise: bool = True,
    ) -> None:
        for name, text in (("checkpoint", checkpoint), ("towers", towers)):
            if not text:
                raise UsageError("is empty", where=f"option {name}", fix=f"-o {name}=...")
        for name, count, least in (("max_points", max_points, 2), ("groups", groups, 1),
                                   ("group_size", group_size, 1)):  # fmt: skip
            if count < least:
                raise UsageError(f"is {count}", where=f"option {name}", fix=f"take {least} or more")
        if not 0 <= grey <= 1:
            raise UsageError(f"is {grey}", where="option grey", fix="take 0 (black) to 1 (white)")
        if towers == NONE and pretrained:
            raise UsageError(
                "names weights of towers, and there are none", where="option pretrained",
                fix="leave it out, or name the towers: -o towers=...",
            )  # fmt: skip
        self.checkpoint = checkpoint
        self.towers = towers
        self.pretrained = pretrained
        self.unit_ball = unit_ball
        self.max_points = max_points
        self.start = start
        self.grey = grey
        self.groups = groups
        self.group_size = group_size
        self.normalise = normalise
        self._model: Model | None = None

    @cached_property
    def _architecture(self) -> Architecture | None:
        """open_clip's, if the towers are of open_clip's kind."""
        return None if self.towers in (SLIP, NONE) else read_architecture(self.towers)

    @property
    def info(self) -> RepresentationInfo:
        """Needs no weights and no torch, so the length of vectors is known of open_clip's only."""
        architecture = self._architecture
        dim = None if architecture is None else architecture.dim
        slots = ("pointcloud",) if self.towers == NONE else tuple(_SLOTS)
        return RepresentationInfo(
            name="ulip",
            version="1",
            slots=tuple(Slot(slot, slot, (_SLOTS[slot],)) for slot in slots),
            offers=frozenset(Offer("global", frozenset({slot}), dim) for slot in slots),
            seeded=self.start == "random",
            citation="Xue et al. 2023, arXiv 2212.05171; Xue et al. 2024, arXiv 2305.08275",
        )

    def missing_offer(self, kind: EmbeddingKind, streams: frozenset[str]) -> str:
        """Where pictures and texts have gone."""
        if kind == "global" and self.towers == NONE:
            return f"pictures and texts need towers: -o towers={SLIP}, ViT-bigG-14, ..."
        return ""

    def fingerprint(self) -> str:
        """Hash of the bytes of the checkpoint, of the towers' weights, and of an own config.

        Raises:
            DataMissing: A file is not on this machine.
        """
        checkpoint, pretrained = self._files()
        architecture = self._architecture
        own = architecture is not None and architecture.own
        described = [
            fingerprint(checkpoint),
            fingerprint(pretrained) if pretrained else "",
            [architecture.config, architecture.preprocessing] if architecture and own else [],
        ]
        return blake2b(json.dumps(described, sort_keys=True).encode(), digest_size=16).hexdigest()

    def load(self, ctx: Context) -> None:
        """Build the point encoder and the towers and load their weights, on ``ctx.device``.

        Weights stay float32; ``bf16`` and ``fp16`` compute under torch's autocast. Groups are made
        in float32.

        Raises:
            DataMissing: A file is not on this machine.
            DataError: Weights are broken, unsafe, or of another architecture.
            UsageError: The device or an option is none that works here.
        """
        from mmbench_ulip.model import Clouds, load_model

        checkpoint, pretrained = self._files()
        clouds = Clouds(
            unit_ball=self.unit_ball, max_points=self.max_points, grey=self.grey,
            seed=ctx.seed if self.start == "random" else None,
        )  # fmt: skip
        self._model = load_model(
            checkpoint, pretrained, self._architecture, ctx,
            clouds=clouds, towers=self.towers != NONE, preprocessing=self._preprocessing(),
            groups=(self.groups, self.group_size),
        )  # fmt: skip

    def encode(self, batch: Batch) -> Any:
        """Vectors [B, D] of point clouds, of pictures, or of texts; texts are cut at 77 tokens.

        Raises:
            ItemError: A cloud has no points, values that are no numbers, or all points in one
                place; a picture has no pixels.
            UsageError: It gives no vector of these slots.
        """
        if self._model is None:
            raise PluginError("encodes before it was loaded", where="ulip", fix="call load(ctx)")
        if self.info.offer("global", frozenset(batch)) is None:
            raise UsageError(
                f"gives no vector of {' and '.join(sorted(batch)) or 'nothing'}", where="ulip",
                fix=self.missing_offer("global", frozenset(batch))
                or "encode point clouds, pictures and texts one after the other",
            )  # fmt: skip
        ((slot, payloads),) = batch.items()
        if not payloads:
            return np.zeros((0, self._model.dim), dtype=np.float32)
        vectors = self._model.encoded(slot, payloads)
        if not self.normalise:
            return vectors
        from torch.nn.functional import normalize

        return normalize(vectors, dim=-1)

    def _files(self) -> tuple[Path, Path | None]:
        """The checkpoint, and the towers' weights if they have a file of their own."""
        checkpoint = find_checkpoint(self.checkpoint)
        if not self.pretrained:
            return checkpoint, None
        return checkpoint, find_pretrained(self.pretrained, self._architecture)

    def _preprocessing(self) -> dict[str, Any]:
        """What is known of the pictures' preprocessing, in the form of open_clip's configs."""
        from mmbench_ulip.pictures import SLIP_PREPROCESSING
        from mmbench_ulip.weights import is_tag, tag_config

        if self._architecture is None:
            return dict(SLIP_PREPROCESSING)
        if is_tag(self.pretrained):
            return tag_config(self._architecture, self.pretrained)
        return self._architecture.preprocessing
