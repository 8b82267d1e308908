"""What a plugin reads that its vectors may follow: data files, and variables of the environment."""

from __future__ import annotations

import os
import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

__all__ = [
    "CODE",
    "data_files",
    "is_asked_by",
    "is_plain_variable",
    "record_variables",
    "variables_asked",
]

#: Suffixes of code, which versions stand for.
CODE = (".py", ".pyc", ".pyi", ".so", ".pyd", ".dylib", ".dll", ".pth", ".egg-link")
#: Folders of the system: its clocks, names, fonts and libraries.
_SYSTEM = ("/proc", "/sys", "/dev", "/etc", "/run", "/usr", "/lib", "/lib64", "/bin", "/System")
#: Folders in which libraries keep what they compiled or drew up themselves.
_COMPILED = {
    "matplotlib", "fontconfig", "numba", "triton", ".triton", ".nv", "inductor", "__pycache__",
}  # fmt: skip
#: How variables begin and end that are about a machine, a library or how much is said.
_BEGINNINGS = (
    "MMBENCH_", "PYTHON", "LD_", "OMP_", "MKL_", "OPENBLAS_", "NUMEXPR_", "NUMBA_", "CUDA_",
    "NVIDIA_", "TORCH_", "PYTORCH_", "HF_", "TRANSFORMERS_", "TOKENIZERS_", "XDG_", "JAX_", "XLA_",
    "TF_", "SLURM_", "LC_",
)  # fmt: skip
_ENDS = ("_HOME", "_CACHE", "_CACHE_DIR", "_DEBUG", "_VERBOSE", "_THREADS", "_LEVEL", "_PROXY")
_PLAIN = {
    "PATH", "HOME", "LANG", "TMPDIR", "TMP", "TEMP", "USER", "LOGNAME", "RANK", "LOCAL_RANK",
    "WORLD_SIZE", "TERM", "COLUMNS", "CI", "DEBUG",
}  # fmt: skip
#: Modules through which variables are asked for.
_BETWEEN = ("os", "collections.abc", "_collections_abc")


def data_files(read: Iterable[str], own: str, but: Iterable[str]) -> list[str]:
    """Of files that were opened for reading, those that are data: no code, no library's own.

    Args:
        read: Real paths.
        own: The plugin's module: what its package brings counts, wherever it is installed.
        but: Files and folders that don't count.
    """
    package = _folder_of(own)
    installed = {os.path.realpath(path) for path in sysconfig.get_paths().values()}
    mmbench = os.path.realpath(Path(__file__).parents[1])
    passed_over = [*but, mmbench]
    return sorted(
        path
        for path in set(read)
        if Path(path).is_file()
        and not path.endswith(CODE)
        and not _COMPILED & set(Path(path).parts)
        and not any(_is_in(path, folder) for folder in passed_over)
        and ((package and _is_in(path, package)) or not _is_of_a_library(path, installed))
    )


def _folder_of(module: str) -> str:
    """The real folder of a module's package; empty of a module that is in none."""
    top = sys.modules.get(module.partition(".")[0])
    places: list[str] = list(getattr(top, "__path__", ()))
    return os.path.realpath(places[0]) if places and top.__name__ != "mmbench" else ""  # type: ignore[union-attr]


def _is_of_a_library(path: str, installed: set[str]) -> bool:
    """Whether a file belongs to the system, to Python or to an installed library."""
    if {"site-packages", "dist-packages"} & set(Path(path).parts):
        return True
    is_systems = any(_is_in(path, folder) for folder in _SYSTEM) and not _is_in(path, "/usr/local")
    return is_systems or any(
        _is_in(path, folder)
        for folder in installed
        if os.path.basename(folder) != "bin"  # noqa: PTH119
    )


def _is_in(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def is_asked_by(module: str, between: Collection[str]) -> bool:
    """Whether the function that calls this was itself called by a plugin's own code.

    Args:
        module: Of the plugin: all modules of its package are its own.
        between: Modules through which it may have called.
    """
    package = module.partition(".")[0]
    own = "mmbench.builtin" if package == "mmbench" else package
    frame: Any = sys._getframe(2)  # noqa: SLF001 - who asks
    while frame and frame.f_globals.get("__name__") in between:
        frame = frame.f_back
    asking = frame.f_globals.get("__name__", "") if frame else ""
    return f"{asking}.".startswith(f"{own}.")


def record_variables(module: str, is_on: Callable[[], bool]) -> list[str]:
    """From now on, add to a list what a plugin's own code asks of the environment, and return it.

    What libraries ask on its behalf is their own affair.

    Args:
        module: Of the plugin: all modules of its package are its own.
        is_on: Whether it counts at the moment.
    """
    found: list[str] = []
    kind: Any = type(os.environ)
    real = kind.__getitem__

    def reading(environment: Any, name: str) -> Any:
        if is_on() and is_asked_by(module, _BETWEEN):
            found.append(str(name))
        return real(environment, name)

    kind.__getitem__ = reading
    return found


def variables_asked(found: Iterable[str]) -> list[str]:
    """Of variables that were asked for, those that may decide on vectors.

    Who asked for all of them copied the environment, for a new process as a rule.
    """
    names = set(found)
    if names >= set(os.environ):
        names -= set(os.environ)
    return sorted(name for name in names if not is_plain_variable(name))


def is_plain_variable(name: str) -> bool:
    """Whether a variable is about a machine, a library or how much is said."""
    upper = name.upper()
    return upper in _PLAIN or upper.startswith(_BEGINNINGS) or upper.endswith(_ENDS)
