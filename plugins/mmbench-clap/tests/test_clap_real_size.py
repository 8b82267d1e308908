"""HTSAT at its true size, seeded: against laion_clap itself, and both backends against each other.

The package laion_clap is imported and run in a process of its own; what it does is the reference.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_clap import draw_state, sweep, write_text_model

from mmbench.api import Context, Text
from mmbench_clap.representation import CLAP

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
#: 10 s at most: longer clips are cut at random, by laion_clap's global generator (the tests of the
#: audio path compare those).
SOUNDS = [
    sweep(seconds, seed=number, start=100.0 + 1500.0 * number)
    for number, seconds in enumerate((10.0, 3.0, 0.02, 7.5, 1.0))
]
TEXTS = ["the sound of a dog", "", "rain " * 30]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Weights as LAION's files hold them, and what laion_clap makes of five clips with these."""
    folder = tmp_path_factory.mktemp("real")
    snapshot = folder / "hub" / "models--roberta-base" / "snapshots" / ("0" * 40)
    write_text_model(
        snapshot, hidden_size=768, num_attention_heads=12, intermediate_size=64,
        max_position_embeddings=514,
    )  # fmt: skip
    (snapshot.parents[1] / "refs").mkdir()
    (snapshot.parents[1] / "refs" / "main").write_text("0" * 40)
    for name in ("plain", "fused"):
        options = {"amodel": "HTSAT-tiny", "text_model": snapshot, "fusion": name == "fused"}
        state = draw_state(options, seed=11)
        if name == "plain":  # RobertaModel.from_pretrained wants weights of its own
            from safetensors.torch import save_file

            beginning = "text_branch."
            own = {k.removeprefix(beginning): v for k, v in state.items() if beginning in k}
            save_file(own, snapshot / "model.safetensors", metadata={"format": "pt"})
        for tower in ("audio", "text"):  # in every file of LAION's, and used by its training only
            state[f"logit_scale_{tower[0]}"] = torch.tensor(2.66)
            for layer in (0, 3):
                state[f"{tower}_transform.sequential.{layer}.weight"] = torch.zeros(512, 512)
                state[f"{tower}_transform.sequential.{layer}.bias"] = torch.zeros(512)
        named = {f"module.{key}": value for key, value in state.items()}
        torch.save(
            {"epoch": 1, "best": np.float64(0.5), "state_dict": named}, folder / f"{name}.pt"
        )
    np.savez(folder / "sounds.npz", *[sound.samples[0] for sound in SOUNDS])
    (folder / "texts.txt").write_text("\n".join(TEXTS), encoding="utf-8")
    subprocess.run(
        [sys.executable, Path(__file__).parent / "laion_reference.py", folder],
        check=True, capture_output=True,
        env={**os.environ, "HF_HOME": str(folder), "HF_HUB_CACHE": str(folder / "hub"),
             "HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"},
    )  # fmt: skip
    return folder


def made(folder, name, backend, precision="fp32"):
    (text,) = (folder / "hub" / "models--roberta-base" / "snapshots").iterdir()
    representation = CLAP(
        checkpoint=str(folder / f"{name}.pt"),
        fusion=name == "fused",
        backend=backend,
        text_model=str(text),
    )
    representation.load(Context(dtype=precision))
    return representation


@pytest.mark.parametrize("backend", ["laion", "transformers"])
@pytest.mark.parametrize("name", ["plain", "fused"])
def test_vectors_are_those_of_laion_clap(folder, name, backend):
    representation = made(folder, name, backend)
    theirs = np.load(folder / f"{name}.npz")
    sounds = representation.encode({"audio": SOUNDS})
    texts = representation.encode({"text": [Text(text) for text in TEXTS]})
    np.testing.assert_allclose(sounds, theirs["audio"], atol=1e-4)
    np.testing.assert_allclose(texts, theirs["text"], atol=1e-5)
    if backend == "laion":
        np.testing.assert_allclose(sounds, theirs["audio"], atol=1e-6)
    assert torch.cdist(sounds, sounds)[0, 1:].min() > 3e-3


@pytest.mark.parametrize("backend", ["laion", "transformers"])
def test_longer_clips_agree_and_half_precision_is_near(folder, backend):
    sounds = [sweep(14.0, seed=5), sweep(5.0, seed=6)]
    expected = made(folder, "fused", "laion").encode({"audio": sounds})
    found = made(folder, "fused", backend).encode({"audio": sounds})
    np.testing.assert_allclose(found, expected, atol=1e-4)
    half = made(folder, "fused", backend, "bf16").encode({"audio": sounds})
    assert (half * expected).sum(dim=-1).min() > 0.99
