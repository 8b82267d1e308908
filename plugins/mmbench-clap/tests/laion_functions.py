"""laion_clap's own functions of the audio path, without running its package.

Importing laion_clap loads tokenizers from the hub; the functions that these tests compare with are
compiled from its source file alone.
"""

from __future__ import annotations

import ast
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

_WANTED = ("int16_to_float32", "float32_to_int16", "get_mel", "get_audio_features")


def laion_functions():
    """``get_audio_features`` and what it needs, as laion_clap has them."""
    import numpy as np
    import torch
    import torch.nn.functional
    import torchaudio
    import torchvision

    folder = Path(next(iter(find_spec("laion_clap").submodule_search_locations)))
    tree = ast.parse((folder / "training" / "data.py").read_text(encoding="utf-8"))
    tree.body = [
        node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name in _WANTED
    ]
    names = {
        "np": np, "torch": torch, "torchaudio": torchaudio, "torchvision": torchvision,
        "F": torch.nn.functional, "suppress": suppress,
    }  # fmt: skip
    exec(compile(tree, "data.py", "exec"), names)
    return SimpleNamespace(**{name: names[name] for name in _WANTED})
