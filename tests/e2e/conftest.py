from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def mmbench():
    """Start the installed command in a process of its own, with these plugins beside our own."""
    script = shutil.which("mmbench", path=str(Path(sys.executable).parent))
    assert script, "mmbench is not installed beside this Python"

    def start(*arguments, cwd, code=0, plugins=""):
        done = subprocess.run(
            [script, *map(str, arguments)],
            cwd=cwd,
            env={
                **os.environ,
                "MMBENCH_LOAD_PLUGINS": plugins,
                "MMBENCH_CACHE": str(cwd / "cache"),
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=280,
        )
        assert done.returncode == code, done.stderr
        return done.stdout

    return start
