"""Weights: which file the options name, where it should lie, and what it is by its bytes.

Nothing here asks the network: a tag's file is looked for in the Hugging Face cache only.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmbench.api import DataMissing, UsageError
from mmbench.api.weights import fingerprint
from mmbench_openclip.architectures import CONFIG_FILE, Architecture, read_config

__all__ = ["Weights", "find_snapshot", "find_weights", "training_preprocessing"]

_HUB = "hf-hub:"
#: Names of weights in a folder or a hub repository, the ones to take first first.
_OPEN_CLIP_FILES = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")
_FILES = (*_OPEN_CLIP_FILES, "model.safetensors", "pytorch_model.bin")
#: What transformers calls the description of the preprocessing, and Pillow's filters in it.
_PROCESSOR_FILE = "preprocessor_config.json"
_RESAMPLING = {2: "bilinear", 3: "bicubic"}
_ENDINGS = (".safetensors", ".pt", ".pth", ".bin", ".ckpt")


@dataclass(frozen=True)
class Weights:
    """A file of weights, and what is known of it.

    Attributes:
        path: Where it is.
        tag: The tag it belongs to; empty where none was named.
        preprocessing: What a config beside it says of the preprocessing.
    """

    path: Path
    tag: str = ""
    preprocessing: dict[str, Any] = field(default_factory=dict)

    def fingerprint(self) -> str:
        """Hash of the file's bytes, wherever it lies."""
        return fingerprint(self.path)


def find_weights(pretrained: str, architecture: Architecture) -> Weights:
    """The weights file that the option ``pretrained`` names.

    Args:
        pretrained: A file, a folder, ``hf-hub:OWNER/NAME``, or a tag of open_clip.
        architecture: What it is for.

    Raises:
        DataMissing: It is not on this machine: says what was looked for, where, how to get it.
        UsageError: The option names nothing.
    """
    path = Path(pretrained).expanduser()
    if pretrained.startswith(_HUB):
        repository = pretrained.removeprefix(_HUB)
        return _from_cache(repository, _FILES, f"pretrained={pretrained}")
    if path.is_file():
        return _beside(path)
    if path.is_dir():
        found = next((path / name for name in _FILES if (path / name).is_file()), None)
        if found is None:
            raise DataMissing(
                "there are no weights in the folder", where=str(path),
                fix=f"it should hold one of {', '.join(_FILES)}",
            )  # fmt: skip
        return _beside(found)
    if path.suffix in _ENDINGS or path.is_absolute():
        raise DataMissing(
            "there is no such weights file", where=f"pretrained={pretrained}",
            fix=f"looked for {path.absolute()}: put it there, or name another with "
            "-o pretrained=PATH",
        )  # fmt: skip
    return _of_tag(pretrained, architecture)


def find_snapshot(repository: str, what: str) -> Path:
    """The folder of a hub repository in the cache, for configs and tokenizers.

    Raises:
        DataMissing: It is not there.
    """
    from huggingface_hub import constants, snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        return Path(snapshot_download(repository, local_files_only=True))
    except LocalEntryNotFoundError:
        raise DataMissing(
            f"{what} {repository} is not on this machine",
            where=constants.HF_HUB_CACHE,
            fix=f"get it with `hf download {repository} --exclude '*.safetensors' '*.bin' '*.h5' "
            "'*.msgpack'`; mmbench downloads nothing by itself",
        ) from None


def training_preprocessing(architecture: Architecture, like: str) -> dict[str, Any]:
    """The preprocessing that open_clip's table names for a tag, or for all tags of a model.

    Args:
        architecture: The model.
        like: A tag; empty = whatever all tags of the model have in common.

    Returns:
        Mean, deviation, interpolation and way to resize; empty where nothing is known.

    Raises:
        UsageError: There is no such tag, or the tags differ and none is named.
    """
    import open_clip

    keys = ("mean", "std", "interpolation", "resize_mode")
    tags = open_clip.list_pretrained_tags_by_model(architecture.name)
    if like and not open_clip.get_pretrained_cfg(architecture.name, like):
        raise UsageError(
            f"{architecture.name} has no tag {like!r}", where="option preprocessing",
            fix=f"its tags are: {', '.join(tags) or 'none'}",
        )  # fmt: skip
    known = [
        {key: config[key] for key in keys}
        for config in (
            open_clip.get_pretrained_cfg(architecture.name, tag)
            for tag in ([like] if like else tags)
        )
    ]
    if any(each != known[0] for each in known):
        raise UsageError(
            f"weights of {architecture.name} are trained with different preprocessing",
            where="option preprocessing",
            fix="say whose the file follows: -o preprocessing=TAG, one of " + ", ".join(tags),
        )
    return known[0] if known else {}


def _beside(path: Path) -> Weights:
    """A file, with the preprocessing that a config in its folder names."""
    config, processor = path.parent / CONFIG_FILE, path.parent / _PROCESSOR_FILE
    if config.is_file():
        return Weights(path, preprocessing=read_config(config).get("preprocess_cfg", {}))
    if processor.is_file():
        read = read_config(processor)
        named = {"mean": read.get("image_mean"), "std": read.get("image_std")}
        named["interpolation"] = _RESAMPLING.get(read.get("resample", -1))
        return Weights(path, preprocessing={key: value for key, value in named.items() if value})
    return Weights(path)


def _of_tag(tag: str, architecture: Architecture) -> Weights:
    """The file of a tag, in the cache."""
    if architecture.own:
        raise UsageError(
            f"{tag!r} is neither a file nor a folder", where="option pretrained",
            fix="a config of one's own has no tags: name its weights file",
        )  # fmt: skip
    import open_clip

    config = open_clip.get_pretrained_cfg(architecture.name, tag)
    if not config:
        tags = open_clip.list_pretrained_tags_by_model(architecture.name)
        raise UsageError(
            f"{tag!r} is no file, and no tag of {architecture.name}", where="option pretrained",
            fix=f"its tags are: {', '.join(tags) or 'none'}",
        )  # fmt: skip
    trained, built = config.get("quick_gelu", False), architecture.config.get("quick_gelu", False)
    if trained != built:
        other = f"{architecture.name}-quickgelu" if trained else (
            architecture.name.removesuffix("-quickgelu"))  # fmt: skip
        raise UsageError(
            f"the weights {tag!r} are trained with {'QuickGELU' if trained else 'GELU'}, and "
            f"{architecture.name} has the other", where="option model", fix=f"-o model={other}",
        )  # fmt: skip
    repository, name = str(config["hf_hub"]).rsplit("/", 1)
    files: tuple[str, ...] = _OPEN_CLIP_FILES
    if name:
        stem, dot, ending = name.rpartition(".")
        safe = (f"{stem}.safetensors",) if f"{dot}{ending}" in (".bin", ".pth") else ()
        files = (*safe, name)
    found = _from_cache(repository, files, f"tag {tag!r} of {architecture.name}")
    return Weights(found.path, tag)


def _from_cache(repository: str, files: tuple[str, ...], what: str) -> Weights:
    """The first of these files of a hub repository that is in the cache."""
    from huggingface_hub import constants, try_to_load_from_cache

    for name in files:
        found = try_to_load_from_cache(repository, name)
        if isinstance(found, str):
            return _beside(Path(found))
    folder = Path(constants.HF_HUB_CACHE) / f"models--{repository.replace('/', '--')}"
    raise DataMissing(
        f"the weights are not on this machine: {' or '.join(files)} of {repository}",
        where=what,
        fix=f"looked in {folder}. Get them with `hf download {repository} {files[0]}`, or put the "
        "file anywhere and name it: -o pretrained=PATH. mmbench downloads nothing by itself.",
    )
