"""Models: the two towers of CLAP as laion_clap and as transformers build them.

Both take the same input, give vectors of the same joint space, and have the names of their own
library in their state. Imports torch: imported when weights are loaded.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import nn

from mmbench_clap.audio import spectrogram
from mmbench_clap.laion import build_htsat

if TYPE_CHECKING:
    from mmbench_clap.architectures import AudioArchitecture
    from mmbench_clap.texts import TextConfig

__all__ = ["DIM", "LaionTowers", "Towers", "TransformersTowers", "build_towers"]

#: Length of CLAP's vectors.
DIM = 512


class LaionTowers(nn.Module):
    """The model of laion_clap, without what only its training uses."""

    form: Literal["laion"] = "laion"

    def __init__(self, architecture: AudioArchitecture, text: TextConfig, *, fusion: bool) -> None:
        from transformers import RobertaConfig, RobertaModel

        super().__init__()
        self.fusion = fusion
        self.audio_branch = build_htsat(architecture, fusion=fusion)
        self.audio_projection = _projection(architecture.features)
        self.text_branch = RobertaModel(RobertaConfig(**text.fields))
        self.text_projection = _projection(text.width)
        _keep_float32(self.audio_branch.spectrogram_extractor)
        _keep_float32(self.audio_branch.logmel_extractor)
        _keep_float32(self.audio_branch.patch_embed)

    @property
    def weights(self) -> nn.Module:
        """What has the names of the form."""
        return self

    def audio(self, clips: torch.Tensor, longer: torch.Tensor) -> torch.Tensor:
        """Vectors [B, 512] of samples [B, T], or with fusion of spectrograms [B, 4, T, bands]."""
        name = "mel_fusion" if self.fusion else "waveform"
        found = self.audio_branch({name: clips, "longer": longer}, device=clips.device)
        vectors: torch.Tensor = self.audio_projection(found["embedding"])
        return vectors

    def text(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Vectors [B, 512] of token ids [B, T]."""
        found = self.text_branch(input_ids=ids, attention_mask=mask).pooler_output
        vectors: torch.Tensor = self.text_projection(found)
        return vectors


class TransformersTowers(nn.Module):
    """transformers' ``ClapModel``, fed with the same clips."""

    form: Literal["transformers"] = "transformers"

    def __init__(self, architecture: AudioArchitecture, text: TextConfig, *, fusion: bool) -> None:
        from transformers import ClapAudioConfig, ClapConfig, ClapModel, ClapTextConfig

        super().__init__()
        self.fusion = fusion
        audio_config = ClapAudioConfig(
            spec_size=256,
            num_mel_bins=architecture.mel_bins,
            patch_embeds_hidden_size=architecture.width,
            hidden_size=architecture.features,
            depths=list(architecture.depths),
            num_attention_heads=list(architecture.heads),
            num_hidden_layers=len(architecture.depths),
            num_classes=architecture.classes,
            enable_fusion=fusion,
            fusion_type="aff_2d" if fusion else None,
        )
        text_config = ClapTextConfig(**text.fields)
        config = ClapConfig(text_config=text_config, audio_config=audio_config, projection_dim=DIM)
        self.weights: Any = ClapModel(config)
        # ClapModel takes spectrograms; laion_clap's HTSAT makes these itself.
        self.spectrogram = None if fusion else spectrogram(architecture, "slaney")
        _keep_float32(self.weights.audio_model.audio_encoder.patch_embed)

    def audio(self, clips: torch.Tensor, longer: torch.Tensor) -> torch.Tensor:
        """Vectors [B, 512] of samples [B, T], or with fusion of spectrograms [B, 4, T, bands]."""
        if self.spectrogram is not None:
            with torch.autocast(clips.device.type, enabled=False):
                clips = self.spectrogram(clips).transpose(-1, -2)[:, None]
        found = self.weights.audio_model(input_features=clips, is_longer=longer[:, None])
        vectors: torch.Tensor = self.weights.audio_projection(found.pooler_output)
        return vectors

    def text(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Vectors [B, 512] of token ids [B, T]."""
        found = self.weights.text_model(input_ids=ids, attention_mask=mask)
        vectors: torch.Tensor = self.weights.text_projection(found.pooler_output)
        return vectors


Towers = LaionTowers | TransformersTowers


def build_towers(
    backend: Literal["laion", "transformers"],
    architecture: AudioArchitecture,
    text: TextConfig,
    *,
    fusion: bool,
) -> Towers:
    """A model on the CPU, in evaluation mode, its weights still to be loaded.

    torch's global random state is left alone.
    """
    kind: Any = LaionTowers if backend == "laion" else TransformersTowers
    with torch.random.fork_rng(devices=[]):
        towers: Towers = kind(architecture, text, fusion=fusion)
    return towers.eval().requires_grad_(requires_grad=False)


def _projection(width: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(width, DIM), nn.ReLU(), nn.Linear(DIM, DIM))


def _keep_float32(module: Any) -> None:
    """Let a part compute in float32 where the rest computes in half precision.

    Decibels need it, and the fusion of laion_clap fails on the two precisions that autocast gives
    it. The forward method of this one instance is wrapped, not that of its class; a partial, so
    that a copy of the model calls the copy's parts.
    """
    module.forward = partial(_in_float32, module)


def _in_float32(module: Any, first: torch.Tensor, *rest: Any, **named: Any) -> Any:
    with torch.autocast(first.device.type, enabled=False):
        return type(module).forward(module, first.float(), *rest, **named)
