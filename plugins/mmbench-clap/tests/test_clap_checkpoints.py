"""Checkpoints: every form they come in, those that are refused, and both libraries' names."""

from __future__ import annotations

import os

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_clap import draw_state, sweep, write_text_model

from mmbench.api import Context, DataError, Text
from mmbench_clap.conversion import form_of, to_laion, to_transformers
from mmbench_clap.representation import CLAP

SOUNDS = [sweep(1, rate=16_000), sweep(6, rate=16_000, seed=1)]
TEXTS = [Text("a dog"), Text("rain on a roof")]


@pytest.fixture(params=["plain", "fused"])
def options(request):
    return request.getfixturevalue(request.param)


def vectors(options, **more):
    made = CLAP(**{**options, **more})
    made.load(Context())
    return torch.cat([made.encode({"audio": SOUNDS}), made.encode({"text": TEXTS})])


@pytest.mark.parametrize("prefix", ["", "module.", "model.module."])
@pytest.mark.parametrize("kind", ["plain", "wrapped", "legacy", "safetensors"])
def test_forms_of_checkpoints(plain, tmp_path, prefix, kind):
    state = load_file(plain["checkpoint"])
    ids = torch.arange(80)[None]  # older transformers kept these, and LAION's files hold them
    state["text_branch.embeddings.position_ids"] = ids
    state["text_transform.sequential.0.weight"] = torch.ones(512, 512)
    state["logit_scale_a"] = torch.tensor(2.6)
    named = {f"{prefix}{name}": value for name, value in state.items()}
    path = tmp_path / ("weights.safetensors" if kind == "safetensors" else "weights.pt")
    if kind == "safetensors":
        save_file(named, path)
    elif kind == "wrapped":  # as LAION's files are
        held = {"epoch": 14, "name": "run", "best": np.float64(0.9), "optimizer": {"state": {}}}
        torch.save({**held, "state_dict": named}, path)
    else:
        torch.save(named, path, _use_new_zipfile_serialization=kind != "legacy")
    assert torch.equal(vectors(plain, checkpoint=str(path)), vectors(plain))


def test_a_folder_in_the_layout_of_transformers(plain, tmp_path):
    save_file(to_transformers(load_file(plain["checkpoint"])), tmp_path / "model.safetensors")
    found = vectors(plain, checkpoint=str(tmp_path), backend="transformers")
    np.testing.assert_allclose(found, vectors(plain), atol=1e-5)


class Payload:
    def __reduce__(self):
        return (os.system, ("touch was-run",))


def test_a_pickle_that_runs_code_is_refused(plain, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save({"state_dict": load_file(plain["checkpoint"]), "extra": Payload()}, "evil.pt")
    with pytest.raises(DataError, match=r"wants to run (posix|nt|os).system"):
        vectors(plain, checkpoint="evil.pt")
    assert not (tmp_path / "was-run").exists()


def _truncated(state, path):
    torch.save(state, path)
    path.write_bytes(path.read_bytes()[:-5000])


@pytest.mark.parametrize(
    ("write", "name", "message"),
    [
        (lambda _, path: path.write_bytes(b""), "w.pt", "can't be read"),
        (lambda _, path: path.write_bytes(b"no weights"), "w.safetensors", "no safetensors"),
        (_truncated, "w.pt", "can't be read"),
        (lambda _, path: torch.save([1, 2], path), "w.pt", "but a list"),
        (lambda _, path: torch.save({}, path), "w.pt", "but nothing"),
        (lambda _, path: torch.save({"epoch": 3}, path), "w.pt", "but epoch"),
        (lambda _, path: save_file({"visual.proj": torch.ones(2)}, path), "w.safetensors",
         "no weights of a CLAP, but visual.proj"),
    ],
)  # fmt: skip
def test_broken_files_are_named(plain, tmp_path, write, name, message):
    write(load_file(plain["checkpoint"]), tmp_path / name)
    with pytest.raises(DataError, match=message) as caught:
        vectors(plain, checkpoint=str(tmp_path / name))
    assert name in caught.value.where


@pytest.mark.parametrize("backend", ["laion", "transformers"])
def test_fusion_that_is_not_as_the_file_says(plain, fused, backend):
    with pytest.raises(DataError, match=r"the model has no .*fusion_model(?s:.*)fusion=true"):
        vectors(plain, checkpoint=fused["checkpoint"], backend=backend)
    with pytest.raises(DataError, match=r"the file lacks .*fusion_model(?s:.*)fusion=false"):
        vectors(fused, checkpoint=plain["checkpoint"], backend=backend)


def test_another_audio_encoder_is_named(plain):
    with pytest.raises(DataError, match=r"other shapes: audio_branch(?s:.*)-o amodel"):
        vectors(plain, amodel="HTSAT-tiny")


def test_another_text_model_is_named(plain, tmp_path):
    other = write_text_model(tmp_path / "wider", hidden_size=48)
    with pytest.raises(DataError, match=r"text_branch.* is \[261, 32\], not(?s:.*)-o text_model"):
        vectors(plain, text_model=str(other))


def test_missing_tensors_are_named(plain, tmp_path):
    state = load_file(plain["checkpoint"])
    del state["audio_projection.2.bias"]
    save_file(state, tmp_path / "part.safetensors")
    with pytest.raises(DataError, match=r"the file lacks audio_projection.2.bias"):
        vectors(plain, checkpoint=str(tmp_path / "part.safetensors"))


def test_a_state_there_and_back_is_the_same(options):
    state = draw_state(options, seed=3)
    there = to_transformers(state)
    back = to_laion(there)
    assert form_of(state) == form_of(back) == "laion"
    assert form_of(there) == "transformers"
    assert all(torch.equal(back[name], state[name]) for name in back)
    lost = {name.split(".")[1] for name in state.keys() - back.keys() if "attn_mask" not in name}
    assert lost == {"tscam_conv", "head", "spectrogram_extractor", "logmel_extractor"}


def test_transformers_finds_all_its_names(options):
    theirs = draw_state(options, backend="transformers")
    made = to_transformers(draw_state(options) | {
        name: theirs[name] for name in ("logit_scale_a", "logit_scale_t")
    })  # fmt: skip
    constants = {f"text_model.embeddings.{name}_ids" for name in ("position", "token_type")}
    assert made.keys() == theirs.keys() - constants
    assert all(made[name].shape == theirs[name].shape for name in made)


def test_both_backends_give_the_same_vectors_from_either_form(options, tmp_path):
    theirs = draw_state(options, seed=5, backend="transformers")
    save_file(theirs, tmp_path / "theirs.safetensors")
    save_file(to_laion(theirs), tmp_path / "ours.safetensors")
    seen = [
        vectors(options, checkpoint=str(tmp_path / f"{form}.safetensors"), backend=backend)
        for form in ("theirs", "ours")
        for backend in ("laion", "transformers")
    ]
    for other in seen[1:]:
        np.testing.assert_allclose(other, seen[0], atol=1e-5)
    assert (seen[0][0] - seen[0][1]).abs().max() > 1e-3


def test_another_seed_gives_other_weights(plain, tmp_path):
    save_file(draw_state(plain, seed=1), tmp_path / "other.safetensors")
    found = vectors(plain, checkpoint=str(tmp_path / "other.safetensors"))
    assert not torch.allclose(found, vectors(plain), atol=1e-2)
