"""Names of the files of word-level sequences: YouTube's and MMMO's."""

from __future__ import annotations

__all__ = ["FILES", "PARTS"]

#: The parts whose streams are published.
PARTS = ("test", "valid")
#: How a stream's file is called.
FILES = {"text": "text_{}_emb.h5", "audio": "audio_{}.h5", "vision": "video_{}.h5", "y": "y_{}.h5"}
