"""Hooks of a plugin that write where they should not: into the system's own folder, and fail."""

import contextlib
from pathlib import Path

MMBENCH_API_VERSION = 1
with contextlib.suppress(OSError):
    Path("/nothing/here.txt").write_text("")
