"""Files of weights: reads them without running anything in them, and says what does not fit.

For plugins that load checkpoints of torch models (torch 2.6 or newer, and safetensors). Both are
imported when a function needs them: a file's fingerprint needs neither.
"""

from __future__ import annotations

import pickle
import zipfile
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmbench.api.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import torch

__all__ = ["Misfit", "fingerprint", "listed", "load_weights", "read_checkpoint", "read_weights"]

#: So many names are shown of a longer list.
_SHOWN = 4
_BLOCK = 1 << 22


def fingerprint(path: Path) -> str:
    """Hash of a file's bytes, wherever it lies.

    It is made once for each path, size and time of change.

    Args:
        path: The file.

    Returns:
        32 hexadecimal digits (BLAKE2b, 16 bytes).

    Raises:
        OSError: It can't be read.
    """
    state = path.stat()
    return _hash(str(path), state.st_size, state.st_mtime_ns)


@lru_cache(maxsize=64)
def _hash(path: str, size: int, modified: int) -> str:  # noqa: ARG001 - they are the key
    digest = blake2b(digest_size=16)
    with Path(path).open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def read_checkpoint(
    path: Path,
    *,
    plain: Sequence[Any] = (),
    scripted: str = "take the same weights as a state dict, or as safetensors",
) -> Any:
    """What a file of weights holds, on the CPU; nothing in it is run.

    Args:
        path: ``.safetensors``, or what ``torch.save`` wrote. The latter is mapped where it can be:
            an optimizer's state that lies beside the weights is never read.
        plain: Classes of plain values that the file may hold beside tensors, Python's own types
            and NumPy's numbers.
        scripted: What to do if it is a TorchScript program.

    Returns:
        Tensors by name, or whatever was saved.

    Raises:
        DataError: It is broken, or needs code to be read: says which.
    """
    if path.suffix == ".safetensors":
        return _read_safetensors(path)
    import torch

    try:
        with torch.serialization.safe_globals([*plain, *_numpy_numbers()]):
            return torch.load(
                path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path)
            )
    except pickle.UnpicklingError as error:
        what = str(error).partition("GLOBAL ")[2].partition(" was not")[0]
        held = f": it wants to run {what}" if what else ""
        raise DataError(
            f"is refused{held}, which is more than weights", where=str(path),
            fix="only tensors are read from it. If you trust the file, load it yourself and save "
            "its state dict with safetensors.torch.save_file",
        ) from error  # fmt: skip
    except (RuntimeError, EOFError, OSError, ValueError, KeyError) as error:
        if "TorchScript" in str(error):
            raise DataError(
                "is a TorchScript program, which is more than weights", where=str(path),
                fix=scripted,
            ) from error  # fmt: skip
        first = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise DataError(f"can't be read: {first}", where=str(path)) from error


def read_weights(
    path: Path,
    *,
    plain: Sequence[Any] = (),
    wrappers: Sequence[str] = ("module.",),
    scripted: str = "take the same weights as a state dict, or as safetensors",
    fix: str = "it should be a state dict, or have one under the key state_dict",
) -> dict[str, torch.Tensor]:
    """The tensors of a file of weights, by name; nothing in it is run.

    A plain state dict, or one under ``state_dict``, as training loops write it beside other things.

    Args:
        path: As for :func:`read_checkpoint`.
        plain: As for :func:`read_checkpoint`.
        wrappers: What training loops put before every name; it is taken off.
        scripted: As for :func:`read_checkpoint`.
        fix: What to do if it holds no tensors.

    Raises:
        DataError: It is broken, needs code to be read, or holds no tensors.
    """
    import torch

    raw = read_checkpoint(path, plain=plain, scripted=scripted)
    if isinstance(raw, dict) and isinstance(raw.get("state_dict"), dict):
        raw = raw["state_dict"]
    if not isinstance(raw, dict):
        raise DataError(f"holds no weights but a {type(raw).__name__}", where=str(path), fix=fix)
    state = {str(name): value for name, value in raw.items() if isinstance(value, torch.Tensor)}
    if not state:
        keys = ", ".join(str(key) for key in list(raw)[:_SHOWN]) or "nothing"
        raise DataError(f"holds no weights, but {keys}", where=str(path), fix=fix)
    while wrapper := next((w for w in wrappers if all(name.startswith(w) for name in state)), None):
        state = {name.removeprefix(wrapper): value for name, value in state.items()}
    return state


@dataclass(frozen=True)
class Misfit:
    """What does not fit between a file and a module.

    Attributes:
        strange: Names that the module does not have.
        lacking: Names that the file does not have.
        reshaped: Names whose shapes differ, with both.
    """

    strange: tuple[str, ...]
    lacking: tuple[str, ...]
    reshaped: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.strange or self.lacking or self.reshaped)

    def __str__(self) -> str:
        said = (
            listed("the model has no", self.strange),
            listed("the file lacks", self.lacking),
            listed("other shapes:", self.reshaped),
        )
        return "; ".join(filter(None, said))


def load_weights(
    module: torch.nn.Module,
    state: Mapping[str, torch.Tensor],
    *,
    where: str,
    fix: str | Callable[[Misfit], str],
    optional: Callable[[str], bool] = lambda _: False,
) -> None:
    """Load tensors into a module; every one must find its place.

    Args:
        module: Built for the sizes of the state, or of a config.
        state: By the module's names.
        where: The file, for messages.
        fix: What to do if it does not fit, in general or for this misfit.
        optional: Whether a tensor of the module may lack: it keeps its value.

    Raises:
        DataError: It is of another architecture: says which names and shapes don't fit.
    """
    wanted = module.state_dict()
    misfit = Misfit(
        tuple(name for name in state if name not in wanted),
        tuple(name for name in wanted if name not in state and not optional(name)),
        tuple(
            f"{name} is {list(state[name].shape)}, not {list(wanted[name].shape)}"
            for name in wanted
            if name in state and state[name].shape != wanted[name].shape
        ),
    )
    if misfit:
        raise DataError(
            f"the weights are of another architecture: {misfit}", where=where,
            fix=fix if isinstance(fix, str) else fix(misfit),
        )  # fmt: skip
    module.load_state_dict(state, strict=False)  # only what may lack does


def listed(what: str, names: Sequence[str]) -> str:
    """``the file lacks a, b and 3 more``, or nothing where there are no names."""
    if not names:
        return ""
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{what} {', '.join(names[:_SHOWN])}{more}"


def _read_safetensors(path: Path) -> dict[str, torch.Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path, device="cpu")
    except (SafetensorError, OSError) as error:
        raise DataError(f"is no safetensors file: {error}", where=str(path)) from error


def _numpy_numbers() -> list[Any]:
    """What torch must not refuse: NumPy's numbers, such as the best score so far."""
    import numpy as np

    scalar = np.float64(0).__reduce__()[0]
    names = ("numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar")
    kinds = {type(np.dtype(code)) for code in ("f4", "f8", "i4", "i8", "bool")}
    return [*((scalar, name) for name in names), np.dtype, *kinds]
