"""Reads a tutorial as a person does: commands to type, edits to make, files to write.

``python tutorials.py PAGE NUMBER`` makes the edit of that step in the current folder.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path

_FENCE = re.compile(r'^```(\w+)(?: title="([^"]+)")?\n(.*?)^```$', re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Step:
    """One thing to do: type a command, edit a file, or write one.

    Attributes:
        kind: ``console``, ``diff`` or the language of a new file.
        path: The file, relative to the package's folder.
        text: The commands, the diff or the file.
    """

    kind: str
    path: str
    text: str

    @property
    def commands(self) -> list[str]:
        """What is typed at the prompt."""
        return [line[2:] for line in self.text.splitlines() if line.startswith("$ ")]

    @property
    def edited(self) -> int:
        """Lines that a person types: of a file all that hold something, of a diff what is new."""
        lines = self.text.splitlines()
        if self.kind == "diff":
            lines = [line[1:] for line in lines if line.startswith("+")]
        return sum(bool(line.strip()) for line in lines)


def steps_of(page: Path) -> list[Step]:
    """The steps of a tutorial, in order."""
    found = [Step(*each) for each in _FENCE.findall(page.read_text(encoding="utf-8"))]
    return [step for step in found if step.kind == "console" or step.path]


def edit(step: Step, folder: Path) -> None:
    """Make an edit: each hunk's old lines must stand in the file once."""
    path = folder / step.path
    if step.kind != "diff":
        path.write_text(step.text, encoding="utf-8")
        return
    text = path.read_text(encoding="utf-8")
    for hunk in step.text.split("@@\n"):
        lines = hunk.splitlines(keepends=True)
        old = "".join(line[1:] or "\n" for line in lines if not line.startswith("+"))
        new = "".join(line[1:] or "\n" for line in lines if not line.startswith("-"))
        assert text.count(old) == 1, f"{step.path} holds {text.count(old)} times:\n{old}"
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    edit(steps_of(Path(sys.argv[1]))[int(sys.argv[2])], Path())
