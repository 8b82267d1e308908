"""What importing a plugin's module costs: its time, and the heavy packages that come with it.

Every command imports every installed plugin's module, so what one of them costs, all pay. It is
measured in a process of its own, where nothing but the registry has been imported: this file is
also the script that runs there.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["BUDGET_MS", "HEAVY", "ImportCost", "import_costs"]

#: Packages that have no business in a module that holds specs: each takes a tenth of a second to
#: several seconds.
HEAVY = frozenset(
    {
        "cv2", "datasets", "h5py", "jax", "keras", "laion_clap", "librosa", "matplotlib", "numba",
        "onnxruntime", "open_clip", "pandas", "PIL", "pyarrow", "scipy", "sklearn", "tensorflow",
        "timm", "torch", "torchaudio", "torchvision", "transformers", "trimesh",
    }
)  # fmt: skip
#: What importing one plugin's module may take, all that it imports included; a light one takes one.
BUDGET_MS = 250.0

_LIMIT_S = 60


@dataclass(frozen=True)
class ImportCost:
    """What importing one module costs a process that has imported the registry.

    Attributes:
        milliseconds: Wall time.
        heavy: Packages of :data:`HEAVY` that it imports, by itself or by what it imports.
    """

    milliseconds: float
    heavy: tuple[str, ...]

    @property
    def light(self) -> bool:
        """Whether it is within the budget and imports nothing heavy."""
        return self.milliseconds <= BUDGET_MS and not self.heavy


def import_costs(modules: Iterable[str]) -> dict[str, ImportCost]:
    """Measure modules, each by itself; those that can't be imported are left out.

    A module that takes too long is measured again, lest a cold disk be taken for its fault.
    """
    found = _measure(modules)
    slow = [module for module, cost in found.items() if cost.milliseconds > BUDGET_MS]
    for module, again in (_measure(slow) if slow else {}).items():
        if again.milliseconds < found[module].milliseconds:
            found[module] = again
    return found


def _measure(modules: Iterable[str]) -> dict[str, ImportCost]:
    """Measure in a child that sees our path, and into which nothing was imported yet."""
    asked: dict[str, Any] = {"path": sys.path, "modules": list(modules), "limit": _LIMIT_S}
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter and this very file
            [sys.executable, "-P", "-W", "ignore", __file__],
            input=json.dumps(asked), capture_output=True, text=True, check=False,
            timeout=_LIMIT_S * (1 + len(asked["modules"])),
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return {}
    found = {}
    for line in done.stdout.splitlines():
        module, milliseconds, heavy = json.loads(line)
        found[module] = ImportCost(milliseconds, tuple(heavy))
    return found


def _child() -> None:
    """Answer one JSON line a module on what was standard output: a module may print."""
    answer = os.dup(1)
    os.dup2(2, 1)
    asked = json.load(sys.stdin)
    sys.path[:] = asked["path"]
    importlib.import_module("mmbench.registry")
    for module in asked["modules"]:
        if not hasattr(os, "fork"):  # then what two modules share is the first one's
            _time(module, answer)
            continue
        child = os.fork()  # each finds the process as the registry left it
        if child == 0:
            signal.alarm(asked["limit"])  # ends one that hangs
            try:
                _time(module, answer)
            finally:
                os._exit(0)
        os.waitpid(child, 0)


def _time(module: str, answer: int) -> None:
    before = set(sys.modules)
    start = time.perf_counter()
    try:
        importlib.import_module(module)
    except BaseException:  # noqa: BLE001 - why it fails is the registry's to say
        return
    milliseconds = 1e3 * (time.perf_counter() - start)
    heavy = sorted(HEAVY & (set(sys.modules) - before))
    os.write(answer, f"{json.dumps([module, milliseconds, heavy])}\n".encode())


if __name__ == "__main__":
    _child()
