"""``python -m mmbench``: the same as the command ``mmbench``."""

from __future__ import annotations

from mmbench.cli.main import main

if __name__ == "__main__":
    main()
