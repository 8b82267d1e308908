"""CLAP as a representation: sounds and texts in one space."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import cached_property
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from mmbench.api import (
    Audio,
    Offer,
    PluginError,
    Representation,
    RepresentationInfo,
    Slot,
    UsageError,
)
from mmbench.api.weights import fingerprint
from mmbench_clap.architectures import AudioArchitecture, read_architecture
from mmbench_clap.audio import Chunks, ClipMaker
from mmbench_clap.texts import Tokenizer, read_text_config
from mmbench_clap.weights import (
    PUBLISHED,
    find_checkpoint,
    find_text_model,
    text_files,
)

if TYPE_CHECKING:
    import torch

    from mmbench.api import Batch, Context
    from mmbench_clap.towers import Towers

__all__ = ["CLAP"]

_DIM = 512
_DTYPES = {"fp32": "float32", "bf16": "bfloat16", "fp16": "float16"}


class CLAP(Representation):
    """LAION's CLAP (Wu et al. 2023, arXiv 2211.06687): HTSAT for sounds, RoBERTa for texts.

    Args:
        checkpoint: The weights: a file (.pt, .safetensors) or folder, ``hf-hub:OWNER/NAME``, or
            one of LAION's names (630k-best, 630k-audioset-best, 630k-fusion-best, ...). Those of
            the hub are looked for in its cache, and never downloaded.
        fusion: Whether the weights were trained with feature fusion: clips of more than 10 s are
            seen as a whole and in three chunks.
        amodel: The audio encoder: HTSAT-tiny, HTSAT-base, ..., or a JSON file that describes one.
        backend: Whose code computes: ``laion`` (laion_clap), or ``transformers`` (ClapModel).
            Both take weights of either form, and give the same vectors up to rounding.
        text_model: A folder with config.json, vocab.json and merges.txt of roberta-base, or its
            name in the hub's cache.
        chunks: Where 10 s of a longer clip, or with fusion the three chunks of it, are taken:
            ``random``, as their authors do, drawn from the run's seed and the clip's own bytes;
            ``middle``, of the clip or of each third, which depends on no seed.
        antialias: With fusion, shrink the whole clip's spectrogram with antialiasing, as laion_clap
            does with today's torchvision; ``false`` is what it did with torchvision before 0.17.
    """

    batch_size = 16

    def __init__(
        self,
        *,
        checkpoint: str = "630k-audioset-best",
        fusion: bool = False,
        amodel: str = "HTSAT-tiny",
        backend: Literal["laion", "transformers"] = "laion",
        text_model: str = "roberta-base",
        chunks: Chunks = "random",
        antialias: bool = True,
    ) -> None:
        for name, value in (("checkpoint", checkpoint), ("text_model", text_model)):
            if not value:
                raise UsageError("is empty", where=f"option {name}", fix=f"-o {name}=...")
        fused, encoder = PUBLISHED.get(checkpoint.removesuffix(".pt"), (fusion, amodel))
        if (fused, encoder) != (fusion, amodel):
            raise UsageError(
                f"{checkpoint} is an {encoder} {'with' if fused else 'without'} fusion",
                where="option checkpoint",
                fix=f"-o amodel={encoder} -o fusion={str(fused).lower()}",
            )
        self.checkpoint = checkpoint
        self.fusion = fusion
        self.amodel = amodel
        self.backend = backend
        self.text_model = text_model
        self.chunks = chunks
        self.antialias = antialias
        self._loaded: _Loaded | None = None

    @cached_property
    def _architecture(self) -> AudioArchitecture:
        return read_architecture(self.amodel)

    @property
    def info(self) -> RepresentationInfo:
        """Needs no weights and no torch; seeded where chunks of longer clips are random."""
        _ = self._architecture
        return RepresentationInfo(
            name="clap",
            version="1",
            slots=(Slot("audio", "audio", ("Audio",)), Slot("text", "text", ("Text",))),
            offers=frozenset(
                Offer("global", frozenset({slot}), _DIM) for slot in ("audio", "text")
            ),
            seeded=self.chunks == "random",
            citation="Wu et al. 2023, arXiv 2211.06687; Chen et al. 2022, arXiv 2202.00874",
        )

    def example(self, slot: Slot, meaning: int, rng: np.random.Generator) -> Audio | None:
        """A sweep of 12 s now and then: the seed shows in clips of more than 10 s only."""
        if slot.name != "audio" or meaning % 4 != 3:
            return None
        rate = 16_000
        time = np.arange(12 * rate) / rate
        sweep = 0.4 * np.sin(2 * np.pi * (100.0 + 20.0 * meaning) * time**1.7)
        noise = rng.normal(scale=0.01, size=time.shape)
        return Audio((sweep + noise)[None].astype(np.float32), rate)

    def fingerprint(self) -> str:
        """Hash of the bytes of the checkpoint, of the text model's files, and of an own config.

        Raises:
            DataMissing: A file is not on this machine.
        """
        text = find_text_model(self.text_model)
        architecture = asdict(self._architecture) if self._architecture.own else {}
        architecture.pop("name", None)  # wherever it lies
        described = [
            fingerprint(find_checkpoint(self.checkpoint)),
            {path.name: fingerprint(path) for path in text_files(text)},
            architecture,
        ]
        return blake2b(json.dumps(described, sort_keys=True).encode(), digest_size=16).hexdigest()

    def load(self, ctx: Context) -> None:
        """Build the model and load its weights, on ``ctx.device``.

        Weights stay float32; ``bf16`` and ``fp16`` compute under torch's autocast, which keeps
        norms and softmax in float32, and we the spectrograms and the patches.

        Raises:
            DataMissing: Checkpoint or text model are not on this machine.
            DataError: The weights are broken, unsafe, or of another architecture.
            UsageError: The device or an option is none that works here.
        """
        import torch

        from mmbench_clap.checkpoints import load_into, read_state
        from mmbench_clap.towers import build_towers

        if ctx.dtype not in _DTYPES:
            raise UsageError(f"there is no precision {ctx.dtype!r}", where="--precision")
        path, folder = find_checkpoint(self.checkpoint), find_text_model(self.text_model)
        ctx.log.debug("loading %s", path)
        config = read_text_config(folder)
        tokenizer = Tokenizer(folder, config, ctx.log)
        state = read_state(path)
        towers = build_towers(self.backend, self._architecture, config, fusion=self.fusion)
        load_into(towers.weights, towers.form, state, where=str(path))
        try:
            device = torch.device(ctx.device)
            towers = towers.to(device)
        except (RuntimeError, AssertionError) as error:
            raise UsageError(
                f"can't compute on {ctx.device!r}: {str(error).splitlines()[0]}",
                where="--device", fix="`mmbench doctor` lists the devices of this machine",
            ) from error  # fmt: skip
        self._loaded = _Loaded(
            towers=towers,
            tokenizer=tokenizer,
            clip=ClipMaker(
                self._architecture, self.fusion, self.chunks, self.antialias, seed=ctx.seed
            ),
            device=device,
            dtype=getattr(torch, _DTYPES[ctx.dtype]),
        )

    def encode(self, batch: Batch) -> Any:
        """Vectors [B, 512] of length 1, of sounds or of texts; texts are cut at 77 tokens.

        Raises:
            ItemError: A sound is empty, or has samples that are no numbers.
            UsageError: Sounds and texts are to be encoded into one vector.
        """
        if len(batch) != 1:
            raise UsageError(
                f"gives no vector of {' and '.join(sorted(batch))} together", where="clap",
                fix="encode sounds and texts one after the other",
            )  # fmt: skip
        if self._loaded is None:
            raise PluginError("encodes before it was loaded", where="clap", fix="call load(ctx)")
        if not len(next(iter(batch.values()))):
            return np.zeros((0, _DIM), dtype=np.float32)
        import torch

        with torch.inference_mode():
            vectors = self._loaded.encoded(batch).float()
            return torch.nn.functional.normalize(vectors, dim=-1)


@dataclass
class _Loaded:
    """A model that is ready to encode, and what it needs.

    Attributes:
        towers: On the device, in evaluation mode.
        tokenizer: Texts to token ids.
        clip: Sounds to the audio encoder's input.
        device: Where the model is.
        dtype: What it computes in.
    """

    towers: Towers
    tokenizer: Tokenizer
    clip: ClipMaker
    device: torch.device
    dtype: torch.dtype

    def encoded(self, batch: Batch) -> torch.Tensor:
        """Vectors as they leave the projection."""
        import torch

        half = self.dtype != torch.float32
        computing = torch.autocast(self.device.type, dtype=self.dtype, enabled=half)
        if "audio" in batch:
            clips = [self.clip(audio) for audio in batch["audio"]]  # type: ignore[arg-type]
            samples = torch.stack([clip for clip, _ in clips]).to(self.device)
            longer = torch.tensor([longer for _, longer in clips], device=self.device)
            with computing:
                return self.towers.audio(samples, longer)
        ids, mask = self.tokenizer(batch["text"])  # type: ignore[arg-type]
        with computing:
            return self.towers.text(ids.to(self.device), mask.to(self.device))
