"""What a plugin shares with everybody else in its process, before and after it did something."""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import random
import signal
import sys
import warnings
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = [
    "changes",
    "new_random_states",
    "random_states",
    "restore",
    "surroundings",
    "undo_inherited",
]


def random_states() -> dict[str, Any]:
    """The states of the global random generators, by name."""
    found: dict[str, Any] = {"the global state of random": random.getstate()}
    if numpy := sys.modules.get("numpy"):
        kind, keys, *rest = numpy.random.get_state()
        found["the global state of numpy.random"] = (kind, keys.tobytes(), *rest)
    if torch := _torch():
        state = torch.get_rng_state().numpy().tobytes()
        found["the global random state of torch"] = state
    return found


def surroundings() -> dict[str, Any]:
    """All else that a whole process shares, by name."""
    root = logging.getLogger()
    found: dict[str, Any] = {
        "the working folder": _folder(),
        "sys.argv": list(sys.argv),
        "sys.path": list(sys.path),
        "sys.stdout": sys.stdout,
        "sys.stderr": sys.stderr,
        "sys.excepthook": sys.excepthook,
        "warnings.filters": list(warnings.filters),
        "the handlers of the root logger": list(root.handlers),
        "the level of the root logger": root.level,
        "os.environ": dict(os.environ),
        "logging.disable": root.manager.disable,
        "gc.disable": gc.isenabled(),
        "sys.setrecursionlimit": sys.getrecursionlimit(),
        "os.umask": _umask(),
        **{f"the handler of {name}": signal.getsignal(number) for name, number in _signals()},
    }
    if socket := sys.modules.get("socket"):
        found["socket.setdefaulttimeout"] = socket.getdefaulttimeout()
    if numpy := sys.modules.get("numpy"):
        found["numpy.seterr"] = numpy.geterr()
        found["numpy.set_printoptions"] = _comparable(numpy.get_printoptions())
    if torch := _torch():
        found["torch.set_default_dtype"] = torch.get_default_dtype()
        found["torch.set_grad_enabled"] = torch.is_grad_enabled()
    return found


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """What differs, each in words."""
    said = []
    for name in before:
        old, new = before[name], after.get(name, {})
        if old == new:
            continue
        if name == "os.environ":
            names = sorted(key for key in old.keys() | new.keys() if old.get(key) != new.get(key))
            said += [f"os.environ[{key!r}]" for key in names]
        else:
            said.append(name)
    return said


def restore(before: Mapping[str, Any]) -> None:
    """Put :func:`surroundings` back as they were."""
    root = logging.getLogger()
    with contextlib.suppress(OSError):
        os.chdir(before["the working folder"])
    sys.argv[:], sys.path[:] = before["sys.argv"], before["sys.path"]
    sys.stdout, sys.stderr = before["sys.stdout"], before["sys.stderr"]
    sys.excepthook = before["sys.excepthook"]
    warnings.filters[:] = before["warnings.filters"]  # type: ignore[index]
    root.handlers[:] = before["the handlers of the root logger"]
    root.setLevel(before["the level of the root logger"])
    root.manager.disable = before["logging.disable"]
    (gc.enable if before["gc.disable"] else gc.disable)()
    sys.setrecursionlimit(before["sys.setrecursionlimit"])
    os.umask(before["os.umask"])
    for name, number in _signals():
        with contextlib.suppress(TypeError, ValueError):  # set by compiled code; another thread
            signal.signal(number, before[f"the handler of {name}"])
    if socket := sys.modules.get("socket"):
        socket.setdefaulttimeout(before.get("socket.setdefaulttimeout"))
    if os.environ != before["os.environ"]:
        os.environ.clear()
        os.environ.update(before["os.environ"])
    if numpy := sys.modules.get("numpy"):
        numpy.seterr(**before["numpy.seterr"])
        options = dict(before["numpy.set_printoptions"])
        numpy.set_printoptions(**{key: value for key, value in options.items() if key != "legacy"})
    if torch := _torch():
        torch.set_default_dtype(before.get("torch.set_default_dtype", torch.float32))
        torch.set_grad_enabled(before.get("torch.set_grad_enabled", True))


def _umask() -> int:
    """Which rights new files don't have: to read it is to set it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _signals() -> list[tuple[str, int]]:
    """Signals that end a process or tell it something, by name."""
    names = ("SIGINT", "SIGTERM", "SIGHUP", "SIGALRM", "SIGCHLD", "SIGUSR1", "SIGUSR2")
    return [(name, getattr(signal, name)) for name in names if hasattr(signal, name)]


def undo_inherited() -> None:
    """Undo what a new process took over from one in which a plugin was loaded already."""
    os.umask(0o022)
    for _, number in _signals():
        if signal.getsignal(number) == signal.SIG_IGN:
            usual = signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
            signal.signal(number, usual)


def _folder() -> str:
    try:
        return os.getcwd()  # noqa: PTH109 - light at listing
    except OSError:
        return ""


def _torch() -> Any:
    """Torch, if somebody imported all of it."""
    torch = sys.modules.get("torch")
    return torch if hasattr(torch, "get_rng_state") else None


def _comparable(options: Mapping[str, Any]) -> list[tuple[str, Any]]:
    return sorted(options.items())


@contextlib.contextmanager
def new_random_states() -> Iterator[dict[str, Any]]:
    """Meanwhile the global random generators have states that nobody had before; yields them.

    A generator that was seeded alike before would not be seen to be seeded again.
    """
    generators: list[tuple[Any, Any]] = [(random.setstate, random.getstate())]
    random.seed(os.urandom(16))
    if numpy := sys.modules.get("numpy"):
        generators.append((numpy.random.set_state, numpy.random.get_state()))
        numpy.random.seed(int.from_bytes(os.urandom(4), "little"))
    if torch := _torch():
        generators.append((torch.set_rng_state, torch.get_rng_state()))
        torch.manual_seed(int.from_bytes(os.urandom(4), "little"))
    try:
        yield random_states()
    finally:
        for put_back, state in generators:
            put_back(state)
