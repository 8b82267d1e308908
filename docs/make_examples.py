"""Write docs/examples from the tutorials: `python docs/make_examples.py`.

An example is what a tutorial arrives at: the package that its `mmbench plugin new` writes, with its
edits made. A test holds that they are up to date.
"""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from pathlib import Path

from mmbench.cli.main import run_cli

sys.path.insert(0, str(Path(__file__).parent))

from tutorials import edit, steps_of

DOCS = Path(__file__).parent
TUTORIALS = ("tutorial-representation.md", "tutorial-task.md")


def write(page: Path, into: Path) -> Path:
    """Write the package that a tutorial arrives at; returns its folder."""
    steps = steps_of(page)
    typed = [command for step in steps if step.kind == "console" for command in step.commands]
    new = next(command for command in typed if command.startswith("mmbench plugin new "))
    folder = into / next(c.removeprefix("cd ") for c in typed if c.startswith("cd "))
    code = run_cli([*shlex.split(new)[1:], "--into", str(into)])
    assert code == 0, f"{new!r} ended with {code}"
    for step in steps:
        if step.kind != "console":
            edit(step, folder)
    return folder


if __name__ == "__main__":
    os.environ["MMBENCH_LOAD_PLUGINS"] = ""  # an installed example must not hold its own name
    for name in TUTORIALS:
        examples = DOCS / "examples"
        for step in steps_of(DOCS / name):
            for command in step.commands:
                if command.startswith("cd "):
                    shutil.rmtree(examples / command[3:], ignore_errors=True)
        examples.mkdir(exist_ok=True)
        write(DOCS / name, examples)
