from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Said:
    """What a command line said and how it ended."""

    code: int
    out: str
    err: str


def console_script():
    """The installed command, as a user starts it."""
    script = shutil.which("mmbench", path=str(Path(sys.executable).parent))
    assert script, "mmbench is not installed beside this Python"
    return script
