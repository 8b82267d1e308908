"""Where files are looked for, what is said where they are not, and what names them."""

from __future__ import annotations

import os
import shutil

import pytest
from huggingface_hub import constants
from tiny_ulip import write_ulip, write_ulip2

from mmbench.api import Context, DataMissing, UsageError
from mmbench_ulip import mmbench_representations
from mmbench_ulip.representation import ULIP

PRESETS = {spec.name: spec.options for spec in mmbench_representations()}


@pytest.fixture
def homes(tmp_path, monkeypatch):
    """Empty caches of the hub's and of torch's."""
    hub, torch_home = tmp_path / "hub-cache", tmp_path / "torch"
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(hub))
    monkeypatch.setenv("TORCH_HOME", str(torch_home))
    monkeypatch.chdir(tmp_path)
    return hub, torch_home / "hub" / "checkpoints"


@pytest.mark.parametrize(
    ("preset", "name"),
    [
        ("ulip", "checkpoint_pointbert.pt"),
        ("ulip2", "ULIP-2-PointBERT-10k-colored-pc-pretrained.pt"),
        ("ulip2-512", "pointbert_ULIP-2.pt"),
    ],
)
def test_missing_checkpoints_of_presets(homes, preset, name):
    hub, checkpoints = homes
    for ask in (lambda made: made.fingerprint(), lambda made: made.load(Context())):
        with pytest.raises(DataMissing) as missing:
            ask(ULIP(**PRESETS[preset]))
        message = str(missing.value)
        assert f"checkpoint={name}: the weights {name} are not on this machine" in message
        assert str(checkpoints) in message
        assert str(hub / "datasets--SFXX--ulip") in message
        assert f"hf download SFXX/ulip --repo-type dataset --include '*{name}'" in message
        assert "-o checkpoint=PATH" in message


def test_missing_towers_of_ulip_2(homes, tmp_path):
    _, checkpoints = homes
    checkpoints.mkdir(parents=True)
    written = write_ulip2(tmp_path)["checkpoint"]
    shutil.copy(written, checkpoints / PRESETS["ulip2"]["checkpoint"])
    with pytest.raises(DataMissing) as missing:
        ULIP(**PRESETS["ulip2"]).fingerprint()
    message = str(missing.value)
    assert "hf download laion/CLIP-ViT-bigG-14-laion2B-39B-b160k" in message
    assert "-o towers=none" in message
    options = PRESETS["ulip2"] | {"towers": "none", "pretrained": ""}
    assert ULIP(**options).fingerprint()


def test_checkpoints_are_found_by_name(homes, tmp_path):
    hub, checkpoints = homes
    written = write_ulip(tmp_path)["checkpoint"]
    wanted = ULIP(checkpoint=written).fingerprint()
    deep = hub / "datasets--SFXX--ulip" / "snapshots" / "0123" / "ULIP-2" / "pretrained_models"
    for folder in (deep, checkpoints):
        folder.mkdir(parents=True)
        shutil.copy(written, folder / "checkpoint_pointbert.pt")
        assert ULIP().fingerprint() == wanted
        (folder / "checkpoint_pointbert.pt").unlink()


def test_missing_files_at_a_path(homes):
    for option in ("checkpoint", "pretrained"):
        made = ULIP(**({"checkpoint": __file__} | {option: "some/x.pt"}))
        with pytest.raises(DataMissing, match=r"there is no file x\.pt") as missing:
            made.fingerprint()
        assert f"-o {option}=PATH" in str(missing.value)


def test_the_fingerprint_names_the_bytes(tmp_path):
    folders = [tmp_path / name for name in ("one", "same", "other")]
    for folder, seed in zip(folders, (0, 0, 1), strict=True):
        folder.mkdir()
        options = write_ulip2(folder, seed=seed)
    (_, same, other) = [
        {"checkpoint": str(f / "ulip2.pt"), "towers": str(f / "clip.json"),
         "pretrained": str(f / "clip.safetensors")} for f in folders
    ]  # fmt: skip
    one = {**options, **same, "checkpoint": str(tmp_path / "one" / "ulip2.pt")}
    prints = [ULIP(**each).fingerprint() for each in (one, same, other)]
    assert prints[0] == prints[1] != prints[2]
    mixed = same | {"pretrained": other["pretrained"]}
    assert ULIP(**mixed).fingerprint() not in prints
    config = tmp_path / "same" / "clip.json"
    config.write_text(config.read_text().replace('"layers": 2', '"layers": 1'))
    assert ULIP(**same).fingerprint() not in prints


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"checkpoint": ""}, "option checkpoint: is empty"),
        ({"checkpoint": "ulip"}, "'ulip' is no file of weights"),
        ({"towers": "ViT-bigG-15"}, "did you mean ViT-bigG-14"),
        ({"towers": "roberta-ViT-B-32"}, "its towers are not open_clip's own"),
        ({"towers": "none", "pretrained": "x.pt"}, "names weights of towers, and there are none"),
        ({"pretrained": "openai"}, "SLIP's towers have no tags"),
        ({"towers": "ViT-bigG-14", "pretrained": "openai"}, "no tag of ViT-bigG-14"),
        ({"towers": "ViT-B-32", "pretrained": "openai"}, "the activation of ViT-B-32"),
        ({"groups": 0}, "option groups: is 0"),
        ({"max_points": 1}, "option max_points: is 1"),
        ({"grey": 100.0}, r"option grey: is 100\.0"),
    ],
)
def test_options_that_are_refused(options, message):
    def ask():
        made = ULIP(**({"checkpoint": os.fspath(__file__)} | options))
        return made.info, made.fingerprint()

    with pytest.raises(UsageError, match=message):
        ask()


def test_a_config_that_is_none(tmp_path):
    config = tmp_path / "broken.json"
    for text, message in (
        ("[]", "holds no JSON object"), ("{", "is no config"), ("{}", "lacks embed_dim"),
    ):  # fmt: skip
        config.write_text(text)
        with pytest.raises(UsageError, match=message):
            assert ULIP(towers=str(config)).info
