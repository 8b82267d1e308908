"""Embedding matrices: brought to one array library, checked, scaled to unit length."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import array_api_compat as compat
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

# Rows are read a few megabytes at a time, so that a check never costs a copy of the matrix.
_CHUNK_VALUES = 1 << 19
# A unit vector's entries are rounded twice on the way; differences below this are no signal.
_CONSTANT_ULPS = 8


def as_array(x: Any) -> Any:
    """Give an array that the metrics can compute on.

    What lies in ordinary memory (lists, numpy, torch on the CPU, JAX) becomes a numpy array,
    without a copy where the library allows it; torch and CuPy arrays on an accelerator stay there.
    """
    if compat.is_torch_array(x):
        x = x.detach()
        if x.device.type != "cpu":
            return x
        # numpy has no bfloat16.
        return (x.float() if str(x.dtype) == "torch.bfloat16" else x).numpy()
    if compat.is_cupy_array(x):
        return x
    return np.asarray(x)


def as_matrix(x: Any, name: str) -> Any:
    """Give `as_array(x)`; raise ValueError unless it is [items, dimensions] with some of both."""
    x = as_array(x)
    if x.ndim != 2 or 0 in x.shape:
        raise ValueError(f"{name}: expected a matrix [items, dimensions], got shape {(*x.shape,)}")
    return x


def to_numpy(x: Any) -> Any:
    """Copy a result to numpy, from whatever device it is on."""
    if compat.is_torch_array(x):
        return x.detach().cpu().numpy()
    if compat.is_cupy_array(x):
        return x.get()
    return np.asarray(x)


def finite_rows(
    x: Any,
    *,
    name: str = "vectors",
    order: Any = None,
    double: bool = False,
    allow_constant: bool = False,
) -> Any:
    """Give `x` as a floating matrix whose rows can be compared by dot product.

    Args:
        x: [N, D] real numbers. float32 and float64 keep their precision, everything else becomes
            float32.
        name: what the array is, for messages.
        order: [N'] row numbers to take, in that order; None takes all.
        double: compute in and return float64 whatever comes in.
        allow_constant: accept rows that are all the same.

    Returns:
        [N', D] float32 or float64; `x` itself where nothing had to change.

    Raises:
        ValueError: not a matrix, no rows or columns, rows with NaN or infinity, or more than one
            row and all of them equal.
    """
    x = _floating_matrix(x, name, double=double)
    _largest_entries(x, name)
    if not allow_constant:
        _refuse_constant(x, name)
    if order is None:
        return x
    return x[compat.array_namespace(x).asarray(order, device=compat.device(x)), :]


def unit_rows(
    x: Any,
    *,
    name: str = "vectors",
    order: Any = None,
    double: bool = False,
    allow_constant: bool = False,
) -> Any:
    """Scale every row to Euclidean length 1, so that a dot product is a cosine.

    Args:
        x: [N, D] real numbers; see `finite_rows` for the precision.
        name: what the array is, for messages.
        order: [N'] row numbers to take, in that order; None takes all.
        double: compute in and return float64 whatever comes in.
        allow_constant: accept rows that are all the same.

    Returns:
        [N', D] a new array in the library and on the device of `x`.

    Raises:
        ValueError: not a matrix, no rows or columns, rows with NaN or infinity, rows of length
            zero, or more than one row and all of them equal to within rounding.
    """
    x = _floating_matrix(x, name, double=double)
    xp = compat.array_namespace(x)
    device = compat.device(x)
    _refuse_zero_rows(x, name)
    index = None if order is None else xp.asarray(order, device=device)
    count = x.shape[0] if index is None else index.shape[0]
    unit = xp.empty((count, x.shape[1]), dtype=x.dtype, device=device)
    for start, stop in _chunks(count, x.shape[1]):
        part = x[start:stop, :] if index is None else x[index[start:stop], :]
        unit[start:stop, :] = _scaled(part)
    if not allow_constant:
        _refuse_constant(unit, name, slack=_CONSTANT_ULPS)
    return unit


def row_blocks(x: Any, *, name: str = "vectors", unit: bool) -> Iterator[tuple[int, Any]]:
    """Give `x` a few megabytes at a time, checked as a whole before the first block.

    Args:
        x: [N, D] real numbers; see `finite_rows` for the precision.
        name: what the array is, for messages.
        unit: scale every row to length 1, as `unit_rows` does.

    Yields:
        The number of the block's first row, and the block [n, D] in the library of `x`.

    Raises:
        ValueError: not a matrix, no rows or columns, rows with NaN or infinity, or, where they are
            scaled, of length zero.
    """
    x = _floating_matrix(x, name, double=False)
    if unit:
        _refuse_zero_rows(x, name)
    else:
        _largest_entries(x, name)
    for start, stop in _chunks(*map(int, x.shape)):
        part = x[start:stop, :]
        yield start, _scaled(part) if unit else part


def of_one_space(a: Any, b: Any, name_a: str, name_b: str) -> tuple[Any, Any]:
    """Give two checked matrices in one precision, the higher of the two.

    Raises:
        ValueError: different dimensions, or arrays of different libraries or devices.
    """
    if a.shape[1] != b.shape[1]:
        raise ValueError(
            f"{name_a} have {a.shape[1]} dimensions and {name_b} {b.shape[1]}: they are not "
            "vectors of one space"
        )
    xp = compat.array_namespace(a)
    if xp is not compat.array_namespace(b) or compat.device(a) != compat.device(b):
        raise ValueError(
            f"{name_a} are on {compat.device(a)!s} and {name_b} on {compat.device(b)!s}: move them "
            "to one device of one array library"
        )
    dtype = xp.result_type(a, b)
    return xp.astype(a, dtype, copy=False), xp.astype(b, dtype, copy=False)


def _floating_matrix(x: Any, name: str, *, double: bool) -> Any:
    """Check shape and kind; cast to float64 if `double`, else to float32 what is neither."""
    x = as_matrix(x, name)
    xp = compat.array_namespace(x)
    if not xp.isdtype(x.dtype, ("real floating", "integral", "bool")):
        raise ValueError(f"{name}: expected real numbers, got {x.dtype!s}")
    if double:
        return xp.astype(x, xp.float64, copy=False)
    return x if x.dtype in (xp.float32, xp.float64) else xp.astype(x, xp.float32)


def _scaled(part: Any) -> Any:
    """Rows of length 1; none of them may be zero."""
    xp = compat.array_namespace(part)
    # The largest entry is divided out first, so that no square overflows or vanishes.
    part = part / xp.max(xp.abs(part), axis=1, keepdims=True)
    part /= xp.sqrt(xp.sum(part * part, axis=1, keepdims=True))
    return part


def _refuse_zero_rows(x: Any, name: str) -> None:
    largest = _largest_entries(x, name)
    if zero := np.flatnonzero(largest == 0).tolist():
        raise ValueError(
            f"{name}: {_of_rows(zero, len(largest))} of length zero, which has no direction; "
            "drop these items or mend the encoder"
        )


def _largest_entries(x: Any, name: str) -> Any:
    """Give every row's largest magnitude [N] as numpy; refuse NaN and infinity."""
    xp = compat.array_namespace(x)
    largest = np.concatenate(
        [
            to_numpy(xp.max(xp.abs(x[start:stop, :]), axis=1))
            for start, stop in _chunks(*map(int, x.shape))
        ]
    )
    if broken := np.flatnonzero(~np.isfinite(largest)).tolist():
        raise ValueError(f"{name}: {_of_rows(broken, len(largest))} with NaN or infinite values")
    return largest


def _refuse_constant(x: Any, name: str, slack: int = 0) -> None:
    """Refuse a matrix of several rows that are all the same, up to `slack` machine epsilons."""
    xp = compat.array_namespace(x)
    tolerance = slack * float(xp.finfo(x.dtype).eps)
    for start, stop in _chunks(*map(int, x.shape)):
        if float(xp.max(xp.abs(x[start:stop, :] - x[:1, :]))) > tolerance:
            return
    if x.shape[0] > 1:
        raise ValueError(
            f"{name}: all {x.shape[0]} rows are equal (a constant embedding), so nothing can be "
            "ranked by them; the encoder has collapsed or does not look at its input"
        )


def _chunks(rows: int, columns: int) -> Iterator[tuple[int, int]]:
    step = max(1, _CHUNK_VALUES // columns)
    return ((start, min(start + step, rows)) for start in range(0, rows, step))


def _of_rows(rows: list[int], count: int) -> str:
    return f"{len(rows)} of {count} rows (first: row {rows[0]})"
