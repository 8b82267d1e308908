"""The house's floors: a room imports only rooms below it, and light rooms stay light."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import mmbench

ROOT = Path(mmbench.__file__).parent

#: Room to the rooms it may import (besides itself).
BELOW = {
    "api": set(),
    "metrics": set(),
    "results": {"api", "metrics"},
    "protocols": {"api", "metrics", "results"},
    "options": {"api"},
    "import_cost": set(),
    "loading": {"api"},
    "registry": {"api", "options", "loading"},
    "builtin": {"api", "metrics", "results", "protocols"},
    "scaffold": {"api"},
    "runner": {"api", "metrics", "results", "protocols", "options", "registry"},
    "finished": {"api", "results", "registry", "runner"},
    "testing": {"api", "metrics", "results", "protocols", "options", "registry", "runner"}
    | {"loading", "import_cost"},
    "cli": {
        "api",
        "metrics",
        "results",
        "protocols",
        "options",
        "registry",
        "loading",
        "import_cost",
        "scaffold",
        "runner",
        "testing",
    },
}


def imports_of(path: Path) -> set[str]:
    """Rooms of mmbench that a file imports, anywhere in it, type-checking blocks included."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        names = []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module]
            if node.module == "mmbench":
                names = [f"mmbench.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        for name in names:
            parts = name.split(".")
            if parts[0] == "mmbench" and len(parts) > 1 and parts[1] != "__version__":
                found.add(parts[1])
    return found


# __main__ stands above the house: it only opens the door.
FILES = sorted(path for path in ROOT.rglob("*.py") if path.parent != ROOT or path.stem in BELOW)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_down(path):
    room = path.relative_to(ROOT).parts[0].removesuffix(".py")
    assert room in BELOW, f"{path} is in no room of docs/architecture.md"
    assert imports_of(path) <= BELOW[room] | {room}


@pytest.mark.parametrize(
    ("imported", "banned"),
    [
        ("mmbench.api", {"numpy", "torch", "pandas", "click", "rich"}),
        ("mmbench.builtin.plugin", {"numpy", "torch", "pandas", "sklearn"}),
        ("mmbench.cli.main", {"numpy", "torch", "pandas", "sklearn", "rich", "scipy"}),
        ("mmbench.cli.listing", {"numpy", "torch", "pandas", "sklearn", "rich", "scipy"}),
        ("mmbench.cli.scaffolding", {"numpy", "torch", "pandas", "sklearn", "rich", "scipy"}),
    ],
)
def test_light_modules_import_nothing_heavy(imported, banned):
    code = f"import sys, {imported}; print(*sorted(set(sys.modules) & {banned!r}))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.split() == []


def test_nothing_below_the_command_line_prints():
    for path in FILES:
        if path.relative_to(ROOT).parts[0] == "cli":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            called = isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
            assert not (called and node.func.id == "print"), f"{path}:{node.lineno} prints"
