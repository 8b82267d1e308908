"""Names of new plugins: what users type, the distribution, the package, the class."""

from __future__ import annotations

import keyword
import re
import sys
import unicodedata
from typing import TYPE_CHECKING

from mmbench.api.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["LONGEST", "check_name", "class_name", "distribution_name", "package_name"]

#: So that no line of what is written grows beyond 100 columns.
LONGEST = 28
_PATTERN = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
_RULE = "lower-case letters, digits and single hyphens, beginning with a letter"
_PREFIX = "mmbench-"


def distribution_name(name: str) -> str:
    """What ``pip install`` is told: ``mmbench-mean-colour``."""
    return name if name.startswith(_PREFIX) else _PREFIX + name


def package_name(name: str) -> str:
    """What Python imports: ``mmbench_mean_colour``."""
    return distribution_name(name).replace("-", "_")


def class_name(name: str, suffix: str) -> str:
    """``MeanColour`` and a suffix, which keeps it apart from mmbench's own classes."""
    parts = name.removeprefix(_PREFIX).split("-")
    return "".join(part[0].upper() + part[1:] for part in parts) + suffix


def check_name(name: str, taken: Mapping[str, str], *, suffix: str) -> None:
    """Refuse what can't be the name of a new plugin.

    Args:
        name: What users are to type.
        taken: Registered names, and what holds each: ``"a task of mmbench"``.
        suffix: What a suggestion may end with: ``"encoder"``.

    Raises:
        UsageError: Says what is wrong with it and suggests one that will do.
    """
    wrong = _fault(name, taken)
    if wrong:
        better = _suggestion(name, taken, suffix)
        raise UsageError(wrong, where=f"name {name!r}", fix=f"{better!r} would do")


def _fault(name: str, taken: Mapping[str, str]) -> str:
    """What is wrong with a name; empty if nothing is."""
    module = name.replace("-", "_")
    faults = {
        f"a plugin's name is made of {_RULE}": not _PATTERN.fullmatch(name),
        f"has {len(name)} characters; a plugin's name has {LONGEST} at most": len(name) > LONGEST,
        "is a keyword of Python": keyword.iskeyword(module),
        "is the name of a module of Python's standard library": module in sys.stdlib_module_names,
        "is mmbench's own name": name == "mmbench",
        f"is the name of {taken.get(name)}": name in taken,
    }
    return next((what for what, so in faults.items() if so), "")


def _suggestion(name: str, taken: Mapping[str, str], suffix: str) -> str:
    """The nearest name that will do."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    plain = re.sub(r"(?<=[a-z0-9])(?=[A-Z][a-z])", "-", plain)  # MeanColour
    words = re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")
    if not words[:1].isalpha():
        words = f"my-{words or suffix}"
    short = words[:LONGEST].rstrip("-")
    room = words[: LONGEST - len(suffix) - 1].rstrip("-")
    candidates = [short, f"{room}-{suffix}", f"my-{words}"[:LONGEST].rstrip("-")]
    candidates += [f"{room}-{number}" for number in range(2, 100)]
    return next((each for each in candidates if not _fault(each, taken)), f"my-{suffix}")
