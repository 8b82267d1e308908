"""Files: which ones the options name, where they should lie, and what they are by their bytes.

Nothing here asks the network: what belongs to the hub is looked for in its cache only.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from mmbench.api import DataMissing, UsageError

__all__ = ["PUBLISHED", "find_checkpoint", "find_text_model", "text_files"]

_HUB = "hf-hub:"
_REPOSITORY = "lukewys/laion_clap"
#: LAION's checkpoints: whether they fuse features, and their audio encoder.
PUBLISHED = {
    "630k-best": (False, "HTSAT-tiny"),
    "630k-audioset-best": (False, "HTSAT-tiny"),
    "630k-fusion-best": (True, "HTSAT-tiny"),
    "630k-audioset-fusion-best": (True, "HTSAT-tiny"),
    "music_audioset_epoch_15_esc_90.14": (False, "HTSAT-base"),
    "music_speech_epoch_15_esc_89.25": (False, "HTSAT-base"),
    "music_speech_audioset_epoch_15_esc_89.98": (False, "HTSAT-base"),
}
#: Names of weights in a folder or repository in transformers' layout, the ones to take first first.
_FILES = ("model.safetensors", "pytorch_model.bin")
_ENDINGS = (".safetensors", ".pt", ".pth", ".bin", ".ckpt")
_CONFIG = "config.json"
#: Either will do.
_VOCABULARIES = (("vocab.json", "merges.txt"), ("tokenizer.json",))
_TEXT_FILES = (_CONFIG, "vocab.json", "merges.txt", "tokenizer.json", "tokenizer_config.json",
               "special_tokens_map.json", "added_tokens.json")  # fmt: skip
#: Where the hub keeps what used to be called by its bare name.
_MOVED = {"roberta-base": "FacebookAI/roberta-base"}
_NO_DOWNLOAD = "mmbench downloads nothing by itself"


def find_checkpoint(checkpoint: str) -> Path:
    """The file of weights that the option ``checkpoint`` names.

    Args:
        checkpoint: A file, a folder, ``hf-hub:OWNER/NAME``, or one of :data:`PUBLISHED`.

    Raises:
        DataMissing: It is not on this machine: says what was looked for, where, how to get it.
        UsageError: The option names nothing.
    """
    where = f"checkpoint={checkpoint}"
    if checkpoint.startswith(_HUB):
        return _from_cache(checkpoint.removeprefix(_HUB), _FILES, where)
    path = Path(checkpoint).expanduser()
    if path.is_file():
        return path
    if path.is_dir():
        found = next((path / name for name in _FILES if (path / name).is_file()), None)
        if found is None:
            raise DataMissing(
                "there are no weights in the folder", where=str(path),
                fix=f"it should hold one of {', '.join(_FILES)}; or name a file",
            )  # fmt: skip
        return found
    name = checkpoint.removesuffix(".pt")
    if name in PUBLISHED:
        return _published(f"{name}.pt", where)
    if path.suffix in _ENDINGS or len(path.parts) > 1:
        raise DataMissing(
            "there is no such checkpoint", where=where,
            fix=f"looked for {path.absolute()}: put it there, or name another with "
            "-o checkpoint=PATH",
        )  # fmt: skip
    raise UsageError(
        f"{checkpoint!r} is no file, and none of LAION's checkpoints", where="option checkpoint",
        fix=f"a path, {_HUB}OWNER/NAME, or one of {', '.join(PUBLISHED)}",
    )  # fmt: skip


def find_text_model(text_model: str) -> Path:
    """The folder with the config and the vocabulary of the text model; it needs no weights.

    Args:
        text_model: A folder, or a repository of the hub.

    Raises:
        DataMissing: It is not on this machine, or lacks a file: says which, where, how to get it.
    """
    path = Path(text_model).expanduser()
    wanted = f"{_CONFIG}, {' and '.join(_VOCABULARIES[0])} (or {_VOCABULARIES[1][0]})"
    get = f"`hf download {text_model} {_CONFIG} {' '.join(_VOCABULARIES[0])}`"
    if path.is_dir():
        folder = path
    elif path.is_absolute() or text_model.startswith((".", "~")):
        raise DataMissing(
            "there is no such folder", where=f"text_model={text_model}",
            fix=f"it should hold {wanted} of roberta-base; -o text_model=FOLDER",
        )  # fmt: skip
    else:
        folder = _snapshot(text_model, wanted, get)
    lacking = [] if (folder / _CONFIG).is_file() else [_CONFIG]
    if not any(all((folder / name).is_file() for name in names) for names in _VOCABULARIES):
        lacking += [name for name in _VOCABULARIES[0] if not (folder / name).is_file()]
    if lacking:
        fix = f"it should hold {wanted} of roberta-base"
        raise DataMissing(
            f"the text model lacks {' and '.join(lacking)}", where=str(folder),
            fix=fix if path.is_dir() else f"{fix}: get them with {get}",
        )  # fmt: skip
    return folder


def text_files(folder: Path) -> list[Path]:
    """The files of a text model that change what a text becomes."""
    return [folder / name for name in _TEXT_FILES if (folder / name).is_file()]


def _published(name: str, where: str) -> Path:
    """One of LAION's files: in the hub's cache, or where laion_clap itself puts it."""
    beside = _laion_folder()
    if beside is not None and (beside / name).is_file():
        return beside / name
    also = "" if beside is None else f" and {beside}"
    return _from_cache(_REPOSITORY, (name,), where, also)


def _laion_folder() -> Path | None:
    spec = find_spec("laion_clap")  # finds the package without running it
    places = None if spec is None else spec.submodule_search_locations
    return Path(next(iter(places))) if places else None


def _from_cache(repository: str, files: tuple[str, ...], where: str, also: str = "") -> Path:
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
        fix=f"looked in {folder}{also}. Get them with `hf download {repository} {files[0]}`, or "
        f"put the file anywhere and name it: -o checkpoint=PATH. {_NO_DOWNLOAD}.",
    )


def _snapshot(repository: str, wanted: str, get: str) -> Path:
    """The folder of a hub repository in the cache."""
    from huggingface_hub import constants, try_to_load_from_cache

    cache = constants.HF_HUB_CACHE
    for name in (repository, _MOVED.get(repository, repository)):
        found = try_to_load_from_cache(name, _CONFIG, cache_dir=cache)
        if isinstance(found, str):
            return Path(found).parent
    raise DataMissing(
        f"the text model {repository} is not on this machine: {wanted}",
        where=f"text_model={repository}",
        fix=f"looked in {Path(cache) / ('models--' + repository.replace('/', '--'))}. Get them "
        f"with {get}, or put them into a folder and name it: -o text_model=FOLDER. Its weights "
        f"are not needed. {_NO_DOWNLOAD}.",
    )
