"""Files and options: what is looked for where, what is missing, and what names the weights."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from tiny_clap import AUDIO_CONFIG, TEXT_CONFIG, write_text_model

from mmbench.api import Context, DataError, DataMissing, UsageError
from mmbench_clap.architectures import NAMES, read_architecture
from mmbench_clap.representation import CLAP
from mmbench_clap.weights import PUBLISHED, find_checkpoint, find_text_model


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache of the hub."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


def put(cache, repository, files):
    """A repository in the cache, as the hub's client leaves it."""
    folder = cache / f"models--{repository.replace('/', '--')}"
    (folder / "refs").mkdir(parents=True)
    (folder / "refs" / "main").write_text("0" * 40)
    snapshot = folder / "snapshots" / ("0" * 40)
    snapshot.mkdir(parents=True)
    for name, source in files.items():
        shutil.copy(source, snapshot / name)
    return snapshot


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_checkpoint_that_is_missing(cache, name):
    with pytest.raises(DataMissing) as caught:
        find_checkpoint(name)
    message = str(caught.value)
    assert f"hf download lukewys/laion_clap {name}.pt" in message
    assert str(cache / "models--lukewys--laion_clap") in message
    assert "laion_clap" in message
    assert "-o checkpoint=PATH" in message


def test_a_published_checkpoint_in_the_cache(cache, plain):
    there = put(cache, "lukewys/laion_clap", {"630k-best.pt": plain["checkpoint"]})
    assert find_checkpoint("630k-best") == find_checkpoint("630k-best.pt") == there / "630k-best.pt"


def test_weights_of_the_hub_in_the_cache(cache, plain):
    there = put(cache, "laion/some", {"model.safetensors": plain["checkpoint"]})
    assert find_checkpoint("hf-hub:laion/some") == there / "model.safetensors"
    with pytest.raises(DataMissing, match=r"hf download laion/other model\.safetensors"):
        find_checkpoint("hf-hub:laion/other")


@pytest.mark.parametrize("name", ["nowhere/weights.pt", "weights.pt", "/nowhere/at/all"])
def test_a_path_that_is_not_there(name):
    with pytest.raises(DataMissing, match="looked for /"):
        find_checkpoint(name)


def test_an_empty_folder_and_an_unknown_name(tmp_path):
    with pytest.raises(DataMissing, match=r"model\.safetensors"):
        find_checkpoint(str(tmp_path))
    with pytest.raises(UsageError, match="630k-audioset-best"):
        find_checkpoint("630k-audio")


def test_a_text_model_that_is_missing(cache):
    with pytest.raises(DataMissing) as caught:
        find_text_model("roberta-base")
    message = str(caught.value)
    assert str(cache / "models--roberta-base") in message
    assert "hf download roberta-base config.json vocab.json merges.txt" in message
    assert "-o text_model=FOLDER" in message


@pytest.mark.parametrize("repository", ["roberta-base", "FacebookAI/roberta-base"])
def test_a_text_model_in_the_cache(cache, tmp_path, repository, plain):
    made = write_text_model(tmp_path / "text")
    put(cache, repository, {path.name: path for path in made.iterdir()})
    CLAP(**{**plain, "text_model": "roberta-base"}).load(Context())


@pytest.mark.parametrize("lacking", ["config.json", "vocab.json", "merges.txt"])
def test_a_text_model_that_lacks_a_file(tmp_path, lacking):
    folder = write_text_model(tmp_path / "text")
    (folder / lacking).unlink()
    with pytest.raises(DataMissing, match=f"the text model lacks {lacking}"):
        find_text_model(str(folder))


def test_a_folder_of_text_models_that_is_not_there(tmp_path):
    with pytest.raises(DataMissing, match="no such folder"):
        find_text_model(str(tmp_path / "nowhere"))


def test_a_tokenizer_that_is_not_whole(plain, tmp_path):
    folder = write_text_model(tmp_path / "text")
    (folder / "vocab.json").write_text(json.dumps({"<s>": 0, "<pad>": 1, "</s>": 2}))
    with pytest.raises(DataMissing, match=r"not whole: it has \d tokens"):
        CLAP(**{**plain, "text_model": str(folder)}).load(Context())


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"vocab_size": 200}, "has 261 tokens, and the text model knows 200"),
        ({"model_type": "bert"}, "no RoBERTa but 'bert'"),
        ({"max_position_embeddings": 40}, "has 40 positions"),
    ],
)
def test_a_text_model_that_does_not_fit(plain, tmp_path, fields, message):
    folder = write_text_model(tmp_path / "text", **fields)
    with pytest.raises(DataError, match=message):
        CLAP(**{**plain, "text_model": str(folder)}).load(Context())


def test_the_text_model_in_the_config_of_a_clap_model(plain, tmp_path):
    from mmbench_clap.texts import read_text_config

    folder = write_text_model(tmp_path / "text")
    inner = {name: value for name, value in TEXT_CONFIG.items() if name != "layer_norm_eps"}
    (folder / "config.json").write_text(json.dumps({"model_type": "clap", "text_config": inner}))
    config = read_text_config(folder)
    assert config.width == 32
    assert config.fields["layer_norm_eps"] == 1e-12  # as transformers takes it
    CLAP(**{**plain, "text_model": str(folder)}).load(Context())


def fingerprint(options, **more):
    return CLAP(**{**options, **more}).fingerprint()


def test_the_fingerprint_names_bytes_and_not_places(plain, tmp_path):
    expected = fingerprint(plain)
    moved = {}
    for name in ("checkpoint", "amodel"):
        moved[name] = shutil.copy(plain[name], tmp_path / f"moved{Path(plain[name]).suffix}")
    moved["text_model"] = shutil.copytree(plain["text_model"], tmp_path / "moved")
    moved = {name: str(path) for name, path in moved.items()}
    assert fingerprint(plain, **moved) == expected
    with (tmp_path / "moved" / "merges.txt").open("a") as file:
        file.write("a b\n")
    assert fingerprint(plain, text_model=moved["text_model"]) != expected
    weights = bytearray(Path(moved["checkpoint"]).read_bytes())
    weights[-1] ^= 1
    Path(moved["checkpoint"]).write_bytes(weights)
    assert fingerprint(plain, checkpoint=moved["checkpoint"]) != expected
    changed = json.dumps({"audio_cfg": AUDIO_CONFIG["audio_cfg"] | {"fmin": 60}})
    Path(moved["amodel"]).write_text(changed)
    assert fingerprint(plain, amodel=moved["amodel"]) != expected


@pytest.mark.parametrize("name", NAMES)
def test_named_encoders_are_those_of_laion_clap(name):
    from importlib.util import find_spec

    (folder,) = find_spec("laion_clap").submodule_search_locations
    path = Path(folder) / "clap_module" / "model_configs" / f"{name}.json"
    named, read = read_architecture(name), read_architecture(str(path))
    assert {**vars(read), "name": name, "own": False} == vars(named)
    assert json.loads(path.read_text())["embed_dim"] == named.features


@pytest.mark.parametrize(
    ("amodel", "message"),
    [("HTSAT-tinny", "did you mean HTSAT-tiny"), ("PANN-14", "no HTSAT"),
     ("none.json", "can't read it"), ("what", "no audio encoder")],
)  # fmt: skip
def test_encoders_that_there_are_not(amodel, message):
    with pytest.raises(UsageError, match=message):
        _ = CLAP(amodel=amodel, checkpoint="x.pt").info


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[", "no JSON"),
        ("[]", "describes no HTSAT"),
        ('{"audio_cfg": {"model_type": "PANN"}}', "describes no HTSAT"),
        ('{"audio_cfg": {"model_name": "huge"}}', "KeyError 'huge'"),
        ('{"audio_cfg": {"htsat": {"embed_dim": 8}}}', "KeyError 'depths'"),
        ('{"embed_dim": 9, "audio_cfg": {"model_name": "tiny"}}', "768 features"),
        ('{"audio_cfg": {"model_name": "tiny", "clip_samples": 960000}}', "more frames"),
        ('{"audio_cfg": {"model_name": "tiny", "fmax": 99999}}', "no band"),
        ('{"audio_cfg": {"model_name": "tiny", "hop_size": 0}}', "not positive"),
        ('{"audio_cfg": {"model_name": "tiny", "mel_bins": 48}}', "no divisor"),
        ('{"audio_cfg": {"htsat": {"embed_dim": 9, "depths": [1], "num_heads": [2]}}}', "divided"),
        ('{"audio_cfg": {"htsat": {"embed_dim": 8, "depths": [1], "num_heads": [2, 2]}}}',
         "differ in length"),
        ('{"audio_cfg": {"htsat": {"embed_dim": 2, "depths": [1], "num_heads": [1]}}}', "than 4"),
    ],
)  # fmt: skip
def test_configs_that_describe_no_encoder(tmp_path, text, message):
    (tmp_path / "own.json").write_text(text)
    with pytest.raises(UsageError, match=message):
        _ = CLAP(amodel=str(tmp_path / "own.json"), checkpoint="x.pt").info


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"fusion": True}, "without fusion"),
        ({"checkpoint": "630k-fusion-best"}, "-o fusion=true"),
        ({"checkpoint": "music_audioset_epoch_15_esc_90.14"}, "-o amodel=HTSAT-base"),
        ({"checkpoint": ""}, "is empty"),
        ({"text_model": ""}, "is empty"),
    ],
)
def test_options_that_contradict_each_other(options, message):
    with pytest.raises(UsageError, match=message):
        CLAP(**options)
