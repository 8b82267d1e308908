"""Renders the templates of a new plugin's package, and writes it whole or not at all."""

from __future__ import annotations

import os
import shutil
import uuid
from dataclasses import dataclass
from importlib import resources
from string import Template
from typing import TYPE_CHECKING, Literal
from unicodedata import east_asian_width

from mmbench.api.errors import UsageError
from mmbench.scaffold.naming import class_name, distribution_name, package_name

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["LICENCES", "LONGEST_DESCRIPTION", "Blueprint", "check_line", "render", "write_package"]

LICENCES = ("Apache-2.0", "MIT")
#: So that it fits on one line of the code that is written.
LONGEST_DESCRIPTION = 80

_COMMON = {
    "pyproject.toml": "common/pyproject.toml",
    ".gitignore": "common/gitignore",
    ".github/workflows/ci.yml": "common/ci.yml",
    "{package}/py.typed": "common/py.typed",
    "tests/test_conformance.py": "common/test_conformance.py",
    "LICENSE": "common/LICENSE-{licence}",
}
_OWN: dict[str, tuple[str, ...]] = {
    "representation": ("representation.py",),
    "task": ("task.py",),
    "task_with_dataset": ("dataset.py", "task.py"),
}


@dataclass(frozen=True)
class Blueprint:
    """What a new plugin is to be.

    Attributes:
        kind: What it brings.
        name: What users type; checked already.
        author: For the metadata and the licence.
        licence: One of :data:`LICENCES`.
        description: One line.
        year: Of the licence.
        dataset: Whether a task brings a reader for data of its own.
    """

    kind: Literal["representation", "task"]
    name: str
    author: str
    licence: str
    description: str
    year: int
    dataset: bool = False

    @property
    def distribution(self) -> str:
        """The distribution's name, which is its folder's too."""
        return distribution_name(self.name)

    @property
    def package(self) -> str:
        """The package's name."""
        return package_name(self.name)

    @property
    def room(self) -> str:
        """The folder of its templates."""
        return "task_with_dataset" if self.dataset else self.kind


def check_line(text: str, what: str, *, longest: int) -> str:
    """The text, if it can stand in a line of code and of metadata as it is.

    Raises:
        UsageError: It is empty, too long, or has characters that would have to be escaped.
    """
    text = text.strip()
    if not text:
        raise UsageError("is empty", where=what, fix="write a few words, or leave it out")
    columns = sum(2 if east_asian_width(character) in "WF" else 1 for character in text)
    if columns > longest:
        raise UsageError(
            f"is {columns} columns wide; {longest} will fit", where=what, fix="shorten it"
        )
    bad = sorted({c for c in text if not c.isprintable() or c in '"\\'})
    if bad:
        shown = ", ".join(map(ascii, bad))
        raise UsageError(f"holds {shown}", where=what, fix="write it without")
    return text


def render(blueprint: Blueprint) -> dict[str, str]:
    """The files of a new plugin: path inside its folder to text."""
    values = _values(blueprint)
    files = {
        target.format_map(values): template.format_map(values)
        for target, template in _COMMON.items()
    }
    files["README.md"] = f"{blueprint.room}/README.md"
    files[f"{blueprint.package}/__init__.py"] = f"{blueprint.room}/init.py"
    files |= {
        f"{blueprint.package}/{name}": f"{blueprint.room}/{name}" for name in _OWN[blueprint.room]
    }
    return {target: _filled(template, values) for target, template in sorted(files.items())}


def write_package(folder: Path, files: Mapping[str, str]) -> None:
    """Write the files to a new folder: aside first, so that a failure leaves nothing of it.

    Raises:
        UsageError: The folder is there already, or it can't be written.
    """
    if os.path.lexists(folder):
        raise UsageError(
            "is there already, and is left as it is",
            where=str(folder),
            fix="choose another name or another --into",
        )
    aside = folder.with_name(f".{folder.name}.{uuid.uuid4().hex}.tmp")
    try:
        for name, text in files.items():
            path = aside / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
        aside.rename(folder)
    except OSError as error:
        raise UsageError(
            f"can't be written: {error.strerror or error}",
            where=str(folder),
            fix="choose another folder: --into DIR",
        ) from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _values(blueprint: Blueprint) -> dict[str, str]:
    """What stands for what in the templates."""
    return {
        "name": blueprint.name,
        "distribution": blueprint.distribution,
        "package": blueprint.package,
        "encoder": class_name(blueprint.name, "Encoder"),
        "task": class_name(blueprint.name, "Task"),
        "dataset": class_name(blueprint.name, "Dataset"),
        "author": blueprint.author,
        "licence": blueprint.licence,
        "description": blueprint.description,
        "year": str(blueprint.year),
    }


def _filled(template: str, values: Mapping[str, str]) -> str:
    place = resources.files("mmbench.scaffold") / "templates" / f"{template}.tmpl"
    return Template(place.read_text(encoding="utf-8")).substitute(values)
