"""Files: which ones the options name, where they should lie, and what they are by their bytes.

Nothing here asks the network: what belongs to the hub is looked for in its cache only.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmbench.api import DataMissing, UsageError

if TYPE_CHECKING:
    from mmbench_ulip.architectures import Architecture

__all__ = ["find_checkpoint", "find_pretrained", "is_tag", "tag_config"]

_HUB = "hf-hub:"
#: Where ULIP's authors keep their checkpoints: a repository of data sets.
_ULIP = "SFXX/ulip"
#: Names of weights in a folder or a hub repository, the ones to take first first.
_OPEN_CLIP_FILES = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")
_FILES = (*_OPEN_CLIP_FILES, "model.safetensors", "pytorch_model.bin")
_ENDINGS = (".safetensors", ".pt", ".pth", ".bin", ".ckpt")
_NO_DOWNLOAD = "mmbench downloads nothing by itself"


def find_checkpoint(checkpoint: str) -> Path:
    """The file that the option ``checkpoint`` names.

    Args:
        checkpoint: A path; or the bare name of a file in torch's folder of checkpoints, or in the
            hub's copy of ULIP's repository.

    Raises:
        DataMissing: It is not on this machine: says what was looked for, where, how to get it.
        UsageError: The option names no file of weights.
    """
    path = Path(checkpoint).expanduser()
    if path.is_file():
        return path
    if path.suffix not in _ENDINGS:
        raise UsageError(
            f"{checkpoint!r} is no file of weights", where="option checkpoint",
            fix=f"name one that ends in {', '.join(_ENDINGS)}",
        )  # fmt: skip
    return _elsewhere(path, "checkpoint")


def find_pretrained(pretrained: str, architecture: Architecture | None) -> Path:
    """The file with the weights of the image and text towers.

    Args:
        pretrained: A file, as for a checkpoint; of open_clip's towers also a folder,
            ``hf-hub:OWNER/NAME`` or a tag.
        architecture: open_clip's; None for SLIP's.

    Raises:
        DataMissing: It is not on this machine: says what was looked for, where, how to get it.
        UsageError: The option names nothing.
    """
    path = Path(pretrained).expanduser()
    where = f"pretrained={pretrained}"
    if pretrained.startswith(_HUB):
        return _from_cache(pretrained.removeprefix(_HUB), _FILES, where)
    if path.is_file():
        return path
    if path.is_dir():
        found = next((path / name for name in _FILES if (path / name).is_file()), None)
        if found is None:
            raise DataMissing(
                "there are no weights in the folder", where=str(path),
                fix=f"it should hold one of {', '.join(_FILES)}",
            )  # fmt: skip
        return found
    if not is_tag(pretrained):
        return _elsewhere(path, "pretrained")
    if architecture is None:
        raise UsageError(
            f"{pretrained!r} is no file of weights", where="option pretrained",
            fix="SLIP's towers have no tags: name their file, such as slip_base_100ep.pt",
        )  # fmt: skip
    config = tag_config(architecture, pretrained)
    repository, name = str(config["hf_hub"]).rsplit("/", 1)
    files = (name,) if name else _OPEN_CLIP_FILES
    return _from_cache(repository, files, f"tag {pretrained!r} of {architecture.name}")


def is_tag(pretrained: str) -> bool:
    """Whether the option names a tag of open_clip, and no file, folder or repository."""
    path = Path(pretrained).expanduser()
    named = path.suffix in _ENDINGS or path.is_absolute() or path.exists()
    return bool(pretrained) and not pretrained.startswith(_HUB) and not named


def tag_config(architecture: Architecture, tag: str) -> dict[str, Any]:
    """What open_clip's table says of a tag: where its file is, and its preprocessing.

    Raises:
        UsageError: There is no such tag, or its weights want the other activation.
    """
    import open_clip

    config: dict[str, Any] = open_clip.get_pretrained_cfg(architecture.name, tag)
    if not config:
        tags = open_clip.list_pretrained_tags_by_model(architecture.name)
        raise UsageError(
            f"{tag!r} is no file, and no tag of {architecture.name}", where="option pretrained",
            fix=f"its tags are: {', '.join(tags) or 'none'}",
        )  # fmt: skip
    if config.get("quick_gelu", False) != architecture.config.get("quick_gelu", False):
        raise UsageError(
            f"the weights {tag!r} are not trained with the activation of {architecture.name}",
            where="option towers", fix="take the architecture with, or without, -quickgelu",
        )  # fmt: skip
    return config


def _elsewhere(path: Path, option: str) -> Path:
    """A bare name, in torch's folder of checkpoints or in the hub's copy of ULIP's repository."""
    from huggingface_hub import constants

    where = f"{option}={path}"
    if len(path.parts) > 1:
        raise DataMissing(
            f"there is no file {path.name}", where=where,
            fix=f"looked for {path.absolute()}: put it there, or name another with "
            f"-o {option}=PATH",
        )  # fmt: skip
    folder = _torch_home() / "hub" / "checkpoints"
    if (folder / path.name).is_file():
        return folder / path.name
    copy = Path(constants.HF_HUB_CACHE) / f"datasets--{_ULIP.replace('/', '--')}"
    for found in sorted(copy.glob(f"snapshots/*/**/{path.name}")):
        if found.is_file():
            return found
    raise DataMissing(
        f"the weights {path.name} are not on this machine", where=where,
        fix=f"looked in {folder} and {copy}. Get them with `hf download {_ULIP} --repo-type "
        f"dataset --include '*{path.name}'`, or put the file anywhere and name it: "
        f"-o {option}=PATH. {_NO_DOWNLOAD}.",
    )  # fmt: skip


def _torch_home() -> Path:
    """Where torch keeps what it downloads; found without importing it."""
    cache = os.environ.get("XDG_CACHE_HOME", "~/.cache")
    return Path(os.environ.get("TORCH_HOME", f"{cache}/torch")).expanduser()


def _from_cache(repository: str, files: tuple[str, ...], where: str) -> Path:
    """The first of these files of a hub repository that is in the cache."""
    from huggingface_hub import constants, try_to_load_from_cache

    for name in files:
        found = try_to_load_from_cache(repository, name, cache_dir=constants.HF_HUB_CACHE)
        if isinstance(found, str):
            return Path(found)
    folder = Path(constants.HF_HUB_CACHE) / f"models--{repository.replace('/', '--')}"
    raise DataMissing(
        f"the weights are not on this machine: {' or '.join(files)} of {repository}",
        where=where,
        fix=f"looked in {folder}. Get them with `hf download {repository} {files[0]}`, or put the "
        "file anywhere and name it: -o pretrained=PATH. Point clouds alone need none of them: "
        f"-o towers=none. {_NO_DOWNLOAD}.",
    )
