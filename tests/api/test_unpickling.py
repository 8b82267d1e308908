"""Pickles of arrays are read without running anything; others are refused by name."""

from __future__ import annotations

import collections
import io
import os
import pickle
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from mmbench.api import ItemError
from mmbench.api.unpickling import load_npy, load_pickle

if TYPE_CHECKING:
    from pathlib import Path

TABLE = {
    "xyz": np.arange(12, dtype=np.float16).reshape(4, 3),
    "columns": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "big": np.arange(3, dtype=">i4"),
    "none": np.empty((0, 3), dtype=np.float32),
    "mask": np.array([True, False]),
    "names": np.array(["flower pot", "xbox"]),
    "each": [{"original": np.ones((1, 2), dtype=np.float32)}, None, 1.5, "text", b"bytes"],
    "number": np.float32(0.25),
}


def same(found: Any, wanted: Any) -> None:
    if isinstance(wanted, np.ndarray):
        assert found.dtype == wanted.dtype
        np.testing.assert_array_equal(found, wanted)
    elif isinstance(wanted, dict):
        assert found.keys() == wanted.keys()
        for key, each in wanted.items():
            same(found[key], each)
    elif isinstance(wanted, (list, tuple)):
        assert len(found) == len(wanted)
        for one, other in zip(found, wanted, strict=True):
            same(one, other)
    else:
        assert found == wanted


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_arrays_and_plain_values_come_back(tmp_path: Path, protocol: int) -> None:
    path = tmp_path / "table.dat"
    path.write_bytes(pickle.dumps(([TABLE], "end"), protocol))
    same(load_pickle(path), [[TABLE], "end"])


def test_objects_of_npy_files(tmp_path: Path) -> None:
    one, many, plain = (tmp_path / name for name in ("one.npy", "many.npy", "plain.npy"))
    scalar = np.empty((), dtype=object)
    scalar[()] = TABLE
    np.save(one, scalar, allow_pickle=True)
    rows = np.empty(2, dtype=object)
    rows[:] = [TABLE, {"xyz": TABLE["xyz"]}]
    np.save(many, rows, allow_pickle=True)
    np.save(plain, TABLE["xyz"])
    same(load_npy(one), TABLE)
    assert load_npy(many).shape == (2,)
    same(list(load_npy(many)), list(rows))
    same(load_npy(plain), TABLE["xyz"])


class Calls:
    """Unpickled, it calls a function."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.called = function, arguments

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return self.called


@pytest.mark.parametrize(
    ("function", "arguments", "name"),
    [
        (os.system, ("touch {}",), "posix.system" if os.name == "posix" else "nt.system"),
        (eval, ("open({!r}, 'w')",), "builtins.eval"),
        (os.mkdir, ("{}",), "posix.mkdir" if os.name == "posix" else "nt.mkdir"),
        (collections.OrderedDict, (), "collections.OrderedDict"),
        (np.load, ("{}",), "numpy.load"),
        (np.zeros, (10,), "numpy.zeros"),
    ],
)
def test_anything_else_is_refused_by_name_and_not_run(
    tmp_path: Path, function: Any, arguments: tuple[Any, ...], name: str
) -> None:
    made = tmp_path / "made"
    own = [each.format(str(made)) if isinstance(each, str) else each for each in arguments]
    trap = Calls(function, *own)
    table = np.empty((), dtype=object)
    table[()] = {"xyz": TABLE["xyz"], "rgb": trap}
    np.save(tmp_path / "trap.npy", table, allow_pickle=True)
    for protocol in (2, 4):
        path = tmp_path / "trap.dat"
        path.write_bytes(pickle.dumps([[TABLE["xyz"]], trap], protocol))
        with pytest.raises(ItemError) as caught:
            load_pickle(path)
        if protocol == 4:  # the older one calls builtins __builtin__
            assert f"names {name}, " in str(caught.value)
        assert f".{name.rpartition('.')[2]}, " in str(caught.value)
        assert "refused, nothing was run" in str(caught.value)
        assert str(path) in str(caught.value)
    with pytest.raises(ItemError, match="refused, nothing was run"):
        load_npy(tmp_path / "trap.npy")
    assert not made.exists()


def state(shape: Any, code: str, content: Any) -> bytes:
    """A pickle of one array with whatever state."""
    genuine = pickle.dumps(np.zeros(2, dtype="f4"), 2)

    class Liar:
        def __reduce__(self) -> Any:
            make, arguments, (version, _, _, fortran, _) = np.zeros(2, dtype="f4").__reduce__()
            return make, arguments, (version, shape, np.dtype(code), fortran, content)

    assert genuine
    return pickle.dumps(Liar(), 2)


@pytest.mark.parametrize(
    ("shape", "code", "content"),
    [
        ((10**9,), "f4", b"\0" * 8),
        ((2,), "f4", b"\0" * 7),
        ((-2,), "f4", b"\0" * 8),
        (("2",), "f4", b"\0" * 8),
        ((2,), "O", b"\0" * 16),
        ((2,), "O", [None]),
        ((1,), "f4,i4", b"\0" * 8),
        ((1,), "M8[s]", b"\0" * 8),
    ],
)
def test_arrays_that_lie_are_refused(tmp_path: Path, shape: Any, code: str, content: Any) -> None:
    path = tmp_path / "liar.dat"
    path.write_bytes(state(shape, code, content))
    with pytest.raises(ItemError, match="refused, nothing was run") as caught:
        load_pickle(path)
    assert str(path) in str(caught.value)


def test_damaged_files_are_said(tmp_path: Path) -> None:
    good = pickle.dumps([TABLE], 4)
    npy = io.BytesIO()
    np.save(npy, TABLE["xyz"])
    deep: list[Any] = []
    for _ in range(50):
        deep = [deep]
    for name, content, said in (
        ("empty.dat", b"", "is empty: 0 bytes"),
        ("cut.dat", good[: len(good) // 2], "cut off"),
        ("page.dat", b"<html>404</html>", "can't be read"),
        ("deep.dat", pickle.dumps(deep), "nested too deep"),
        ("set.dat", pickle.dumps({1, 2}, 4), "holds a set"),
        ("huge.dat", b"\x80\x02r\xff\xff\xff\x7f.", "can't be read"),
        ("cut.npy", npy.getvalue()[:-3], "can't be read"),
        ("page.npy", b"<html>404</html>", "can't be read"),
    ):
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(ItemError, match=said) as caught:
            (load_npy if name.endswith("npy") else load_pickle)(path)
        assert str(path) in str(caught.value)
    with pytest.raises(ItemError, match="is not there"):
        load_pickle(tmp_path / "none.dat")
