"""CLIP as a representation: pictures and texts in one space, and maps of pictures in it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import numpy as np

from mmbench.api import (
    Offer,
    PluginError,
    Representation,
    RepresentationInfo,
    Slot,
    UsageError,
)
from mmbench_openclip.architectures import Architecture, read_architecture
from mmbench_openclip.building import build_model, build_tokenizer, context_length
from mmbench_openclip.checkpoints import load_into, read_state
from mmbench_openclip.dense import DenseMethod, dense_map, resized_positions
from mmbench_openclip.preprocessing import Preprocessing
from mmbench_openclip.weights import find_weights, training_preprocessing

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Sequence

    import torch

    from mmbench.api import Batch, Context, EmbeddingKind, Text
    from mmbench_openclip.weights import Weights

_DTYPES = {"fp32": "float32", "bf16": "bfloat16", "fp16": "float16"}


class OpenCLIP(Representation):
    """Any CLIP that open_clip can build (Radford et al. 2021, arXiv 2103.00020).

    Pictures and texts meet in one space. Where the vision tower is open_clip's own vision
    transformer, dense maps of pictures in that space are offered too.

    Args:
        model: open_clip's name of the architecture, a JSON config, or a folder with one.
        pretrained: The weights: a file (.safetensors, .pt), a folder, ``hf-hub:OWNER/NAME``, or a
            tag of open_clip. Those of the hub are looked for in its cache, and never downloaded.
        dense: What a dense map is made of: ``tokens``, the last block's patch tokens through the
            final norm and the projection; ``value``, the same with the last block's attention
            replaced by its value path (MaskCLIP).
        image_size: Side of the input in pixels, other than the model's own; its position embeddings
            are interpolated.
        dense_size: The same for dense maps only: a larger input gives a finer map.
        preprocessing: The tag of open_clip whose preprocessing a weights file was trained with;
            needed for the few models whose tags differ in it.
        normalise: Give vectors, and every cell of a map, length 1.
    """

    batch_size = 64

    def __init__(
        self,
        *,
        model: str = "ViT-B-32-quickgelu",
        pretrained: str = "openai",
        dense: DenseMethod = "tokens",
        image_size: int | None = None,
        dense_size: int | None = None,
        preprocessing: str = "",
        normalise: bool = True,
    ) -> None:
        for name, value in (("model", model), ("pretrained", pretrained)):
            if not value:
                raise UsageError("is empty", where=f"option {name}", fix=f"-o {name}=...")
        self.model = model
        self.pretrained = pretrained
        self.dense = dense
        self.image_size = image_size
        self.dense_size = dense_size
        self.preprocessing = preprocessing
        self.normalise = normalise
        self._loaded: _Loaded | None = None

    @cached_property
    def _architecture(self) -> Architecture:
        return read_architecture(self.model)

    @property
    def info(self) -> RepresentationInfo:
        """Follows the architecture's config; needs no weights and no torch."""
        architecture = self._architecture
        for name, side in (("image_size", self.image_size), ("dense_size", self.dense_size)):
            if side is not None:
                architecture.grid((side, side), name)
        offers = {Offer("global", frozenset({slot}), architecture.dim) for slot in _SLOTS}
        if self._has_maps:
            offers.add(Offer("dense", frozenset({"image"}), architecture.dim))
        of_openai = self.pretrained in ("openai", "hf-hub:openai/clip-vit-base-patch32")
        return RepresentationInfo(
            name="clip",
            version="1",
            slots=(Slot("image", "image", ("Image",)), Slot("text", "text", ("Text",))),
            offers=frozenset(offers),
            citation="Radford et al. 2021, arXiv 2103.00020; open_clip, doi 10.5281/zenodo.5143773",
            weights_licence="MIT" if of_openai else "",
        )

    @property
    def _has_maps(self) -> bool:
        architecture = self._architecture
        return architecture.has_values if self.dense == "value" else architecture.has_tokens

    def missing_offer(self, kind: EmbeddingKind, streams: frozenset[str]) -> str:
        """Which models give dense maps."""
        if kind != "dense":
            return ""
        return (
            f"{self.model} has no patch tokens in the joint space; open_clip's own vision "
            "transformers have: -o model=ViT-B-32, ViT-B-16, ViT-L-14, ..."
        )

    def fingerprint(self) -> str:
        """Hash of the weights' bytes, of a config of one's own, and of one beside the weights.

        Raises:
            DataMissing: The weights are not on this machine.
        """
        architecture, weights = self._architecture, self._weights()
        own = (architecture.config, architecture.preprocessing) if architecture.own else None
        described = json.dumps([own, weights.preprocessing, weights.fingerprint()], sort_keys=True)
        return blake2b(described.encode(), digest_size=16).hexdigest()

    def load(self, ctx: Context) -> None:
        """Build the model and load its weights, on ``ctx.device``.

        Weights stay float32; ``bf16`` and ``fp16`` compute under torch's autocast, which keeps
        norms and softmax in float32.

        Raises:
            DataMissing: Weights or tokenizer are not on this machine.
            DataError: The weights are broken, unsafe, or of another architecture.
            UsageError: The device or an option is none that works here.
        """
        import torch

        architecture, weights = self._architecture, self._weights()
        ctx.log.debug("loading %s", weights.path)
        model: Any = build_model(architecture)
        load_into(model, read_state(weights.path), where=str(weights.path))
        size = (self.image_size,) * 2 if self.image_size else architecture.image_size
        dense_size = (self.dense_size,) * 2 if self.dense_size else size
        named = self._preprocessing_of(weights)
        dense_positions = None
        if architecture.is_vit:
            positions = model.visual.positional_embedding.detach()
            grid = architecture.grid(architecture.image_size, "model")
            here = resized_positions(positions, grid, architecture.grid(size, "image_size"))
            model.visual.positional_embedding = torch.nn.Parameter(here, requires_grad=False)
            if self._has_maps:
                dense_grid = architecture.grid(dense_size, "dense_size")
                dense_positions = resized_positions(positions, grid, dense_grid)
        device = _move(model, ctx.device)
        if ctx.dtype not in _DTYPES:
            raise UsageError(f"there is no precision {ctx.dtype!r}", where="--precision")
        self._loaded = _Loaded(
            model=model,
            tokenizer=build_tokenizer(architecture),
            context=context_length(architecture),
            device=device,
            dtype=getattr(torch, _DTYPES[ctx.dtype]),
            whole=Preprocessing.of(size, named),
            squashed=Preprocessing.of(dense_size, named, resize_mode="squash"),
            dense_positions=None if dense_positions is None else dense_positions.to(device),
            log=ctx.log,
        )

    def encode(self, batch: Batch) -> Any:
        """Vectors [B, D] of pictures or of texts; texts longer than the context are cut there."""
        loaded = self._ready
        self._refuse_others("global", batch)
        if not len(next(iter(batch.values()))):
            return np.zeros((0, self._architecture.dim), dtype=np.float32)
        with loaded.computing():
            if "image" in batch:
                pixels = loaded.whole(batch["image"], loaded.device)  # type: ignore[arg-type]
                vectors = loaded.model.encode_image(pixels, normalize=False)
            else:
                tokens = loaded.tokens(batch["text"])  # type: ignore[arg-type]
                vectors = loaded.model.encode_text(tokens, normalize=False)
        return self._finished(vectors)

    def encode_dense(self, batch: Batch) -> Any:
        """Maps [B, h, w, D] of the whole frame, squashed to the model's square input."""
        loaded = self._ready
        self._refuse_others("dense", batch)
        if not batch["image"]:
            size = loaded.squashed.size
            rows, columns = self._architecture.grid(size, "dense_size")
            return np.zeros((0, rows, columns, self._architecture.dim), dtype=np.float32)
        assert loaded.dense_positions is not None  # there are maps, so there are positions
        with loaded.computing():
            pixels = loaded.squashed(batch["image"], loaded.device)  # type: ignore[arg-type]
            maps = dense_map(loaded.model.visual, pixels, loaded.dense_positions, self.dense)
        return self._finished(maps)

    @property
    def _ready(self) -> _Loaded:
        if self._loaded is None:
            raise PluginError("encodes before it was loaded", where="clip", fix="call load(ctx)")
        return self._loaded

    def _refuse_others(self, kind: EmbeddingKind, batch: Batch) -> None:
        """Refuse a batch of slots from which this is not offered.

        Raises:
            UsageError: Says what is offered.
        """
        if self.info.offer(kind, frozenset(batch)) is None:
            raise UsageError(
                f"gives no {kind} vectors of {' + '.join(sorted(batch)) or 'nothing'}",
                where="clip",
                fix=self.missing_offer(kind, frozenset(batch)) or "pictures or texts, not both",
            )

    def _weights(self) -> Weights:
        return find_weights(self.pretrained, self._architecture)

    def _preprocessing_of(self, weights: Weights) -> dict[str, Any]:
        """What is known of the preprocessing, from the most certain source that knows it."""
        tag = self.preprocessing or weights.tag
        beside = weights.preprocessing or self._architecture.preprocessing
        if beside and not tag:
            return beside
        return training_preprocessing(self._architecture, tag)

    def _finished(self, vectors: torch.Tensor) -> torch.Tensor:
        """In float32, and of length 1 if that is asked for."""
        from torch.nn.functional import normalize

        vectors = vectors.float()
        return normalize(vectors, dim=-1) if self.normalise else vectors


_SLOTS = ("image", "text")


def _move(model: torch.nn.Module, to: str) -> torch.device:
    """Move a model.

    Raises:
        UsageError: There is no such device.
    """
    import torch

    try:
        device = torch.device(to)
        model.to(device)
    except (RuntimeError, AssertionError) as error:
        raise UsageError(
            f"can't compute on {to!r}: {str(error).splitlines()[0]}",
            where="--device",
            fix="`mmbench doctor` lists the devices of this machine",
        ) from error
    return device


@dataclass
class _Loaded:
    """A model that is ready to encode, and what it needs.

    Attributes:
        model: On the device, in evaluation mode.
        tokenizer: ``tokenizer(texts, length)``.
        context: How many tokens the model takes.
        device: Where the model is.
        dtype: What it computes in.
        whole: Preprocessing of pictures for one vector.
        squashed: Preprocessing of pictures for a map.
        dense_positions: Position embeddings for a map; None where there are no maps.
        log: Where to log.
    """

    model: Any
    tokenizer: Callable[..., torch.Tensor]
    context: int
    device: torch.device
    dtype: torch.dtype
    whole: Preprocessing
    squashed: Preprocessing
    dense_positions: torch.Tensor | None
    log: logging.Logger
    _cut: bool = False

    def computing(self) -> Any:
        """No gradients, and autocast if the precision is half."""
        from contextlib import ExitStack

        import torch

        stack = ExitStack()
        stack.enter_context(torch.inference_mode())
        half = self.dtype != torch.float32
        stack.enter_context(torch.autocast(self.device.type, dtype=self.dtype, enabled=half))
        return stack

    def tokens(self, texts: Sequence[Text]) -> torch.Tensor:
        """Token ids [B, context] on the device."""
        words = [text.text.encode("utf-8", "replace").decode("utf-8") for text in texts]
        tokens = self.tokenizer(words, self.context)
        if not self._cut:
            longer = self.tokenizer(words, self.context + 1)
            cut = (longer[:, : self.context] != tokens).any(dim=1)
            if bool(cut.any()):
                self._cut = True
                first = words[int(cut.nonzero()[0, 0])]
                self.log.warning(
                    "texts of more than %d tokens are cut there: %r", self.context, first[:60]
                )
        return tokens.to(self.device)
