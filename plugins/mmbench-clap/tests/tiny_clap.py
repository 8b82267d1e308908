"""A tiny CLAP on disk: an audio encoder's config, a text model's files, weights from a seed.

Also a tiny text model of true width (768), which laion_clap insists on.
"""

from __future__ import annotations

import json

import numpy as np

AUDIO_CONFIG = {
    "audio_cfg": {
        "model_type": "HTSAT",
        "htsat": {"embed_dim": 8, "depths": [1, 2, 1, 1], "num_heads": [1, 2, 2, 4]},
        "class_num": 7,
    }
}
#: The same for sounds of 16 kHz and clips of 5 s: four times as quick.
SMALL_AUDIO_CONFIG = {
    "audio_cfg": AUDIO_CONFIG["audio_cfg"]
    | {"sample_rate": 16_000, "clip_samples": 80_000, "hop_size": 160, "window_size": 512,
       "fmin": 20, "fmax": 7_000}
}  # fmt: skip
TEXT_CONFIG = {
    "model_type": "roberta", "vocab_size": 261, "hidden_size": 32, "num_hidden_layers": 1,
    "num_attention_heads": 2, "intermediate_size": 64, "max_position_embeddings": 80,
    "type_vocab_size": 1, "layer_norm_eps": 1e-5, "pad_token_id": 1, "bos_token_id": 0,
    "eos_token_id": 2,
}  # fmt: skip


def byte_letters():
    """The 256 letters that byte-level vocabularies write bytes as."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = (256 + number for number in range(256))
    return [chr(byte) if byte in plain else chr(next(others)) for byte in range(256)]


def write_text_model(folder, **fields):
    """A RoBERTa's config and a vocabulary of bytes, without weights."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(TEXT_CONFIG | fields), encoding="utf-8")
    words = ["<s>", "<pad>", "</s>", "<unk>", *byte_letters(), "<mask>"]
    vocabulary = {word: number for number, word in enumerate(words)}
    (folder / "vocab.json").write_text(json.dumps(vocabulary), encoding="utf-8")
    (folder / "merges.txt").write_text("#version: 0.2\n", encoding="utf-8")
    return folder


def drawn(state, seed=0):
    """The same names and shapes with weights of a size that lets signals through.

    What follows from the config (windows, filters, masks, indices) is kept.
    """
    import torch

    from mmbench_clap.conversion import is_constant

    rng = np.random.default_rng(seed)
    made = {}
    for name, value in state.items():
        if is_constant(name) or not value.is_floating_point():
            made[name] = value.contiguous().clone()
            continue
        values = rng.standard_normal(tuple(value.shape))
        if name.endswith("running_var"):
            values = 1.0 + 0.2 * np.abs(values)
            values *= 400.0 if "bn0" in name else 1.0  # decibels
        elif name.endswith("running_mean"):
            values = 0.1 * values - (40.0 if "bn0" in name else 0.0)
        elif "norm" in name.lower() or ".bn" in name:
            values = 0.1 * values + (1.0 if name.endswith("weight") else 0.0)
        elif value.dim() < 2:
            values = 0.03 * values
        elif "embeddings" in name or "bias_table" in name:
            values = 0.5 * values
        else:
            values = values / np.sqrt(np.prod(value.shape[1:]))
        made[name] = torch.from_numpy(np.asarray(values, dtype=np.float32))
    return made


def draw_state(options, seed=0, backend="laion"):
    """Weights for the configs that these options name, in the form of a backend."""
    from pathlib import Path

    from mmbench_clap.architectures import read_architecture
    from mmbench_clap.texts import read_text_config
    from mmbench_clap.towers import build_towers

    towers = build_towers(
        backend,
        read_architecture(options["amodel"]),
        read_text_config(Path(options["text_model"])),
        fusion=options["fusion"],
    )
    return drawn(towers.weights.state_dict(), seed)


def options_in(folder, *, fusion=False):
    """Where a tiny model's files are, or will be."""
    name = "fusion" if fusion else "plain"
    return {
        "amodel": str(folder / "audio.json"),
        "text_model": str(folder / "text"),
        "checkpoint": str(folder / f"{name}.safetensors"),
        "fusion": fusion,
    }


def write_configs(folder, audio=SMALL_AUDIO_CONFIG):
    """The files of a tiny model, but for its weights."""
    (folder / "audio.json").write_text(json.dumps(audio), encoding="utf-8")
    write_text_model(folder / "text")


def write_tiny(folder, *, fusion=False, seed=0, audio=SMALL_AUDIO_CONFIG):
    """A tiny model; returns the options that name it."""
    from safetensors.torch import save_file

    write_configs(folder, audio)
    options = options_in(folder, fusion=fusion)
    save_file(draw_state(options, seed), options["checkpoint"])
    return options


def sweep(seconds, *, rate=48_000, seed=0, channels=1, start=200.0):
    """A sound whose pitch rises, with a little noise."""
    from mmbench.api import Audio

    rng = np.random.default_rng(seed)
    length = max(round(seconds * rate), 1)
    time = np.arange(length) / rate
    pitch = 0.4 * np.sin(2 * np.pi * (start + 300.0 * time) * time)
    noise = rng.normal(scale=0.05, size=(channels, length))
    return Audio((pitch + noise).astype(np.float32), rate)
