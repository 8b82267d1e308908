"""Decoded payloads as files: lossless, without pickle, one payload a file.

A file is a line of JSON, and the numbers of the payload's arrays one after the other. (Not as
``.npy`` has them: Python before 3.11.8 now and then fails to parse those headers in two threads at
once, github.com/python/cpython/issues/106905.) There are no checksums and no compression, since a
spool does not outlive its run: a payload is written and read at the speed of the disk.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from mmbench.api.payloads import KINDS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from mmbench.api import Payload

__all__ = ["Packed", "pack", "read_payload", "write_payload"]


@dataclass(frozen=True)
class Packed:
    """A payload, ready to be written.

    Attributes:
        header: Its kind, its plain fields; of its arrays the name, dtype, shape and layout.
        arrays: In the header's order.
    """

    header: bytes
    arrays: Sequence[NDArray[Any]]

    @property
    def bytes(self) -> int:
        """Room that it takes."""
        return len(self.header) + 1 + sum(array.nbytes for array in self.arrays)


class _Unpackable(Exception):  # noqa: N818 - an answer, not a failure
    """A value that would not come back as it was."""


def pack(payload: Payload) -> Packed | None:
    """A payload as header and arrays; None where it would not come back just as it is.

    That is so for classes of a plugin's own and for values that are neither plain nor numpy's.
    """
    kind = type(payload).__name__
    if KINDS.get(kind) is not type(payload):
        return None
    plain: dict[str, Any] = {}
    arrays: dict[str, NDArray[Any]] = {}
    try:
        for each in fields(payload):
            value = getattr(payload, each.name)
            if type(value) in {np.ndarray, np.memmap}:
                arrays[each.name] = _own_layout(value)
            elif type(value) is dict:
                plain[each.name] = ["cells", [[_name(k), _plain(v)] for k, v in value.items()]]
            else:
                plain[each.name] = _plain(value)
    except _Unpackable:
        return None
    described = [
        [name, each.dtype.str, each.shape, _by_columns(each)] for name, each in arrays.items()
    ]
    header = json.dumps({"kind": kind, "plain": plain, "arrays": described})
    return Packed(header.encode("ascii"), list(arrays.values()))


def write_payload(path: Path, packed: Packed) -> None:
    """Write a packed payload.

    Raises:
        OSError: The disk refuses it.
    """
    with path.open("wb") as file:
        file.write(packed.header + b"\n")
        for array in packed.arrays:
            (array.T if _by_columns(array) else array).tofile(file)


def read_payload(path: Path) -> Payload:
    """The payload in a file.

    Raises:
        OSError: There is no such file.
        ValueError: It is damaged.
    """
    with path.open("rb") as file:
        header = json.loads(file.readline())
        found = {name: _value(said) for name, said in header["plain"].items()}
        for name, dtype, shape, by_columns in header["arrays"]:
            flat = np.fromfile(file, np.dtype(dtype), count=math.prod(shape))
            found[name] = flat.reshape(shape, order="F" if by_columns else "C")
    return KINDS[header["kind"]](**found)


def _by_columns(array: NDArray[Any]) -> bool:
    """Whether its numbers lie column after column."""
    return bool(array.flags.f_contiguous and not array.flags.c_contiguous)


def _own_layout(array: NDArray[Any]) -> NDArray[Any]:
    """The array itself: rows first or columns first comes back as it was, gaps are closed."""
    if array.dtype.hasobject or array.dtype.names is not None:
        raise _Unpackable
    return np.asarray(array)


def _name(key: Any) -> str:
    if type(key) is not str:
        raise _Unpackable
    return key


def _plain(value: Any) -> list[Any]:
    """A tagged value: JSON's own types, and numpy's numbers by dtype and bytes."""
    if value is None or type(value) in {str, int, float, bool}:
        return ["plain", value]
    if isinstance(value, np.generic) and value.dtype.kind in "biufc":
        return ["numpy", value.dtype.str, value.tobytes().hex()]
    raise _Unpackable


def _value(said: list[Any]) -> Any:
    """What :func:`_plain` tagged."""
    if said[0] == "cells":
        return {name: _value(cell) for name, cell in said[1]}
    if said[0] == "numpy":
        return np.frombuffer(bytes.fromhex(said[2]), dtype=said[1])[0]
    return said[1]
