"""Artifacts: trained states (and what interactions gave) under two keys, their maker and content.

The *recipe* key is known before training and points to the first artifact published for it. The
*content* hash is what enters embedding keys. Two fits of one recipe that differ in the last bit
can therefore never mix: the second one to finish adopts the first one's state.
"""

from __future__ import annotations

import io
import json
import logging
import os
from hashlib import blake2b
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from mmbench.api.errors import PluginError, StoreError
from mmbench.api.representation import State
from mmbench.runner.vectors import storage_error

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["ArtifactStore"]

log = logging.getLogger("mmbench.store")


class ArtifactStore:
    """Trained states, and what interactions gave, in ``<root>/artifacts``.

    Attributes:
        damage: What was found damaged since the store was opened, a line each: recipe and kind.
    """

    def __init__(self, root: Path) -> None:
        self.root = root / "artifacts"
        self.damage: list[str] = []
        self._whole: dict[str, tuple[int, int]] = {}

    def find(self, recipe: str) -> str | None:
        """Content hash of the artifact published for this recipe, if it is whole."""
        said: Any = None
        try:
            said = json.loads(self._recipe(recipe).read_text())
            content = str(said["content"])
            damaged = not self._is_whole(content)
        except (OSError, ValueError, KeyError, TypeError):
            damaged = self._recipe(recipe).exists()
            content = ""
        if damaged:
            # A damaged artifact is a miss: forget the pointer, so that a new one can be published.
            kind = "what an interaction gave" if is_interaction(said) else "a trained state"
            line = f"{self._recipe(recipe)}: {kind}"
            log.info("damaged: %s; it is made again", line)
            self.damage.append(line)
            self._recipe(recipe).unlink(missing_ok=True)
            return None
        return content or None

    def seconds(self, recipe: str) -> float:
        """How long it took to make, when that was done."""
        try:
            return float(self.described(recipe)["seconds"])
        except (ValueError, KeyError, TypeError):
            return 0.0

    def described(self, recipe: str) -> dict[str, Any]:
        """What was said of it when it was published."""
        try:
            said = json.loads(self._recipe(recipe).read_text())
        except (OSError, ValueError):
            return {}
        return said if isinstance(said, dict) else {}

    def load(self, content: str) -> State:
        """The state of this content hash.

        Raises:
            StoreError: It is missing or damaged.
        """
        import numpy as np

        path = self._content(content)
        try:
            raw = path.read_bytes()
        except OSError as error:
            raise StoreError(
                f"can't read a trained state, or what an interaction gave: {error}", where=str(path)
            ) from error
        if _hash(raw) != content:
            raise StoreError(
                "a trained state, or what an interaction gave, is damaged",
                where=str(path),
                fix="run again: it is made anew",
            )
        with np.load(io.BytesIO(raw), allow_pickle=False) as file:
            arrays = {name[2:]: file[name] for name in file.files if name.startswith("a:")}
            meta = json.loads(str(file["meta"]))
        return State(arrays, meta)

    def publish(self, recipe: str, state: State, described: dict[str, object]) -> str:
        """Store a state; returns the content hash that this recipe stands for from now on."""
        import numpy as np

        buffer = io.BytesIO()
        arrays = {f"a:{name}": np.asarray(array) for name, array in sorted(state.arrays.items())}
        for name, array in arrays.items():
            if array.dtype.hasobject:
                raise PluginError(f"state() holds Python objects in {name[2:]!r}, not an array")
        meta = np.array(json.dumps(state.meta, sort_keys=True))
        np.savez(buffer, meta=meta, **arrays)
        raw = buffer.getvalue()
        content = _hash(raw)
        said = json.dumps({"content": content, **described}, sort_keys=True, default=str)
        try:
            _write(self._content(content), raw, replace=True)
            while not _write(self._recipe(recipe), said.encode(), replace=False):
                first = self.find(recipe)  # None: it was damaged, and is out of the way now
                if first is not None:
                    return first
        except OSError as error:
            raise storage_error(error, self.root) from error
        return content

    def _is_whole(self, content: str) -> bool:
        """Whether a state is what its name says; a file that is as it was is not read again.

        Raises:
            OSError: It is not there, or can't be read.
        """
        path = self._content(content)
        found = path.stat()
        seen = (found.st_mtime_ns, found.st_size)
        if self._whole.get(content) != seen:
            if _hash(path.read_bytes()) != content:
                return False
            self._whole[content] = seen
        return True

    def _recipe(self, recipe: str) -> Path:
        return self.root / "recipes" / f"{recipe}.json"

    def _content(self, content: str) -> Path:
        return self.root / "states" / f"{content}.npz"


def is_interaction(said: Any) -> bool:
    """Whether a recipe's file is of an interaction, not of a training: it names its task."""
    return isinstance(said, dict) and "task" in said


def _hash(raw: bytes) -> str:
    return blake2b(raw, digest_size=16).hexdigest()


def _write(path: Path, content: bytes, *, replace: bool) -> bool:
    """Write a whole file or none; without ``replace``, False if somebody was first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        temporary.write_bytes(content)
        if replace:
            temporary.replace(path)
            return True
        try:
            os.link(temporary, path)
        except FileExistsError:
            return False
        return True
    finally:
        temporary.unlink(missing_ok=True)
