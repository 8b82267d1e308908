"""Architectures: open_clip's JSON configs, read without importing open_clip or torch."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from difflib import get_close_matches
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from mmbench.api import UsageError

__all__ = ["CONFIG_FILE", "Architecture", "read_architecture", "read_config"]

#: What open_clip calls the config in a folder or hub repository of a model.
CONFIG_FILE = "open_clip_config.json"
_REQUIRED = ("embed_dim", "vision_cfg", "text_cfg")


@dataclass(frozen=True)
class Architecture:
    """An architecture, as far as its config tells.

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

    @property
    def is_vit(self) -> bool:
        """Whether pictures are encoded by open_clip's own vision transformer."""
        vision = self.config["vision_cfg"]
        return not vision.get("timm_model_name") and isinstance(vision.get("layers", 12), int)

    @property
    def has_tokens(self) -> bool:
        """Whether patch tokens can be projected into the joint space as the class token is.

        Not with an attentional pooler (CoCa): its projection takes what the pooler gives.
        """
        return self.is_vit and not self.config["vision_cfg"].get("attentional_pool")

    @property
    def has_values(self) -> bool:
        """Whether the last block's attention is the plain one, whose value path is known."""
        vision = self.config["vision_cfg"]
        extras = ("qk_norm", "scaled_cosine_attn", "scale_heads", "scale_attn_inner", "scale_attn",
                  "scale_fc")  # fmt: skip
        plain = vision.get("block_type") in (None, "default") and not any(map(vision.get, extras))
        return self.has_tokens and plain

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width of the input."""
        return _pair(self.config["vision_cfg"].get("image_size", 224))

    @property
    def patch_size(self) -> tuple[int, int]:
        """Height and width of a patch; of vision transformers only."""
        return _pair(self.config["vision_cfg"].get("patch_size") or 16)

    def grid(self, size: tuple[int, int], option: str) -> tuple[int, int]:
        """Rows and columns of patches in an input of this size.

        Raises:
            UsageError: The model can't take the size that the option asks for.
        """
        if not self.is_vit:
            raise UsageError(
                f"the pictures of {self.name} have one size only", where=f"option {option}",
                fix="leave it out; open_clip's own vision transformers take other sizes",
            )  # fmt: skip
        patch = self.patch_size
        if min(size) < 1 or size[0] % patch[0] or size[1] % patch[1]:
            raise UsageError(
                f"{size[0]} x {size[1]} pixels are no whole number of patches of "
                f"{patch[0]} x {patch[1]}",
                where=f"option {option}",
                fix=f"take a multiple of {patch[0]}, such as {10 * patch[0]}",
            )
        return size[0] // patch[0], size[1] // patch[1]


def read_architecture(model: str) -> Architecture:
    """Read the config of a model.

    Args:
        model: open_clip's name of it, a JSON file, or a folder with an ``open_clip_config.json``.

    Raises:
        UsageError: There is none, or it is no config.
    """
    path = Path(model).expanduser()
    if path.suffix == ".json" or path.is_dir():
        file = path / CONFIG_FILE if path.is_dir() else path
        read = read_config(file)
        config = read.get("model_cfg", read)
        return Architecture(str(file), _checked(config, file), read.get("preprocess_cfg", {}), True)
    folder = _shipped_configs()
    name = model.replace("/", "-")
    file = folder / f"{name}.json"
    if not file.is_file():
        names = sorted(each.stem for each in folder.glob("*.json"))
        close = get_close_matches(name, names, n=3, cutoff=0.4)
        few = f"did you mean {' or '.join(close)}? " if close else ""
        raise UsageError(
            f"open_clip has no model {model!r}",
            where="option model",
            fix=f"{few}Or give the path of a JSON config (.json). open_clip's names: "
            f"{', '.join(names)}.",
        )
    return Architecture(name, _checked(read_config(file), file))


def read_config(file: Path) -> dict[str, Any]:
    """A JSON object.

    Raises:
        UsageError: There is no such file, or it is something else.
    """
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
            f"is no config of a model: it lacks {', '.join(missing)}",
            where=str(file),
            fix="it has the form of the files in open_clip/model_configs",
        )
    return dict(config)


def _shipped_configs() -> Path:
    """The folder of the configs that open_clip ships."""
    spec = find_spec("open_clip")
    if spec is None or not spec.submodule_search_locations:
        raise UsageError(
            "open_clip is not installed", where="clip", fix="pip install open-clip-torch"
        )
    return Path(spec.submodule_search_locations[0]) / "model_configs"


def _pair(size: Any) -> tuple[int, int]:
    height, width = size if isinstance(size, (list, tuple)) else (size, size)
    return int(height), int(width)
