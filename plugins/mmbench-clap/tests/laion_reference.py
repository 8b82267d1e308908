"""A script: embeds sounds and texts with laion_clap itself, in a process of its own.

``python laion_reference.py FOLDER`` with ``HF_HOME`` naming a cache that holds ``roberta-base``. Of
each of ``plain`` and ``fused``, reads the weights ``FOLDER/NAME.pt`` and writes
``FOLDER/NAME.npz``. laion_clap's package is imported and its ``CLAP_Module`` is constructed.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np


def main(folder):
    import laion_clap
    import torch

    given = np.load(folder / "sounds.npz")
    texts = (folder / "texts.txt").read_text(encoding="utf-8").splitlines()
    for name in ("plain", "fused"):
        module = laion_clap.CLAP_Module(enable_fusion=name == "fused", device="cpu")
        state = torch.load(folder / f"{name}.pt", weights_only=False)["state_dict"]
        state = {key.removeprefix("module."): value for key, value in state.items()}
        module.model.load_state_dict(state, strict=True)
        with torch.no_grad():
            np.savez(
                folder / f"{name}.npz",
                # One by one: they differ in length.
                audio=np.concatenate([
                    module.get_audio_embedding_from_data(given[key][None]) for key in given
                ]),
                text=module.get_text_embedding(texts),
            )  # fmt: skip


if __name__ == "__main__":
    main(Path(sys.argv[1]))
