"""Architectures of open_clip that ULIP-2's towers may have, read without importing it or torch."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from difflib import get_close_matches
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from mmbench.api import UsageError

__all__ = ["NONE", "SLIP", "Architecture", "read_architecture"]

#: What the option ``towers`` calls ULIP's own towers, and the lack of any.
SLIP, NONE = "slip", "none"
_REQUIRED = ("embed_dim", "vision_cfg", "text_cfg")


@dataclass(frozen=True)
class Architecture:
    """An architecture of open_clip.

    Attributes:
        name: open_clip's name, or the path of a config of one's own.
        config: What open_clip builds the model from.
        preprocessing: What the config says of the preprocessing; empty where it says nothing.
        own: Whether the config is a file of the user's.
    """

    name: str
    config: dict[str, Any]
    preprocessing: dict[str, Any] = field(default_factory=dict)
    own: bool = False

    @property
    def dim(self) -> int:
        """Length of the vectors."""
        return int(self.config["embed_dim"])


def read_architecture(towers: str) -> Architecture:
    """Read the config that the option ``towers`` names.

    Args:
        towers: open_clip's name of it, or a JSON file in the form of its configs.

    Raises:
        UsageError: There is none, it is no config, or its towers are of another kind.
    """
    path = Path(towers).expanduser()
    if path.suffix == ".json":
        read = _read(path)
        config = _checked(read.get("model_cfg", read), path)
        return Architecture(str(path), config, read.get("preprocess_cfg", {}), own=True)
    folder = _shipped_configs()
    file = folder / f"{towers.replace('/', '-')}.json"
    if not file.is_file():
        names = sorted(each.stem for each in folder.glob("*.json"))
        close = get_close_matches(towers, [SLIP, NONE, *names], n=3, cutoff=0.4)
        few = f"did you mean {' or '.join(close)}? " if close else ""
        raise UsageError(
            f"there are no towers {towers!r}", where="option towers",
            fix=f"{few}Take {SLIP} (ULIP), ViT-bigG-14 (ULIP-2) or another name of open_clip's, a "
            f"JSON config of one's own, or {NONE}",
        )  # fmt: skip
    return Architecture(file.stem, _checked(_read(file), file))


def _read(file: Path) -> dict[str, Any]:
    try:
        read = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"is no config of a model: {error}", where=str(file)) from error
    if not isinstance(read, dict):
        raise UsageError("is no config of a model: it holds no JSON object", where=str(file))
    return read


def _checked(config: Any, file: Path) -> dict[str, Any]:
    missing = [key for key in _REQUIRED if key not in config]
    if missing:
        raise UsageError(
            f"is no config of a model: it lacks {', '.join(missing)}", where=str(file),
            fix="it has the form of the files in open_clip/model_configs",
        )  # fmt: skip
    vision, text = config["vision_cfg"], config["text_cfg"]
    others = (
        vision.get("timm_model_name"), text.get("hf_model_name"), text.get("hf_tokenizer_name"),
        config.get("custom_text"), config.get("multimodal_cfg"),
    )  # fmt: skip
    if any(others):
        raise UsageError(
            "its towers are not open_clip's own", where=str(file),
            fix="take one whose towers are, such as ViT-bigG-14",
        )  # fmt: skip
    return dict(config)


def _shipped_configs() -> Path:
    """The folder of the configs that open_clip ships."""
    spec = find_spec("open_clip")
    if spec is None or not spec.submodule_search_locations:
        raise UsageError(
            "open_clip is not installed", where="ulip", fix="pip install open-clip-torch"
        )
    return Path(spec.submodule_search_locations[0]) / "model_configs"
