"""``mhd_train.pt`` and ``mhd_test.pt``: read without running a line of theirs, and written.

A file is what ``torch.save`` makes of a tuple of six: labels [n], images [n, 1, 28, 28],
trajectories [n, 200] (100 x, then 100 y), sounds [n, 4, 32, 32], and what the trajectories and the
sounds were scaled by.

Source: miguelsvasco/gmc bc4eada, ``mhd_dataset.py``; miguelsvasco/nexus_pytorch ad8e408.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from zipfile import is_zipfile

import numpy as np
import torch

from mmbench.api import DataError
from mmbench_digits.named_code import code_named_in

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["CLASSES", "Digits", "read_digits", "write_digits"]

CLASSES = 10
_WHOLE = (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)
#: The tensors of a file, after its labels, in the file's order.
_SHAPES: dict[str, tuple[int, ...]] = {
    "images": (1, 28, 28),
    "trajectories": (200,),
    "sounds": (4, 32, 32),
}
_PARTS = ("labels", *_SHAPES, "trajectories' scale", "sounds' scale")
_AGAIN = "get or make the file again"
_BROKEN = "is no file of torch.save, or is cut off"
#: What numpy's own scalars are made by, in either numpy line; a scale may be one.
_SCALARS = ("numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar")


@dataclass(frozen=True)
class Digits:
    """What one file holds, as it is stored.

    Attributes:
        labels: int64 [n], 0..9.
        images: [n, 1, 28, 28].
        trajectories: [n, 200].
        sounds: [n, 4, 32, 32].
        trajectory_scale: ``min`` and ``max`` before they were brought to 0..1; more may be said.
        sound_scale: The same of the sounds.
    """

    labels: NDArray[np.int64]
    images: NDArray[np.float32]
    trajectories: NDArray[np.float32]
    sounds: NDArray[np.float32]
    trajectory_scale: Mapping[str, Any] = field(default_factory=dict)
    sound_scale: Mapping[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.labels)


def read_digits(path: Path) -> Digits:
    """Open a file. Its tensors stay on disk until they are used, where the format allows that.

    Raises:
        DataError: It can't be read, needs code to be read, or is no such tuple.
    """
    found = _loaded(path)
    if not isinstance(found, (tuple, list)) or len(found) != len(_PARTS):
        size = f" of {len(found)}" if isinstance(found, (tuple, list)) else ""
        raise DataError(
            f"holds a {type(found).__name__}{size}, not a tuple of six: {', '.join(_PARTS)}",
            where=str(path),
            fix=_AGAIN,
        )
    labels, *tensors, trajectory_scale, sound_scale = found
    for name, scale in zip(_PARTS[4:], (trajectory_scale, sound_scale), strict=True):
        if not isinstance(scale, dict):
            raise DataError(
                f"its {name} is a {type(scale).__name__}, not a dict with min and max",
                where=str(path),
                fix=_AGAIN,
            )
    values = _labels(labels, path)
    images, trajectories, sounds = (
        _numbers(tensor, name, shape, len(values), path)
        for tensor, (name, shape) in zip(tensors, _SHAPES.items(), strict=True)
    )
    return Digits(values, images, trajectories, sounds, trajectory_scale, sound_scale)


def write_digits(path: Path, digits: Digits) -> None:
    """Write a file in this layout; the same digits give the same bytes."""
    tensors = [
        torch.from_numpy(each.copy())
        for each in (digits.labels, digits.images, digits.trajectories, digits.sounds)
    ]
    torch.save((*tensors, dict(digits.trajectory_scale), dict(digits.sound_scale)), path)


def _loaded(path: Path) -> Any:
    """What the file holds: tensors and plain values only."""
    if not path.is_file() or path.stat().st_size == 0:
        what = "is empty" if path.is_file() else "is not there"
        raise DataError(what, where=str(path), fix=_AGAIN)
    dtypes = [type(np.dtype(code)) for code in ("f4", "f8", "i4", "i8")]
    scalar = np.float64(0).__reduce__()[0]
    plain: list[Any] = [np.dtype, *dtypes, *((scalar, name) for name in _SCALARS)]
    try:
        with warnings.catch_warnings(), torch.serialization.safe_globals(plain):
            warnings.simplefilter("ignore")  # of other protocols: an error follows, if it is one
            try:
                return torch.load(path, map_location="cpu", weights_only=True, mmap=True)
            except RuntimeError as error:
                if "mmap can only be used" not in str(error):
                    raise
                # What torch wrote before 1.6 can't be mapped.
                return torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise DataError(f"can't be read: {error.strerror}", where=str(path)) from error
    except Exception as error:  # torch meets broken bytes with almost any of them
        raise DataError(_refusal(path, error), where=str(path), fix=_AGAIN) from error


def _refusal(path: Path, error: Exception) -> str:
    """Why torch does not read a file: it needs code, or it is none of torch's."""
    if "TorchScript" in str(error):
        return "needs code to be read: it is a TorchScript program; refused, nothing was run"
    if named := code_named_in(path, str(error)):
        return (
            f"needs code to be read: it names {named}, which is no tensor and no plain value; "
            "refused, nothing was run"
        )
    if "Unsupported operand" in str(error) and is_zipfile(path):
        return "is of another pickle protocol than 2, the one that torch reads without code"
    return _BROKEN


def _labels(labels: Any, path: Path) -> NDArray[np.int64]:
    """Labels [n], all of them digits."""
    if not _is_dense(labels) or labels.dtype not in _WHOLE or labels.ndim != 1:
        raise DataError(
            f"its labels should be whole numbers [items], not {_shown(labels)}",
            where=str(path),
            fix=_AGAIN,
        )
    values: NDArray[np.int64] = labels.numpy().astype(np.int64)
    if not len(values):
        raise DataError("holds no items", where=str(path), fix=_AGAIN)
    wrong = np.flatnonzero((values < 0) | (values >= CLASSES))
    if len(wrong):
        more = f", as are {len(wrong) - 1} more" if len(wrong) > 1 else ""
        raise DataError(
            f"the label of item {wrong[0]} is {values[wrong[0]]}, not 0..{CLASSES - 1}{more}",
            where=str(path),
            fix=_AGAIN,
        )
    return values


def _numbers(
    tensor: Any, name: str, shape: tuple[int, ...], items: int, path: Path
) -> NDArray[np.float32]:
    """One part [n, ...], as long as the labels."""
    there = _is_dense(tensor) and tensor.dtype in (torch.float32, torch.float64)
    if not there or tuple(tensor.shape[1:]) != shape:
        wanted = ", ".join(map(str, ("items", *shape)))
        raise DataError(
            f"its {name} should be floats [{wanted}], not {_shown(tensor)}",
            where=str(path),
            fix=_AGAIN,
        )
    if len(tensor) != items:
        raise DataError(
            f"holds {len(tensor)} {name} for {items} labels", where=str(path), fix=_AGAIN
        )
    array: NDArray[np.float32] = tensor.detach().resolve_neg().numpy()
    return array


def _is_dense(value: Any) -> bool:
    """Whether it is a tensor whose numbers are all there."""
    dense = isinstance(value, torch.Tensor) and value.layout == torch.strided
    return dense and not value.is_meta


def _shown(value: Any) -> str:
    """What a part is, in words."""
    if not isinstance(value, torch.Tensor):
        return f"a {type(value).__name__}"
    kind = "" if _is_dense(value) else "meta " if value.is_meta else "sparse "
    return f"{kind}{value.dtype} {list(value.shape)}".replace("torch.", "")
