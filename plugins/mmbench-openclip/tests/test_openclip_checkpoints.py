"""Checkpoints: every form they come in, and those that are refused."""

from __future__ import annotations

import os

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_clip import CONFIG, write_tiny

from mmbench.api import Context, DataError
from mmbench_openclip.representation import OpenCLIP


@pytest.fixture
def state(tiny):
    return load_file(tiny["pretrained"])


def vectors(tiny, pictures, path):
    made = OpenCLIP(model=tiny["model"], pretrained=str(path))
    made.load(Context())
    return made.encode({"image": pictures}), made.encode_dense({"image": pictures})


@pytest.mark.parametrize("prefix", ["", "module."])
@pytest.mark.parametrize(
    ("ending", "wrapped"), [(".pt", False), (".pt", True), (".safetensors", False)]
)
def test_forms_of_checkpoints(tiny, state, pictures, tmp_path, ending, prefix, wrapped):
    path = tmp_path / f"weights{ending}"
    named = {f"{prefix}{name}": value for name, value in state.items()}
    if ending == ".safetensors":
        save_file(named, path)
    else:
        torch.save({"epoch": 3, "name": "tiny", "state_dict": named} if wrapped else named, path)
    for found, expected in zip(
        vectors(tiny, pictures, path), vectors(tiny, pictures, tiny["pretrained"]), strict=True
    ):
        np.testing.assert_array_equal(found, expected)


def test_half_precision_weights_are_computed_with_in_float32(tiny, state, pictures, tmp_path):
    path = tmp_path / "half.safetensors"
    save_file({name: value.half() for name, value in state.items()}, path)
    found, _ = vectors(tiny, pictures, path)
    expected, _ = vectors(tiny, pictures, tiny["pretrained"])
    assert ((found * expected).sum(dim=-1) > 0.9999).all()


class Payload:
    def __reduce__(self):
        return (os.system, ("touch was-run",))


def test_a_pickle_that_runs_code_is_refused(tiny, state, pictures, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save({"state_dict": state, "extra": Payload()}, "evil.pt")
    with pytest.raises(DataError, match=r"evil.pt: is refused: it wants to run \w+\.system"):
        vectors(tiny, pictures, tmp_path / "evil.pt")
    assert not (tmp_path / "was-run").exists()


@pytest.mark.filterwarnings("ignore")  # TorchScript is deprecated
def test_torchscript_is_refused(tiny, pictures, tmp_path):
    torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), str(tmp_path / "script.pt"))
    with pytest.raises(DataError, match="is a TorchScript program"):
        vectors(tiny, pictures, tmp_path / "script.pt")


@pytest.mark.parametrize("name", ["cut.pt", "cut.safetensors", "empty.pt", "empty.safetensors"])
def test_broken_files(tiny, state, pictures, tmp_path, name):
    path = tmp_path / name
    if path.suffix == ".pt":
        torch.save(state, path)
    else:
        save_file(state, path)
    path.write_bytes(path.read_bytes()[: 1000 if name.startswith("cut") else 0])
    with pytest.raises(DataError, match=name):
        vectors(tiny, pictures, path)


@pytest.mark.parametrize("content", [[1, 2], {"epoch": 3}, {}, torch.zeros(3)])
def test_files_without_weights(tiny, pictures, tmp_path, content):
    torch.save(content, tmp_path / "none.pt")
    with pytest.raises(DataError, match="holds no weights"):
        vectors(tiny, pictures, tmp_path / "none.pt")


def test_another_architecture_is_refused_with_names_and_shapes(tiny, pictures, tmp_path):
    deeper = {**CONFIG, "vision_cfg": {**CONFIG["vision_cfg"], "layers": 4, "patch_size": 16}}
    other = write_tiny(tmp_path, config=deeper)
    with pytest.raises(DataError, match="another architecture") as refused:
        vectors(tiny, pictures, other["pretrained"])
    message = str(refused.value)
    assert "the model has no visual.transformer.resblocks.3." in message
    assert "and 8 more" in message
    assert "visual.conv1.weight is [64, 3, 16, 16], not [64, 3, 8, 8]" in message
    assert "-o model=NAME" in message


def test_missing_tensors_are_refused(tiny, state, pictures, tmp_path):
    del state["visual.proj"]
    save_file(state, tmp_path / "part.safetensors")
    with pytest.raises(DataError, match=r"the file lacks visual\.proj\n"):
        vectors(tiny, pictures, tmp_path / "part.safetensors")


def test_older_names_of_a_custom_text_tower(tiny, state, pictures, tmp_path):
    """Checkpoints from before open_clip put the text tower apart still load into such a model."""
    import json

    (tmp_path / "custom.json").write_text(json.dumps({**CONFIG, "custom_text": True}))
    made = OpenCLIP(model=str(tmp_path / "custom.json"), pretrained=tiny["pretrained"])
    made.load(Context())
    expected, _ = vectors(tiny, pictures, tiny["pretrained"])
    np.testing.assert_allclose(made.encode({"image": pictures}), expected, atol=1e-6)
