"""Reads pickles of arrays and plain values, and runs nothing that they name.

A pickle is a program: it names callables and has them called. Here every name stands for a class
below, which keeps what it is handed; the arrays are made afterwards, from bytes whose number is
checked. Any other name is refused before anything is called.
"""

from __future__ import annotations

import math
import os
import pickle
import re
from typing import IO, TYPE_CHECKING, Any, ClassVar

from mmbench.api.errors import ItemError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

__all__ = ["load_npy", "load_pickle"]

#: Numbers, truth values, texts, or objects (which are plain values or arrays in turn).
_DTYPE = re.compile(r"[<>|=]?(b1|[iu][1248]|f[248]|[SU]\d{1,6}|O8?)")
#: A tree that is deeper is no data set.
_DEEPEST = 32


class _ForbiddenError(pickle.UnpicklingError):
    """A name that a pickle of arrays has no need of."""


class _Named:
    """What a pickle may name and hand over, but not call."""


class _DType:
    """``numpy.dtype``: a code such as ``f4``, and then its byte order."""

    def __init__(self, code: Any, *_flags: Any) -> None:
        code = code.decode("ascii", "replace") if isinstance(code, bytes) else code
        if not isinstance(code, str) or not _DTYPE.fullmatch(code):
            raise _ForbiddenError(f"names the dtype {str(code)[:40]!r}")
        self.code = code.lstrip("<>|=")
        self.order = code[0] if code[0] in "<>" else "="

    def __setstate__(self, state: Any) -> None:
        order = state[1] if isinstance(state, tuple) and len(state) > 4 else None
        order = order.decode("ascii", "replace") if isinstance(order, bytes) else order
        if order not in ("<", ">", "|", "=") or any(each is not None for each in state[2:5]):
            raise _ForbiddenError("names a dtype with fields")
        self.order = order

    def made(self) -> np.dtype[Any]:
        """The true one."""
        import numpy as np

        return np.dtype(("O" if self.code[0] == "O" else self.order + self.code).replace("|", ""))


class _Rows:
    """``_reconstruct``: an array whose state follows."""

    def __init__(self, *_arguments: Any) -> None:
        self.state: tuple[Any, ...] = ()

    def __setstate__(self, state: Any) -> None:
        if not isinstance(state, tuple) or len(state) != 5 or not isinstance(state[2], _DType):
            raise _ForbiddenError("holds an array without a shape and a dtype")
        self.state = state

    def made(self, level: int) -> Any:
        """The true array."""
        if not self.state:
            raise _ForbiddenError("holds an array without content")
        _, shape, dtype, fortran, content = self.state
        return _array(content, dtype, shape, "F" if fortran else "C", level)


class _Buffer:
    """``_frombuffer``: an array of protocol 5."""

    def __init__(self, content: Any, dtype: Any, shape: Any, order: Any = "C") -> None:
        if not isinstance(dtype, _DType):
            raise _ForbiddenError("holds an array without a dtype")
        self.content, self.dtype, self.shape, self.order = content, dtype, shape, order

    def made(self, level: int) -> Any:
        """The true array."""
        return _array(self.content, self.dtype, self.shape, self.order, level)


class _Scalar:
    """``scalar``: one number of numpy's."""

    def __init__(self, dtype: Any, content: Any = b"") -> None:
        if not isinstance(dtype, _DType):
            raise _ForbiddenError("holds a number without a dtype")
        self.dtype, self.content = dtype, content

    def made(self, level: int) -> Any:
        """The true number, as a plain one."""
        return _array(self.content, self.dtype, (1,), "C", level).tolist()[0]


def _encode(text: Any, encoding: Any) -> bytes:
    """``_codecs.encode``, as old protocols write bytes."""
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1"):
        raise _ForbiddenError(f"names _codecs.encode to {str(encoding)[:40]!r}")
    return text.encode("latin1")


def _no_bytes() -> bytes:
    """``bytes()``, as old protocols write an array without content."""
    return b""


def _array(content: Any, dtype: _DType, shape: Any, order: Any, level: int) -> NDArray[Any]:
    """An array of as many bytes, or objects, as its shape says."""
    import numpy as np

    sizes = shape if isinstance(shape, tuple) else ()
    if order not in ("C", "F") or not all(type(size) is int and size >= 0 for size in sizes):
        raise _ForbiddenError(f"holds an array of the shape {str(shape)[:40]}")
    count = math.prod(sizes)
    true = dtype.made()
    if true.hasobject:
        if not isinstance(content, list) or len(content) != count:
            raise _ForbiddenError("holds an array whose content does not fit its shape")
        flat = np.empty(count, dtype=object)
        for row, each in enumerate(content):
            flat[row] = _plain(each, level + 1)
        return flat.reshape(sizes, order=order)
    if isinstance(content, str):  # bytes, as Python 2 wrote them
        content = content.encode("latin1", "replace")
    if not isinstance(content, (bytes, bytearray)) or len(content) != count * true.itemsize:
        raise _ForbiddenError("holds an array whose content does not fit its shape")
    if not count:
        return np.empty(sizes, dtype=true)
    return np.frombuffer(content, dtype=true).reshape(sizes, order=order)


def _plain(value: Any, level: int = 0) -> Any:
    """The value with true arrays in it; lists, tuples and tables are walked through."""
    if level > _DEEPEST:
        raise _ForbiddenError("is nested too deep")
    if isinstance(value, (_Rows, _Buffer, _Scalar)):
        return value.made(level)
    if isinstance(value, (list, tuple)):
        return [_plain(each, level + 1) for each in value]
    if isinstance(value, dict):
        return {key: _plain(each, level + 1) for key, each in value.items()}
    if value is None or isinstance(value, (str, bytes, bool, int, float)):
        return value
    raise _ForbiddenError(f"holds a {type(value).__name__}")


_BOTH = ("numpy.core", "numpy._core")


class _Reader(pickle.Unpickler):
    """Finds the stand-ins above, and nothing else."""

    known: ClassVar[dict[tuple[str, str], Callable[..., Any] | type]] = {
        ("numpy", "ndarray"): _Named,
        ("numpy", "dtype"): _DType,
        ("_codecs", "encode"): _encode,
        **{(module, "bytes"): _no_bytes for module in ("builtins", "__builtin__")},
        **{(f"{core}.multiarray", "_reconstruct"): _Rows for core in _BOTH},
        **{(f"{core}.multiarray", "scalar"): _Scalar for core in _BOTH},
        **{(f"{core}.numeric", "_frombuffer"): _Buffer for core in _BOTH},
    }

    def find_class(self, module: str, name: str) -> Any:
        """What a name stands for.

        Raises:
            _ForbiddenError: Something that no pickle of arrays names.
        """
        found = self.known.get((module, name))
        if found is None:
            raise _ForbiddenError(f"names {module}.{name}")
        return found


def load_pickle(path: Path) -> Any:
    """What a pickle of arrays and plain values holds; tuples come back as lists.

    Raises:
        ItemError: It is not there, is cut off, is none, or names anything but arrays.
    """
    return _opened(path, _read_pickle)


def load_npy(path: Path) -> Any:
    """What a ``.npy`` file holds: an array, or the objects of one, as :func:`load_pickle` has it.

    Raises:
        ItemError: It is not there, is cut off, is none, or names anything but arrays.
    """
    return _opened(path, _read_npy)


def _opened(path: Path, read: Callable[[IO[bytes]], Any]) -> Any:
    where = os.fsencode(path).decode("utf-8", "backslashreplace")
    if not path.is_file():
        raise ItemError("the file is not there", where=where)
    if not path.stat().st_size:
        raise ItemError("the file is empty: 0 bytes", where=where)
    try:
        with path.open("rb") as file:
            return read(file)
    except _ForbiddenError as error:
        raise ItemError(
            f"the pickle {error}, which is no array or plain value: refused, nothing was run",
            where=where,
            fix="a pickle is a program; get the file from where it was published",
        ) from error
    except Exception as error:  # a damaged pickle raises all kinds of things
        said = str(error) or type(error).__name__
        raise ItemError(f"can't be read, or is cut off: {said[:200]}", where=where) from error


def _read_pickle(file: IO[bytes]) -> Any:
    return _plain(_Reader(file, encoding="latin1").load())


def _read_npy(file: IO[bytes]) -> Any:
    import numpy as np
    from numpy.lib import format as npy_format

    npy: Any = npy_format  # some of its functions have no types
    version = npy.read_magic(file)
    header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, _, dtype = header(file)
    if not dtype.hasobject:
        file.seek(0)
        return np.load(file, allow_pickle=False)
    objects = _read_pickle(file)
    if not isinstance(objects, np.ndarray) or objects.shape != shape:
        raise _ForbiddenError("holds no array of the shape that the header says")
    return objects.item() if shape == () else objects
