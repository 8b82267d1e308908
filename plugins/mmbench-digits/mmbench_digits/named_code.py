"""Which class or function a ``.pt`` names that torch refuses to load, to say so.

torch itself names it where a file is of pickle protocol 2, its own. Files of other protocols it
refuses as a whole: those are walked through here, with nothing that could be run.
"""

from __future__ import annotations

import pickle
import re
import zipfile
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["code_named_in"]

_SAID = re.compile(r"(?:GLOBAL|function) <?([\w.]+)")
#: What tensors and dictionaries are made by.
_PLAIN = re.compile(r"torch\._utils\.\w+|torch\.\w+Storage|collections\.OrderedDict")
#: In torch's files from before 1.6 four short pickles may come before that of the content.
_PICKLES = 5


class _Named(Exception):  # noqa: N818 - no error: what was looked for
    """A class or a function is named."""


class _Names(pickle.Unpickler):
    """Walks through a pickle, imports nothing, and stops at the first name."""

    def find_class(self, module: str, name: str) -> Any:
        named = f"{module}.{name}"
        if not _PLAIN.fullmatch(named):
            raise _Named(named)
        return _nothing

    def persistent_load(self, pid: Any) -> None:
        """Tensors' numbers, which lie elsewhere."""


def code_named_in(path: Path, said: str) -> str:
    """The class or function, with its module; empty where none is found.

    Args:
        path: A file that torch refuses.
        said: What torch says of it.
    """
    if found := _SAID.search(said):
        return found[1]
    try:
        if not zipfile.is_zipfile(path):
            with path.open("rb") as file:
                return _first_name(file)
        with zipfile.ZipFile(path) as archive:
            inside = next(each for each in archive.namelist() if each.endswith("data.pkl"))
            with archive.open(inside) as file:
                return _first_name(file)
    except Exception:  # noqa: BLE001 - broken bytes meet it with any error, and name nothing
        return ""


def _first_name(file: IO[bytes]) -> str:
    """The first name in a file's pickles; an error of pickle's where they end without one."""
    for _ in range(_PICKLES):
        try:
            _Names(file).load()
        except _Named as named:
            return str(named)
    return ""


def _nothing(*_: Any) -> None:
    """What stands for the makers of tensors."""
