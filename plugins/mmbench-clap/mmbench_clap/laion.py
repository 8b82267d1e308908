"""laion_clap's audio encoder, without running the package that it comes in.

Importing ``laion_clap`` loads three tokenizers from the hub, extends ``sys.path`` and brings a
training framework; its ``CLAP_Module`` loads a text model and a tokenizer from the hub once more.
The module that defines HTSAT does none of that. It is imported from laion_clap's folder under a
name of ours, so that nothing has to be patched and nothing is left behind.
"""

from __future__ import annotations

import sys
import warnings
from importlib import import_module
from importlib.machinery import ModuleSpec
from importlib.util import find_spec, module_from_spec
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from mmbench.api import UsageError
from mmbench_clap.architectures import SPECTROGRAM_SIDE

if TYPE_CHECKING:
    import torch

    from mmbench_clap.architectures import AudioArchitecture

__all__ = ["build_htsat"]

_PACKAGE = "mmbench_clap._clap_module"


def build_htsat(architecture: AudioArchitecture, *, fusion: bool) -> torch.nn.Module:
    """HTSAT (Chen et al. 2022, arXiv 2202.00874) as laion_clap builds it, its weights random.

    Raises:
        UsageError: laion_clap is not installed.
    """
    config = SimpleNamespace(
        sample_rate=architecture.rate,
        window_size=architecture.window,
        hop_size=architecture.hop,
        mel_bins=architecture.mel_bins,
        fmin=architecture.lowest,
        fmax=architecture.highest,
    )
    htsat = _htsat_module()
    with warnings.catch_warnings():
        # It calls torch.meshgrid as it was called in 2021.
        warnings.filterwarnings("ignore", "torch.meshgrid", UserWarning)
        made: torch.nn.Module = htsat.HTSAT_Swin_Transformer(
            spec_size=SPECTROGRAM_SIDE,
            patch_size=4,
            patch_stride=(4, 4),
            num_classes=architecture.classes,
            embed_dim=architecture.width,
            depths=list(architecture.depths),
            num_heads=list(architecture.heads),
            window_size=8,
            config=config,
            enable_fusion=fusion,
            fusion_type="aff_2d" if fusion else "None",
        )
    return made


def _htsat_module() -> Any:
    found = find_spec("laion_clap")  # finds the package without running it
    if found is None or not found.submodule_search_locations:
        raise UsageError(
            "laion_clap is not installed", where="option backend",
            fix="pip install 'laion-clap>=1.1.7' (it needs numpy < 2), or -o backend=transformers",
        )  # fmt: skip
    if _PACKAGE not in sys.modules:
        spec = ModuleSpec(_PACKAGE, None, is_package=True)
        folder = Path(next(iter(found.submodule_search_locations))) / "clap_module"
        spec.submodule_search_locations = [str(folder)]
        sys.modules[_PACKAGE] = module_from_spec(spec)
    return import_module(f"{_PACKAGE}.htsat")
