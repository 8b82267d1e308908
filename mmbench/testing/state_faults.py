"""What is wrong with a trained state, and how two of them differ; of whatever was trained."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mmbench.api import State

__all__ = ["difference_of", "plain_fault"]


def plain_fault(state: State) -> str:
    """What can't be written without pickle; empty if nothing is."""
    arrays: Mapping[Any, Any] = state.arrays
    for name, array in arrays.items():
        if not isinstance(name, str):
            return f"the name of an array is {name!r}"
        if not isinstance(array, (np.ndarray, np.generic)):
            return f"{name!r} is a {type(array).__module__}.{type(array).__name__}"
        if array.dtype.hasobject:
            return f"{name!r} is an array of Python objects"
    try:
        json.dumps(state.meta)
    except (TypeError, ValueError) as error:
        return f"meta is not JSON: {error}"
    return ""


def difference_of(first: State, second: State) -> str:
    """How two plain states differ, in words; empty if they are the same to the last bit."""
    for name in sorted(first.arrays.keys() | second.arrays.keys()):
        if name not in first.arrays or name not in second.arrays:
            return f"only one has the array {name!r}"
        one, other = (np.asarray(state.arrays[name]) for state in (first, second))
        if one.dtype != other.dtype or one.shape != other.shape:
            return (
                f"the array {name!r} is {one.dtype} of shape {one.shape}, and {other.dtype} of "
                f"shape {other.shape}"
            )
        if one.tobytes() != other.tobytes():
            return f"the array {name!r} differs{_how_far(one, other)}"
    meta = (dict(first.meta), dict(second.meta))
    for key in sorted(meta[0].keys() | meta[1].keys(), key=str):
        if json.dumps(meta[0].get(key)) != json.dumps(meta[1].get(key)):
            return f"meta[{key!r}] is {meta[0].get(key)!r}, and {meta[1].get(key)!r}"
    return ""


def _how_far(one: Any, other: Any) -> str:
    if one.dtype.kind != "f":
        return ""
    with np.errstate(all="ignore"):
        return f" by up to {float(np.abs(one - other).max()):.3g}"
